//! One worker: one thread's share of connections, with upstream connections of its own.
use crate::{
    access_log,
    clock::Clock,
    entry_point,
    live::{Held, Local},
    mirror,
    net::Net,
    proxy::{Proxy, Sockets},
    relay::Scratch,
    tls::Handshakes,
    udp,
    upstream::Upstreams,
    verify::Verifier,
};
use futures_util::future::{join, join_all};
use rutter_core::entry_point::EntryPointId;
use std::{cell::Cell, rc::Rc, sync::Arc};
use tokio::sync::Notify;

/// What everything on one worker shares.
pub(crate) struct Worker<N: Net> {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) clock: Clock,
    pub(crate) net: N,
    pub(crate) upstreams: Upstreams<N>,
    pub(crate) handshakes: Handshakes,
    pub(crate) scratch: Scratch,
    pub(crate) log: Option<access_log::Local>,
    /// Copies for mirrors under way.
    pub(crate) mirrors: Cell<usize>,
    pub(crate) mirrors_done: Notify,
    live: Local,
    entropy: Cell<u64>,
    pub(crate) verifier: Verifier,
}

impl<N: Net> Worker<N> {
    /// What is in force now.
    pub(crate) fn live(&self) -> Rc<Held> {
        self.live.load(&self.proxy.live)
    }

    /// Lets go of every plan as soon as another is in force, requests or none: a plan can be large, and
    /// what was taken out of it may have been a secret.
    async fn follow(self: Rc<Self>) {
        let mut published = self.proxy.published.subscribe();
        while published.changed().await.is_ok() {
            self.live();
        }
    }

    /// The next word of randomness: splitmix64, so that a seed gives the same words anywhere.
    pub(crate) fn entropy(&self) -> u64 {
        let state = self.entropy.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.entropy.set(state);
        let word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

/// Serves until the proxy has terminated.
pub(crate) async fn serve<N: Net>(
    proxy: Arc<Proxy>,
    net: N,
    clock: Clock,
    index: usize,
    sockets: Sockets<N>,
) {
    let seed = proxy.settings.seed ^ (index as u64).wrapping_mul(0xd134_2543_de82_ef95);
    let worker = Rc::new(Worker {
        clock,
        upstreams: Upstreams::new(net.clone(), clock, &proxy),
        net,
        handshakes: Handshakes::default(),
        scratch: Scratch::default(),
        log: proxy.access_log.clone().map(|handle| access_log::Local::new(handle, clock)),
        mirrors: Cell::new(0),
        mirrors_done: Notify::new(),
        live: Local::new(&proxy.live),
        entropy: Cell::new(seed),
        verifier: Verifier::new(clock, seed),
        proxy,
    });
    let follower = tokio::task::spawn_local(Rc::clone(&worker).follow());
    let reaper = tokio::task::spawn_local(worker.upstreams.reaper());
    let Sockets { listeners, datagrams } = sockets;
    let listening = listeners
        .into_iter()
        .zip(0..)
        .map(|(listener, id)| entry_point::run(Rc::clone(&worker), EntryPointId(id), listener));
    let hearing = datagrams
        .into_iter()
        .zip(0..)
        .map(|(datagrams, id)| udp::run(Rc::clone(&worker), EntryPointId(id), datagrams));
    join(join_all(listening), join_all(hearing)).await;
    mirror::finish(&worker).await;
    follower.abort();
    reaper.abort();
    if let Some(log) = &worker.log {
        log.flush();
    }
}
