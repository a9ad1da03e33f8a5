//! IngressRouteTCP and IngressRouteUDP to routers. Compat: kubernetes.md "Generated names"; UDP as
//! later versions have it.
use super::{
    crd::{
        Port,
        route::{IngressRouteTcp, IngressRouteUdp, RouteTcp, ServiceTcp, TlsTcp},
    },
    ingress_route::{Fault, check_match, join, options},
    names::hash,
    resource::Kind,
    scope::Scope,
    secrets,
    servers::servers,
};
use crate::{
    config::{
        http::WeightedService,
        tcp::{self, Server, Weighted},
        udp,
    },
    diagnostic,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

pub(super) fn translate_tcp(scope: &mut Scope<'_>, ingress_route: &IngressRouteTcp) {
    for (index, route) in ingress_route.routes.iter().enumerate() {
        let path = format!("spec.routes[{index}]");
        if let Err((option, message)) = tcp(scope, ingress_route, route, &path) {
            scope.error(join(&path, &option), message);
        }
    }
    let Some(tls) = ingress_route.tls.as_ref().filter(|tls| !tls.passthrough) else { return };
    if !tls.secret_name.is_empty()
        && let Err(message) = secrets::certificate(scope, &tls.secret_name)
    {
        scope.error("spec.tls.secretName", message);
    }
}

fn tcp(
    scope: &mut Scope<'_>,
    ingress_route: &IngressRouteTcp,
    route: &RouteTcp,
    path: &str,
) -> Result<(), Fault> {
    check_match(&route.r#match).map_err(|message| ("match".to_string(), message))?;
    if !route.middlewares.is_empty() {
        let message = "TCP middlewares are not supported: without them the route would be open";
        return Err(("middlewares".to_string(), message.to_string()));
    }
    let tls = ingress_route.tls.as_ref().map(|tls| router_tls(scope, tls)).transpose()?;
    let plain = format!("{}-{}-{}", scope.namespace(), scope.name(), hash(&route.r#match));
    let identity = scope.identity();
    let name = scope.define(diagnostic::Kind::TcpRouter, plain.clone(), &identity);
    let service = scope.define(diagnostic::Kind::TcpService, plain.clone(), &identity);
    let mut made = Vec::new();
    for (index, written) in route.services.iter().enumerate() {
        match balancer(scope, written) {
            Ok(balancer) => made.push((written, balancer)),
            // Compat: the others stay, and the router even without any.
            Err(message) => scope.error(format!("{path}.services[{index}]"), message),
        }
    }
    let balanced = |it| tcp::Service { load_balancer: Some(it), ..tcp::Service::default() };
    if route.services.len() == 1 {
        if let Some((_, balancer)) = made.pop() {
            scope.put(|of| &mut of.tcp.services, service.clone(), balanced(balancer));
        }
    } else if !made.is_empty() {
        let mut services = Vec::new();
        for (written, balancer) in made {
            let child = child(&plain, &written.name, written.port.as_ref());
            let child = scope.define(diagnostic::Kind::TcpService, child, &identity);
            services.push(WeightedService { name: child.to_string(), weight: written.weight });
            scope.put(|of| &mut of.tcp.services, child, balanced(balancer));
        }
        let weighted =
            tcp::Service { weighted: Some(Weighted { services }), ..tcp::Service::default() };
        scope.put(|of| &mut of.tcp.services, service.clone(), weighted);
    }
    let router = tcp::Router {
        entry_points: ingress_route.entry_points.clone(),
        service: service.to_string(),
        rule: route.r#match.clone(),
        priority: route.priority,
        tls,
    };
    scope.put(|of| &mut of.tcp.routers, name, router);
    Ok(())
}

fn child(parent: &str, service: &str, port: Option<&Port>) -> String {
    let port = port.map(Port::to_string).unwrap_or_default();
    format!("{parent}-{service}-{port}")
}

fn router_tls(scope: &mut Scope<'_>, tls: &TlsTcp) -> Result<tcp::RouterTls, Fault> {
    Ok(tcp::RouterTls {
        passthrough: tls.passthrough,
        options: options(scope, tls.options.as_ref())?,
        cert_resolver: tls.cert_resolver.clone(),
        domains: tls.domains.clone(),
    })
}

fn balancer(scope: &mut Scope<'_>, service: &ServiceTcp) -> Result<tcp::LoadBalancer, String> {
    let key = scope.key(Kind::Service, &service.namespace, &service.name)?;
    let found = servers(scope, &key, service.port.as_ref(), service.native_lb)?;
    Ok(tcp::LoadBalancer {
        servers: found.addresses.into_iter().map(|address| Server { address }).collect(),
        termination_delay: service.termination_delay,
        proxy_protocol: service.proxy_protocol,
    })
}

pub(super) fn translate_udp(scope: &mut Scope<'_>, ingress_route: &IngressRouteUdp) {
    for (index, route) in ingress_route.routes.iter().enumerate() {
        let plain = format!("{}-{}-{index}", scope.namespace(), scope.name());
        let identity = scope.identity();
        let name = scope.define(diagnostic::Kind::UdpRouter, plain.clone(), &identity);
        let service = scope.define(diagnostic::Kind::UdpService, plain.clone(), &identity);
        let mut made = Vec::new();
        for (at, written) in route.services.iter().enumerate() {
            let key = scope.key(Kind::Service, &written.namespace, &written.name);
            let found =
                key.and_then(|key| servers(scope, &key, written.port.as_ref(), written.native_lb));
            match found {
                Ok(found) => {
                    let servers = found.addresses.into_iter();
                    let servers = servers.map(|address| Server { address }).collect();
                    made.push((written, udp::LoadBalancer { servers }));
                }
                Err(message) => {
                    scope.error(format!("spec.routes[{index}].services[{at}]"), message);
                }
            }
        }
        put_udp(scope, &plain, &service, route.services.len(), made);
        let entry_points = ingress_route.entry_points.clone();
        let router = udp::Router { entry_points, service: service.to_string() };
        scope.put(|of| &mut of.udp.routers, name, router);
    }
}

type MadeUdp<'a> = Vec<(&'a super::crd::route::ServiceUdp, udp::LoadBalancer)>;

fn put_udp(
    scope: &mut Scope<'_>,
    plain: &str,
    service: &alloc::sync::Arc<str>,
    count: usize,
    mut made: MadeUdp<'_>,
) {
    let balanced = |it| udp::Service { load_balancer: Some(it), ..udp::Service::default() };
    if count == 1 {
        if let Some((_, balancer)) = made.pop() {
            scope.put(|of| &mut of.udp.services, service.clone(), balanced(balancer));
        }
    } else if !made.is_empty() {
        let identity = scope.identity();
        let mut services = Vec::new();
        for (written, balancer) in made {
            let child = child(plain, &written.name, written.port.as_ref());
            let child = scope.define(diagnostic::Kind::UdpService, child, &identity);
            services.push(WeightedService { name: child.to_string(), weight: written.weight });
            scope.put(|of| &mut of.udp.services, child, balanced(balancer));
        }
        let weighted =
            udp::Service { weighted: Some(Weighted { services }), ..udp::Service::default() };
        scope.put(|of| &mut of.udp.services, service.clone(), weighted);
    }
}
