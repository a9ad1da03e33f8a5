//! The static configuration: what is fixed when the process starts.
//!
//! Compat: static-config.md. Defaults are the safe ones of later versions; `compat.traefik21` brings
//! back those of 2.1 that harm nobody.
use crate::config::scalar::Duration;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

pub mod address;
mod check;
pub mod entry_point;
mod kubernetes;
pub mod log;
pub mod options;
mod read;
mod words;

pub use entry_point::EntryPoint;
pub use kubernetes::{KubernetesProvider, Token};
pub use log::{AccessLog, Log};
pub use options::is_root;
pub use read::read;

/// Everything that is fixed at the start. The default is what [`read()`] makes of nothing, but without
/// any entry point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StaticConfiguration {
    /// Older behaviour that was asked for.
    pub compat: Compat,
    /// Where requests come in, by name.
    pub entry_points: BTreeMap<String, EntryPoint>,
    /// Where datagrams come in, by name; no name is in both.
    pub udp_entry_points: BTreeMap<String, EntryPoint>,
    /// How servers are reached.
    pub servers_transport: ServersTransport,
    /// Where dynamic configuration comes from.
    pub providers: Providers,
    /// Answers to health checks of this process; none: off.
    pub ping: Option<Ping>,
    /// API and dashboard; none: off. Read, not yet acted on.
    pub api: Option<Api>,
    /// Metrics for Prometheus; none: off. Read, not yet acted on.
    pub prometheus: Option<Prometheus>,
    /// The application's log.
    pub log: Log,
    /// One line a request; none: off.
    pub access_log: Option<AccessLog>,
}

/// Older behaviour that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Compat {
    /// Traefik 2.1's defaults, wherever they harm nobody.
    pub traefik21: bool,
}

/// How servers are reached.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServersTransport {
    /// Accepts any certificate.
    pub insecure_skip_verify: bool,
    /// Files or PEM text of the authorities to trust instead of the system's; empty: the system's.
    #[serde(deserialize_with = "words::split")]
    pub root_cas: Vec<String>,
    /// Idle connections kept to one server, by each worker.
    pub max_idle_conns_per_host: usize,
    /// Time limits.
    pub forwarding_timeouts: ForwardingTimeouts,
}

impl Default for ServersTransport {
    fn default() -> Self {
        Self {
            insecure_skip_verify: false,
            root_cas: Vec::new(),
            max_idle_conns_per_host: 200,
            forwarding_timeouts: ForwardingTimeouts::default(),
        }
    }
}

/// Time limits towards servers; see [`Duration::limit`] for "0: no limit".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ForwardingTimeouts {
    /// For a connection. 0: no limit.
    pub dial_timeout: Duration,
    /// From the request's end to the response's header. 0: no limit.
    pub response_header_timeout: Duration,
    /// For an idle connection. 0: no limit.
    pub idle_conn_timeout: Duration,
}

impl Default for ForwardingTimeouts {
    fn default() -> Self {
        Self {
            dial_timeout: Duration::from_secs(30),
            response_header_timeout: Duration::default(),
            idle_conn_timeout: Duration::from_secs(90),
        }
    }
}

/// Where dynamic configuration comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Providers {
    /// The shortest time between two applied configurations of one provider.
    pub throttle: Duration,
    /// Files; none: off.
    pub file: Option<FileProvider>,
    /// Our kinds in Kubernetes; none: off.
    pub kubernetes_crd: Option<KubernetesProvider>,
    /// Ingresses in Kubernetes; none: off.
    pub kubernetes_ingress: Option<KubernetesProvider>,
    /// Configuration by HTTP; none: off. Read, not yet acted on.
    pub rest: Option<Rest>,
}

impl Default for Providers {
    fn default() -> Self {
        Self {
            throttle: Duration::from_secs(2),
            file: None,
            kubernetes_crd: None,
            kubernetes_ingress: None,
            rest: None,
        }
    }
}

/// Dynamic configuration in files. Compat: providers.md "File provider".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProvider {
    /// Where.
    pub files: Files,
    /// Whether changes are applied as they happen.
    pub watch: bool,
    /// Whether files are logged before and after templating, at level debug.
    pub debug_log_generated_template: bool,
}

/// The file provider's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// One.
    Filename(String),
    /// All in a directory and below.
    Directory(String),
}

/// Configuration by HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Rest {
    /// Served on the entry point `traefik`.
    pub insecure: bool,
}

/// Answers to health checks of this process.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Ping {
    /// The entry point that answers `/ping`.
    pub entry_point: String,
    /// Leaves the router to the user.
    pub manual_routing: bool,
}

impl Default for Ping {
    fn default() -> Self {
        Self { entry_point: INTERNAL.into(), manual_routing: false }
    }
}

/// API and dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Api {
    /// Served on the entry point `traefik`.
    pub insecure: bool,
    /// Whether the dashboard is served too.
    pub dashboard: bool,
    /// Whether debugging pages are served too.
    pub debug: bool,
}

impl Default for Api {
    fn default() -> Self {
        Self { insecure: false, dashboard: true, debug: false }
    }
}

/// Metrics for Prometheus.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Prometheus {
    /// Buckets of the latencies, in seconds.
    pub buckets: Vec<f64>,
    /// Counts by entry point.
    pub add_entry_points_labels: bool,
    /// Counts by service.
    pub add_services_labels: bool,
    /// The entry point that serves `/metrics`.
    pub entry_point: String,
    /// Leaves the router to the user.
    pub manual_routing: bool,
}

impl Default for Prometheus {
    fn default() -> Self {
        Self {
            buckets: [0.1, 0.3, 1.2, 5.0].into(),
            add_entry_points_labels: true,
            add_services_labels: true,
            entry_point: INTERNAL.into(),
            manual_routing: false,
        }
    }
}

/// The entry point of what the process serves about itself.
const INTERNAL: &str = "traefik";
