//! What each middleware makes of requests, as text: every input, and what is to be done.
//!
//! A new middleware needs a walk here: [`every_middleware_has_a_walk`] says so.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use http::{HeaderName, HeaderValue, request, response};
use proptest::prelude::*;
use rutter_core::{
    config::{
        Configuration,
        http::{LoadBalancer, Router, Server, Service},
    },
    entry_point::{Certificates, EntryPointId, Peer},
    exchange::{Exchange, Input, Output, SendError},
    middleware::Definition,
    plan::Plan,
    time::Instant,
    trace::{Event, Observer, Outcome, Recorder},
};
use std::{collections::BTreeSet, fmt::Write, sync::Arc};
use table::{Ask, WALKS};

#[path = "support/compiled.rs"]
mod compiled;
#[path = "walks/table.rs"]
mod table;
#[path = "support/world.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod world;

use compiled::{compiled, define};
use world::World;

/// One router for everything, to one server, through the first of these middlewares, which may name the
/// others: `m0`, `m1`, …
fn plan(middlewares: &[&str], through: &[String]) -> Arc<Plan> {
    let mut configuration = Configuration::default();
    let http = &mut configuration.http;
    let balancer = LoadBalancer {
        servers: [Server { url: "http://app".into() }].into(),
        ..LoadBalancer::default()
    };
    let service = Service { load_balancer: Some(balancer), ..Service::default() };
    http.services.insert("app".into(), define(service));
    for (at, json) in middlewares.iter().enumerate() {
        let definition: Definition = serde_json::from_str(json).unwrap();
        http.middlewares.insert(format!("m{at}").as_str().into(), define(definition));
    }
    let middlewares = through.to_vec();
    let rule = "PathPrefix(`/`)".into();
    let router = Router { rule, service: "app".into(), middlewares, ..Router::default() };
    http.routers.insert("r".into(), define(router));
    compiled(configuration)
}

/// The walk of one request, from its head to its end. Servers, passwords and time answer as `ask` says,
/// in its order, and then as is best.
fn walk(plan: &Arc<Plan>, world: &World, number: u64, ask: &Ask) -> Recorder {
    let mut peer = Peer::new(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], 80).into(), false);
    if ask.shows_certificate {
        peer.certificates = Certificates::new([bytes::Bytes::from_static(b"0")]);
    }
    let (mut recorder, entry_point) = (Recorder::default(), EntryPointId(0));
    recorder.begin(plan, entry_point, &peer, number);
    let mut exchange = Exchange::new(Arc::clone(plan), entry_point, peer, number);
    let (mut head, mut response) = (ask.head(), answer("200"));
    let mut now = Instant(number * 10_000_000);
    let mut answers = ask.answers.iter().copied();
    let mut output = recorder.handle(&mut exchange, now, world, Input::Request(&mut head));
    loop {
        let input = match output {
            Output::Done { .. } => return recorder,
            Output::Deliver(_) | Output::Respond(_) => Input::End,
            Output::Sleep { until } => {
                now = until;
                Input::Awake(&mut head)
            }
            Output::Verify(_) => Input::Verified(&mut head, Some(answers.next() != Some("wrong"))),
            Output::Buffer(_) => Input::Buffered(&mut head, Ok(5)),
            Output::Ask(_) => {
                response = answer(answers.next().unwrap_or("200"));
                Input::Asked(&mut head, Ok(&mut response))
            }
            Output::Send { .. } => match answers.next().unwrap_or("200") {
                "unsent" => Input::Unsent(&mut head, SendError::Network),
                status => {
                    response = answer(status);
                    Input::Response(&mut response)
                }
            },
            Output::Collect { .. } => Input::Collected(&mut response, Ok(2000)),
            Output::Again { head: again, .. } => {
                head = *again;
                Input::Again(&mut head)
            }
        };
        output = recorder.handle(&mut exchange, now, world, input);
    }
}

impl Ask {
    fn head(&self) -> request::Parts {
        let mut words = self.line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let mut head = http::Request::builder().method(method).uri(target).body(()).unwrap();
        for (name, value) in [&("host", "a.example")].into_iter().chain(self.fields) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            head.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        head.into_parts().0
    }
}

fn answer(status: &str) -> response::Parts {
    let mut head = http::Response::builder().status(status.parse().unwrap_or(200));
    if status != "typeless" {
        head = head.header("content-type", "text/plain");
    }
    let head = head.header("content-length", "2000").header("x-user", "a");
    head.body(()).unwrap().into_parts().0
}

/// A walk as text: `>` what happened, `<` what is to be done.
#[allow(clippy::wildcard_enum_match_arm, reason = "what has no head is told as it is")]
fn text(recorder: &Recorder) -> String {
    let mut text = String::new();
    for step in &recorder.trace().unwrap().steps {
        let event = match &step.event {
            Event::Request(head) => {
                told(&format!("{} {}", head.method, head.target), &head.headers)
            }
            Event::Response(head) => told(&format!("Response {}", head.status), &head.headers),
            Event::Asked(Ok(head)) => told(&format!("Asked {}", head.status), &head.headers),
            event => format!("{event:?}\n"),
        };
        let outcome = match &step.outcome {
            Outcome::Send { server, head, .. } => {
                told(&format!("Send to {server}: {} {}", head.method, head.target), &head.headers)
            }
            Outcome::Ask { server, head } => {
                told(&format!("Ask {server}: {} {}", head.method, head.target), &head.headers)
            }
            Outcome::Again { head, body } => {
                let body = if *body { "with" } else { "without" };
                let line = format!("Again, {body} body: {} {}", head.method, head.target);
                told(&line, &head.headers)
            }
            Outcome::Deliver { head, sniff, encode, .. } => {
                let sniff = if *sniff { ", sniffed" } else { "" };
                let encode = encode.map(|it| format!(", encoded: {it:?}")).unwrap_or_default();
                told(&format!("Deliver {}{sniff}{encode}", head.status), &head.headers)
            }
            Outcome::Respond { head, body } => {
                told(&format!("Respond {} {body:?}", head.status), &head.headers)
            }
            Outcome::Done { .. } => continue,
            outcome => format!("{outcome:?}\n"),
        };
        write!(text, "> {event}< {outcome}").unwrap();
    }
    text
}

fn told(line: &str, headers: &[(String, String)]) -> String {
    let mut text = format!("{line}\n");
    for (name, value) in headers {
        writeln!(text, "    {name}: {value}").unwrap();
    }
    text
}

#[test]
fn every_walk_is_as_written_down() {
    for (name, middlewares, asks) in WALKS {
        let plan = plan(middlewares, &["m0".into()]);
        let world = World::new(&plan, |_| false);
        let mut all = format!("{}\n", middlewares.join("\n"));
        for (number, ask) in (1..).zip(*asks) {
            write!(all, "\n{}", text(&walk(&plan, &world, number, ask))).unwrap();
        }
        insta::assert_snapshot!(*name, all);
    }
}

#[test]
fn every_middleware_has_a_walk() {
    let walked: BTreeSet<_> = WALKS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(walked, Definition::TYPES.iter().copied().collect());
    for (name, middlewares, _) in WALKS {
        let definition: Definition = serde_json::from_str(middlewares[0]).unwrap();
        let written = serde_json::to_value(definition).unwrap();
        assert_eq!(written.as_object().unwrap().keys().collect::<Vec<_>>(), [name]);
    }
}

proptest! {
    /// Parts: rewriting, refusing, keeping something for the way out, trying again.
    #[test]
    fn a_chain_equals_its_parts_applied_in_order(
        parts in prop::collection::vec(0_usize..8, 1..6),
        split in 0_usize..6,
        target in "/(a|b|p|/){0,6}(\\?x)?",
        answer in prop::sample::select(vec!["200", "500", "unsent"]),
    ) {
        let all = [
            r#"{"addPrefix": {"prefix": "/a"}}"#,
            r#"{"stripPrefix": {"prefixes": ["/a", "/b"]}}"#,
            r#"{"replacePathRegex": {"regex": "^/p", "replacement": "/a/p"}}"#,
            r#"{"headers": {"customRequestHeaders": {"X": "1"}, "customResponseHeaders": {"X": "1"}}}"#,
            r#"{"inFlightReq": {"amount": 1}}"#,
            r#"{"compress": {}}"#,
            r#"{"retry": {"attempts": 2}}"#,
            r#"{"redirectRegex": {"regex": "/b$", "replacement": "/c"}}"#,
        ];
        let names: Vec<String> = parts.iter().map(|part| format!("m{part}")).collect();
        let chain = |names: &[String]| {
            serde_json::json!({"chain": {"middlewares": names}}).to_string()
        };
        let (start, rest) = names.split_at(split.min(names.len()));
        // One chain in another, and a part before it.
        let inner = chain(rest);
        let outer = chain(&[start, &["m8".to_owned()]].concat());
        let with_chain: Vec<&str> = all.iter().copied().chain([&*inner, &*outer]).collect();
        let (in_order, chained) =
            (plan(&all, &names), plan(&with_chain, &["m9".into()]));
        let line = format!("GET {target}");
        let ask = Ask {
            line: Box::leak(line.into()),
            answers: std::slice::from_ref(Box::leak(Box::new(answer))),
            fields: &[("accept-encoding", "gzip")],
            shows_certificate: false,
        };
        let walked = |plan: &Arc<Plan>| text(&walk(plan, &World::new(plan, |_| false), 1, &ask));
        prop_assert_eq!(walked(&chained), walked(&in_order));
    }
}
