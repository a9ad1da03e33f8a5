//! Variants of what is not HTTP, and what can be told of it.
use super::*;
use crate::{
    config::{file::File, tcp, tls, transport::ServersTransport, udp},
    plan::compile::tests::connections::{relay, secure},
    tls::store::{Asked, Choice},
};

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

pub(super) fn tcp_service_variant(n: usize) -> tcp::Service {
    let server = |n: usize| tcp::Server { address: format!("s{n}:1") };
    match n {
        0..6 => {
            let servers = (0..=n % 3).map(server).collect();
            let load_balancer = Some(tcp::LoadBalancer { servers, ..tcp::LoadBalancer::default() });
            tcp::Service { load_balancer, weighted: None }
        }
        6 => tcp::Service::default(),
        _ => {
            let child = |n| WeightedService { name: reference(n), weight: Some(1) };
            let weighted = Some(tcp::Weighted { services: vec![child(n), child(n + 2)] });
            tcp::Service { load_balancer: None, weighted }
        }
    }
}

pub(super) fn tcp_router_variant(n: usize) -> tcp::Router {
    let tls = |options: String, passthrough| tcp::RouterTls {
        options,
        passthrough,
        ..tcp::RouterTls::default()
    };
    tcp::Router {
        rule: match n {
            12 => String::new(),
            n if n % 4 == 0 => "HostSNI(`*`)".into(),
            n => format!("HostSNI(`h{}.example`, `h{}.example`)", n % 4, n % 3),
        },
        service: reference(n),
        tls: match n % 5 {
            0 => None,
            1 => Some(tls(String::new(), false)),
            2 => Some(tls(reference(n), true)),
            _ => Some(tls(reference(n), false)),
        },
        entry_points: if n.is_multiple_of(3) { vec!["admin".into()] } else { vec![] },
        priority: i64::try_from(n % 2).unwrap(),
    }
}

pub(super) fn udp_service_variant(n: usize) -> udp::Service {
    let tcp::Service { load_balancer, weighted } = tcp_service_variant(n);
    let load_balancer = load_balancer.map(|it| udp::LoadBalancer { servers: it.servers });
    udp::Service { load_balancer, weighted }
}

pub(super) fn udp_router_variant(n: usize) -> udp::Router {
    let entry_points = if n.is_multiple_of(2) { vec!["dns".into()] } else { vec![] };
    udp::Router { entry_points, service: reference(n) }
}

pub(super) fn transport_variant(n: usize) -> ServersTransport {
    let root_cas = if n == 13 { vec![File::new("gone.pem")] } else { vec![] };
    ServersTransport { server_name: format!("t{n}"), root_cas, ..ServersTransport::default() }
}

pub(super) fn options_variant(n: usize) -> tls::Options {
    let max_version = if n % 5 == 4 { "VersionTLS10" } else { "" }.into();
    tls::Options { max_version, sni_strict: n.is_multiple_of(2), ..tls::Options::default() }
}

pub(super) fn certificate_variant(n: usize) -> tls::Certificate {
    let pem = match n % 4 {
        0 => include_str!("../../../../tls/certificate/pem/rsa.pem"),
        1 => include_str!("../../../../tls/certificate/pem/p256.pem"),
        2 => include_str!("../../../../tls/certificate/pem/p384.pem"),
        _ => "gone.pem",
    };
    let stores = if n > 10 { vec!["other".into()] } else { vec![] };
    tls::Certificate { cert_file: File::new(pem), key_file: File::new(KEY), stores }
}

pub(super) fn store_variant(n: usize) -> tls::Store {
    let tls::Certificate { cert_file, key_file, .. } = certificate_variant(n);
    let pair = tls::KeyPair { cert_file, key_file };
    tls::Store { default_certificate: (n != 5).then_some(pair) }
}

/// Where connections and datagrams go, and which certificates clients are shown.
pub(super) fn seen(plan: &Plan) -> Vec<String> {
    let mut seen = Vec::new();
    for at in [0, 1].map(EntryPointId) {
        let table = plan.connections(at).unwrap();
        let name = |router: Option<&Arc<crate::tcp::Router>>| router.map(|it| it.name.clone());
        seen.push(format!("{:?} {:?}", name(table.silent()), name(table.clear())));
        for host in 0..5 {
            seen.push(secure(plan, at, &format!("h{host}.example")));
        }
        let datagrams = plan.datagrams(at).map(|it| format!("{} {}", it.name, relay(&it.service)));
        seen.push(datagrams.unwrap_or_default());
    }
    for name in ["rsa.example.com", "p256.example", "only-common.example", "none"] {
        let choice = plan.certificates().choose(Asked::Name(name), &[0x0804], false);
        seen.push(match choice {
            Choice::Certificate(certificate) => certificate.name.to_string(),
            other @ (Choice::Generated | Choice::Refused) => format!("{other:?}"),
        });
    }
    seen
}

/// The balancers of all routers that are not of HTTP.
pub(super) fn collect(plan: &Plan, balancers: &mut Vec<u32>) {
    fn all(instance: &crate::relay::Instance, balancers: &mut Vec<u32>) {
        match instance {
            crate::relay::Instance::LoadBalancer { balancer, .. } => balancers.push(balancer.0),
            crate::relay::Instance::Weighted { balancer, children, .. } => {
                balancers.push(balancer.0);
                children.iter().for_each(|child| all(child, balancers));
            }
        }
    }
    for provider in plan.parts.providers.values() {
        let tcp = provider.tcp_routers.iter().filter_map(|(_, it)| it.part.router.as_ref());
        tcp.for_each(|router| all(&router.service, balancers));
        let udp = provider.udp_routers.iter().filter_map(|(_, it)| it.part.router.as_ref());
        udp.for_each(|router| all(&router.service, balancers));
    }
}

/// Whether a TCP router is the same part in both plans.
pub(super) fn is_same(before: &Plan, after: &Plan, id: &Id) -> bool {
    let part = |plan: &Plan| {
        let provider = plan.parts.providers.get(&id.provider)?;
        Some(provider.tcp_routers.get(&*id.name)?.part.clone())
    };
    part(before).zip(part(after)).is_some_and(|(before, after)| Arc::ptr_eq(&before, &after))
}
