//! IngressRoute to routers. A route that cannot be is left out with its reason; the others stay.
//! Compat: kubernetes.md "Generated names", "References", "Validation of match".
use super::{
    crd::{
        ObjectName,
        route::{IngressRoute, Route, Tls},
    },
    names::{hash, normalize},
    resource::{Key, Kind},
    scope::Scope,
    secrets,
    services::{Target, named, normalized, reference, target},
};
use crate::{
    config::http::{Router, RouterTls, Service, Weighted, WeightedService},
    diagnostic,
    lexer::{self, Tokens},
};
use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};

/// The name of the TLS options that are everybody's.
pub(super) const DEFAULT: &str = "default";

/// What is wrong, and with which option of a route.
pub(super) type Fault = (String, String);

pub(super) fn translate(scope: &mut Scope<'_>, ingress_route: &IngressRoute) {
    let mut matches = BTreeSet::new();
    for (index, route) in ingress_route.routes.iter().enumerate() {
        let path = format!("spec.routes[{index}]");
        match router(scope, ingress_route, route, &path) {
            Ok((router, targets)) => {
                if !matches.insert(&route.r#match) {
                    let message = "another route has the same match; of those the last counts";
                    scope.warn(format!("{path}.match"), message);
                }
                put(scope, router, targets);
            }
            Err((option, message)) => scope.error(join(&path, &option), message),
        }
    }
    let secret = ingress_route.tls.as_ref().map(|tls| &*tls.secret_name);
    if let Some(name) = secret.filter(|name| !name.is_empty())
        && let Err(message) = secrets::certificate(scope, name)
    {
        scope.error("spec.tls.secretName", message);
    }
}

/// The path of an option inside `path`.
pub(super) fn join(path: &str, option: &str) -> String {
    if option.starts_with("spec.") {
        option.to_string()
    } else if option.is_empty() {
        path.to_string()
    } else {
        format!("{path}.{option}")
    }
}

type Targets = Vec<(Target, Option<i64>)>;

fn router(
    scope: &mut Scope<'_>,
    ingress_route: &IngressRoute,
    route: &Route,
    path: &str,
) -> Result<(Router, Targets), Fault> {
    if !["", "Rule"].contains(&&*route.kind) {
        let message = format!("unsupported kind {:?}: it must be Rule", route.kind);
        return Err(("kind".to_string(), message));
    }
    check_match(&route.r#match).map_err(|message| ("match".to_string(), message))?;
    let tls = ingress_route.tls.as_ref().map(|tls| router_tls(scope, tls)).transpose()?;
    let middlewares = middlewares(scope, &route.middlewares)
        .map_err(|(index, message)| (format!("middlewares[{index}]"), message))?;
    let mut targets = Vec::new();
    for (index, service) in route.services.iter().enumerate() {
        let target =
            target(scope, service).map_err(|message| (format!("services[{index}]"), message))?;
        if service.health_check.is_some() {
            let message = "healthCheck has no effect: Kubernetes says which pods are ready";
            scope.warn(format!("{path}.services[{index}]"), message);
        }
        targets.push((target, service.weight));
    }
    let router = Router {
        entry_points: ingress_route.entry_points.clone(),
        middlewares,
        service: String::new(),
        rule: route.r#match.clone(),
        priority: route.priority,
        tls,
    };
    Ok((router, targets))
}

/// Adds a router with what answers.
fn put(scope: &mut Scope<'_>, mut router: Router, mut targets: Targets) {
    let (namespace, name) = (scope.namespace(), scope.name());
    let plain = normalize(&format!("{namespace}-{name}-{}", hash(&router.rule)));
    let identity = scope.identity();
    let name = scope.define(diagnostic::Kind::Router, plain.clone(), &identity);
    // What a route with the same match has left behind.
    scope.out.configuration.http.services.remove(&name);
    let service = match (targets.pop(), targets.is_empty()) {
        (None, _) => None,
        (Some((Target::Named(name), _)), true) => {
            router.service = name;
            None
        }
        (Some((Target::Made(made), _)), true) => {
            Some(Service { load_balancer: Some(made.balancer), ..Service::default() })
        }
        (Some(last), false) => {
            targets.push(last);
            let children = targets.into_iter();
            let children = children
                .map(|(target, weight)| WeightedService { name: named(scope, target), weight });
            let weighted = Weighted { services: children.collect(), sticky: None };
            Some(Service { weighted: Some(weighted), ..Service::default() })
        }
    };
    if router.service.is_empty() {
        // Under the router's own name; without services there is nothing, and the router says so.
        let name = scope.define(diagnostic::Kind::Service, plain, &identity);
        router.service = name.to_string();
        if let Some(service) = service {
            scope.put(|of| &mut of.http.services, name, service);
        }
    }
    scope.put(|of| &mut of.http.routers, name, router);
}

/// A text that could stand between double quotes in Go.
pub(super) fn check_match(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the match is empty".to_string());
    }
    let quoted = format!("\"{text}\"");
    let is_whole = Tokens::new(&quoted).is_ok_and(|tokens| {
        matches!(tokens.token.kind, lexer::Kind::Text(_)) && tokens.token.end == quoted.len()
    });
    if is_whole {
        Ok(())
    } else {
        Err("invalid quoting: quote with `backquotes`, and write a backslash twice".to_string())
    }
}

/// The names of middlewares, or which of them may not be referred to.
pub(super) fn middlewares(
    scope: &mut Scope<'_>,
    names: &[ObjectName],
) -> Result<Vec<String>, (usize, String)> {
    let kinds = (Kind::Middleware, diagnostic::Kind::Middleware);
    let named = names.iter().enumerate().map(|(index, it)| {
        reference(scope, kinds, (&it.namespace, &it.name), normalized)
            .map_err(|message| (index, message))
    });
    named.collect()
}

fn router_tls(scope: &mut Scope<'_>, tls: &Tls) -> Result<RouterTls, Fault> {
    Ok(RouterTls {
        options: options(scope, tls.options.as_ref())?,
        cert_resolver: tls.cert_resolver.clone(),
        domains: tls.domains.clone(),
    })
}

/// The name of TLS options; empty where none are asked for.
pub(super) fn options(
    scope: &mut Scope<'_>,
    options: Option<&ObjectName>,
) -> Result<String, Fault> {
    let Some(options) = options.filter(|it| !it.name.is_empty()) else { return Ok(String::new()) };
    let kinds = (Kind::TlsOption, diagnostic::Kind::TlsOptions);
    reference(scope, kinds, (&options.namespace, &options.name), options_name)
        .map_err(|message| ("spec.tls.options".to_string(), message))
}

/// What TLS options are called: those called `default` are everybody's.
pub(super) fn options_name(key: &Key) -> String {
    match &*key.name {
        DEFAULT => DEFAULT.to_string(),
        name => format!("{}-{name}", key.namespace),
    }
}
