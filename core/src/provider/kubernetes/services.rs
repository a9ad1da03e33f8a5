//! Services as routes and TraefikServices refer to them. Compat: kubernetes.md "References", "Generated
//! names".
use super::{
    crd::{Port, service::ServiceSpec},
    names::{hash, normalize},
    resource::{Key, Kind},
    scope::Scope,
    servers::{Servers, servers},
};
use crate::{
    config::http::{LoadBalancer, Server, Service},
    diagnostic,
};
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};

/// What is appended to a name to mean an object of ours.
pub(super) const OURS: &str = "@kubernetescrd";

/// A service that something refers to, not yet under a name.
pub(super) enum Target {
    /// It is defined elsewhere, and called so.
    Named(String),
    /// It is made of a Service.
    Made(Box<Made>),
}

/// A load balancer for a Service.
pub(super) struct Made {
    pub(super) balancer: LoadBalancer,
    service: Key,
    port: String,
    /// What tells it from others for the same port.
    options: String,
}

/// What a reference means.
pub(super) fn target(scope: &mut Scope<'_>, spec: &ServiceSpec) -> Result<Target, String> {
    if spec.name.is_empty() {
        return Err("the name of the service is missing".to_string());
    }
    match &*spec.kind {
        "" | "Service" => made(scope, spec).map(|made| Target::Made(Box::new(made))),
        "TraefikService" => traefik_service(scope, spec).map(Target::Named),
        other => {
            Err(format!("unsupported service kind {other:?}: it must be Service or TraefikService"))
        }
    }
}

/// What a service is called for those that refer to it; one that is made is defined for that.
pub(super) fn named(scope: &mut Scope<'_>, target: Target) -> String {
    let Made { balancer, service, port, options } = match target {
        Target::Named(name) => return name,
        Target::Made(made) => *made,
    };
    let plain = normalize(&format!("{}-{}-{port}", service.namespace, service.name));
    let identity = format!("{service}:{port} {options}");
    let name = scope.define(diagnostic::Kind::Service, plain, &identity);
    let value = Service { load_balancer: Some(balancer), ..Service::default() };
    scope.put_from(&service, |of| &mut of.http.services, name.clone(), value);
    name.to_string()
}

/// The name of a TraefikService. Whether there is one shows when it is used.
fn traefik_service(scope: &mut Scope<'_>, spec: &ServiceSpec) -> Result<String, String> {
    let name = match spec.name.strip_suffix(OURS) {
        Some(name) => name,
        None if spec.name.contains('@') => {
            ignores_namespace(scope, "service", &spec.name, &spec.namespace);
            return Ok(spec.name.clone());
        }
        None => &spec.name,
    };
    let key = scope.key(Kind::TraefikService, &spec.namespace, name)?;
    let plain = normalize(&format!("{}-{}", key.namespace, key.name));
    Ok(scope.refer(diagnostic::Kind::Service, plain, &key))
}

/// The name of a Middleware, a TLSOption or a ServersTransport under which it is defined: `plain` of
/// namespace and name. One with `@` is somebody else's.
pub(super) fn reference(
    scope: &mut Scope<'_>,
    (kind, of): (Kind, diagnostic::Kind),
    (namespace, name): (&str, &str),
    plain: impl FnOnce(&Key) -> String,
) -> Result<String, String> {
    if name.contains('@') {
        if name.ends_with(OURS) && !scope.options.allow_cross_namespace {
            return Err(format!(
                "{} {name} could be in another namespace: write its own name and namespace",
                kind.name()
            ));
        }
        ignores_namespace(scope, kind.name(), name, namespace);
        return Ok(name.to_string());
    }
    if name.is_empty() {
        return Err(format!("the name of the {} is missing", kind.name()));
    }
    let key = scope.key(kind, namespace, name)?;
    let plain = plain(&key);
    Ok(scope.refer(of, plain, &key))
}

/// `<namespace>-<name>` in words.
pub(super) fn normalized(key: &Key) -> String {
    normalize(&format!("{}-{}", key.namespace, key.name))
}

fn ignores_namespace(scope: &mut Scope<'_>, what: &str, name: &str, namespace: &str) {
    if !namespace.is_empty() {
        let message =
            format!("{what} {name} is another provider's: namespace {namespace:?} has no effect");
        scope.warn("", message);
    }
}

fn made(scope: &mut Scope<'_>, spec: &ServiceSpec) -> Result<Made, String> {
    if !["", "RoundRobin", "wrr"].contains(&&*spec.strategy) {
        return Err(format!(
            "load balancing strategy {:?} is not supported: it must be RoundRobin",
            spec.strategy
        ));
    }
    let service = scope.key(Kind::Service, &spec.namespace, &spec.name)?;
    let transport = match &*spec.servers_transport {
        "" => String::new(),
        name => {
            let kinds = (Kind::ServersTransport, diagnostic::Kind::ServersTransport);
            reference(scope, kinds, ("", name), normalized)?
        }
    };
    let found = servers(scope, &service, spec.port.as_ref(), spec.native_lb)?;
    let servers = urls(&found, &spec.scheme)?;
    let balancer = LoadBalancer {
        servers,
        sticky: spec.sticky.clone(),
        health_check: None,
        pass_host_header: spec.pass_host_header.unwrap_or(true),
        response_forwarding: spec.response_forwarding.clone(),
        servers_transport: transport,
    };
    Ok(Made {
        options: options(&balancer, &spec.scheme, spec.native_lb),
        balancer,
        port: spec.port.as_ref().map_or_else(String::new, Port::to_string),
        service,
    })
}

/// All that a load balancer says but for its servers.
fn options(balancer: &LoadBalancer, scheme: &str, native: bool) -> String {
    let options = LoadBalancer { servers: Vec::new(), ..balancer.clone() };
    hash(&format!("{options:?} {scheme} {native}"))
}

/// The servers as URLs.
pub(super) fn urls(servers: &Servers<'_>, scheme: &str) -> Result<Vec<Server>, String> {
    let scheme = servers.scheme(scheme)?;
    let url = |address: &String| Server { url: format!("{scheme}://{address}") };
    Ok(servers.addresses.iter().map(url).collect())
}
