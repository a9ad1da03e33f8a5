//! What services compile to, and what is wrong with them.
use super::*;
use crate::config::http::{Cookie, ResponseForwarding, Sticky};

#[test]
fn what_is_wrong_with_services_is_said_on_them_and_on_what_refers_to_them() {
    let mut objects = Objects::default()
        .service("none", Service::default())
        .service("two", Service { weighted: Some(Weighted::default()), ..servers(&["http://a"]) })
        .service("url", servers(&["http://a", "http://b:x"]))
        .service("missing", weighted(&[("gone", 1)]))
        .service("negative", weighted(&[("good", -1)]))
        .service("percent", mirroring("good", &[("good", 101)]))
        .service("many", mirroring("good", &[("good", 1); 65]))
        .service("self", weighted(&[("self", 1)]))
        .service("ring", mirroring("ring2", &[]))
        .service("ring2", weighted(&[("good", 1), ("ring", 1)]))
        .service("zero", weighted(&[("good", 0)]))
        .service("good", servers(&[]))
        .service("a@b", servers(&[]));
    objects
        .configuration
        .http
        .services
        .insert("unread".into(), defined(Err("loadBalancer: expected a map, found 3".into())));
    let names: Vec<_> = objects.configuration.http.services.keys().cloned().collect();
    for name in names {
        objects = objects.router(&format!("r-{name}"), |router| router.service = name.to_string());
    }
    let (plan, _) = objects.compiled();
    insta::assert_snapshot!(outline(&plan), @r#"
    r-a@b@file: Disabled
    r-good@file: 14 at [0, 1] [] -> good@file#0 
    r-many@file: Disabled
    r-missing@file: Disabled
    r-negative@file: Disabled
    r-none@file: Disabled
    r-percent@file: Disabled
    r-ring@file: Disabled
    r-ring2@file: Disabled
    r-self@file: Disabled
    r-two@file: Disabled
    r-unread@file: Disabled
    r-url@file: Disabled
    r-zero@file: 14 at [0, 1] [] -> zero@file#1 (0 good@file#2 )
    dynamic.yml:7: error: router r-a@b@file: http.routers.r-a@b: a name must not contain @: it parts the name from its provider
    dynamic.yml:7: error: router r-many@file: http.routers.r-many.service: 65 mirrors: there may be 64
    dynamic.yml:7: error: router r-missing@file: http.routers.r-missing.service: the service "gone@file" does not exist
    dynamic.yml:7: error: router r-negative@file: http.routers.r-negative.service: weight -1 of "good" must be 0 to 4294967295
    dynamic.yml:7: error: router r-none@file: http.routers.r-none.service: the service "none@file" does not have any type defined
    dynamic.yml:7: error: router r-percent@file: http.routers.r-percent.service: percent must be between 0 and 100
    dynamic.yml:7: error: router r-ring@file: http.routers.r-ring.service: could not instantiate service ring@file: recursion detected in ring@file->ring2@file->ring@file
    dynamic.yml:7: error: router r-ring2@file: http.routers.r-ring2.service: could not instantiate service ring2@file: recursion detected in ring2@file->ring@file->ring2@file
    dynamic.yml:7: error: router r-self@file: http.routers.r-self.service: could not instantiate service self@file: recursion detected in self@file->self@file
    dynamic.yml:7: error: router r-two@file: http.routers.r-two.service: cannot create service: multi-types service not supported, consider declaring two different pieces of service instead
    dynamic.yml:7: error: router r-unread@file: http.routers.r-unread.service: the service "unread@file" cannot be read: loadBalancer: expected a map, found 3
    dynamic.yml:7: error: router r-url@file: http.routers.r-url.service: error parsing server URL "http://b:x": invalid port "x": it must be 0 to 65535
    dynamic.yml:7: error: service a@b@file: http.services.a@b: a name must not contain @: it parts the name from its provider
    dynamic.yml:7: error: service many@file: http.services.many.mirroring.mirrors: 65 mirrors: there may be 64
    dynamic.yml:7: error: service missing@file: http.services.missing: the service "gone@file" does not exist
    dynamic.yml:7: error: service negative@file: http.services.negative.weighted.services[0].weight: weight -1 of "good" must be 0 to 4294967295
    dynamic.yml:7: error: service none@file: http.services.none: the service "none@file" does not have any type defined
    dynamic.yml:7: error: service percent@file: http.services.percent.mirroring.mirrors[0].percent: percent must be between 0 and 100
    dynamic.yml:7: error: service ring@file: http.services.ring: could not instantiate service ring@file: recursion detected in ring@file->ring2@file->ring@file
    dynamic.yml:7: error: service ring2@file: http.services.ring2: could not instantiate service ring2@file: recursion detected in ring2@file->ring@file->ring2@file
    dynamic.yml:7: error: service self@file: http.services.self: could not instantiate service self@file: recursion detected in self@file->self@file
    dynamic.yml:7: error: service two@file: http.services.two: cannot create service: multi-types service not supported, consider declaring two different pieces of service instead
    dynamic.yml:7: error: service unread@file: http.services.unread: loadBalancer: expected a map, found 3
    dynamic.yml:7: error: service url@file: http.services.url.loadBalancer.servers: error parsing server URL "http://b:x": invalid port "x": it must be 0 to 65535
    dynamic.yml:7: warning: service zero@file: http.services.zero.weighted.services: all weights are 0: requests are answered 500
    "#);
}

#[test]
fn services_that_no_router_uses_are_checked_but_get_no_cells() {
    let objects = Objects::default()
        .service("idle", checked(&["http://a"]))
        .service("broken", servers(&["nonsense"]));
    let (plan, diagnostics) = objects.compiled();
    assert_eq!(diagnostics.len(), 1);
    assert!(plan.cells.balancers.is_empty() && plan.cells.healths.is_empty());
}

/// Warnings and errors about one load balancer.
fn said(edit: impl FnOnce(&mut LoadBalancer)) -> Vec<String> {
    let mut service = servers(&["http://a"]);
    edit(service.load_balancer.as_mut().unwrap());
    let (_, diagnostics) = Objects::default().service("app", service).compiled();
    diagnostics
        .iter()
        .map(|diagnostic| {
            format!("{:?} {}: {}", diagnostic.severity, diagnostic.path, diagnostic.message)
        })
        .collect()
}

#[test]
fn options_of_a_load_balancer_are_checked() {
    let flush = |text: &str| {
        let flush_interval = text.into();
        said(|service| service.response_forwarding = Some(ResponseForwarding { flush_interval }))
    };
    for good in ["100ms", "-1", "-1s", "0", "2"] {
        assert_eq!(flush(good), [""; 0], "{good}");
    }
    let bad = [
        flush(""),
        flush("soon"),
        said(|service| {
            let cookie = Cookie { same_site: "sometimes".into(), ..Cookie::default() };
            service.sticky = Some(Sticky { cookie: Some(cookie) });
        }),
        said(|service| {
            let path = "/h".into();
            let check = HealthCheck { path, interval: "10".into(), ..HealthCheck::default() };
            service.health_check = Some(Box::new(check));
        }),
        said(|service| {
            let path = "http://elsewhere/".into();
            let check = HealthCheck { path, ..HealthCheck::default() };
            service.health_check = Some(Box::new(check));
        }),
    ];
    insta::assert_snapshot!(bad.concat().join("\n"), @r#"
    Error http.services.app.loadBalancer.responseForwarding.flushInterval: error creating flush interval: `` is no duration: it is empty; write a number with a unit, such as `90s`, `1h5m` or `300ms`
    Error http.services.app.loadBalancer.responseForwarding.flushInterval: error creating flush interval: `soon` is no duration: a number is expected; write a number with a unit, such as `90s`, `1h5m` or `300ms`
    Warning http.services.app.loadBalancer.sticky.cookie.sameSite: "sometimes" has no effect: write none, lax or strict
    Warning http.services.app.loadBalancer.healthCheck.interval: `10` is no duration: the unit is missing; write a number with a unit, such as `90s`, `1h5m` or `300ms`; the default of 30s is used
    Error http.services.app.loadBalancer.healthCheck.path: invalid path "http://elsewhere/": it must not name a host
    "#);
}

#[test]
fn mirrors_keep_a_mebibyte_of_a_body_unless_told_otherwise() {
    for (written, bytes) in [(None, 1 << 20), (Some(-1), 1 << 20), (Some(0), 0), (Some(7), 7)] {
        let mut service = mirroring("app", &[]);
        service.mirroring.as_mut().unwrap().max_body_size = written;
        let (plan, _) = Objects::default()
            .router("r", |router| router.service = "copied".into())
            .service("app", servers(&[]))
            .service("copied", service)
            .compiled();
        let router = plan.routers().next().and_then(|listed| listed.router).unwrap();
        let Instance::Mirroring { service, .. } = &*router.service else {
            unreachable!("as written")
        };
        assert_eq!(service.body_bytes_max, bytes);
    }
}

#[test]
fn a_weighted_services_cookie_carries_no_same_site() {
    let mut service = weighted(&[("app", 1)]);
    let cookie = Cookie { same_site: "strict".into(), secure: true, ..Cookie::default() };
    service.weighted.as_mut().unwrap().sticky = Some(Sticky { cookie: Some(cookie) });
    let (plan, diagnostics) = Objects::default()
        .router("r", |router| router.service = "split".into())
        .service("app", servers(&[]))
        .service("split", service)
        .compiled();
    assert_eq!(diagnostics.len(), 1);
    let router = plan.routers().next().and_then(|listed| listed.router).unwrap();
    let Instance::Weighted { service, .. } = &*router.service else { unreachable!("as written") };
    let cookie = service.sticky.as_ref().and_then(|sticky| sticky.set_cookie("app"));
    assert!(cookie.unwrap().to_str().unwrap().ends_with("=app; Path=/; Secure"));
}
