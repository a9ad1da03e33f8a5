//! Servers with settings of their own: a connection is shared only under the same settings.
use super::{pool::Host, stays, tls};
use crate::net::Net;
use foldhash::fast::FixedState;
use rutter_core::{
    service::transport::{ServersTransport, TransportId},
    time::Instant,
};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    future::Future,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::sync::Notify;

/// One worker's connections to them.
pub(super) struct Own<N: Net> {
    hosts: RefCell<HashMap<Key, Rc<Host<N>>, FixedState>>,
    tls: Configs,
    added: Notify,
}

/// What connections are made with, under each of the settings that are in use.
#[derive(Default)]
pub(crate) struct Configs(RefCell<HashMap<TransportId, Arc<tls::Configs>, FixedState>>);

/// Settings and URL.
type Key = (TransportId, Arc<str>);

impl<N: Net> Default for Own<N> {
    fn default() -> Self {
        Self { hosts: RefCell::default(), tls: Configs::default(), added: Notify::new() }
    }
}

impl<N: Net> Own<N> {
    /// The connections to a server.
    pub(super) fn host(
        &self,
        id: TransportId,
        url: &Arc<str>,
        make: impl FnOnce() -> Rc<Host<N>>,
    ) -> Rc<Host<N>> {
        let mut hosts = self.hosts.borrow_mut();
        let host = hosts.entry((id, Arc::clone(url))).or_insert_with(|| {
            self.added.notify_one();
            make()
        });
        Rc::clone(host)
    }

    /// What connections under these settings are made with.
    pub(super) fn tls(&self, transport: &Arc<ServersTransport>) -> Arc<tls::Configs> {
        self.tls.get(transport)
    }

    /// Waits until a server was added.
    pub(super) fn added(&self) -> impl Future<Output = ()> {
        self.added.notified()
    }

    /// The shortest time after which a connection has been idle for too long.
    pub(super) fn shortest(&self) -> Option<Duration> {
        self.hosts.borrow().values().filter_map(|host| host.idle_timeout()).min()
    }

    /// Closes what has been idle for too long, and forgets settings that no server uses.
    pub(super) fn reap(&self, now: Instant) {
        let mut hosts = self.hosts.borrow_mut();
        hosts.retain(|_, host| stays(host, now));
        let used: BTreeSet<TransportId> = hosts.keys().map(|(id, _)| *id).collect();
        self.tls.keep(|id| used.contains(&id));
    }
}

impl Configs {
    /// Those of a transport.
    pub(crate) fn get(&self, transport: &Arc<ServersTransport>) -> Arc<tls::Configs> {
        let mut configs = self.0.borrow_mut();
        let make = || Arc::new(tls::Configs::own(Arc::clone(transport)));
        Arc::clone(configs.entry(transport.id()).or_insert_with(make))
    }

    /// Forgets all others.
    pub(crate) fn keep(&self, used: impl Fn(TransportId) -> bool) {
        self.0.borrow_mut().retain(|id, _| used(*id));
    }
}
