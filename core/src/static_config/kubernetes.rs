//! The two providers of Kubernetes. Compat: kubernetes.md "Connection and options".
use super::words;
use crate::{
    config::scalar::Duration,
    provider::kubernetes::{Address, IngressEndpoint, Selector},
};
use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;
use serde::{Deserialize, Deserializer, de::Error};

/// A provider of Kubernetes: either of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KubernetesProvider {
    /// The API server's URL; empty: that of the cluster around, or of `KUBECONFIG`.
    pub endpoint: String,
    /// The bearer token outside a cluster.
    pub token: Token,
    /// The file of the API server's certificate authority outside a cluster; empty: the system's.
    pub cert_auth_file_path: String,
    /// The namespaces to look at; empty: all.
    pub namespaces: Vec<String>,
    /// Which of the objects that are translated, as written, which is what the API server is asked for.
    pub label_selector: String,
    /// The same, understood.
    pub selector: Selector,
    /// The class of objects to look at; empty: of none, and `traefik`.
    pub ingress_class: String,
    /// The shortest time between two translations.
    pub throttle: Duration,
    /// Whether objects may refer to those of other namespaces.
    pub allow_cross_namespace: bool,
    /// Whether Services may name hosts outside.
    pub allow_external_name_services: bool,
    /// Whether a Service without pods answers 503, and is no error.
    pub allow_empty_services: bool,
    /// Whether the path type `Prefix` is taken by whole elements.
    pub strict_prefix_matching: bool,
    /// What Ingresses say of where they are reached; of `kubernetesIngress` alone.
    pub ingress_endpoint: Option<IngressEndpoint>,
}

/// A bearer token. [`fmt::Debug`] does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "as they are in the static configuration")]
pub(super) struct AsWritten {
    endpoint: String,
    token: String,
    cert_auth_file_path: String,
    #[serde(deserialize_with = "words::split")]
    namespaces: Vec<String>,
    label_selector: String,
    ingress_class: String,
    throttle_duration: Duration,
    allow_cross_namespace: bool,
    allow_external_name_services: bool,
    allow_empty_services: bool,
    strict_prefix_matching: bool,
    ingress_endpoint: Endpoint,
}

/// `ingressEndpoint`
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Endpoint {
    ip: String,
    hostname: String,
    #[serde(deserialize_with = "published")]
    published_service: Option<IngressEndpoint>,
}

/// Namespace and name of a Service; nothing where nothing is written.
fn published<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<IngressEndpoint>, D::Error> {
    let written = Cow::<'de, str>::deserialize(deserializer)?;
    match written.split_once('/') {
        None if written.is_empty() => Ok(None),
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok(Some(IngressEndpoint::Published(namespace.into(), name.into())))
        }
        _ => Err(D::Error::custom("write it as namespace/name")),
    }
}

impl Endpoint {
    /// Compat: kubernetes.md "Ingress provider", status.
    fn read(self) -> Option<IngressEndpoint> {
        let Self { ip, hostname, published_service } = self;
        let is_given = !ip.is_empty() || !hostname.is_empty();
        let address = || is_given.then_some(IngressEndpoint::Address(Address { ip, hostname }));
        published_service.or_else(address)
    }
}

impl AsWritten {
    /// Understands the selector.
    ///
    /// # Errors
    /// It is none; one line that begins with the option.
    pub(super) fn read(self) -> Result<KubernetesProvider, String> {
        let selector = self.label_selector.parse()?;
        Ok(KubernetesProvider {
            endpoint: self.endpoint,
            token: Token(self.token),
            cert_auth_file_path: self.cert_auth_file_path,
            namespaces: self.namespaces,
            label_selector: self.label_selector,
            selector,
            ingress_class: self.ingress_class,
            throttle: self.throttle_duration,
            allow_cross_namespace: self.allow_cross_namespace,
            allow_external_name_services: self.allow_external_name_services,
            allow_empty_services: self.allow_empty_services,
            strict_prefix_matching: self.strict_prefix_matching,
            ingress_endpoint: self.ingress_endpoint.read(),
        })
    }
}
