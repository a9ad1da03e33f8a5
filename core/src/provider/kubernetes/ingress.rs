//! Ingress to routers. Compat: kubernetes.md "Ingress provider", "Modern equivalents to implement".
use super::{
    IngressEndpoint,
    builtin::{self, Address, Backend, Ingress},
    crd::Port,
    ingress_route::check_match,
    names::{hash, normalize},
    resource::{Key, Kind},
    scope::Scope,
    secrets,
    servers::servers,
    services::urls,
};
use crate::{
    config::http::{LoadBalancer, Router, RouterTls, Service},
    diagnostic,
};
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use annotations::{RouterOptions, ServiceOptions};

mod annotations;

/// Which IngressClasses are ours.
const CONTROLLER: &str = "traefik.io/ingress-controller";
/// Where an Ingress without class says for whom it is.
pub(super) const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
/// Behind every router of a user.
const LAST: i64 = -2_147_483_648;

pub(super) fn translate(scope: &mut Scope<'_>, ingress: &Ingress) {
    if !is_ours(scope, ingress) {
        return;
    }
    let (options, unknown) = match RouterOptions::read(&scope.object.meta.annotations) {
        Ok(read) => read,
        Err((annotation, message)) => {
            scope.error(format!("metadata.annotations[{annotation}]"), message);
            return;
        }
    };
    tell_unknown(scope, &unknown);
    for (index, tls) in
        ingress.spec.tls.iter().enumerate().filter(|(_, it)| !it.secret_name.is_empty())
    {
        if let Err(message) = secrets::certificate(scope, &tls.secret_name) {
            scope.error(format!("spec.tls[{index}].secretName"), message);
        }
    }
    if ingress.spec.rules.is_empty() {
        default_backend(scope, ingress, &options);
        return;
    }
    let has_tls = scope.options.tls_routers && !ingress.spec.tls.is_empty();
    let mut rules = BTreeMap::new();
    for (index, rule) in ingress.spec.rules.iter().enumerate() {
        let paths = rule.http.iter().flat_map(|http| &http.paths);
        for (number, path) in paths.enumerate() {
            let at = format!("spec.rules[{index}].http.paths[{number}]");
            let rule = self::rule(scope, rule, path, &options);
            let routed = rule.and_then(|(key, rule)| {
                let service = service(scope, &path.backend)?;
                route(scope, (key, rule, service), &options, &mut rules, has_tls);
                Ok(())
            });
            if let Err(message) = routed {
                scope.error(at, message);
            }
        }
    }
    status(scope, ingress);
}

/// Whether it is for us. A class that is named decides alone.
fn is_ours(scope: &mut Scope<'_>, ingress: &Ingress) -> bool {
    let options = scope.options;
    match &ingress.spec.ingress_class_name {
        Some(name) if options.ingress_class.is_empty() || options.ingress_class == *name => {
            let class = scope.ingress_class(name);
            class.is_ok_and(|class| class.spec.controller == CONTROLLER)
        }
        Some(_) => false,
        None => {
            let annotation = scope.object.meta.annotations.get(CLASS_ANNOTATION);
            options.takes_class(annotation.map(String::as_str))
        }
    }
}

fn tell_unknown(scope: &mut Scope<'_>, unknown: &[String]) {
    for annotation in unknown {
        let message = "unknown annotation, it has no effect; check its spelling";
        scope.warn(format!("metadata.annotations[{annotation}]"), message);
    }
}

/// For everything that no other router takes. There is one for all.
fn default_backend(scope: &mut Scope<'_>, ingress: &Ingress, options: &RouterOptions) {
    let Some(backend) = &ingress.spec.default_backend else { return };
    let path = "spec.defaultBackend";
    let name = "default-router";
    let identity = scope.identity();
    let balancer = match balancer(scope, backend) {
        Ok((_, balancer)) => balancer,
        Err(message) => return scope.error(path, message),
    };
    if &*scope.define(diagnostic::Kind::Router, name.to_string(), &identity) != name {
        return scope.error(path, "The default backend already exists.");
    }
    let plain = "default-backend".to_string();
    let service = scope.define(diagnostic::Kind::Service, plain, &identity);
    let router = Router {
        service: service.to_string(),
        rule: "PathPrefix(`/`)".to_string(),
        priority: LAST,
        ..options.router()
    };
    scope.put(|of| &mut of.http.services, service, balanced(balancer));
    scope.put(|of| &mut of.http.routers, Arc::from(name), router);
}

const fn balanced(balancer: LoadBalancer) -> Service {
    Service { load_balancer: Some(balancer), weighted: None, mirroring: None }
}

/// What the router is called, and its rule.
fn rule(
    scope: &Scope<'_>,
    rule: &builtin::Rule,
    path: &builtin::Path,
    options: &RouterOptions,
) -> Result<(String, String), String> {
    for text in [&rule.host, &path.path] {
        if !text.is_empty() && (check_match(text).is_err() || text.contains('`')) {
            return Err(format!("invalid quoting in {text:?}"));
        }
    }
    let mut conditions = Vec::new();
    match (&*rule.host, rule.host.strip_prefix("*.")) {
        ("", _) => {}
        (_, Some(domain)) => {
            conditions.push(format!("HostRegexp(`{{subdomain:[a-zA-Z0-9-]+}}.{domain}`)"));
        }
        (host, None) => conditions.push(format!("Host(`{host}`)")),
    }
    if !path.path.is_empty() {
        conditions.push(path_condition(scope, path, options)?);
    }
    if conditions.is_empty() {
        conditions.push("PathPrefix(`/`)".to_string());
    }
    let key = format!("{}-{}-{}{}", scope.namespace(), scope.name(), rule.host, path.path);
    Ok((normalize(&key), conditions.join(" && ")))
}

fn path_condition(
    scope: &Scope<'_>,
    path: &builtin::Path,
    options: &RouterOptions,
) -> Result<String, String> {
    let written = &path.path;
    let matcher = match &*path.path_type {
        "Exact" => "Path",
        "Prefix" if scope.options.strict_prefix_matching => {
            let element = written.trim_end_matches('/');
            return Ok(if element.is_empty() {
                "PathPrefix(`/`)".to_string()
            } else {
                format!("(Path(`{element}`) || PathPrefix(`{element}/`))")
            });
        }
        "Prefix" => "PathPrefix",
        "" | "ImplementationSpecific" => &options.path_matcher,
        other => return Err(format!("unsupported path type {other:?}")),
    };
    Ok(format!("{matcher}(`{written}`)"))
}

/// The name of the service of a backend.
fn service(scope: &mut Scope<'_>, backend: &Backend) -> Result<String, String> {
    let (key, balancer) = balancer(scope, backend)?;
    let port = port(backend)?;
    // The options are those of the Service, so that there is one for a port.
    let plain = normalize(&format!("{}-{}-{port}", key.namespace, key.name));
    let name = scope.define(diagnostic::Kind::Service, plain, &format!("{key}:{port}"));
    scope.put_from(&key, |of| &mut of.http.services, name.clone(), balanced(balancer));
    Ok(name.to_string())
}

fn port(backend: &Backend) -> Result<Port, String> {
    let service = backend.service.as_ref().ok_or("resource backends are not supported")?;
    service.port.port().ok_or_else(|| "the port of the backend is missing".to_string())
}

fn balancer(scope: &mut Scope<'_>, backend: &Backend) -> Result<(Key, LoadBalancer), String> {
    let port = port(backend)?;
    let name = backend.service.as_ref().map_or("", |service| &service.name);
    let key = Key { kind: Kind::Service, namespace: scope.namespace().clone(), name: name.into() };
    let (_, object) = scope.service(&key)?;
    let (options, unknown) = ServiceOptions::read(&object.meta.annotations)
        .map_err(|(annotation, message)| format!("{key}: annotation {annotation}: {message}"))?;
    if let Some(annotation) = unknown.first() {
        let message = format!("{key}: unknown annotation {annotation}, it has no effect");
        scope.warn("", message);
    }
    let found = servers(scope, &key, Some(&port), options.native_lb)?;
    let servers = urls(&found, &options.scheme)?;
    let balancer = LoadBalancer {
        servers,
        sticky: options.sticky,
        pass_host_header: options.pass_host_header,
        servers_transport: options.servers_transport,
        ..LoadBalancer::default()
    };
    Ok((key, balancer))
}

/// Adds a router, and another one for TLS where that is asked for.
fn route(
    scope: &mut Scope<'_>,
    (mut key, rule, service): (String, String, String),
    options: &RouterOptions,
    rules: &mut BTreeMap<String, String>,
    has_tls: bool,
) {
    match rules.get(&key) {
        Some(other) if *other != rule => key = format!("{key}-{}", hash(&rule)),
        Some(_) => scope.warn("", format!("the rule {rule} is there twice; the last one counts")),
        None => drop(rules.insert(key.clone(), rule.clone())),
    }
    let router = Router { service, rule, ..options.router() };
    let identity = scope.identity();
    if has_tls && router.tls.is_none() {
        let name = scope.define(diagnostic::Kind::Router, format!("{key}-tls"), &identity);
        let tls = Some(RouterTls::default());
        scope.put(|of| &mut of.http.routers, name, Router { tls, ..router.clone() });
    }
    let name = scope.define(diagnostic::Kind::Router, key, &identity);
    scope.put(|of| &mut of.http.routers, name, router);
}

/// The status that it should have. Compat: kubernetes.md "Ingress provider", status.
fn status(scope: &mut Scope<'_>, ingress: &Ingress) {
    let address = match &scope.options.ingress_endpoint {
        None => return,
        Some(IngressEndpoint::Address(address)) => address,
        Some(IngressEndpoint::Published(namespace, name)) => {
            let service = Key::new(Kind::Service, namespace, name);
            match scope.service(&service) {
                Ok((service, _)) => match service.status.load_balancer.ingress.first() {
                    Some(address) => address,
                    None => return,
                },
                Err(message) => {
                    return scope.warn("status", format!("publishedService: {message}"));
                }
            }
        }
    };
    let wanted = [Address { ip: address.ip.clone(), hostname: address.hostname.clone() }];
    if ingress.status.load_balancer.ingress != wanted {
        scope.out.status = Some(wanted.into());
    }
}
