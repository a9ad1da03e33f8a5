//! TLSOption, TLSStore, ServersTransport.
use crate::{config::http::Domain, static_config::ForwardingTimeouts};
use alloc::{string::String, vec::Vec};
use serde::Deserialize;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct TlsOption {
    pub(in super::super) min_version: String,
    pub(in super::super) max_version: String,
    pub(in super::super) cipher_suites: Vec<String>,
    pub(in super::super) curve_preferences: Vec<String>,
    pub(in super::super) client_auth: ClientAuth,
    pub(in super::super) sni_strict: bool,
    pub(in super::super) alpn_protocols: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct ClientAuth {
    pub(in super::super) secret_names: Vec<String>,
    pub(in super::super) client_auth_type: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct TlsStore {
    pub(in super::super) default_certificate: Option<SecretName>,
    pub(in super::super) default_generated_cert: Option<GeneratedCert>,
    pub(in super::super) certificates: Vec<SecretName>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct SecretName {
    pub(in super::super) secret_name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[allow(dead_code, reason = "read to say that it has no effect")]
pub(in super::super) struct GeneratedCert {
    resolver: String,
    domain: Option<Domain>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct ServersTransport {
    pub(in super::super) server_name: String,
    pub(in super::super) insecure_skip_verify: bool,
    #[serde(rename = "rootCAsSecrets")]
    pub(in super::super) root_cas_secrets: Vec<String>,
    pub(in super::super) certificates_secrets: Vec<String>,
    #[serde(rename = "peerCertURI")]
    pub(in super::super) peer_cert_uri: String,
    pub(in super::super) max_idle_conns_per_host: Option<usize>,
    #[serde(rename = "disableHTTP2")]
    pub(in super::super) disable_http2: bool,
    pub(in super::super) forwarding_timeouts: ForwardingTimeouts,
}
