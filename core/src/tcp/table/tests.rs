use super::*;
use crate::{
    cells::BalancerId,
    relay::{Instance, LoadBalancer},
    tcp::rule::Rule,
    tls::hosts::Claim,
};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use proptest::{collection::vec, prelude::*, sample};

pub(crate) fn router(name: &str, rule: &str, priority: i64, tls: Option<Tls>) -> Arc<Router> {
    let service = LoadBalancer {
        name: name.into(),
        servers: Box::default(),
        termination_delay: None,
        proxy_protocol: None,
    };
    let service = Instance::LoadBalancer { service: Arc::new(service), balancer: BalancerId(0) };
    let rule = Rule::parse(rule).unwrap();
    Arc::new(Router { name: name.into(), rule, priority, tls, service: Arc::new(service) })
}

pub(crate) fn options(name: &str) -> Arc<Options> {
    Arc::new(Options { name: name.into(), ..Options::builtin() })
}

pub(crate) fn table(routers: &[Arc<Router>]) -> Table {
    let mut table = Table::new(Some(options("default")));
    routers.iter().for_each(|router| table.insert(router));
    table
}

/// An HTTPS router that asks for options, by their name, for a host.
pub(crate) fn claim(table: &mut Table, router: &str, host: &str, name: &str) {
    let claim = Claim { name: name.into(), options: (name != "broken").then(|| options(name)) };
    table.hosts_mut().insert(host, &router.into(), &claim);
    table.count_https(true);
}

fn shown(secure: &Secure) -> String {
    match secure {
        Secure::Http(options) => format!("http, {}", options.name),
        Secure::Terminate(options, router) => format!("{}, {}", router.name, options.name),
        Secure::Passthrough(router) => format!("{} as it is", router.name),
        Secure::Refused => "refused".into(),
    }
}

const PASSTHROUGH: Option<Tls> = Some(Tls::Passthrough);
const TERMINATE: Option<Tls> = Some(Tls::Terminate(None));

#[test]
fn tcp_and_https_share_an_entry_point_as_documented() {
    let mut table = table(&[
        router("named", "HostSNI(`db.example`, `www.example`, `mtls.example`)", 0, PASSTHROUGH),
        router("any", "HostSNI(`*`)", 0, TERMINATE),
        router("own", "HostSNI(`own.example`)", 0, Some(Tls::Terminate(Some(options("own"))))),
    ]);
    let ask = |table: &Table| {
        let names = ["db.example", "own.example", "www.example", "mtls.example", "x.example"];
        let asked = names.iter().map(|name| Some(*name)).chain([None]);
        let lines =
            asked.map(|name| format!("{}: {}\n", name.unwrap_or("-"), shown(&table.secure(name))));
        lines.collect::<String>()
    };
    insta::assert_snapshot!(ask(&table), @"
    db.example: named as it is
    own.example: own, own
    www.example: named as it is
    mtls.example: named as it is
    x.example: any, default
    -: any, default
    ");
    table.count_https(true);
    claim(&mut table, "a", "mtls.example", "mtls");
    insta::assert_snapshot!(ask(&table), @"
    db.example: named as it is
    own.example: own, own
    www.example: named as it is
    mtls.example: http, mtls
    x.example: http, default
    -: http, default
    ");
}

#[test]
fn tls_is_answered_though_no_router_wants_it() {
    assert_eq!(shown(&table(&[]).secure(Some("a.example"))), "http, default");
}

#[test]
fn broken_options_refuse_whoever_needs_them() {
    let mut table = table(&[router("any", "HostSNI(`*`)", 0, TERMINATE)]);
    claim(&mut table, "a", "a.example", "broken");
    assert_eq!(shown(&table.secure(Some("a.example"))), "refused");
    assert_eq!(shown(&table.secure(Some("b.example"))), "http, default");
    table.set_default(None);
    assert_eq!(shown(&table.secure(Some("b.example"))), "refused");
    table.count_https(false);
    assert_eq!(shown(&table.secure(None)), "refused");
}

#[test]
fn servers_may_speak_first_where_nobody_wants_tls() {
    let clear = router("clear", "HostSNI(`*`)", 0, None);
    let silent = |table: &Table| table.silent().map(|router| String::from(&*router.name));
    let mut table = table(core::slice::from_ref(&clear));
    assert_eq!(silent(&table).as_deref(), Some("clear"));
    table.count_https(true);
    assert_eq!(silent(&table), None);
    table.count_https(false);
    let secure = router("secure", "HostSNI(`a.example`)", 0, PASSTHROUGH);
    table.insert(&secure);
    assert_eq!(silent(&table), None);
    assert!(table.clear().is_some());
    table.remove(&secure);
    table.remove(&clear);
    assert!(silent(&table).is_none() && table.clear().is_none());
}

#[test]
fn a_request_for_a_host_with_other_options_is_misdirected() {
    let mut table = table(&[]);
    claim(&mut table, "a", "mtls.example", "mtls");
    claim(&mut table, "b", "broken.example", "broken");
    for (spoken, host, misdirected) in [
        ("default", "lax.example", false),
        ("default", "mtls.example", true),
        ("default", "mtls.example.", true),
        ("mtls", "mtls.example", false),
        ("mtls", "lax.example", true),
        ("default", "broken.example", true),
        ("broken", "broken.example", true),
    ] {
        assert_eq!(table.is_misdirected(spoken, host), misdirected, "{spoken} {host}");
    }
}

prop_compose! {
    fn routers()(
        all in vec((vec(sample::select(&["`a`", "`b`", "`c`", "`*`"][..]), 1..4), -1_i64..2, 0_u8..3), 0..10),
    ) -> Vec<Arc<Router>> {
        let make = |(i, (names, priority, tls)): (usize, (Vec<&str>, i64, u8))| {
            let tls = match tls {
                0 => None,
                1 => PASSTHROUGH,
                _ => TERMINATE,
            };
            router(&format!("r{i}"), &format!("HostSNI({})", names.join(",")), priority, tls)
        };
        all.into_iter().enumerate().map(make).collect()
    }
}

proptest! {
    #[test]
    fn the_index_finds_what_a_scan_would(all in routers(), gone in vec(any::<bool>(), 10), https: bool) {
        let mut table = table(&all);
        if https {
            table.count_https(true);
        }
        let pairs = all.iter().zip(&gone);
        pairs.clone().filter(|(_, gone)| **gone).for_each(|(router, _)| table.remove(router));
        let left: Vec<_> = pairs.filter(|(_, gone)| !**gone).map(|(router, _)| router).collect();
        let best = |wanted: &dyn Fn(&Router) -> bool| {
            let fitting = left.iter().filter(|router| wanted(router));
            let best = fitting.min_by_key(|router| rank(router));
            best.map(|router| router.name.clone())
        };
        let clear = best(&|router| router.tls.is_none() && router.rule.everything);
        prop_assert_eq!(table.clear().map(|router| router.name.clone()), clear.clone());
        let secure = left.iter().any(|router| router.tls.is_some());
        let silent = table.silent().map(|router| router.name.clone());
        prop_assert_eq!(silent, clear.filter(|_| !secure && !https));
        for name in ["a", "b", "c", "d"] {
            let named = best(&|router| {
                router.tls.is_some() && router.rule.names.iter().any(|own| **own == *name)
            });
            let anything = best(&|router| router.tls.is_some() && router.rule.everything);
            let found = match table.secure(Some(name)) {
                Secure::Passthrough(router) | Secure::Terminate(_, router) => Some(router.name.clone()),
                Secure::Http(_) | Secure::Refused => None,
            };
            prop_assert_eq!(found, named.or_else(|| anything.filter(|_| !https)));
        }
    }
}
