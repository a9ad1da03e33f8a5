//! Servers with TLS settings of their own: a connection is shared only under the same settings.
use super::{pool::Host, stays, tls};
use crate::net::Net;
use foldhash::fast::FixedState;
use rutter_core::{
    service::transport::{ServersTransport, TransportId},
    time::Instant,
};
use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc, time::Duration};

/// One worker's connections to them.
pub(super) struct Own<N: Net> {
    hosts: RefCell<HashMap<Key, Rc<Host<N>>, FixedState>>,
    tls: RefCell<HashMap<TransportId, Arc<tls::Configs>, FixedState>>,
}

/// Settings and URL.
type Key = (TransportId, Arc<str>);

impl<N: Net> Default for Own<N> {
    fn default() -> Self {
        Self { hosts: RefCell::default(), tls: RefCell::default() }
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
        Rc::clone(hosts.entry((id, Arc::clone(url))).or_insert_with(make))
    }

    /// What connections under these settings are made with.
    pub(super) fn tls(&self, transport: &Arc<ServersTransport>) -> Arc<tls::Configs> {
        let mut configs = self.tls.borrow_mut();
        let make = || Arc::new(tls::Configs::own(Arc::clone(transport)));
        Arc::clone(configs.entry(transport.id()).or_insert_with(make))
    }

    /// Closes what has been idle for too long, and forgets settings that no server uses.
    pub(super) fn reap(&self, now: Instant, timeout: Option<Duration>) {
        let mut hosts = self.hosts.borrow_mut();
        hosts.retain(|_, host| stays(host, now, timeout));
        self.tls.borrow_mut().retain(|id, _| hosts.keys().any(|(of, _)| of == id));
    }
}
