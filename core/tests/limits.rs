//! What limits, breakers and buffers make of an exchange, step by step.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use http::{Response, request, response};
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
mod world;

use compiled::{compiled, define};
use world::World;

const MILLI: u64 = 1_000_000;

/// One router for everything, to two servers, through middlewares as written in JSON, in order.
struct Setup {
    plan: Arc<Plan>,
    world: World,
}

/// An exchange of a [`Setup`], and the request's head.
struct Walking<'a> {
    setup: &'a Setup,
    exchange: Exchange,
    head: request::Parts,
}

fn setup(middlewares: &[&str]) -> Setup {
    let mut configuration = Configuration::default();
    let http = &mut configuration.http;
    let servers = ["http://10.0.0.1", "http://10.0.0.2"].map(|url| Server { url: url.into() });
    let load_balancer = LoadBalancer { servers: servers.into(), ..LoadBalancer::default() };
    let service = Service { load_balancer: Some(load_balancer), ..Service::default() };
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
    let plan = compiled(configuration);
    Setup { world: World::new(&plan, |_| false), plan }
}

impl Setup {
    /// A request of a client at this moment, in milliseconds, and what is to be done.
    fn request(&self, client: u8, now: u64) -> (Walking<'_>, Output) {
        let peer =
            Peer::new(([192, 0, 2, client], 4711).into(), ([192, 0, 2, 1], 80).into(), false);
        let head = http::Request::post("/a").header("host", "a.example").body(()).unwrap();
        let exchange = Exchange::new(Arc::clone(&self.plan), EntryPointId(0), peer, 1);
        let mut it = Walking { setup: self, exchange, head: head.into_parts().0 };
        let output = it.step(now, Input::Request);
        (it, output)
    }

    /// The status that a request at this moment ends with, if servers answer `status`.
    fn status(&self, now: u64, status: u16) -> u16 {
        let (mut it, output) = self.request(7, now);
        let is_sent = matches!(output, Output::Send { .. });
        if is_sent {
            assert!(matches!(it.answered(now, status), Output::Deliver(_)));
        }
        it.end(now);
        if is_sent { status } else { responded(&output).status().as_u16() }
    }
}

impl Walking<'_> {
    fn step<'h>(
        &'h mut self,
        now: u64,
        input: impl FnOnce(&'h mut request::Parts) -> Input<'h>,
    ) -> Output {
        let input = input(&mut self.head);
        self.exchange.handle(Instant(now * MILLI), &self.setup.world, input)
    }

    fn answered(&mut self, now: u64, status: u16) -> Output {
        self.respond(now, &mut response(status))
    }

    fn respond(&mut self, now: u64, head: &mut response::Parts) -> Output {
        self.exchange.handle(Instant(now * MILLI), &self.setup.world, Input::Response(head))
    }

    fn end(mut self, now: u64) {
        let output = self.exchange.handle(Instant(now * MILLI), &self.setup.world, Input::End);
        assert!(matches!(output, Output::Done { .. }), "{output:?}");
    }

    /// The last number of the address of the server that a request is sent to.
    fn sent(&self, output: &Output) -> char {
        assert!(matches!(output, Output::Send { .. }), "{output:?}");
        self.exchange.server().unwrap().url.chars().last().unwrap()
    }
}

fn response(status: u16) -> response::Parts {
    Response::builder()
        .status(status)
        .header("content-type", "a/b")
        .body(())
        .unwrap()
        .into_parts()
        .0
}

fn responded(output: &Output) -> &Response<bytes::Bytes> {
    let Output::Respond(response) = output else { panic!("{output:?}") };
    response
}

#[test]
fn a_rate_limit_lets_pass_makes_wait_and_refuses() {
    let it = setup(&[r#"{"rateLimit": {"average": 10, "burst": 2}}"#]);
    for _ in 0..2 {
        let (walking, output) = it.request(7, 0);
        walking.sent(&output);
    }
    let (mut walking, output) = it.request(7, 60);
    let Output::Sleep { until } = output else { panic!("{output:?}") };
    assert_eq!(until, Instant(100 * MILLI));
    let output = walking.step(100, Input::Awake);
    walking.sent(&output);
    let (walking, output) = it.request(7, 120);
    let response = responded(&output);
    assert_eq!(response.status(), 429);
    assert_eq!(&response.body()[..], b"Too Many Requests");
    assert_eq!(response.headers()["retry-after"], "0");
    assert_eq!(response.headers()["x-retry-in"], "80ms");
    walking.end(120);
    let (walking, output) = it.request(8, 120);
    walking.sent(&output);
}

#[test]
fn every_place_of_a_rate_limit_counts_alone_and_every_try_counts() {
    let it = setup(&[
        r#"{"rateLimit": {"average": 1, "burst": 3}}"#,
        r#"{"retry": {"attempts": 3}}"#,
        r#"{"rateLimit": {"average": 2, "burst": 3}}"#,
    ]);
    let (mut walking, output) = it.request(7, 0);
    walking.sent(&output);
    for _ in 0..2 {
        let output = walking.step(0, |head| Input::Unsent(head, SendError::Network));
        walking.sent(&output);
    }
    // One token is gone outside of the retries, three are inside.
    for retry_in in ["500ms", "500ms", "1s"] {
        let (_, output) = it.request(7, 0);
        assert_eq!(responded(&output).headers()["x-retry-in"], retry_in);
    }
}

const BREAKER: &str = r#"{"circuitBreaker": {"expression": "NetworkErrorRatio() > 0.5"}}"#;

#[test]
fn a_breaker_trips_on_what_clients_got_and_refuses_without_a_server() {
    let it = setup(&[BREAKER]);
    assert_eq!(it.status(0, 200), 200);
    assert_eq!(it.status(101, 502), 502);
    assert_eq!(it.status(202, 504), 504);
    let (walking, output) = it.request(7, 203);
    let response = responded(&output);
    assert_eq!(response.status(), 503);
    assert_eq!(&response.body()[..], b"Service Unavailable");
    walking.end(203);
    // 10 s later a share of the requests passes, 10 s after that every one does.
    assert_eq!(it.status(10_203, 200), 503);
    assert_eq!(it.status(20_202, 200), 503);
    assert_eq!(it.status(20_202, 200), 200);
    assert_eq!(it.status(20_204, 200), 200);
    assert_eq!(it.status(20_204, 200), 200);
}

#[test]
fn a_breaker_hears_of_an_answer_when_the_exchange_ends() {
    let it = setup(&[
        r#"{"circuitBreaker": {"expression": "LatencyAtQuantileMS(50.0) >= 70", "responseCode": 429}}"#,
    ]);
    let (mut slow, output) = it.request(7, 0);
    slow.sent(&output);
    assert!(matches!(slow.answered(10, 200), Output::Deliver(_)));
    let (other, output) = it.request(7, 20);
    other.sent(&output);
    slow.end(80);
    let (refused, output) = it.request(7, 81);
    assert_eq!(responded(&output).status(), 429);
    refused.end(81);
}

#[test]
fn a_client_that_leaves_counts_as_499_and_a_failed_send_by_its_status() {
    for (expression, input, trips) in [
        ("ResponseCodeRatio(499, 500, 0, 600) > 0.5", Input::Left, true),
        ("NetworkErrorRatio() > 0.5", Input::Left, false),
        ("NetworkErrorRatio() > 0.5", Input::Failed(SendError::Network), true),
        ("NetworkErrorRatio() > 0.5", Input::Failed(SendError::Protocol), false),
        ("ResponseCodeRatio(500, 501, 0, 600) > 0.5", Input::Failed(SendError::Protocol), true),
    ] {
        let it = setup(&[&BREAKER.replace("NetworkErrorRatio() > 0.5", expression)]);
        let (mut walking, output) = it.request(7, 0);
        walking.sent(&output);
        let output = walking.exchange.handle(Instant(0), &it.world, input);
        if matches!(output, Output::Respond(_)) {
            walking.end(0);
        }
        let (_, output) = it.request(7, 0);
        assert_eq!(matches!(output, Output::Respond(_)), trips, "{expression}");
    }
}

#[test]
fn a_breaker_inside_of_retries_hears_of_every_try() {
    let it = setup(&[r#"{"retry": {"attempts": 3}}"#, BREAKER]);
    let (mut walking, output) = it.request(7, 0);
    walking.sent(&output);
    let output = walking.step(0, |head| Input::Unsent(head, SendError::Timeout));
    assert_eq!(responded(&output).status(), 503, "the second try does not pass");
    walking.end(0);
}

#[test]
fn a_buffered_request_is_sent_again_from_where_it_was_read() {
    let it = setup(&[
        r#"{"addPrefix": {"prefix": "/out"}}"#,
        r#"{"buffering": {"retryExpression": "ResponseCode() == 500 && Attempts() < 3"}}"#,
        r#"{"inFlightReq": {"amount": 1}}"#,
        r#"{"addPrefix": {"prefix": "/in"}}"#,
    ]);
    let (mut walking, output) = it.request(7, 0);
    let Output::Buffer(limits) = output else { panic!("{output:?}") };
    assert_eq!((limits.bytes_max, limits.memory_bytes_max), (None, 1 << 20));
    let mut output = walking.step(0, |head| Input::Buffered(head, Ok(5)));
    for server in ['1', '2'] {
        assert_eq!(walking.sent(&output), server);
        assert_eq!(walking.head.uri, "/in/out/a");
        assert_eq!(walking.head.headers["content-length"], "5");
        let Output::Again { head, body: true } = walking.answered(0, 500) else {
            panic!("it is not sent again")
        };
        walking.head = *head;
        output = walking.step(0, Input::Again);
        assert_eq!(it.world.in_flight_total(), 1, "the place was given back and taken again");
    }
    assert_eq!(walking.sent(&output), '1');
    let mut answer = response(500);
    let output = walking.respond(0, &mut answer);
    assert!(matches!(output, Output::Collect { .. }), "the third answer stands: {output:?}");
    let collected = Input::Collected(&mut answer, Ok(9));
    let output = walking.exchange.handle(Instant(0), &it.world, collected);
    assert!(matches!(output, Output::Deliver(_)), "{output:?}");
    assert_eq!(answer.headers["content-length"], "9");
    walking.end(0);
    assert_eq!(it.world.in_flight_total(), 0);
}

#[test]
fn the_proxys_own_answer_to_a_network_error_is_sent_again_too() {
    let it =
        setup(&[r#"{"buffering": {"retryExpression": "IsNetworkError() && Attempts() < 2"}}"#]);
    let (mut walking, _) = it.request(7, 0);
    let output = walking.step(0, |head| Input::Buffered(head, Ok(0)));
    walking.sent(&output);
    let failed = Input::Failed(SendError::Network);
    let output = walking.exchange.handle(Instant(0), &it.world, failed);
    let Output::Again { head, body: true } = output else { panic!("{output:?}") };
    walking.head = *head;
    let output = walking.step(0, Input::Again);
    walking.sent(&output);
    let failed = Input::Failed(SendError::Timeout);
    let output = walking.exchange.handle(Instant(0), &it.world, failed);
    assert_eq!(responded(&output).status(), 504);
    walking.end(0);
}
