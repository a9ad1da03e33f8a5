//! How the servers of some services are reached, as written: later versions name such settings, 2.1
//! has one for all in the static configuration.
use super::{
    file::{File, Files},
    tls::KeyPair,
};
use crate::static_config::ForwardingTimeouts;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// How servers are reached, where that differs from the static `serversTransport`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
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
    /// Idle connections kept to one server, by each worker; 0: 2.
    pub max_idle_conns_per_host: usize,
    /// Speaks HTTP/1.1 to servers behind TLS, whatever they can.
    #[serde(rename = "disableHTTP2")]
    pub disable_http2: bool,
    /// Time limits.
    pub forwarding_timeouts: ForwardingTimeouts,
}

impl Default for ServersTransport {
    fn default() -> Self {
        Self {
            server_name: String::new(),
            insecure_skip_verify: false,
            root_cas: Vec::new(),
            certificates: Vec::new(),
            max_idle_conns_per_host: 200,
            disable_http2: false,
            forwarding_timeouts: ForwardingTimeouts::default(),
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
