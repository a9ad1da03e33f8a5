//! How the servers of some services are reached, as written: later versions name such settings, 2.1
//! has one for all in the static configuration.
use super::{
    file::{File, Files},
    scalar::Duration,
    tls::KeyPair,
};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// How servers are reached; what is absent is as the static `serversTransport` has it by default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServersTransport {
    /// The name that servers must prove to have; empty: that of their URL.
    pub server_name: String,
    /// Accepts any certificate.
    pub insecure_skip_verify: bool,
    /// The authorities to trust instead of the system's, paths or PEM; empty: the system's.
    #[serde(rename = "rootCAs")]
    pub root_cas: Vec<File>,
    /// What servers that ask for a certificate are shown.
    pub certificates: Vec<KeyPair>,
    /// Idle connections kept to one server, by each worker; absent or 0: 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_idle_conns_per_host: Option<i64>,
    /// Time limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarding_timeouts: Option<ForwardingTimeouts>,
    /// Speaks HTTP/1.1 only.
    #[serde(rename = "disableHTTP2")]
    pub disable_http2: bool,
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

impl Files for ServersTransport {
    fn files(&self) -> Vec<&File> {
        let pairs = self.certificates.iter().flat_map(Files::files);
        self.root_cas.iter().chain(pairs).collect()
    }

    fn files_mut(&mut self) -> Vec<&mut File> {
        let pairs = self.certificates.iter_mut().flat_map(Files::files_mut);
        self.root_cas.iter_mut().chain(pairs).collect()
    }
}
