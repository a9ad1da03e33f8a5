//! TCP and UDP routers and their services.
use super::*;
use crate::{relay, tcp::table::Secure};

const WEB: EntryPointId = EntryPointId(0);
const ADMIN: EntryPointId = EntryPointId(1);

pub(super) fn relay(instance: &relay::Instance) -> String {
    match instance {
        relay::Instance::LoadBalancer { service, balancer } => {
            let servers: Vec<_> = service.servers.iter().map(ToString::to_string).collect();
            format!("{}#{} {}", service.name, balancer.0, servers.join(" "))
        }
        relay::Instance::Weighted { service, balancer, children } => {
            let children: Vec<_> = children.iter().map(relay).collect();
            format!("{}#{} ({})", service.name, balancer.0, children.join(", "))
        }
    }
}

pub(super) fn secure(plan: &Plan, at: EntryPointId, name: &str) -> String {
    match plan.connections(at).unwrap().secure(Some(name)) {
        Secure::Http(options) => format!("HTTP under {}", options.name),
        Secure::Terminate(options, router) => {
            format!("{} under {} to {}", router.name, options.name, relay(&router.service))
        }
        Secure::Passthrough(router) => format!("{} to {}", router.name, relay(&router.service)),
        Secure::Refused => "refused".into(),
    }
}

/// Where connections of every kind go.
fn connections(plan: &Plan) -> String {
    let mut text = String::new();
    for at in [WEB, ADMIN] {
        let clear = plan.connections(at).unwrap().clear();
        let clear = clear.map(|it| format!("{} to {}", it.name, relay(&it.service)));
        writeln!(text, "{}: clear: {}", at.0, clear.unwrap_or_default()).unwrap();
        for name in ["db.example", "own.example", "x.example"] {
            writeln!(text, "{}: {name}: {}", at.0, secure(plan, at, name)).unwrap();
        }
    }
    text
}

fn objects() -> Objects {
    Objects::default().json(
        r#"{"tcp": {
            "routers": {
                "db": {"rule": "HostSNI(`db.example`)", "service": "split", "tls": {"passthrough": true}},
                "own": {"rule": "HostSNI(`own.example`)", "service": "db", "tls": {"options": "own"}, "entryPoints": ["web"]},
                "all": {"rule": "HostSNI(`*`)", "service": "db", "entryPoints": ["admin"]},
                "rest": {"rule": "HostSNI(`*`)", "service": "db", "entryPoints": ["admin"], "tls": {}}},
            "services": {
                "db": {"loadBalancer": {"servers": [{"address": "10.0.0.1:5432"}, {"address": "[::1]:5432"}]}},
                "far": {"loadBalancer": {"servers": [{"address": "far.example:1"}], "terminationDelay": -1, "proxyProtocol": {"version": 1}}},
                "split": {"weighted": {"services": [{"name": "db", "weight": 3}, {"name": "far@file"}]}}}},
        "udp": {
            "routers": {"dns": {"service": "dns", "entryPoints": ["dns"]}},
            "services": {"dns": {"loadBalancer": {"servers": [{"address": "10.0.0.1:53"}]}}}},
        "tls": {"options": {"own": {"minVersion": "VersionTLS13"}}}}"#,
    )
}

#[test]
fn connections_go_to_services_with_their_cells() {
    let (plan, _) = objects().compiled();
    assert_eq!(told(&plan), "");
    insta::assert_snapshot!(connections(&plan), @"
    0: clear: 
    0: db.example: db@file to split@file#1 (db@file#2 10.0.0.1:5432 [::1]:5432, far@file#3 far.example:1)
    0: own.example: own@file under own@file to db@file#4 10.0.0.1:5432 [::1]:5432
    0: x.example: HTTP under default
    1: clear: all@file to db@file#0 10.0.0.1:5432 [::1]:5432
    1: db.example: db@file to split@file#1 (db@file#2 10.0.0.1:5432 [::1]:5432, far@file#3 far.example:1)
    1: own.example: rest@file under default to db@file#5 10.0.0.1:5432 [::1]:5432
    1: x.example: rest@file under default to db@file#5 10.0.0.1:5432 [::1]:5432
    ");
    assert_eq!(plan.cells.balancers.len(), 7);
    let dns = plan.datagrams(EntryPointId(0)).map(|router| relay(&router.service));
    assert_eq!(dns.as_deref(), Some("dns@file#6 10.0.0.1:53"));
    assert!(plan.datagrams(EntryPointId(1)).is_none());
}

#[test]
fn how_servers_are_spoken_to_is_part_of_the_service() {
    let objects = objects().json(
        r#"{"tcp": {"routers": {"far": {"rule": "HostSNI(`*`)", "service": "far", "priority": 99}}}}"#,
    );
    let (plan, _) = objects.compiled();
    let router = plan.connections(WEB).unwrap().clear().unwrap().clone();
    let relay::Instance::LoadBalancer { service, .. } = &*router.service else {
        panic!("balanced")
    };
    assert_eq!(service.termination_delay, None);
    assert_eq!(service.proxy_protocol, Some(crate::entry_point::proxy_protocol::Version::One));
    assert_eq!((router.priority, service.servers.len()), (99, 1));
}

#[test]
fn what_is_wrong_with_connections_is_said() {
    let objects = Objects::default().json(
        r#"{"tcp": {
            "routers": {
                "empty": {"service": "good"},
                "rule": {"rule": "Host(`a`)", "service": "good"},
                "service": {"rule": "HostSNI(`*`)"},
                "gone": {"rule": "HostSNI(`*`)", "service": "gone"},
                "place": {"rule": "HostSNI(`*`)", "service": "good", "entryPoints": ["nope"]},
                "names": {"rule": "HostSNI(`a.example`)", "service": "good"},
                "wild": {"rule": "HostSNI(`*.example`, `b.example`)", "service": "good", "tls": {}},
                "options": {"rule": "HostSNI(`c.example`)", "service": "good", "tls": {"options": "gone"}},
                "uses": {"rule": "HostSNI(`d.example`)", "service": "both", "tls": {}}},
            "services": {
                "good": {"loadBalancer": {}},
                "none": {},
                "both": {"loadBalancer": {}, "weighted": {}},
                "servers": {"loadBalancer": {"servers": [{"address": "a"}, {"address": "a:1"}, {}]}},
                "header": {"loadBalancer": {"proxyProtocol": {"version": 3}}},
                "negative": {"weighted": {"services": [{"name": "good", "weight": -1}]}},
                "zero": {"weighted": {"services": [{"name": "good", "weight": 0}]}},
                "lost": {"weighted": {"services": [{"name": "gone"}]}},
                "ring": {"weighted": {"services": [{"name": "ring"}]}}}},
        "udp": {
            "routers": {
                "first": {"service": "udp", "entryPoints": ["dns"]},
                "second": {"service": "udp"},
                "third": {"service": "none", "entryPoints": ["dns"]}},
            "services": {"udp": {"loadBalancer": {}}, "none": {}}}}"#,
    );
    let (plan, _) = objects.compiled();
    insta::assert_snapshot!(told(&plan), @r#"
    dynamic.yml:7: error: TCP router empty@file: tcp.routers.empty.rule: router has no rule
    dynamic.yml:7: error: TCP router gone@file: tcp.routers.gone.service: the service "gone@file" does not exist
    dynamic.yml:7: warning: TCP router names@file: tcp.routers.names.rule: without `tls` no name is known: only HostSNI(`*`) has an effect
    dynamic.yml:7: error: TCP router options@file: tcp.routers.options.tls.options: unknown TLS options: gone@file
    dynamic.yml:7: warning: TCP router place@file: tcp.routers.place.entryPoints: entryPoint "nope" doesn't exist
    dynamic.yml:7: error: TCP router place@file: tcp.routers.place.entryPoints: no valid entryPoint for this router
    dynamic.yml:7: error: TCP router rule@file: tcp.routers.rule.rule: unknown rule Host(`a`): unsupported function: Host (column 1 of the rule)
    dynamic.yml:7: error: TCP router service@file: tcp.routers.service.service: the service is missing on the router
    dynamic.yml:7: error: TCP router uses@file: tcp.routers.uses.service: cannot create service: multi-types service not supported, consider declaring two different pieces of service instead
    dynamic.yml:7: warning: TCP router wild@file: tcp.routers.wild.rule: no client can ask for *.example
    dynamic.yml:7: error: TCP service both@file: tcp.services.both: cannot create service: multi-types service not supported, consider declaring two different pieces of service instead
    dynamic.yml:7: error: TCP service header@file: tcp.services.header.loadBalancer.proxyProtocol.version: unknown proxyProtocol version: 3; write 1 or 2
    dynamic.yml:7: error: TCP service lost@file: tcp.services.lost: the service "gone@file" does not exist
    dynamic.yml:7: error: TCP service negative@file: tcp.services.negative.weighted.services[0].weight: weight -1 of "good" must be 0 to 4294967295
    dynamic.yml:7: error: TCP service none@file: tcp.services.none: the service "none@file" doesn't have any TCP load balancer
    dynamic.yml:7: error: TCP service ring@file: tcp.services.ring: could not instantiate service ring@file: recursion detected in ring@file->ring@file
    dynamic.yml:7: warning: TCP service servers@file: tcp.services.servers.loadBalancer.servers[0].address: "a" is no address: the port is missing; write `10.0.0.1:80`, `[::1]:80` or `name:80`; the server is left out
    dynamic.yml:7: warning: TCP service servers@file: tcp.services.servers.loadBalancer.servers[2].address: "" is no address: the port is missing; write `10.0.0.1:80`, `[::1]:80` or `name:80`; the server is left out
    dynamic.yml:7: warning: TCP service zero@file: tcp.services.zero.weighted.services: all weights are 0: connections are closed
    dynamic.yml:7: warning: UDP router second@file: udp.routers.second.entryPoints: there is one router for an entry point, and for "dns" it is first@file
    dynamic.yml:7: error: UDP router third@file: udp.routers.third.service: the service "none@file" doesn't have any UDP load balancer
    dynamic.yml:7: error: UDP service none@file: udp.services.none: the service "none@file" doesn't have any UDP load balancer
    "#);
}

#[test]
fn the_other_udp_router_serves_once_the_first_goes() {
    let two = |names: &[&str]| {
        let routers: Vec<_> =
            names.iter().map(|it| format!(r#""{it}": {{"service": "udp"}}"#)).collect();
        let json = format!(
            r#"{{"udp": {{"routers": {{{}}}, "services": {{"udp": {{"loadBalancer": {{}}}}}}}}}}"#,
            routers.join(",")
        );
        Objects::default().json(&json)
    };
    let name = |plan: &Plan| plan.datagrams(EntryPointId(1)).map(|router| router.name.to_string());
    let (both, _) = two(&["a", "b"]).compiled();
    assert_eq!(name(&both).as_deref(), Some("a@file"));
    insta::assert_snapshot!(told(&both), @r#"
    dynamic.yml:7: warning: UDP router b@file: udp.routers.b.entryPoints: there is one router for an entry point, and for "dns" it is a@file
    dynamic.yml:7: warning: UDP router b@file: udp.routers.b.entryPoints: there is one router for an entry point, and for "log" it is a@file
    "#);
    let (one, diagnostics) = compile(Some(&both), &settings(), &two(&["b"]).alone());
    assert_eq!((name(&one).as_deref(), diagnostics), (Some("b@file"), vec![]));
}

#[test]
fn what_did_not_change_keeps_its_router_and_cells() {
    let (before, _) = objects().compiled();
    let other =
        r#"{"tcp": {"services": {"far": {"loadBalancer": {}}}}, "tls": {"options": {"own": {}}}}"#;
    let (after, _) = compile(Some(&before), &settings(), &objects().json(other).alone());
    let clear = |plan: &Plan| plan.connections(ADMIN).unwrap().clear().unwrap().clone();
    assert!(Arc::ptr_eq(&clear(&before), &clear(&after)));
    let all = |plan: &Plan| ["db", "own"].map(|it| secure(plan, WEB, &format!("{it}.example")));
    insta::assert_snapshot!([all(&before), all(&after)].concat().join("\n"), @"
    db@file to split@file#1 (db@file#2 10.0.0.1:5432 [::1]:5432, far@file#3 far.example:1)
    own@file under own@file to db@file#4 10.0.0.1:5432 [::1]:5432
    db@file to split@file#1 (db@file#2 10.0.0.1:5432 [::1]:5432, far@file#7 )
    own@file under own@file to db@file#4 10.0.0.1:5432 [::1]:5432
    ");
}
