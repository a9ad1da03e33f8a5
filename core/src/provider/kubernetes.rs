//! The Kubernetes providers: objects of a cluster become dynamic configuration.
//!
//! The shell lists and watches, and hands over [`Object`]s as they come, go and change; a
//! [`Translator`] says what is configured then, what is wrong with which object, and what status an
//! Ingress should have. It keeps what it made of every object and what it looked at for that, so that
//! a change costs what depends on it. Compat: kubernetes.md.
use alloc::{collections::BTreeSet, string::String, sync::Arc};

pub use builtin::Address;
pub use finding::Finding;
pub use object::Object;
pub use resource::{Group, Key, Kind, ObjectRef, Resource};
pub use selector::Selector;
pub use translator::{Event, Translator, Update};

mod assembly;
mod builtin;
pub mod crd;
mod few;
mod finding;
mod ingress;
mod ingress_route;
mod middleware;
mod names;
mod object;
mod relays;
mod resource;
mod scope;
mod secrets;
mod selector;
mod servers;
mod services;
mod store;
mod tls;
mod traefik_service;
mod translator;

/// Which of the two providers: each has its own objects, options and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// `kubernetescrd`: the kinds that we define.
    Crd,
    /// `kubernetes`: Ingresses.
    Ingress,
}

impl Provider {
    /// Objects are called `app@kubernetescrd`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crd => "kubernetescrd",
            Self::Ingress => "kubernetes",
        }
    }

    /// Whether it looks at objects of a kind.
    #[must_use]
    pub fn looks_at(self, kind: Kind) -> bool {
        match kind {
            Kind::Service | Kind::EndpointSlice | Kind::Secret => true,
            Kind::Ingress | Kind::IngressClass => self == Self::Ingress,
            Kind::IngressRoute
            | Kind::IngressRouteTcp
            | Kind::IngressRouteUdp
            | Kind::Middleware
            | Kind::MiddlewareTcp
            | Kind::TraefikService
            | Kind::TlsOption
            | Kind::TlsStore
            | Kind::ServersTransport => self == Self::Crd,
        }
    }
}

/// What the static configuration says about a provider. Compat: kubernetes.md "Connection and options".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "as they are in the static configuration")]
pub struct Options {
    /// The namespaces to look at; empty: all.
    pub namespaces: BTreeSet<String>,
    /// Which of the kinds that are translated.
    pub label_selector: Selector,
    /// The class of IngressRoutes and Ingresses; empty: those of none, and of `traefik`.
    pub ingress_class: String,
    /// Whether an object may refer to those of other namespaces.
    pub allow_cross_namespace: bool,
    /// Whether Services may name hosts outside.
    pub allow_external_name_services: bool,
    /// Whether a Service without pods answers 503, and is no error.
    pub allow_empty_services: bool,
    /// Whether the path type `Prefix` is taken by whole elements: `/foo` is not the start of `/foobar`.
    pub strict_prefix_matching: bool,
    /// Whether an Ingress with a `tls` section has routers for TLS besides, as in 2.1.
    pub tls_routers: bool,
    /// What Ingresses say of where they are reached.
    pub ingress_endpoint: Option<IngressEndpoint>,
}

/// Where Ingresses are reached, for their status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IngressEndpoint {
    /// Where this Service is: namespace and name.
    Published(Arc<str>, Arc<str>),
    /// Here.
    Address(Address),
}

impl Options {
    /// Whether objects of this namespace are looked at.
    fn watches(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || namespace.is_empty() || self.namespaces.contains(namespace)
    }

    /// Whether the annotation names our class. Compat: kubernetes.md "Class filter".
    fn takes_class(&self, annotation: Option<&str>) -> bool {
        let class = annotation.unwrap_or_default();
        match &*self.ingress_class {
            "" => class.is_empty() || class == "traefik",
            ours => class == ours,
        }
    }
}
