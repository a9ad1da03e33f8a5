//! TraefikService to services. Compat: kubernetes.md "Schemas", "Generated names".
use super::{
    crd::service::{Mirroring, TraefikService, Weighted},
    ingress_route::Fault,
    scope::Scope,
    services::{named, normalized, target},
};
use crate::{
    config::http::{self, MirrorService, Service, WeightedService},
    diagnostic,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

pub(super) fn translate(scope: &mut Scope<'_>, traefik_service: &TraefikService) {
    let service = match (&traefik_service.weighted, &traefik_service.mirroring) {
        (Some(weighted), None) => self::weighted(scope, weighted),
        (None, Some(mirroring)) => self::mirroring(scope, mirroring),
        (None, None) | (Some(_), Some(_)) => {
            Err(("spec".to_string(), "give either weighted or mirroring".to_string()))
        }
    };
    match service {
        Ok(service) => {
            let plain = normalized(&scope.object.key());
            let identity = scope.identity();
            let name = scope.define(diagnostic::Kind::Service, plain, &identity);
            scope.put(|of| &mut of.http.services, name, service);
        }
        Err((path, message)) => scope.error(path, message),
    }
}

fn weighted(scope: &mut Scope<'_>, weighted: &Weighted) -> Result<Service, Fault> {
    let mut targets = Vec::new();
    for (index, child) in weighted.services.iter().enumerate() {
        let at = |message| (format!("spec.weighted.services[{index}]"), message);
        targets.push((target(scope, child).map_err(at)?, child.weight));
    }
    let services = targets.into_iter();
    let services =
        services.map(|(target, weight)| WeightedService { name: named(scope, target), weight });
    let weighted = http::Weighted { services: services.collect(), sticky: weighted.sticky.clone() };
    Ok(Service { weighted: Some(weighted), ..Service::default() })
}

fn mirroring(scope: &mut Scope<'_>, mirroring: &Mirroring) -> Result<Service, Fault> {
    let at = |message: String| ("spec.mirroring".to_string(), message);
    let main = target(scope, &mirroring.service()).map_err(at)?;
    let mut mirrors = Vec::new();
    for (index, mirror) in mirroring.mirrors.iter().enumerate() {
        let at = |message| (format!("spec.mirroring.mirrors[{index}]"), message);
        mirrors.push((target(scope, &mirror.service()).map_err(at)?, mirror.percent));
    }
    let service = named(scope, main);
    let mirrors = mirrors.into_iter();
    let mirrors =
        mirrors.map(|(target, percent)| MirrorService { name: named(scope, target), percent });
    let mirroring = http::Mirroring {
        service,
        max_body_size: mirroring.max_body_size,
        mirrors: mirrors.collect(),
    };
    Ok(Service { mirroring: Some(mirroring), ..Service::default() })
}
