use super::*;
use crate::{
    config::Definitions,
    config::http::{
        HealthCheck, LoadBalancer, MirrorService, Mirroring, Router as Written, Server, Service,
        Weighted, WeightedService,
    },
    diagnostic::Place,
    entry_point::{EntryPointId, Trust},
    middleware::{Definition, add_prefix::AddPrefix, chain::Chain},
    plan::report::Status,
    service::Instance,
    tls::certificate::Load,
};
use ::http::HeaderValue;
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec,
};
use core::fmt::Write;
use serde::de::DeserializeOwned;

mod connections;
mod property;
mod reuse;
mod security;
mod services;

fn settings() -> Settings {
    let entry_point = |name: &str| crate::entry_point::EntryPoint {
        name: name.into(),
        forwarded_trust: Trust::default(),
        hostname: HeaderValue::from_static("test"),
        raw_paths: false,
    };
    Settings {
        entry_points: [entry_point("web"), entry_point("admin")].into(),
        udp_entry_points: ["dns".into(), "log".into()].into(),
        ping: true,
        load: Load::default(),
    }
}

/// The objects of one provider, in the making.
#[derive(Clone, Default)]
struct Objects {
    configuration: Configuration,
}

fn defined<T>(value: Result<T, String>) -> Arc<Defined<T>> {
    Arc::new(Defined { value, place: Place { source: "dynamic.yml".into(), line: 7 } })
}

impl Objects {
    fn router(mut self, name: &str, edit: impl FnOnce(&mut Written)) -> Self {
        let mut router = Written {
            rule: format!("Host(`{name}`)"),
            service: "app".into(),
            ..Written::default()
        };
        edit(&mut router);
        self.configuration.http.routers.insert(name.into(), defined(Ok(router)));
        self
    }

    fn service(mut self, name: &str, service: Service) -> Self {
        self.configuration.http.services.insert(name.into(), defined(Ok(service)));
        self
    }

    fn middleware(mut self, name: &str, definition: Definition) -> Self {
        self.configuration.http.middlewares.insert(name.into(), defined(Ok(definition)));
        self
    }

    /// Sections as a provider would send them, names of certificates included. `@rsa` stands for the PEM
    /// of a certificate, `@key` for that of some key.
    fn json(mut self, json: &str) -> Self {
        let inline = |text: &str| text.replace('\n', "\\n");
        let json = json
            .replace("@rsa", &inline(include_str!("../../tls/certificate/pem/rsa.pem")))
            .replace("@p256", &inline(include_str!("../../tls/certificate/pem/p256.pem")))
            .replace(
                "@key",
                &inline("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            );
        let sections: serde_json::Value = serde_json::from_str(&json).unwrap();
        let Configuration { http, tcp, udp, tls } = &mut self.configuration;
        read(&sections["http"]["routers"], &mut http.routers);
        read(&sections["http"]["services"], &mut http.services);
        read(&sections["http"]["serversTransports"], &mut http.servers_transports);
        read(&sections["tcp"]["routers"], &mut tcp.routers);
        read(&sections["tcp"]["services"], &mut tcp.services);
        read(&sections["udp"]["routers"], &mut udp.routers);
        read(&sections["udp"]["services"], &mut udp.services);
        read(&sections["tls"]["certificates"], &mut tls.certificates);
        read(&sections["tls"]["options"], &mut tls.options);
        read(&sections["tls"]["stores"], &mut tls.stores);
        self
    }

    fn compiled(&self) -> (Plan, Vec<Diagnostic>) {
        compile(None, &settings(), &self.alone())
    }

    fn alone(&self) -> Configurations {
        [("file".into(), Arc::new(self.configuration.clone()))].into()
    }
}

fn read<T: DeserializeOwned>(objects: &serde_json::Value, into: &mut Definitions<T>) {
    for (name, value) in objects.as_object().into_iter().flatten() {
        into.insert(name.as_str().into(), defined(Ok(T::deserialize(value).unwrap())));
    }
}

/// What is wrong, a line each.
fn told(plan: &Plan) -> String {
    plan.diagnostics().iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

fn servers(urls: &[&str]) -> Service {
    let servers = urls.iter().map(|url| Server { url: (*url).into() }).collect();
    let load_balancer = Some(LoadBalancer { servers, ..LoadBalancer::default() });
    Service { load_balancer, ..Service::default() }
}

fn checked(urls: &[&str]) -> Service {
    let mut service = servers(urls);
    if let Some(load_balancer) = &mut service.load_balancer {
        let check = HealthCheck { path: "/h".into(), ..HealthCheck::default() };
        load_balancer.health_check = Some(Box::new(check));
    }
    service
}

fn weighted(children: &[(&str, i64)]) -> Service {
    let child = |(name, weight): &(&str, i64)| WeightedService {
        name: (*name).into(),
        weight: Some(*weight),
    };
    let services = children.iter().map(child).collect();
    Service { weighted: Some(Weighted { services, sticky: None }), ..Service::default() }
}

fn mirroring(main: &str, mirrors: &[(&str, i64)]) -> Service {
    let mirror =
        |(name, percent): &(&str, i64)| MirrorService { name: (*name).into(), percent: *percent };
    let mirroring = Some(Mirroring {
        service: main.into(),
        max_body_size: None,
        mirrors: mirrors.iter().map(mirror).collect(),
    });
    Service { mirroring, ..Service::default() }
}

fn prefix(prefix: &str) -> Definition {
    let add_prefix = Some(AddPrefix { prefix: prefix.into() });
    Definition { add_prefix, ..Definition::default() }
}

fn chain(members: &[&str]) -> Definition {
    let middlewares = members.iter().map(ToString::to_string).collect();
    Definition { chain: Some(Chain { middlewares }), ..Definition::default() }
}

/// Routers with their cells, then what is wrong.
fn outline(plan: &Plan) -> String {
    let mut text = String::new();
    for listed in plan.routers() {
        let name = listed.object.qualified();
        let Some(router) = listed.router else {
            writeln!(text, "{name}: {:?}", listed.object.status()).unwrap();
            continue;
        };
        let at: Vec<u16> = listed.entry_points.iter().map(|at| at.0).collect();
        let middlewares: Vec<_> =
            router.middlewares.iter().map(|step| format!("{:?}", step.middleware)).collect();
        let service = shown(&router.service);
        writeln!(text, "{name}: {:?} at {at:?} {middlewares:?} -> {service}", router.priority)
            .unwrap();
    }
    for diagnostic in plan.diagnostics() {
        writeln!(text, "{diagnostic}").unwrap();
    }
    text
}

fn shown(instance: &Instance) -> String {
    match instance {
        Instance::Ping => "ping".into(),
        Instance::LoadBalancer { service, balancer } => {
            let urls: Vec<&str> = service.servers.iter().map(|server| &*server.url).collect();
            let health = service.health.map(|health| format!(" h{}", health.0)).unwrap_or_default();
            format!("{}#{}{health} {}", service.name, balancer.0, urls.join(" "))
        }
        Instance::Weighted { service, balancer, children } => {
            let weights = service.children.iter().map(|(_, weight)| weight);
            let children: Vec<_> =
                weights.zip(children).map(|(w, child)| format!("{w} {}", shown(child))).collect();
            format!("{}#{} ({})", service.name, balancer.0, children.join(", "))
        }
        Instance::Mirroring { service, mirror, main, mirrors } => {
            let percents = service.percents.iter();
            let mirrors: Vec<_> = percents
                .zip(mirrors)
                .map(|(p, mirror)| format!("{p}% {}", shown(mirror)))
                .collect();
            format!("{}#{} ({}, {})", service.name, mirror.0, shown(main), mirrors.join(", "))
        }
    }
}

#[test]
fn routers_come_out_with_everything_looked_up() {
    let objects = Objects::default()
        .router("plain", |_| {})
        .router("full", |router| {
            router.entry_points = vec!["admin".into(), "web".into(), "admin".into()];
            router.middlewares = vec!["outer".into(), "all@file".into()];
            router.service = "split".into();
            router.priority = -5;
        })
        .router("ping", |router| router.service = "ping@internal".into())
        .service("app", servers(&["http://10.0.0.1:80", "http://10.0.0.2:80/x"]))
        .service("blue", checked(&["https://blue"]))
        .service("split", weighted(&[("app", 3), ("copied", 1)]))
        .service("copied", mirroring("blue", &[("app", 50)]))
        .middleware("outer", prefix("/outer"))
        .middleware("all", chain(&["inner", "more"]))
        .middleware("more", chain(&["inner", "inner@file"]))
        .middleware("inner", prefix("/inner"));
    let (plan, _) = objects.compiled();
    insta::assert_snapshot!(outline(&plan), @r#"
    full@file: -5 at [0, 1] ["AddPrefix(Prefix { prefix: \"/outer\" })", "AddPrefix(Prefix { prefix: \"/inner\" })", "AddPrefix(Prefix { prefix: \"/inner\" })", "AddPrefix(Prefix { prefix: \"/inner\" })"] -> split@file#0 (3 app@file#1 http://10.0.0.1:80 http://10.0.0.2:80, 1 copied@file#0 (blue@file#2 h0 https://blue, 50% app@file#3 http://10.0.0.1:80 http://10.0.0.2:80))
    ping@file: 12 at [0, 1] [] -> ping
    plain@file: 13 at [0, 1] [] -> app@file#4 http://10.0.0.1:80 http://10.0.0.2:80
    "#);
    assert_eq!(plan.cells.balancers.len(), 5);
    assert_eq!(plan.cells.mirrors.len(), 1);
    assert_eq!(plan.cells.healths.len(), 1);
}

#[test]
fn what_is_wrong_with_a_router_is_said_at_once() {
    let mut objects = Objects::default()
        .service("app", servers(&[]))
        .middleware("good", prefix("/x"))
        .middleware("bad", prefix(""))
        .middleware("none", Definition::default())
        .middleware("two", Definition { chain: chain(&[]).chain, ..prefix("/x") })
        .middleware("ring", chain(&["good", "ring2"]))
        .middleware("ring2", chain(&["ring"]))
        .middleware("lost", chain(&["gone"]))
        .router("empty", |router| *router = Written::default())
        .router("argument", |router| router.rule = "Host(`a`) && Path(`x`)".into())
        .router("one-point", |router| router.entry_points = vec!["web".into(), "nope".into()])
        .router("no-point", |router| router.entry_points = vec!["nope".into()])
        .router("no-service", |router| router.service = "gone".into())
        .router("other-provider", |router| router.service = "app@rest@file".into())
        .router("api", |router| router.service = "api@internal".into())
        .router("internal", |router| router.service = "x@internal".into())
        .router("a@b", |_| {});
    for name in ["bad", "none", "two", "ring", "lost", "gone"] {
        objects = objects.router(&format!("m-{name}"), |router| {
            router.middlewares = vec!["good".into(), name.into()];
        });
    }
    let unread = defined(Err("rule: expected text".into()));
    objects.configuration.http.routers.insert("unread".into(), unread);
    let (plan, _) = objects.compiled();
    insta::assert_snapshot!(outline(&plan), @r#"
    a@b@file: Disabled
    api@file: Disabled
    argument@file: Disabled
    empty@file: Disabled
    internal@file: Disabled
    m-bad@file: Disabled
    m-gone@file: Disabled
    m-lost@file: Disabled
    m-none@file: Disabled
    m-ring@file: Disabled
    m-two@file: Disabled
    no-point@file: Disabled
    no-service@file: Disabled
    one-point@file: 17 at [0] [] -> app@file#0 
    other-provider@file: Disabled
    unread@file: Disabled
    dynamic.yml:7: error: router a@b@file: http.routers.a@b: a name must not contain @: it parts the name from its provider
    dynamic.yml:7: error: router api@file: http.routers.api.service: api is not enabled
    dynamic.yml:7: error: router argument@file: http.routers.argument.rule: mux: path must start with a slash, got "x" (column 19 of the rule)
    dynamic.yml:7: error: router empty@file: http.routers.empty.rule: error while parsing rule : expected a matcher such as Host(`a.example`), found the end (column 1 of the rule)
    dynamic.yml:7: error: router empty@file: http.routers.empty.service: the service is missing on the router
    dynamic.yml:7: error: router internal@file: http.routers.internal.service: unknown internal service x@internal
    dynamic.yml:7: error: router m-bad@file: http.routers.m-bad.middlewares: prefix cannot be empty
    dynamic.yml:7: error: router m-gone@file: http.routers.m-gone.middlewares: middleware "gone@file" does not exist
    dynamic.yml:7: error: router m-lost@file: http.routers.m-lost.middlewares: middleware "gone@file" does not exist
    dynamic.yml:7: error: router m-none@file: http.routers.m-none.middlewares: invalid middleware "none@file" configuration: invalid middleware type or middleware does not exist
    dynamic.yml:7: error: router m-ring@file: http.routers.m-ring.middlewares: could not instantiate middleware ring@file: recursion detected in ring@file->ring2@file->ring@file
    dynamic.yml:7: error: router m-two@file: http.routers.m-two.middlewares: cannot create middleware: multi-types middleware not supported, consider declaring two different pieces of middleware instead
    dynamic.yml:7: warning: router no-point@file: http.routers.no-point.entryPoints: entryPoint "nope" doesn't exist
    dynamic.yml:7: error: router no-point@file: http.routers.no-point.entryPoints: no valid entryPoint for this router
    dynamic.yml:7: error: router no-service@file: http.routers.no-service.service: the service "gone@file" does not exist
    dynamic.yml:7: warning: router one-point@file: http.routers.one-point.entryPoints: entryPoint "nope" doesn't exist
    dynamic.yml:7: error: router other-provider@file: http.routers.other-provider.service: the service "app@rest@file" does not exist
    dynamic.yml:7: error: router unread@file: http.routers.unread: rule: expected text
    dynamic.yml:7: error: middleware bad@file: http.middlewares.bad: prefix cannot be empty
    dynamic.yml:7: error: middleware lost@file: http.middlewares.lost: middleware "gone@file" does not exist
    dynamic.yml:7: error: middleware none@file: http.middlewares.none: invalid middleware "none@file" configuration: invalid middleware type or middleware does not exist
    dynamic.yml:7: error: middleware ring@file: http.middlewares.ring: could not instantiate middleware ring@file: recursion detected in ring@file->ring2@file->ring@file
    dynamic.yml:7: error: middleware ring2@file: http.middlewares.ring2: could not instantiate middleware ring2@file: recursion detected in ring2@file->ring@file->ring2@file
    dynamic.yml:7: error: middleware two@file: http.middlewares.two: cannot create middleware: multi-types middleware not supported, consider declaring two different pieces of middleware instead
    "#);
}

#[test]
fn names_without_provider_are_of_the_referring_objects_own() {
    let file = Objects::default()
        .service("app", servers(&["http://file"]))
        .service("split", weighted(&[("app", 1), ("app@rest", 1)]))
        .middleware("all", chain(&["m"]))
        .middleware("m", prefix("/file"));
    let rest = Objects::default()
        .service("app", servers(&["http://rest"]))
        .middleware("m", prefix("/rest"))
        .router("a", |router| router.middlewares = vec!["all@file".into(), "m".into()])
        .router("b", |router| router.service = "split@file".into());
    let both = [
        ("file".into(), Arc::new(file.configuration)),
        ("rest".into(), Arc::new(rest.configuration)),
    ];
    let (plan, _) = compile(None, &settings(), &both.into());
    insta::assert_snapshot!(outline(&plan), @r#"
    a@rest: 9 at [0, 1] ["AddPrefix(Prefix { prefix: \"/file\" })", "AddPrefix(Prefix { prefix: \"/rest\" })"] -> app@rest#0 http://rest
    b@rest: 9 at [0, 1] [] -> split@file#1 (1 app@file#2 http://file, 1 app@rest#3 http://rest)
    "#);
}

#[test]
fn trees_of_services_and_chains_that_explode_are_refused() {
    let mut objects = Objects::default().router("r", |router| {
        router.service = "s0".into();
        router.middlewares = vec!["m0".into()];
    });
    for i in 0..40 {
        let next = format!("s{}", i + 1);
        objects = objects.service(&format!("s{i}"), weighted(&[(&next, 1), (&next, 1)]));
        let next = format!("m{}", i + 1);
        objects = objects.middleware(&format!("m{i}"), chain(&[&next, &next]));
    }
    let objects = objects.service("s40", servers(&[])).middleware("m40", chain(&[]));
    let (plan, _) = objects.compiled();
    let text = outline(&plan);
    insta::assert_snapshot!(text.lines().take(3).collect::<Vec<_>>().join("\n"), @r"
    r@file: Disabled
    dynamic.yml:7: error: router r@file: http.routers.r.service: could not instantiate service s39@file: services are nested too deeply, or refer to more than 4096 others
    dynamic.yml:7: error: router r@file: http.routers.r.middlewares: could not instantiate middleware m39@file: chains are nested too deeply, or have more than 4096 members
    ");
    let mut deep = Objects::default().router("r", |router| router.service = "s0".into());
    for i in 0..1000 {
        let next = format!("s{}", i + 1);
        deep = deep.service(&format!("s{i}"), weighted(&[(&next, 1)]));
    }
    let (plan, _) = deep.compiled();
    assert!(plan.routers().all(|router| router.object.status() == Status::Disabled));
}

#[test]
fn a_fingerprint_tells_definitions_apart_and_not_places() {
    let objects = Objects::default().router("a", |_| {}).service("app", servers(&["http://a"]));
    let hash = objects.compiled().0.hash();
    let mut moved = objects.clone();
    for router in moved.configuration.http.routers.values_mut() {
        Arc::make_mut(router).place.line = 99;
    }
    assert_eq!(moved.compiled().0.hash(), hash);
    let other = objects.service("app", servers(&["http://b"]));
    assert_ne!(other.compiled().0.hash(), hash);
}
