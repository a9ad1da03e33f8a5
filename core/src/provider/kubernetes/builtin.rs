//! Kubernetes' own objects, as far as they are looked at.
use super::crd::Port;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use core::fmt;
use serde::{Deserialize, Deserializer, de};

/// A Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Service {
    pub(super) spec: ServiceSpec,
    pub(super) status: LoadBalancerOf,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ServiceSpec {
    pub(super) r#type: String,
    #[serde(rename = "clusterIP")]
    pub(super) cluster_ip: String,
    pub(super) external_name: String,
    pub(super) ports: Vec<ServicePort>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ServicePort {
    pub(super) name: String,
    pub(super) port: u16,
}

/// `status` of a Service or an Ingress.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LoadBalancerOf {
    pub(super) load_balancer: LoadBalancer,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct LoadBalancer {
    pub(super) ingress: Vec<Address>,
}

/// Where something is reached from outside: the address of a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Address {
    /// IP address; may be empty.
    pub ip: String,
    /// Host name; may be empty.
    pub hostname: String,
}

/// An EndpointSlice.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EndpointSlice {
    pub(super) address_type: String,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) ports: Vec<EndpointPort>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Endpoint {
    pub(super) addresses: Vec<String>,
    pub(super) conditions: Conditions,
}

/// What is absent is unknown, and taken as the API says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Conditions {
    ready: Option<bool>,
    serving: Option<bool>,
    terminating: Option<bool>,
}

impl Conditions {
    /// Takes new requests.
    pub(super) fn is_ready(self) -> bool {
        self.ready.unwrap_or(true) && !self.terminating.unwrap_or(false)
    }

    /// On its way out, and still answering.
    pub(super) fn is_draining(self) -> bool {
        self.terminating.unwrap_or(false) && self.serving.or(self.ready).unwrap_or(true)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct EndpointPort {
    pub(super) name: String,
    pub(super) port: u16,
}

/// A Secret. [`fmt::Debug`] shows nothing of its contents.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Secret {
    pub(super) r#type: String,
    pub(super) data: BTreeMap<String, Data>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("keys", &self.data.keys()).finish()
    }
}

/// Types of Secrets that nothing refers to: they can be many, large, and keys to the cluster.
const FOREIGN: [&str; 5] = [
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
    "kubernetes.io/dockercfg",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/service-account-token",
];

impl Secret {
    /// Forgets what nobody may ask for.
    pub(super) fn trimmed(mut self) -> Self {
        if FOREIGN.contains(&&*self.r#type) {
            self.data.clear();
        }
        self
    }
}

/// A value of a Secret, which is base64 in the API.
#[derive(Clone, PartialEq)]
pub(super) struct Data(pub(super) Bytes);

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The error has no part of the text, which is secret.
        let bytes = STANDARD.decode(text).map_err(|_| de::Error::custom("it is no base64"))?;
        Ok(Self(bytes.into()))
    }
}

/// An IngressClass.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct IngressClass {
    pub(super) spec: IngressClassSpec,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct IngressClassSpec {
    pub(super) controller: String,
}

/// An Ingress.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Ingress {
    pub(super) spec: IngressSpec,
    pub(super) status: LoadBalancerOf,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct IngressSpec {
    pub(super) ingress_class_name: Option<String>,
    pub(super) default_backend: Option<Backend>,
    pub(super) rules: Vec<Rule>,
    pub(super) tls: Vec<Tls>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    pub(super) host: String,
    pub(super) http: Option<Paths>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Paths {
    pub(super) paths: Vec<Path>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Path {
    pub(super) path: String,
    pub(super) path_type: String,
    pub(super) backend: Backend,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Backend {
    pub(super) service: Option<BackendService>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct BackendService {
    pub(super) name: String,
    pub(super) port: BackendPort,
}

/// A name or a number.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct BackendPort {
    name: String,
    number: u16,
}

impl BackendPort {
    pub(super) fn port(&self) -> Option<Port> {
        match (&*self.name, self.number) {
            ("", 0) => None,
            ("", number) => Some(Port::Number(number)),
            (name, _) => Some(Port::Name(name.into())),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Tls {
    pub(super) secret_name: String,
}
