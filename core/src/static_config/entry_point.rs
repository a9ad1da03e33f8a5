//! Entry points as configured.
use super::{address::Address, words};
use crate::{config::scalar::Duration, entry_point::Trust};
use serde::Deserialize;

/// Where requests come in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryPoint {
    /// Where it listens.
    pub address: Address,
    /// Timeouts and the way to stop.
    #[serde(default)]
    pub transport: Transport,
    /// Peers whose PROXY header is believed; none: such headers are not looked for.
    #[serde(default, deserialize_with = "words::trust_if_any")]
    pub proxy_protocol: Option<Trust>,
    /// Peers whose forwarded headers are believed.
    #[serde(default, deserialize_with = "words::trust")]
    pub forwarded_headers: Trust,
    /// Limits of HTTP.
    #[serde(default)]
    pub http: Http,
    /// Sessions, where the address is one of UDP.
    #[serde(default)]
    pub udp: Udp,
}

impl EntryPoint {
    /// An entry point with all defaults.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self {
            address,
            transport: Transport::default(),
            proxy_protocol: None,
            forwarded_headers: Trust::default(),
            http: Http::default(),
            udp: Udp::default(),
        }
    }
}

/// Timeouts and the way to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Transport {
    /// The way to stop.
    pub life_cycle: LifeCycle,
    /// Timeouts towards clients.
    pub responding_timeouts: RespondingTimeouts,
}

/// The way to stop. Compat: http.md "Graceful shutdown".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LifeCycle {
    /// Goes on accepting for so long after the stop signal.
    pub request_accept_grace_timeout: Duration,
    /// Then waits so long for what is in flight.
    #[serde(rename = "graceTimeOut")]
    pub grace_timeout: Duration,
}

impl Default for LifeCycle {
    fn default() -> Self {
        Self {
            request_accept_grace_timeout: Duration::default(),
            grace_timeout: Duration::from_secs(10),
        }
    }
}

/// Timeouts towards clients; see [`Duration::limit`] for "0: no limit".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RespondingTimeouts {
    /// For a whole request with its body. 0: no limit.
    pub read_timeout: Duration,
    /// For a whole response. 0: no limit.
    pub write_timeout: Duration,
    /// For an idle connection. 0: no limit.
    pub idle_timeout: Duration,
}

impl Default for RespondingTimeouts {
    fn default() -> Self {
        Self {
            read_timeout: Duration::from_secs(60),
            write_timeout: Duration::default(),
            idle_timeout: Duration::from_secs(180),
        }
    }
}

/// Limits of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Http {
    /// Bytes of a request's header; more is answered 431.
    pub max_header_bytes: usize,
}

impl Default for Http {
    fn default() -> Self {
        Self { max_header_bytes: 1 << 20 }
    }
}

/// Sessions of UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Udp {
    /// How long a session lasts in silence. Never 0.
    pub timeout: Duration,
}

impl Default for Udp {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(3) }
    }
}
