//! Entry points as the core sees them: which peers are trusted, and how a request's head is made
//! safe before it is routed.
use alloc::{boxed::Box, string::ToString, sync::Arc};
use bytes::Bytes;
use core::{fmt, net::SocketAddr};
use http::HeaderValue;
use ipnet::IpNet;

pub mod connection;
pub mod forwarded;
pub mod proxy_protocol;
pub mod sanitize;

/// Index of an entry point in the plan's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPointId(pub u16);

/// What of an entry point bears on decisions about requests.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryPoint {
    /// Its name.
    pub name: Arc<str>,
    /// Peers whose forwarded headers are believed.
    pub forwarded_trust: Trust,
    /// Header `X-Forwarded-Server`: this machine's name.
    pub hostname: HeaderValue,
    /// Whether paths go through as sent (`compat.traefik21`) or are cleaned first.
    pub raw_paths: bool,
}

/// A set of peers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trust {
    /// Everybody.
    pub insecure: bool,
    /// Networks.
    pub networks: Box<[IpNet]>,
}

impl Trust {
    /// Whether the peer at `address` is in the set. IPv4-mapped addresses count as IPv4.
    #[must_use]
    pub fn includes(&self, address: core::net::IpAddr) -> bool {
        let address = address.to_canonical();
        self.insecure || self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Both ends of a client's connection, with what every request on it needs of them as headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The client, as told by a trusted PROXY header where there is one.
    pub address: SocketAddr,
    /// Our side.
    pub local: SocketAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// The name of the TLS options that it is spoken under, where TLS ends here.
    pub tls_options: Option<Arc<str>>,
    /// The client's certificates, if it showed any.
    pub certificates: Option<Certificates>,
    /// The client's address as text, without zone or port.
    pub(crate) ip: HeaderValue,
}

impl Peer {
    /// The ends of one connection. Made once a connection, cloned for every request on it.
    #[must_use]
    pub fn new(address: SocketAddr, local: SocketAddr, tls: bool) -> Self {
        let text = address.ip().to_canonical().to_string();
        // An address has no character that a header cannot carry.
        let ip = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("unknown"));
        Self { address, local, tls, tls_options: None, certificates: None, ip }
    }
}

/// A client's chain of certificates, in DER, its own first. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificates(Arc<[Bytes]>);

impl Certificates {
    /// A chain; `None`: it is empty.
    pub fn new(chain: impl IntoIterator<Item = Bytes>) -> Option<Self> {
        let chain: Arc<[Bytes]> = chain.into_iter().collect();
        (!chain.is_empty()).then_some(Self(chain))
    }

    /// The certificates, the client's own first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.iter().map(|der| &**der)
    }
}

/// How many there are: who a client is belongs into no log.
impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} certificates", self.0.len())
    }
}
