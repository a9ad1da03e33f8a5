//! What the shell is told at its start and never changes.
use rutter_core::{
    entry_point::{self, Trust, connection::Timeouts},
    provider::internal::Internal,
    service::transport::Limits,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// The static part of a proxy.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The entry points; their index is their `EntryPointId`.
    pub entry_points: Vec<EntryPoint>,
    /// Those of UDP; their index is their `EntryPointId` among them.
    pub udp_entry_points: Vec<UdpEntryPoint>,
    /// How servers are spoken to.
    pub transport: Transport,
    /// What the process itself offers.
    pub internal: Internal,
    /// How long provider messages are gathered before they are applied.
    pub throttle: Duration,
    /// Where each worker's randomness comes from.
    pub seed: u64,
}

/// Where clients connect.
#[derive(Clone, Debug)]
pub struct EntryPoint {
    /// What the core knows of it.
    pub core: entry_point::EntryPoint,
    /// What to listen on; port 0: any free one.
    pub address: SocketAddr,
    /// Peers whose PROXY header is believed; `None`: none is looked for.
    pub proxy_protocol: Option<Trust>,
    /// Limits of its connections.
    pub timeouts: Timeouts,
    /// The most bytes of a request's head.
    pub header_bytes_max: usize,
    /// How long connections are accepted after the signal to stop.
    pub accept_grace: Duration,
    /// How long work in flight may take after that.
    pub grace: Duration,
}

impl Settings {
    /// The names of the entry points of UDP, as plans know them.
    #[must_use]
    pub fn udp_names(&self) -> Arc<[Arc<str>]> {
        self.udp_entry_points.iter().map(|it| Arc::clone(&it.name)).collect()
    }
}

impl EntryPoint {
    /// An entry point with the default limits.
    #[must_use]
    pub fn new(core: entry_point::EntryPoint, address: SocketAddr) -> Self {
        Self {
            core,
            address,
            proxy_protocol: None,
            timeouts: Timeouts {
                read: Some(Duration::from_secs(60)),
                write: None,
                idle: Some(Duration::from_secs(180)),
            },
            header_bytes_max: 1 << 20,
            accept_grace: Duration::ZERO,
            grace: Duration::from_secs(10),
        }
    }
}

/// Where datagrams come in.
#[derive(Clone, Debug)]
pub struct UdpEntryPoint {
    /// Its name, e.g. `dns`.
    pub name: Arc<str>,
    /// What to listen on; port 0: any free one.
    pub address: SocketAddr,
    /// How long a session lasts in silence.
    pub timeout: Duration,
    /// Sessions of each worker, at most: each has a socket.
    pub sessions_max: usize,
    /// How long new clients are heard after the signal to stop.
    pub accept_grace: Duration,
    /// How long sessions may go on after that.
    pub grace: Duration,
}

impl UdpEntryPoint {
    /// An entry point with the default limits.
    #[must_use]
    pub const fn new(name: Arc<str>, address: SocketAddr) -> Self {
        Self {
            name,
            address,
            timeout: Duration::from_secs(3),
            sessions_max: 4096,
            accept_grace: Duration::ZERO,
            grace: Duration::from_secs(10),
        }
    }
}

/// How servers are spoken to. Compat: static-config.md "serversTransport".
#[derive(Clone, Debug)]
pub struct Transport {
    /// Takes any certificate.
    pub insecure_skip_verify: bool,
    /// Certificates (PEM) to trust instead of the system's.
    pub root_cas: Vec<Vec<u8>>,
    /// Idle connections kept for each server by each worker.
    pub idle_per_host_max: usize,
    /// For a connection.
    pub dial_timeout: Option<Duration>,
    /// Between a request's end and its response's head.
    pub response_header_timeout: Option<Duration>,
    /// How long an idle connection is kept.
    pub idle_timeout: Option<Duration>,
}

impl Transport {
    /// Its limits alone.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        Limits {
            idle_per_host_max: self.idle_per_host_max,
            dial_timeout: self.dial_timeout,
            response_header_timeout: self.response_header_timeout,
            idle_timeout: self.idle_timeout,
        }
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self {
            insecure_skip_verify: false,
            root_cas: Vec::new(),
            idle_per_host_max: 200,
            dial_timeout: Some(Duration::from_secs(30)),
            response_header_timeout: None,
            idle_timeout: Some(Duration::from_secs(90)),
        }
    }
}
