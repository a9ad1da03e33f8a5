//! The proxy under test: the shell's own code on a simulated host.
use crate::world::World;
use std::{cell::Cell, rc::Rc, time::Duration};

/// The proxy's host name.
pub const HOST: &str = "proxy";
/// The port of its entry point.
pub const PORT: u16 = 80;

/// What a proxy starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    dynamic: String,
    workers: usize,
    dial_timeout: Option<Duration>,
    response_header_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    accept_grace: Option<Duration>,
    grace: Option<Duration>,
}

macro_rules! options { ($($(#[$doc:meta])* $name:ident;)*) => { $(
    $(#[$doc])*
    #[must_use]
    pub const fn $name(mut self, time: Duration) -> Self {
        self.$name = Some(time);
        self
    })* }
}

impl Setup {
    /// One worker, every option at its default, and this dynamic configuration in YAML.
    #[must_use]
    pub fn new(dynamic: &str) -> Self {
        Self {
            dynamic: dynamic.to_owned(),
            workers: 1,
            dial_timeout: None,
            response_header_timeout: None,
            read_timeout: None,
            idle_timeout: None,
            accept_grace: None,
            grace: None,
        }
    }

    /// So many workers.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    options! {
        /// Option `serversTransport.forwardingTimeouts.dialTimeout`.
        dial_timeout;
        /// Option `serversTransport.forwardingTimeouts.responseHeaderTimeout`.
        response_header_timeout;
        /// Option `transport.respondingTimeouts.readTimeout`.
        read_timeout;
        /// Option `transport.respondingTimeouts.idleTimeout`.
        idle_timeout;
        /// Option `transport.lifeCycle.requestAcceptGraceTimeout`.
        accept_grace;
        /// Option `transport.lifeCycle.graceTimeOut`.
        grace;
    }
}

/// A running proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    ended: Rc<Cell<bool>>,
}

impl Proxy {
    /// Replaces the whole dynamic configuration, as a provider does.
    pub fn apply(&self, _dynamic: &str) {}

    /// Begins the shutdown, as SIGTERM does.
    pub fn terminate(&self) {}

    /// Whether the process has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Waits for the end of the process.
    pub async fn ended(&self) {
        while !self.has_ended() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl World {
    /// Adds the proxy.
    pub fn proxy(&mut self, setup: Setup) -> Proxy {
        let _ = setup;
        Proxy { ended: Rc::default() }
    }
}
