//! Which objects of a cluster are looked at, and how one is named.
use alloc::sync::Arc;
use core::fmt;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Pods under one name.
    Service,
    /// Where some of a service's pods are.
    EndpointSlice,
    /// Certificates, users.
    Secret,
    /// Who looks after which Ingresses.
    IngressClass,
    /// Kubernetes' own routes.
    Ingress,
    /// HTTP routes.
    IngressRoute,
    /// TCP routes.
    IngressRouteTcp,
    /// UDP routes.
    IngressRouteUdp,
    /// An HTTP middleware.
    Middleware,
    /// A TCP middleware.
    MiddlewareTcp,
    /// Services of services.
    TraefikService,
    /// How TLS is spoken.
    TlsOption,
    /// Certificates for names that no other has.
    TlsStore,
    /// How servers are reached.
    ServersTransport,
}

/// An API group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// `traefik.io`, which counts where an object is in both.
    TraefikIo,
    /// `traefik.containo.us`.
    TraefikContainoUs,
    /// That of a kind that Kubernetes defines.
    Builtin,
}

/// A kind in a group: what is listed and watched together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// The kind.
    pub kind: Kind,
    /// The group.
    pub group: Group,
}

impl Kind {
    /// The kinds that we define.
    pub const CUSTOM: [Self; 9] = [
        Self::IngressRoute,
        Self::IngressRouteTcp,
        Self::IngressRouteUdp,
        Self::Middleware,
        Self::MiddlewareTcp,
        Self::TraefikService,
        Self::TlsOption,
        Self::TlsStore,
        Self::ServersTransport,
    ];

    /// As in an object's `kind`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Secret => "Secret",
            Self::IngressClass => "IngressClass",
            Self::Ingress => "Ingress",
            Self::IngressRoute => "IngressRoute",
            Self::IngressRouteTcp => "IngressRouteTCP",
            Self::IngressRouteUdp => "IngressRouteUDP",
            Self::Middleware => "Middleware",
            Self::MiddlewareTcp => "MiddlewareTCP",
            Self::TraefikService => "TraefikService",
            Self::TlsOption => "TLSOption",
            Self::TlsStore => "TLSStore",
            Self::ServersTransport => "ServersTransport",
        }
    }

    /// As in the API's paths.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Service => "services",
            Self::EndpointSlice => "endpointslices",
            Self::Secret => "secrets",
            Self::IngressClass => "ingressclasses",
            Self::Ingress => "ingresses",
            Self::IngressRoute => "ingressroutes",
            Self::IngressRouteTcp => "ingressroutetcps",
            Self::IngressRouteUdp => "ingressrouteudps",
            Self::Middleware => "middlewares",
            Self::MiddlewareTcp => "middlewaretcps",
            Self::TraefikService => "traefikservices",
            Self::TlsOption => "tlsoptions",
            Self::TlsStore => "tlsstores",
            Self::ServersTransport => "serverstransports",
        }
    }

    /// Whether we define it.
    #[must_use]
    pub fn is_custom(self) -> bool {
        Self::CUSTOM.contains(&self)
    }

    /// Whether objects of it are in namespaces.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, Self::IngressClass)
    }
}

impl Resource {
    /// Every one that either provider looks at.
    pub fn all() -> impl Iterator<Item = Self> {
        const BUILTIN: [Kind; 5] =
            [Kind::Service, Kind::EndpointSlice, Kind::Secret, Kind::IngressClass, Kind::Ingress];
        let groups = [Group::TraefikIo, Group::TraefikContainoUs].into_iter();
        let custom =
            groups.flat_map(|group| Kind::CUSTOM.into_iter().map(move |kind| Self { kind, group }));
        BUILTIN.into_iter().map(Self::builtin).chain(custom)
    }

    /// A kind that Kubernetes defines.
    #[must_use]
    pub const fn builtin(kind: Kind) -> Self {
        Self { kind, group: Group::Builtin }
    }

    /// The resource of an object's `apiVersion` and `kind`, if it is one of those that are looked at.
    #[must_use]
    pub fn parse(api_version: &str, kind: &str) -> Option<Self> {
        Self::all().find(|it| it.kind.name() == kind && it.api_version() == api_version)
    }

    /// The group's name; empty for the core group.
    #[must_use]
    pub fn group_name(self) -> &'static str {
        self.api_version().rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The version inside the group.
    #[must_use]
    pub fn version(self) -> &'static str {
        let api_version = self.api_version();
        api_version.rsplit_once('/').map_or(api_version, |(_, version)| version)
    }

    /// As in an object's `apiVersion`.
    #[must_use]
    pub const fn api_version(self) -> &'static str {
        match self.group {
            Group::TraefikIo => "traefik.io/v1alpha1",
            Group::TraefikContainoUs => "traefik.containo.us/v1alpha1",
            Group::Builtin => match self.kind {
                Kind::EndpointSlice => "discovery.k8s.io/v1",
                Kind::Ingress | Kind::IngressClass => "networking.k8s.io/v1",
                Kind::Service
                | Kind::Secret
                | Kind::IngressRoute
                | Kind::IngressRouteTcp
                | Kind::IngressRouteUdp
                | Kind::Middleware
                | Kind::MiddlewareTcp
                | Kind::TraefikService
                | Kind::TlsOption
                | Kind::TlsStore
                | Kind::ServersTransport => "v1",
            },
        }
    }
}

/// An object, whichever of our groups it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty where a kind has none.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

impl Key {
    /// The key of these parts.
    #[must_use]
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.into(), name: name.into() }
    }
}

/// `IngressRoute default/app`
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind.name())?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// One object of one group, as an Event has to name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Kind and group.
    pub resource: Resource,
    /// Its namespace; empty where a kind has none.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What tells it from a later one of the same name.
    pub uid: Arc<str>,
}

impl ObjectRef {
    /// The object whichever group it is in.
    #[must_use]
    pub fn key(&self) -> Key {
        let Self { resource, namespace, name, uid: _ } = self;
        Key { kind: resource.kind, namespace: namespace.clone(), name: name.clone() }
    }
}

/// `IngressRoute default/app (traefik.io)`
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key().fmt(f)?;
        match self.resource.group_name() {
            "" => Ok(()),
            group => write!(f, " ({group})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_found_by_the_words_of_an_object() {
        for resource in Resource::all() {
            let (api_version, kind) = (resource.api_version(), resource.kind.name());
            assert_eq!(Resource::parse(api_version, kind), Some(resource));
            let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
            assert_eq!((resource.group_name(), resource.version()), (group, version));
        }
        assert_eq!(Resource::parse("apps/v1", "Deployment"), None);
        assert_eq!(Resource::parse("extensions/v1beta1", "Ingress"), None);
    }
}
