//! An object of the cluster as it is kept: decoded once, with what is wrong in it.
use super::{
    builtin,
    crd::{middleware, route, service, tls},
    resource::{Key, Kind, ObjectRef, Resource},
};
use crate::tree::{
    Node,
    decode::{Ignored, decode},
};
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use serde::{Deserialize, de::DeserializeOwned};

/// The label by which an EndpointSlice says whose it is.
const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// Annotations that are looked at: by their beginnings.
const ANNOTATIONS: [&str; 2] = ["traefik.ingress.kubernetes.io/", "kubernetes.io/ingress.class"];

/// An object of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    resource: Resource,
    pub(super) meta: Meta,
    /// The object, or why it cannot be read, with the option.
    pub(super) body: Result<Body, Broken>,
    /// Options of ours that have no effect: path and reason.
    pub(super) ignored: Vec<Ignored>,
}

/// Why an object cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Broken {
    pub(super) path: String,
    pub(super) message: String,
}

/// `metadata`, as far as it is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Meta {
    pub(super) namespace: Arc<str>,
    pub(super) name: Arc<str>,
    uid: Arc<str>,
    /// When it was made, as text that sorts; of two that want one name the elder has it.
    pub(super) created: Arc<str>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// `metadata` as written.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    namespace: String,
    name: String,
    uid: String,
    creation_timestamp: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

/// What an object says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Service(builtin::Service),
    EndpointSlice(builtin::EndpointSlice),
    Secret(builtin::Secret),
    IngressClass(builtin::IngressClass),
    Ingress(builtin::Ingress),
    IngressRoute(route::IngressRoute),
    IngressRouteTcp(route::IngressRouteTcp),
    IngressRouteUdp(route::IngressRouteUdp),
    Middleware(alloc::boxed::Box<middleware::Middleware>),
    MiddlewareTcp(middleware::MiddlewareTcp),
    TraefikService(alloc::boxed::Box<service::TraefikService>),
    TlsOption(tls::TlsOption),
    TlsStore(tls::TlsStore),
    ServersTransport(tls::ServersTransport),
}

impl Object {
    /// Reads an object as the API has it. What is wrong with what it says is kept, and found when it
    /// is translated.
    ///
    /// # Errors
    /// It has no name, so that nobody could refer to it. One line.
    pub fn decode(resource: Resource, object: &Node) -> Result<Self, String> {
        let metadata = object.option("metadata").ok_or("metadata is missing")?;
        let mut written: Metadata =
            decode(metadata, "metadata", &mut Vec::new()).map_err(|error| error.to_string())?;
        if written.name.is_empty() {
            return Err("metadata.name is missing".to_string());
        }
        let namespace = if resource.kind.is_namespaced() { &*written.namespace } else { "" };
        written.annotations.retain(|name, _| ANNOTATIONS.iter().any(|it| name.starts_with(it)));
        let meta = Meta {
            namespace: namespace.into(),
            name: written.name.into(),
            uid: written.uid.into(),
            created: written.creation_timestamp.into(),
            labels: written.labels,
            annotations: written.annotations,
        };
        let mut ignored = Vec::new();
        let body = body(resource.kind, object, &mut ignored)
            .map_err(|error| Broken { path: error.path, message: error.message });
        Ok(Self { resource, meta, body, ignored })
    }

    /// What it is called.
    #[must_use]
    pub fn reference(&self) -> ObjectRef {
        let Meta { namespace, name, uid, .. } = &self.meta;
        ObjectRef {
            resource: self.resource,
            namespace: namespace.clone(),
            name: name.clone(),
            uid: uid.clone(),
        }
    }

    /// Kind and group.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        self.resource
    }

    pub(super) fn key(&self) -> Key {
        let Meta { namespace, name, .. } = &self.meta;
        Key { kind: self.resource.kind, namespace: namespace.clone(), name: name.clone() }
    }

    /// The name of the Service that an EndpointSlice belongs to.
    pub(super) fn service_of_slice(&self) -> Option<&str> {
        let is_slice = self.resource.kind == Kind::EndpointSlice;
        self.meta.labels.get(SERVICE_NAME).filter(|_| is_slice).map(String::as_str)
    }
}

type Error = crate::tree::decode::Error;

fn body(kind: Kind, object: &Node, ignored: &mut Vec<Ignored>) -> Result<Body, Error> {
    Ok(match kind {
        Kind::Service => Body::Service(whole(object)?),
        Kind::EndpointSlice => Body::EndpointSlice(whole(object)?),
        Kind::Secret => Body::Secret(whole::<builtin::Secret>(object)?.trimmed()),
        Kind::IngressClass => Body::IngressClass(whole(object)?),
        Kind::Ingress => Body::Ingress(whole(object)?),
        Kind::IngressRoute => Body::IngressRoute(spec(object, ignored)?),
        Kind::IngressRouteTcp => Body::IngressRouteTcp(spec(object, ignored)?),
        Kind::IngressRouteUdp => Body::IngressRouteUdp(spec(object, ignored)?),
        Kind::Middleware => Body::Middleware(spec(object, ignored)?),
        Kind::MiddlewareTcp => Body::MiddlewareTcp(spec(object, ignored)?),
        Kind::TraefikService => Body::TraefikService(spec(object, ignored)?),
        Kind::TlsOption => Body::TlsOption(spec(object, ignored)?),
        Kind::TlsStore => Body::TlsStore(spec(object, ignored)?),
        Kind::ServersTransport => Body::ServersTransport(spec(object, ignored)?),
    })
}

/// An object of Kubernetes: most of it is none of our business.
fn whole<T: DeserializeOwned>(object: &Node) -> Result<T, Error> {
    decode(object, "", &mut Vec::new())
}

/// An object of ours: what nobody knows in it is a mistake. The API takes the word for nothing as
/// that, so it is no mistake.
fn spec<T: DeserializeOwned>(object: &Node, ignored: &mut Vec<Ignored>) -> Result<T, Error> {
    let nothing = Node::empty();
    let spec = object.option("spec").unwrap_or(&nothing);
    let mut found = Vec::new();
    let decoded = decode(spec, "spec", &mut found);
    ignored
        .extend(found.into_iter().filter(|it| it.reason == crate::tree::decode::Reason::Unknown));
    decoded
}

impl Broken {
    /// One line.
    pub(super) fn line(&self) -> String {
        if self.path.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.path, self.message)
        }
    }
}
