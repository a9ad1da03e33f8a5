//! A try of a request is like the first one: nothing of an earlier try is left in its head.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use http::{HeaderName, HeaderValue, request};
use rutter_core::{
    config::{
        Configuration,
        http::{LoadBalancer, Router, Server, Service},
    },
    entry_point::{EntryPointId, Peer},
    exchange::{Exchange, Input, Output, SendError},
    plan::Plan,
    time::Instant,
};
use std::sync::Arc;

#[path = "support/compiled.rs"]
mod compiled;
#[path = "support/world.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod world;

use compiled::{compiled, define};
use world::World;

/// One router for everything, to servers that get their own Host, through middlewares as written in JSON.
fn plan(servers: &[&str], middlewares: &[&str]) -> Arc<Plan> {
    let mut configuration = Configuration::default();
    let http = &mut configuration.http;
    let servers = servers.iter().map(|url| Server { url: (*url).into() }).collect();
    let balancer = LoadBalancer { servers, pass_host_header: false, ..LoadBalancer::default() };
    let service = Service { load_balancer: Some(balancer), ..Service::default() };
    http.services.insert("s".into(), define(service));
    let mut router =
        Router { rule: "PathPrefix(`/`)".into(), service: "s".into(), ..Router::default() };
    for (at, json) in middlewares.iter().enumerate() {
        let name = format!("m{at}");
        let definition = serde_json::from_str(json).unwrap();
        http.middlewares.insert(name.as_str().into(), define(definition));
        router.middlewares.push(name);
    }
    http.routers.insert("r".into(), define(router));
    compiled(configuration)
}

fn head(headers: &[(&str, &str)]) -> request::Parts {
    let mut builder = http::Request::get("/a/b?q=1").header("host", "a.example");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

/// The heads of three tries, none of which reaches a server.
fn tries(plan: &Arc<Plan>, headers: &[(&str, &str)]) -> [Vec<String>; 3] {
    let (world, mut head) = (World::new(plan, |_| false), head(headers));
    let mut exchange = exchange(plan);
    let mut output = exchange.handle(Instant(0), &world, Input::Request(&mut head));
    [1, 2, 3].map(|number| {
        if number > 1 {
            let unsent = Input::Unsent(&mut head, SendError::Network);
            output = exchange.handle(Instant(0), &world, unsent);
        }
        assert!(matches!(output, Output::Send { .. }), "try {number}: {output:?}");
        lines(&head)
    })
}

fn exchange(plan: &Arc<Plan>) -> Exchange {
    let peer = Peer::new(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], 80).into(), false);
    Exchange::new(Arc::clone(plan), EntryPointId(0), peer, 1)
}

/// A head in text, the fields sorted.
fn lines(head: &request::Parts) -> Vec<String> {
    let line =
        |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
    let mut lines: Vec<_> = head.headers.iter().map(line).collect();
    lines.sort();
    lines.insert(0, head.uri.to_string());
    lines
}

#[test]
fn every_try_of_retry_sends_the_same_and_middlewares_see_the_same() {
    let headers = |json: &str| format!(r#"{{"headers": {json}}}"#);
    let limit = |strategy: &str| {
        format!(r#"{{"ipWhiteList": {{"sourceRange": ["10.0.0.0/8"], "ipStrategy": {strategy}}}}}"#)
    };
    for chain in [
        vec![],
        vec![limit(r#"{"depth": 1}"#)],
        vec![headers(r#"{"allowedHosts": ["a.example"]}"#)],
        vec![headers(r#"{"customRequestHeaders": {"X-Forwarded-For": "10.9.9.9"}}"#)],
        vec![headers(r#"{"customRequestHeaders": {"Accept-Encoding": "", "Te": "trailers"}}"#)],
        vec![headers(r#"{"customRequestHeaders": {"Connection": "x", "Authorization": "a"}}"#)],
        vec![headers(r#"{"customRequestHeaders": {"Origin": ""}, "addVaryHeader": true}"#)],
        vec![r#"{"stripPrefix": {"prefixes": ["/a"]}}"#.into()],
        vec![r#"{"stripPrefixRegex": {"regex": ["/[a-z]"]}}"#.into()],
        vec![r#"{"addPrefix": {"prefix": "/p"}}"#.into()],
        vec![r#"{"replacePath": {"path": "/r"}}"#.into()],
        vec![r#"{"replacePathRegex": {"regex": "^/a", "replacement": "/r/a"}}"#.into()],
        vec![
            limit(r#"{"depth": 1}"#),
            r#"{"retry": {"attempts": 2}}"#.into(),
            r#"{"addPrefix": {"prefix": "/p"}}"#.into(),
            headers(r#"{"customRequestHeaders": {"X-Forwarded-For": "1.1.1.1", "X": "1"}}"#),
            r#"{"addPrefix": {"prefix": "/q"}}"#.into(),
        ],
    ] {
        // The entry point trusts nobody, so this list comes from a middleware.
        let from = headers(r#"{"customRequestHeaders": {"X-Forwarded-For": "10.0.0.9"}}"#);
        let mut all = vec![from.as_str(), r#"{"retry": {"attempts": 3}}"#];
        all.extend(chain.iter().map(String::as_str));
        let plan = plan(&["http://u:p@10.0.0.1"], &all);
        for extra in [
            &[][..],
            &[("connection", "keep-alive"), ("keep-alive", "5"), ("te", "trailers")],
            &[("connection", "upgrade"), ("upgrade", "websocket"), ("te", "gzip")],
            &[("x-forwarded-prefix", "/mine"), ("x-forwarded-prefix", "/too"), ("x", "0")],
            &[("x-replaced-path", "/mine"), ("origin", "b"), ("accept-encoding", "br")],
        ] {
            let [first, second, third] = tries(&plan, extra);
            assert_eq!(second, first, "{chain:?} {extra:?}");
            assert_eq!(third, first, "{chain:?} {extra:?}");
        }
    }
}

#[test]
fn what_one_server_asks_for_is_told_to_no_other_and_to_no_mirror() {
    let servers = ["http://u:1@10.0.0.1", "http://10.0.0.2", "http://u:3@10.0.0.3"];
    for middlewares in [&[][..], &[r#"{"retry": {"attempts": 3}}"#]] {
        let plan = plan(&servers, middlewares);
        let authorization = |head: Vec<String>| {
            head.iter().find_map(|line| line.strip_prefix("authorization: ").map(String::from))
        };
        let told = tries(&plan, &[]).map(authorization);
        assert_eq!(told, [Some("Basic dTox".into()), None, Some("Basic dToz".into())]);
        let client = [("authorization", "Basic mine")];
        let told = tries(&plan, &client).map(authorization);
        assert!(told.iter().all(|it| it.as_deref() == Some("Basic mine")), "{told:?}");
    }
    let plan = plan(&servers[..1], &[]);
    let (world, mut exchange, mut head) =
        (World::new(&plan, |_| false), exchange(&plan), head(&[]));
    let _ = exchange.handle(Instant(0), &world, Input::Request(&mut head));
    assert!(head.headers.contains_key("authorization"));
    assert!(!exchange.mirrored(&head).headers.contains_key("authorization"));
}
