//! The index answers as a scan over all routers in priority order does.
use super::{head, name, router, view};
use crate::{
    router::Router,
    router::{Route, Table},
    rule::{Verdict, view::View},
};
use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use http::request;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

/// Rule sets; each is asked [`REQUESTS`] requests in each of its versions.
const RULE_SETS: u32 = 3_000;
const REQUESTS: usize = 16;

const HOSTS: &[&str] = &["a", "b", "A.", "a.b", "b.a.", ".a", "a..", "."];
const HOST_TEMPLATES: &[&str] = &["{x:[ab]}", "a.{y}", "a", "{x:.*}"];
const PATHS: &[&str] = &[
    "/",
    "/a",
    "/ab",
    "/abc",
    "/b",
    "/a/",
    "/a/b",
    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "/aaaaaaaaaaaaaaaaaaaab",
    "/{x}",
    "/a{x:b?}",
    "/a/{x}",
];

fn matcher() -> impl Strategy<Value = String> {
    let one = |name: &'static str, of: &'static [&'static str]| {
        vec(select(of), 1..3).prop_map(move |some| format!("{name}(`{}`)", some.join("`, `")))
    };
    prop_oneof![
        6 => one("Host", HOSTS),
        2 => one("HostRegexp", HOST_TEMPLATES),
        4 => one("Path", PATHS),
        5 => one("PathPrefix", PATHS),
        2 => one("Method", &["get", "POST", "PUT"]),
        1 => select(&["1", "2"][..]).prop_map(|value| format!("Headers(`X`, `{value}`)")),
        1 => select(&["q=1", "q={v}", "r="][..]).prop_map(|pair| format!("Query(`{pair}`)")),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    matcher().prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            4 => vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" && "))),
            3 => vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" || "))),
            1 => inner.prop_map(|term| format!("!{term}")),
        ]
    })
}

/// Requests, each as `METHOD host/path?query x`.
fn requests() -> impl Strategy<Value = Vec<String>> {
    let paths = PATHS[..10].iter().copied().chain(["/abcd", "/a%2Fb", "/%61", "/c", "/a/c/d"]);
    let request = (
        select(&["GET", "POST", "get"][..]),
        select(&["a", "b", "A", "a.b", "a.b.", "b.a:80", ".a", "a..", ".", "c", ""][..]),
        select(paths.collect::<Vec<_>>()),
        select(&["", "?q=1", "?q=2&r", "?r=1&q=1"][..]),
        select(&["1", "2", "3"][..]),
    );
    let text = |(method, host, path, query, x)| format!("{method} {host}{path}{query} {x}");
    vec(request.prop_map(text), REQUESTS)
}

fn parsed(request: &str) -> request::Parts {
    let (request, x) = request.rsplit_once(' ').expect("a header");
    let mut head = head(request);
    head.headers.insert("X", http::HeaderValue::from_str(x).expect("a value"));
    head
}

/// A step from one version of a table to the next: which routers go, and which come.
#[derive(Clone, Debug)]
struct Step {
    gone: Vec<Index>,
    new: Vec<(String, Option<i64>)>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let priority = proptest::option::weighted(0.3, -1..3_i64);
    let step = (vec(any::<Index>(), 0..4), vec((rule(), priority), 0..7));
    vec(step.prop_map(|(gone, new)| Step { gone, new }), 1..4)
}

/// What the index must equal.
fn scan(routers: &[Arc<Router>], view: &View<'_>) -> (String, Vec<(String, Verdict)>) {
    let mut routers = routers.to_vec();
    routers.sort_by_key(|router| {
        let length = router.rule.text.len();
        (core::cmp::Reverse((router.priority, length)), router.name.clone())
    });
    let verdicts: Vec<_> =
        routers.iter().map(|it| (it.name.to_string(), it.rule.evaluate(view))).collect();
    let first = verdicts.iter().find(|(_, verdict)| *verdict == Verdict::Matches);
    let refused = verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Method(_)));
    let answer = match first {
        Some((name, _)) => name.clone(),
        None => name(&if refused { Route::MethodNotAllowed } else { Route::NotFound }),
    };
    (answer, verdicts)
}

fn explained(table: &Table, view: &View<'_>) -> Vec<(String, Verdict)> {
    let named = |(router, verdict): (Arc<Router>, _)| (router.name.to_string(), verdict);
    table.explain(view).into_iter().map(named).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(RULE_SETS))]

    #[test]
    fn the_index_answers_as_a_scan_in_priority_order(steps in steps(), requests in requests()) {
        let mut routers: Vec<Arc<Router>> = Vec::new();
        let mut table = Table::default();
        let mut versions = Vec::new();
        let mut count = 0;
        for Step { gone, new } in steps {
            let mut removed = Vec::new();
            for index in gone {
                if !routers.is_empty() {
                    removed.push(routers.swap_remove(index.index(routers.len())));
                }
            }
            let added: Vec<_> = new.iter().map(|(rule, priority)| {
                count += 1;
                let priority = priority.unwrap_or(i64::try_from(rule.len()).expect("short"));
                router(&format!("r{count}"), rule, priority)
            }).collect();
            table = table.apply(&removed, &added);
            routers.extend(added);
            versions.push((table.clone(), routers.clone()));
        }
        for (table, routers) in &versions {
            let fresh = Table::default().apply(&[], routers);
            for request in &requests {
                let head = parsed(request);
                let view = view(&head);
                let (answer, verdicts) = scan(routers, &view);
                prop_assert_eq!(&name(&table.route(&view)), &answer);
                prop_assert_eq!(&name(&fresh.route(&view)), &answer);
                prop_assert_eq!(&explained(table, &view), &verdicts);
            }
        }
    }
}
