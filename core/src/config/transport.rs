//! How the servers of some services are reached, as written: later versions name such settings, 2.1
//! has one for all in the static configuration.
use super::{
    file::{File, Files},
    tls::KeyPair,
};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// How servers are reached, where that differs from the static `serversTransport`.
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
