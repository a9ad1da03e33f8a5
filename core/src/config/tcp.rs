//! TCP routers and services as written. Compat: services.md "TCP services", tls.md, rules.md "TCP rule".
use super::http::{Domain, WeightedService};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A TCP router.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Router {
    /// Entry points it is attached to; empty: all.
    pub entry_points: Vec<String>,
    /// The service that connections go to.
    pub service: String,
    /// The rule, e.g. ``HostSNI(`db.example`)``.
    pub rule: String,
    /// 0: the length of the rule.
    pub priority: i64,
    /// Present: takes TLS connections only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<RouterTls>,
}

/// TLS settings of a TCP router.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouterTls {
    /// Hands the connection on as it came, still encrypted.
    pub passthrough: bool,
    /// Name of the TLS options; empty: `default`.
    pub options: String,
    /// Name of the certificate resolver.
    pub cert_resolver: String,
    /// Domains to ask certificates for.
    pub domains: Vec<Domain>,
}

/// A TCP service: exactly one of the two must be there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Service {
    /// Servers behind a balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,
    /// Services by weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted: Option<Weighted>,
}

/// Servers taken in turn.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LoadBalancer {
    /// The servers.
    pub servers: Vec<Server>,
    /// Milliseconds that one direction may stay open after the other has ended; negative: no limit;
    /// absent: 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_delay: Option<i64>,
    /// Present: servers are told the client's address in a PROXY header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<ProxyProtocol>,
}

/// How servers are told the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ProxyProtocol {
    /// 1 (text) or 2 (binary, the default).
    pub version: i64,
}

impl Default for ProxyProtocol {
    fn default() -> Self {
        Self { version: 2 }
    }
}

/// One server, of TCP or UDP.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Server {
    /// `host:port`.
    pub address: String,
}

/// Services by weight, of TCP or UDP.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Weighted {
    /// The children.
    pub services: Vec<WeightedService>,
}
