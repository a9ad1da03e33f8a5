//! What an exchange asks the shell to do, step by step.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use http::{request, response};
use rutter_core::{
    config::{
        Configuration,
        http::{
            Cookie, LoadBalancer, MirrorService, Mirroring, Router, RouterTls, Server, Service,
            Sticky, Weighted, WeightedService,
        },
        tls,
    },
    entry_point::{EntryPointId, Peer},
    exchange::{Delivery, Exchange, Input, Output, SendError},
    middleware::{
        Definition, add_prefix::AddPrefix, headers::Headers, in_flight_req::InFlightReq,
        retry::Retry,
    },
    plan::{Plan, Settings, compile},
    time::Instant,
};
use std::{collections::BTreeMap, sync::Arc};

#[path = "support/compiled.rs"]
mod compiled;
#[path = "support/world.rs"]
mod world;

use compiled::{compiled, define};
use world::World;

/// A service of servers `http://10.0.0.1:80`, `http://10.0.0.2:80`, ….
fn servers(count: u8) -> LoadBalancer {
    let servers = (1..=count).map(|n| Server { url: format!("http://10.0.0.{n}:80") }).collect();
    LoadBalancer { servers, ..LoadBalancer::default() }
}

fn balanced(load_balancer: LoadBalancer) -> Service {
    Service { load_balancer: Some(load_balancer), ..Service::default() }
}

/// One router for everything, to service `s`, through the middlewares in order.
struct Setup {
    plan: Arc<Plan>,
    world: World,
}

fn setup(services: &[(&str, Service)], middlewares: &[Definition]) -> Setup {
    let mut configuration = Configuration::default();
    let mut router =
        Router { rule: "PathPrefix(`/`)".into(), service: "s".into(), ..Router::default() };
    for (name, service) in services {
        configuration.http.services.insert((*name).into(), define(service.clone()));
    }
    for (at, middleware) in middlewares.iter().enumerate() {
        let name = format!("m{at}");
        configuration.http.middlewares.insert(name.as_str().into(), define(middleware.clone()));
        router.middlewares.push(name);
    }
    configuration.http.routers.insert("r".into(), define(router));
    let plan = compiled(configuration);
    Setup { world: World::new(&plan, |_| false), plan }
}

impl Setup {
    fn exchange(&self) -> Exchange {
        let peer = Peer::new(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], 80).into(), false);
        Exchange::new(Arc::clone(&self.plan), EntryPointId(0), peer, 1)
    }

    /// The server the next request goes to, and the way out of the exchange.
    fn server(&self) -> String {
        let (mut exchange, mut head) = (self.exchange(), get("/", &[]));
        let output = exchange.handle(Instant(0), &self.world, Input::Request(&mut head));
        let server = sent(&exchange, &output);
        let mut response = ok();
        let _ = exchange.handle(Instant(0), &self.world, Input::Response(&mut response));
        let _ = exchange.handle(Instant(0), &self.world, Input::End);
        server
    }
}

fn get(path: &str, headers: &[(&str, &str)]) -> request::Parts {
    let mut builder = http::Request::get(path).header("host", "a.example");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn ok() -> response::Parts {
    http::Response::builder().header("content-type", "a/b").body(()).unwrap().into_parts().0
}

/// The last number of the address of the server that a request is sent to.
fn sent(exchange: &Exchange, output: &Output) -> String {
    assert!(matches!(output, Output::Send { .. }), "{output:?}");
    let host = exchange.server().unwrap().authority.host();
    host.rsplit('.').next().unwrap().into()
}

fn retry(attempts: i64) -> Definition {
    Definition { retry: Some(Retry { attempts, ..Retry::default() }), ..Definition::default() }
}

fn responded(output: &Output) -> u16 {
    let Output::Respond(response) = output else { panic!("{output:?}") };
    response.status().as_u16()
}

#[test]
fn a_plain_request_is_sent_delivered_and_done() {
    let it = setup(&[("s", balanced(servers(1)))], &[]);
    let (mut exchange, mut head) = (it.exchange(), get("/x?y=1", &[]));
    let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    assert_eq!(sent(&exchange, &output), "1");
    let labels = exchange.labels();
    assert_eq!(
        (labels.router, labels.service, labels.server),
        (Some("r@file"), Some("s@file"), Some("http://10.0.0.1:80"))
    );
    assert_eq!(head.uri, "/x?y=1");
    assert_eq!(head.headers["x-forwarded-for"], "192.0.2.7");
    let mut response = ok();
    let output = exchange.handle(Instant(1), &it.world, Input::Response(&mut response));
    assert!(matches!(
        output,
        Output::Deliver(Delivery { gunzip: false, sniff: false, encode: None })
    ));
    let output = exchange.handle(Instant(2), &it.world, Input::End);
    assert!(matches!(output, Output::Done { mirrors } if mirrors.is_empty()));
}

#[test]
fn requests_that_have_no_way_are_answered() {
    let it = setup(&[("s", balanced(servers(0)))], &[]);
    let (mut exchange, mut head) = (it.exchange(), get("/", &[]));
    let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    assert_eq!(responded(&output), 503, "no server");
    let (mut exchange, mut head) = (it.exchange(), get("/%zz", &[]));
    let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    assert_eq!(responded(&output), 400);
}

#[test]
fn send_errors_become_statuses() {
    for (error, status) in [
        (SendError::Network, 502),
        (SendError::Closed, 502),
        (SendError::Timeout, 504),
        (SendError::Protocol, 500),
    ] {
        let it = setup(&[("s", balanced(servers(1)))], &[]);
        let (mut exchange, mut head) = (it.exchange(), get("/", &[]));
        let _ = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
        let output = exchange.handle(Instant(0), &it.world, Input::Failed(error));
        assert_eq!(responded(&output), status);
    }
}

#[test]
fn an_unsent_request_goes_to_another_server_and_never_twice_to_the_only_one() {
    let it = setup(&[("s", balanced(servers(2)))], &[]);
    let (mut exchange, mut head) = (it.exchange(), get("/", &[]));
    let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    assert_eq!(sent(&exchange, &output), "1");
    let unsent = Input::Unsent(&mut head, SendError::Network);
    let output = exchange.handle(Instant(0), &it.world, unsent);
    assert_eq!(sent(&exchange, &output), "2");

    let it = setup(&[("s", balanced(servers(1)))], &[]);
    let (mut exchange, mut head) = (it.exchange(), get("/", &[]));
    let _ = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    let unsent = Input::Unsent(&mut head, SendError::Network);
    assert_eq!(responded(&exchange.handle(Instant(0), &it.world, unsent)), 502);
}

#[test]
fn retry_counts_tries_in_all_and_repeats_what_is_inside_it_from_the_same_head() {
    let prefix =
        Definition { add_prefix: Some(AddPrefix { prefix: "/p".into() }), ..Definition::default() };
    let it = setup(&[("s", balanced(servers(3)))], &[retry(3), prefix]);
    let (mut exchange, mut head) = (it.exchange(), get("/x", &[]));
    let mut output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    for want in ["1", "2", "3"] {
        assert_eq!(sent(&exchange, &output), want);
        assert_eq!(head.uri, "/p/x", "the prefix is added once");
        assert_eq!(head.headers["x-forwarded-for"], "192.0.2.7");
        let unsent = Input::Unsent(&mut head, SendError::Network);
        output = exchange.handle(Instant(0), &it.world, unsent);
    }
    assert_eq!(responded(&output), 502);
}

#[test]
fn retry_waits_twice_as_long_from_the_second_time_on() {
    let initial_interval =
        rutter_core::config::scalar::Duration(std::time::Duration::from_nanos(10));
    let waiting = Definition {
        retry: Some(Retry { attempts: 4, initial_interval }),
        ..Definition::default()
    };
    let it = setup(&[("s", balanced(servers(1)))], &[waiting]);
    let (mut exchange, mut head) = (it.exchange(), get("/x", &[]));
    let _ = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    for (now, want) in [(100, 110), (200, 220), (300, 320)] {
        let unsent = Input::Unsent(&mut head, SendError::Network);
        let output = exchange.handle(Instant(now), &it.world, unsent);
        assert!(matches!(output, Output::Sleep { until } if until == Instant(want)), "{output:?}");
        let output = exchange.handle(Instant(want), &it.world, Input::Awake(&mut head));
        assert_eq!(sent(&exchange, &output), "1");
    }
}

#[test]
fn a_place_in_flight_is_given_back_on_retry_on_answer_and_when_the_client_leaves() {
    let limit = Definition {
        in_flight_req: Some(InFlightReq { amount: 1, source_criterion: None }),
        ..Definition::default()
    };
    let it = setup(&[("s", balanced(servers(3)))], &[retry(3), limit]);
    let (mut exchange, mut head) = (it.exchange(), get("/", &[]));
    let _ = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    assert_eq!(it.world.in_flight_total(), 1);
    let (mut second, mut refused) = (it.exchange(), get("/", &[]));
    let output = second.handle(Instant(0), &it.world, Input::Request(&mut refused));
    assert_eq!(responded(&output), 429);
    let _ = second.handle(Instant(0), &it.world, Input::End);
    let unsent = Input::Unsent(&mut head, SendError::Network);
    let output = exchange.handle(Instant(0), &it.world, unsent);
    assert_eq!(sent(&exchange, &output), "2", "its own place does not refuse the second try");
    assert_eq!(it.world.in_flight_total(), 1);
    let _ = exchange.handle(Instant(0), &it.world, Input::Left);
    assert_eq!(it.world.in_flight_total(), 0);
}

#[test]
fn response_headers_are_edited_on_servers_answers_only() {
    let headers = Definition {
        headers: Some(Headers {
            custom_response_headers: BTreeMap::from([("X-Edge".into(), "1".into())]),
            ..Headers::default()
        }),
        ..Definition::default()
    };
    let it = setup(&[("s", balanced(servers(1)))], &[headers]);
    let (mut exchange, mut head) = (it.exchange(), get("/", &[]));
    let _ = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    let mut response = ok();
    let _ = exchange.handle(Instant(0), &it.world, Input::Response(&mut response));
    assert_eq!(response.headers["x-edge"], "1");

    let (mut exchange, mut head) = (it.exchange(), get("/", &[]));
    let _ = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    let output = exchange.handle(Instant(0), &it.world, Input::Failed(SendError::Network));
    let Output::Respond(response) = output else { panic!("{output:?}") };
    assert!(!response.headers().contains_key("x-edge"));
}

#[test]
fn an_origin_seen_on_the_way_in_is_allowed_on_the_way_out_of_any_answer() {
    let cors = |origins: &[&str]| Definition {
        headers: Some(Headers {
            access_control_allow_origin_list: origins.iter().map(|it| (*it).into()).collect(),
            ..Headers::default()
        }),
        ..Definition::default()
    };
    // Both hold what they saw; each finds its own again, and the outer one has the last word.
    let it = setup(
        &[("s", balanced(servers(2)))],
        &[cors(&["https://a"]), retry(2), cors(&["https://b", "https://a"])],
    );
    for (origin, want) in
        [("https://a", Some("https://a")), ("https://b", Some("https://b")), ("https://c", None)]
    {
        let allowed = |headers: &http::HeaderMap| {
            headers.get("access-control-allow-origin").map(|it| it.to_str().unwrap().to_owned())
        };
        let (mut exchange, mut head) = (it.exchange(), get("/", &[("origin", origin)]));
        let _ = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
        let unsent = Input::Unsent(&mut head, SendError::Network);
        let _ = exchange.handle(Instant(0), &it.world, unsent);
        let mut response = ok();
        let _ = exchange.handle(Instant(0), &it.world, Input::Response(&mut response));
        assert_eq!(allowed(&response.headers).as_deref(), want);

        let (mut exchange, mut head) = (it.exchange(), get("/", &[("origin", origin)]));
        let _ = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
        let output = exchange.handle(Instant(0), &it.world, Input::Failed(SendError::Network));
        let Output::Respond(response) = output else { panic!("{output:?}") };
        assert_eq!(allowed(response.headers()).as_deref(), want);
    }
}

#[test]
fn a_sticky_client_stays_with_its_server() {
    let cookie = Cookie { name: "lb".into(), ..Cookie::default() };
    let sticky = LoadBalancer { sticky: Some(Sticky { cookie: Some(cookie) }), ..servers(3) };
    let it = setup(&[("s", balanced(sticky))], &[]);
    let _ = it.server();
    let (mut exchange, mut head) = (it.exchange(), get("/", &[]));
    let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    assert_eq!(sent(&exchange, &output), "2");
    let mut response = ok();
    let _ = exchange.handle(Instant(0), &it.world, Input::Response(&mut response));
    let cookie = response.headers["set-cookie"].to_str().unwrap().to_owned();
    let pair = cookie.split(';').next().unwrap();
    for _ in 0..3 {
        let (mut exchange, mut head) = (it.exchange(), get("/", &[("cookie", pair)]));
        let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
        assert_eq!(sent(&exchange, &output), "2");
        let mut response = ok();
        let _ = exchange.handle(Instant(0), &it.world, Input::Response(&mut response));
        assert!(!response.headers.contains_key("set-cookie"), "it has one that holds");
    }
    assert_eq!(it.server(), "3", "a hit does not move the position");
}

#[test]
fn weights_and_nesting_decide_exactly() {
    let child = |name: &str, weight| WeightedService { name: name.into(), weight };
    let weighted = |services| Service {
        weighted: Some(Weighted { services, sticky: None }),
        ..Service::default()
    };
    let one = |n: u8| {
        let servers = vec![Server { url: format!("http://10.0.0.{n}:80") }];
        balanced(LoadBalancer { servers, ..LoadBalancer::default() })
    };
    let it = setup(
        &[
            ("s", weighted(vec![child("a", Some(3)), child("inner", None)])),
            ("inner", weighted(vec![child("b", None), child("c", None)])),
            ("a", one(1)),
            ("b", one(2)),
            ("c", one(3)),
        ],
        &[],
    );
    let picks: Vec<String> = (0..8).map(|_| it.server()).collect();
    assert_eq!(picks.concat(), "11121113");
}

#[test]
fn copies_go_out_for_every_second_request_of_a_client_that_stayed() {
    let mirrors = vec![MirrorService { name: "copy".into(), percent: 50 }];
    let mirroring = Mirroring { service: "main".into(), max_body_size: Some(10), mirrors };
    let own_host = LoadBalancer { pass_host_header: false, ..servers(1) };
    let it = setup(
        &[
            ("s", Service { mirroring: Some(mirroring), ..Service::default() }),
            ("main", balanced(own_host)),
            ("copy", balanced(servers(2))),
        ],
        &[],
    );
    for (request, last, want) in [(1, true, 1), (2, true, 0), (3, false, 0), (4, true, 0)] {
        let (mut exchange, mut head) = (it.exchange(), get("/", &[]));
        let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
        let Output::Send { keep_body, .. } = output else { panic!("{output:?}") };
        assert_eq!(keep_body, (request % 2 == 1).then_some(10));
        assert_eq!(head.headers["host"], "10.0.0.1:80");
        let copy = exchange.mirrored(&head);
        assert_eq!(copy.headers["host"], "a.example", "a copy is for the client's host");
        let mut response = ok();
        let _ = exchange.handle(Instant(0), &it.world, Input::Response(&mut response));
        let end = if last { Input::End } else { Input::Left };
        let output = exchange.handle(Instant(0), &it.world, end);
        let Output::Done { mirrors } = output else { panic!("{output:?}") };
        assert_eq!(mirrors.len(), want, "request {request}");
        for mirror in mirrors {
            let peer = Peer::new(([192, 0, 2, 7], 1).into(), ([192, 0, 2, 1], 80).into(), false);
            let plan = Arc::clone(&it.plan);
            let mut exchange = Exchange::mirror(plan, EntryPointId(0), peer, 2, mirror.instance);
            let mut head = copy.clone();
            let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
            assert_eq!(sent(&exchange, &output), "1");
            assert_eq!(head.headers, copy.headers, "a copy sees what the main server saw");
        }
    }
}

#[test]
fn ping_answers_until_the_process_terminates() {
    let mut it = setup(&[("s", balanced(servers(1)))], &[]);
    let mut configuration = Configuration::default();
    let router = Router {
        rule: "PathPrefix(`/ping`)".into(),
        service: "ping@internal".into(),
        ..Router::default()
    };
    configuration.http.routers.insert("ping".into(), define(router));
    let settings = Settings {
        entry_points: Arc::clone(&it.plan.entry_points),
        ping: true,
        ..Settings::default()
    };
    let configurations = BTreeMap::from([("internal".into(), Arc::new(configuration))]);
    it.plan = Arc::new(compile::compile(Some(&it.plan), &settings, &configurations).0);
    for (terminating, want) in [(false, 200), (true, 503)] {
        it.world.terminating = terminating;
        let (mut exchange, mut head) = (it.exchange(), get("/ping", &[]));
        let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
        assert_eq!(responded(&output), want);
    }
}

#[test]
fn a_request_whose_host_needs_other_tls_options_is_misdirected() {
    let mut configuration = Configuration::default();
    let router = Router {
        rule: "Host(`mtls.example`) || Host(`lax.example`)".into(),
        service: "s".into(),
        tls: Some(RouterTls { options: "strict".into(), ..RouterTls::default() }),
        ..Router::default()
    };
    let options = tls::Options { sni_strict: true, ..tls::Options::default() };
    configuration.http.routers.insert("r".into(), define(router));
    configuration.http.services.insert("s".into(), define(balanced(servers(1))));
    configuration.tls.options.insert("strict".into(), define(options));
    let plan = compiled(configuration);
    for (spoken, host, status) in [
        ("default", "mtls.example", Some(421)),
        ("default", "MTLS.example:443", Some(421)),
        ("strict@file", "mtls.example", None),
        ("strict@file", "other.example", Some(421)),
        ("default", "other.example", Some(404)),
    ] {
        let mut peer = Peer::new(([10, 0, 0, 9], 5).into(), ([10, 0, 0, 1], 443).into(), true);
        peer.tls_options = Some(spoken.into());
        let mut exchange = Exchange::new(Arc::clone(&plan), EntryPointId(0), peer, 0);
        let mut head =
            http::Request::builder().header("host", host).body(()).unwrap().into_parts().0;
        let output =
            exchange.handle(Instant(0), &World::new(&plan, |_| false), Input::Request(&mut head));
        let answered = if let Output::Respond(response) = output {
            Some(response.status().as_u16())
        } else {
            None
        };
        assert_eq!(answered, status, "{spoken} {host}");
    }
}
