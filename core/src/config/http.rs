//! HTTP routers and services as written. Compat: services.md, rules.md, tls.md.

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// An HTTP router.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Router {
    /// Entry points it is attached to; empty: all.
    pub entry_points: Vec<String>,
    /// Middlewares, outermost first.
    pub middlewares: Vec<String>,
    /// The service that answers.
    pub service: String,
    /// The rule, e.g. ``Host(`a.example`) && PathPrefix(`/api`)``.
    pub rule: String,
    /// 0: the length of the rule.
    pub priority: i64,
    /// Present: answers TLS requests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<RouterTls>,
}

/// TLS settings of a router.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouterTls {
    /// Name of the TLS options; empty: `default`.
    pub options: String,
    /// Name of the certificate resolver.
    pub cert_resolver: String,
    /// Domains to ask certificates for.
    pub domains: Vec<Domain>,
}

/// Names of one certificate.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Domain {
    /// The first name.
    pub main: String,
    /// Further names.
    pub sans: Vec<String>,
}

/// An HTTP service: exactly one of the three must be there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Service {
    /// Servers behind a balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,
    /// Services by weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted: Option<Weighted>,
    /// A service and copies of its requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirroring: Option<Mirroring>,
}

/// Servers taken in turn.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LoadBalancer {
    /// Session affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// The servers.
    pub servers: Vec<Server>,
    /// Active checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<Box<HealthCheck>>,
    /// Whether the server sees the client's Host header.
    pub pass_host_header: bool,
    /// How responses are passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_forwarding: Option<ResponseForwarding>,
    /// Name of the settings by which the servers are reached; empty: the static `serversTransport`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub servers_transport: String,
}

impl Default for LoadBalancer {
    fn default() -> Self {
        Self {
            sticky: None,
            servers: Vec::new(),
            health_check: None,
            pass_host_header: true,
            response_forwarding: None,
            servers_transport: String::new(),
        }
    }
}

/// One server.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Server {
    /// `http://`, `https://` or `h2c://`, host and port; path and query have no effect.
    pub url: String,
}

/// Session affinity.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Sticky {
    /// By a cookie; absent: no affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<Cookie>,
}

/// The cookie that carries the choice.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cookie {
    /// Empty: derived from the service's name.
    pub name: String,
    /// Sends `Secure`.
    pub secure: bool,
    /// Sends `HttpOnly`.
    pub http_only: bool,
    /// `none`, `lax` or `strict`; anything else sends no attribute.
    pub same_site: String,
}

/// Active health checks of a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HealthCheck {
    /// Scheme instead of the server's.
    pub scheme: String,
    /// Path; empty: no health check.
    pub path: String,
    /// Port instead of the server's; 0: the server's.
    pub port: u16,
    /// Go duration with unit; default 30s.
    pub interval: String,
    /// Go duration with unit; default 5s.
    pub timeout: String,
    /// The Host header.
    pub hostname: String,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// Whether redirects are followed; default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_redirects: Option<bool>,
}

/// How responses are passed on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResponseForwarding {
    /// The longest a response byte may wait, e.g. `100ms`; ours never wait.
    pub flush_interval: String,
}

/// Services by weight.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Weighted {
    /// The children.
    pub services: Vec<WeightedService>,
    /// Session affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
}

/// A child of a weighted service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct WeightedService {
    /// The service's name.
    pub name: String,
    /// Its share; absent: 1, 0: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
}

/// A main service, and mirrors that get copies of its requests.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Mirroring {
    /// The service whose answer counts.
    pub service: String,
    /// Bytes of a request body kept for the mirrors; absent or -1: the built-in limit of 1 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_body_size: Option<i64>,
    /// The mirrors.
    pub mirrors: Vec<MirrorService>,
}

/// A mirror.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct MirrorService {
    /// The service's name.
    pub name: String,
    /// 0 to 100; default 0.
    pub percent: i64,
}
