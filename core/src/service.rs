//! Compiled services, and their instances in routers.
//!
//! A service is compiled once; every router that refers to it has its own [`Instance`], with its own
//! balancer positions (compat: services.md "A service is built once per referencing router").
use crate::cells::{BalancerId, MirrorId};
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::time::Duration;
use http::{HeaderMap, HeaderValue, uri::Authority};

pub use load_balancer::LoadBalancer;

pub mod balancer;
pub mod health;
pub mod health_check;
pub mod load_balancer;
pub mod mirror;
pub mod server;
pub mod sticky;
pub mod transport;

/// A service as one router uses it: a tree whose leaves are load balancers.
#[derive(Debug)]
pub enum Instance {
    /// `ping@internal`: 200 `OK`, 503 while terminating.
    Ping,
    /// Servers taken in turn.
    LoadBalancer {
        /// The definition.
        service: Arc<LoadBalancer>,
        /// This router's position in it.
        balancer: BalancerId,
    },
    /// Services by weight.
    Weighted {
        /// The definition.
        service: Arc<Weighted>,
        /// This router's position in it.
        balancer: BalancerId,
        /// The children, in the order of the definition.
        children: Box<[Self]>,
    },
    /// A main service, and mirrors that get copies.
    Mirroring {
        /// The definition.
        service: Arc<Mirroring>,
        /// This router's counters.
        mirror: MirrorId,
        /// The service whose answer counts.
        main: Box<Self>,
        /// The mirrors, in the order of the definition; at most 64.
        mirrors: Box<[Arc<Self>]>,
    },
}

impl Instance {
    /// Collects the names of sticky cookies in the whole tree.
    pub fn sticky_names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Ping => {}
            Self::LoadBalancer { service, .. } => {
                names.extend(service.sticky.as_ref().map(|it| &*it.name))
            }
            Self::Weighted { service, children, .. } => {
                names.extend(service.sticky.as_ref().map(|it| &*it.name));
                for child in children {
                    child.sticky_names(names);
                }
            }
            Self::Mirroring { main, .. } => main.sticky_names(names),
        }
    }
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// HTTP/1.1 in clear text.
    Http,
    /// HTTP/1.1 or HTTP/2 over TLS.
    Https,
    /// HTTP/2 in clear text by prior knowledge.
    H2c,
}

/// One server of a load balancer.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// `scheme://authority`, as in logs and the API.
    pub url: Arc<str>,
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Host and port (the port always present), without user information.
    pub authority: Authority,
    /// The Host header where the client's is not passed: host and port as written.
    pub host: HeaderValue,
    /// The value of a sticky cookie that names this server: an opaque hash.
    pub cookie: Arc<str>,
    /// From user information in the URL: an `Authorization` header where the request has none.
    pub authorization: Option<HeaderValue>,
    /// How it is reached; `None`: as all servers of the process.
    pub transport: Option<Arc<transport::ServersTransport>>,
}

/// Services by weight.
#[derive(Debug)]
pub struct Weighted {
    /// Qualified name.
    pub name: Arc<str>,
    /// The children's names as written (values of the sticky cookie), and their weights.
    pub children: Box<[(Arc<str>, u32)]>,
    /// Session affinity.
    pub sticky: Option<sticky::Sticky>,
}

/// A main service and its mirrors.
#[derive(Debug)]
pub struct Mirroring {
    /// Qualified name.
    pub name: Arc<str>,
    /// Bytes of a request body kept for the mirrors; a longer one is not mirrored.
    pub body_bytes_max: u64,
    /// The mirrors' shares in percent.
    pub percents: Box<[u8]>,
}

/// What the health checker sends to each server.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthCheck {
    /// Scheme instead of the server's.
    pub scheme: Option<Scheme>,
    /// Path and query, with its leading slash.
    pub path: http::uri::PathAndQuery,
    /// Port instead of the server's.
    pub port: Option<u16>,
    /// Host header instead of the server's.
    pub hostname: Option<HeaderValue>,
    /// Further headers.
    pub headers: HeaderMap,
    /// Between two rounds.
    pub interval: Duration,
    /// For one answer.
    pub timeout: Duration,
    /// Whether redirects are followed (at most 10).
    pub follow_redirects: bool,
}
