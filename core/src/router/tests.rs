use super::{Route, Table, hosts::key};
use crate::{
    router::Router,
    rule::{Rule, Verdict, view::View},
    service::Instance,
};
use alloc::{
    boxed::Box,
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::net::{IpAddr, Ipv4Addr};
use http::{Request, request};

mod properties;

fn router(name: &str, rule: &str, priority: i64) -> Arc<Router> {
    Arc::new(Router {
        name: name.into(),
        rule: Rule::parse(rule).expect(rule),
        priority,
        middlewares: Box::default(),
        service: Arc::new(Instance::Ping),
        service_name: "s".into(),
    })
}

/// Routers named by their rules, with the default priority.
fn table(rules: &[&str]) -> Table {
    let router = |rule: &&str| router(rule, rule, i64::try_from(rule.len()).expect("short"));
    let routers: Vec<_> = rules.iter().map(router).collect();
    Table::default().apply(&[], &routers)
}

/// A head from `METHOD host/path`.
fn head(request: &str) -> request::Parts {
    let (method, target) = request.split_once(' ').expect("a method");
    let (host, path) = target.split_at(target.find('/').expect("a path"));
    let builder = Request::builder().method(method).uri(path).header("Host", host);
    builder.body(()).expect("a request").into_parts().0
}

fn host(head: &request::Parts) -> &str {
    head.headers.get("Host").and_then(|host| host.to_str().ok()).unwrap_or("")
}

fn view(head: &request::Parts) -> View<'_> {
    View::new(head, host(head), IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn name(route: &Route) -> String {
    match route {
        Route::Found(router) => router.name.to_string(),
        Route::MethodNotAllowed => "405".into(),
        Route::NotFound => "404".into(),
    }
}

fn route(table: &Table, request: &str) -> String {
    name(&table.route(&view(&head(request))))
}

#[test]
fn the_longest_rule_wins_by_default() {
    let table = table(&[
        "Host(`a`)",
        "Host(`a`) && PathPrefix(`/x`)",
        "Host(`a`) && Path(`/x`)",
        "PathPrefix(`/`)",
        "HostRegexp(`{any:.+}`)",
    ]);
    let cases = [
        ("GET a/", "HostRegexp(`{any:.+}`)"),
        ("GET a/x", "Host(`a`) && PathPrefix(`/x`)"),
        ("GET b/x", "HostRegexp(`{any:.+}`)"),
        ("GET /x", "PathPrefix(`/`)"),
    ];
    for (request, expected) in cases {
        assert_eq!(route(&table, request), expected, "{request}");
    }
}

#[test]
fn equal_priorities_are_decided_by_length_then_by_name() {
    let routers = [
        router("c", "Host(`a`)", 1),
        router("b", "Path(`/`)", 1),
        router("a", "Host(`a`) && Headers(`x`, `y`)", 1),
        router("d", "Path(`/`)", 0),
    ];
    let table = Table::default().apply(&[], &routers);
    assert_eq!(route(&table, "GET a/"), "b");
    let table = table.apply(&routers[1..2], &[]);
    assert_eq!(route(&table, "GET a/"), "c");
    let table = table.apply(&routers[..1], &[]);
    assert_eq!(route(&table, "GET a/"), "d");
}

#[test]
fn a_refused_method_is_405_only_when_nothing_else_matches() {
    let table = table(&[
        "Host(`a`) && Method(`POST`)",
        "Host(`b`) && (Path(`/x`) && Method(`POST`) || Path(`/y`))",
        "Host(`c`) && !Method(`GET`)",
        "Host(`d`) && Method(`POST`) && Headers(`x`, `y`)",
        "Host(`e`) && Method(`POST`)",
        "Host(`e`) && Path(`/x`)",
    ]);
    let cases = [
        ("GET a/", "405"),
        ("POST a/", "Host(`a`) && Method(`POST`)"),
        ("GET b/x", "405"),
        ("GET b/z", "404"),
        ("GET c/", "405"),
        ("GET d/", "404"),
        ("GET e/x", "Host(`e`) && Path(`/x`)"),
        ("GET e/", "405"),
        ("GET x/", "404"),
    ];
    for (request, expected) in cases {
        assert_eq!(route(&table, request), expected, "{request}");
    }
}

#[test]
fn an_explanation_names_the_matcher_that_said_no() {
    let table = table(&[
        "Host(`a`) && PathPrefix(`/x`) && Method(`POST`)",
        "Host(`b`) || Host(`c`)",
        "!(Host(`a`) || Host(`b`))",
        "Host(`a`) && Host(`b`)",
        "Host(`a`)",
    ]);
    let head = head("GET a/x");
    let explained = table.explain(&view(&head));
    let lines: Vec<String> = explained
        .iter()
        .map(|(router, verdict)| match verdict {
            Verdict::Matches => format!("{}: yes", router.name),
            Verdict::Method(denial) => {
                format!("{}: but for {}", router.name, router.rule.excerpt(*denial))
            }
            Verdict::Denied(denial) => {
                let not = if denial.negated { "not " } else { "" };
                format!("{}: wants {not}{}", router.name, router.rule.excerpt(*denial))
            }
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    Host(`a`) && PathPrefix(`/x`) && Method(`POST`): but for Method(`POST`)
    !(Host(`a`) || Host(`b`)): wants not Host(`a`)
    Host(`a`) && Host(`b`): wants Host(`b`)
    Host(`b`) || Host(`c`): wants Host(`b`)
    Host(`a`): yes
    ");
}

#[test]
fn a_table_is_untouched_by_what_is_made_of_it() {
    let routers: Vec<_> =
        (0..2_000).map(|n| router(&format!("r{n}"), &format!("Host(`h{n}`)"), 1)).collect();
    let full = Table::default().apply(&[], &routers);
    let less = full.apply(&routers[..1_000], &[]);
    let moved = less.apply(&routers[1_500..1_501], &[router("r1500", "Host(`new`)", 1)]);
    let empty = full.apply(&routers, &[]);
    assert_eq!(route(&full, "GET h7/"), "r7");
    assert_eq!(route(&less, "GET h7/"), "404");
    assert_eq!(route(&less, "GET h1500/"), "r1500");
    assert_eq!(route(&moved, "GET h1500/"), "404");
    assert_eq!(route(&moved, "GET NEW.:80/"), "r1500");
    assert!(empty.explain(&view(&head("GET h7/"))).is_empty());
    assert_eq!(full.explain(&view(&head("GET h7/"))).len(), 2_000);
}

#[test]
fn many_routers_of_one_host_are_asked_in_order() {
    let rule = |n: i64| format!("Host(`a`) && Headers(`X`, `{n}`)");
    // 7 and 1,000 have no common divisor: every number once, out of order.
    let routers: Vec<_> =
        (0..1_000).map(|n| n * 7 % 1_000).map(|n| router(&format!("r{n}"), &rule(n), -n)).collect();
    let names = |table: &Table| -> Vec<String> {
        let explained = table.explain(&view(&head("GET a/")));
        explained.iter().map(|(router, _)| router.name.to_string()).collect()
    };
    let numbers = |step: usize| (0..1_000).step_by(step).map(|n| format!("r{n}")).collect();
    let table = Table::default().apply(&[], &routers);
    let in_order: Vec<String> = numbers(1);
    assert_eq!(names(&table), in_order);
    let odd: Vec<_> = routers.iter().filter(|router| router.priority % 2 != 0).cloned().collect();
    let even: Vec<String> = numbers(2);
    assert_eq!(names(&table.apply(&odd, &[])), even);
    assert_eq!(names(&table.apply(&odd, &odd)), in_order);
    assert!(names(&table.apply(&routers, &[])).is_empty());
}

#[test]
fn finding_a_router_allocates_nothing() {
    let table = table(&[
        "Host(`a`) && PathPrefix(`/x`) && Method(`POST`)",
        "Host(`a`) && PathPrefix(`/x`) && Headers(`X`, `1`)",
        "Host(`a`) && Query(`a=b`)",
        "Host(`b`)",
        "PathPrefix(`/`) && ClientIP(`127.0.0.1`)",
    ]);
    for request in ["GET a/", "GET A.:80/xy?a=c", "POST a/x", "GET b/", "GET c/", "GET /"] {
        let head = head(request);
        let count = allocation_counter::measure(|| drop(table.route(&view(&head)))).count_total;
        assert_eq!(count, 0, "{request}");
    }
}

#[test]
fn hosts_that_share_a_hash_are_told_apart() {
    let mut hosts = BTreeMap::new();
    let twins = (0..1_000_000).find_map(|n| {
        let host = format!("h{n}");
        hosts.insert(key(&host), host.clone()).map(|twin| [host, twin])
    });
    let [one, two] = twins.expect("2^32 hashes and 2^39 pairs of hosts");
    let routers = [
        router("one", &format!("Host(`{one}`)"), 3),
        router("two", &format!("Host(`{two}`)"), 2),
        router("path", &format!("Host(`{two}`) && Path(`/x`)"), 1),
        router("one too", &format!("Host(`{one}`)"), 0),
    ];
    for (first, then) in [([0, 3], [1, 2]), ([1, 2], [0, 3]), ([0, 1], [2, 3])] {
        let pick = |some: [usize; 2]| some.map(|at| routers[at].clone());
        let table = Table::default().apply(&[], &pick(first)).apply(&[], &pick(then)[..1]);
        assert_eq!(route(&table, &format!("GET {one}/y")), "one", "{first:?} {then:?}");
        assert_eq!(route(&table, &format!("GET {two}/y")), "two", "{first:?} {then:?}");
    }
    let table = Table::default().apply(&[], &routers);
    let table = table.apply(&routers[..2], &[]);
    assert_eq!(route(&table, &format!("GET {one}/x")), "one too");
    assert_eq!(route(&table, &format!("GET {two}/x")), "path");
    assert_eq!(route(&table, &format!("GET {two}/")), "404");
    let table = table.apply(&routers[2..3], &routers[1..2]).apply(&routers[3..], &[]);
    assert_eq!(route(&table, &format!("GET {one}/")), "404");
    assert_eq!(route(&table, &format!("GET {two}/")), "two");
}

#[test]
fn a_path_of_any_length_neither_overflows_nor_is_lost() {
    let long = format!("/{}", "x".repeat(60_000));
    let rules =
        [format!("Path(`{long}`)"), format!("PathPrefix(`{long}`)"), "PathPrefix(`/x`)".into()];
    let table = table(&rules.each_ref().map(String::as_str));
    assert_eq!(route(&table, &format!("GET a{long}")), rules[1]);
    assert_eq!(route(&table, &format!("GET a{long}x")), rules[1]);
    assert_eq!(route(&table, "GET a/xxx"), rules[2]);
}
