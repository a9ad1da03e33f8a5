//! Random plans × random inputs, without an executor: whatever happens, every exchange gives back
//! what it took, ends exactly once, and goes only to servers that exist and are up.
//!
//! `RUTTER_SWEEP_SEED=0x1c cargo test -p rutter-core --test sweep` runs one seed,
//! `RUTTER_SWEEP_SEEDS=100000` that many.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use http::{request, response};
use rutter_core::{
    config::{
        Configuration, Defined,
        http::{
            Cookie, LoadBalancer, MirrorService, Mirroring, Router, Server, Service, Sticky,
            Weighted, WeightedService,
        },
    },
    entry_point::{Certificates, EntryPoint, EntryPointId, Peer, Trust},
    exchange::{BufferError, Exchange, Input, Limits, Output, SendError},
    middleware::{
        self, add_prefix::AddPrefix, chain::Chain, compress::Compress, content_type::ContentType,
        errors::Errors, headers::Headers, redirect_scheme::RedirectScheme, retry::Retry,
        strip_prefix::StripPrefix,
    },
    plan::{Plan, Settings, compile},
    time::Instant,
    trace::{Observer, Recorder},
};
use std::{collections::BTreeMap, sync::Arc};

#[path = "support/middlewares.rs"]
mod middlewares;
#[path = "support/world.rs"]
mod world;

use world::World;

const SEEDS: u64 = 2_000;
const EXCHANGES: u64 = 20;

#[test]
fn every_exchange_gives_back_what_it_took() {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        let hex = text.strip_prefix("0x").map(|hex| u64::from_str_radix(hex, 16));
        hex.unwrap_or_else(|| text.parse()).ok()
    };
    if let Some(seed) = number("RUTTER_SWEEP_SEED") {
        return run(seed);
    }
    for seed in 0..number("RUTTER_SWEEP_SEEDS").unwrap_or(SEEDS) {
        let ran = std::panic::catch_unwind(|| run(seed));
        assert!(
            ran.is_ok(),
            "again: RUTTER_SWEEP_SEED={seed:#x} cargo test -p rutter-core --test sweep"
        );
    }
}

/// splitmix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.below(from.len() as u64);
        &from[usize::try_from(at).unwrap()]
    }
}

fn run(seed: u64) {
    let mut rng = Rng(seed);
    let configuration = Arc::new(configuration(&mut rng));
    let configurations = BTreeMap::from([("file".into(), configuration)]);
    let (plan, _) = compile::compile(None, &settings(), &configurations);
    let plan = Arc::new(plan);
    let world = World::new(&plan, |_| rng.one_in(3));
    let mut now = 0;
    let mut open: Vec<Open> = Vec::new();
    for _ in 0..EXCHANGES {
        let mut exchange = Open::new(&plan, &mut rng);
        while exchange.output.is_none() || !rng.one_in(4) {
            now += rng.below(2_000_000);
            if !exchange.step(&world, &mut now, &mut rng) {
                break;
            }
        }
        // Left standing in the middle of its way, among others.
        open.push(exchange);
        if rng.one_in(3) {
            drain(&mut open, &world, &mut now, &mut rng, &plan);
        }
    }
    drain(&mut open, &world, &mut now, &mut rng, &plan);
    assert_eq!(world.in_flight_total(), 0, "in-flight counts leak, seed {seed:#x}");
}

fn drain(open: &mut Vec<Open>, world: &World, now: &mut u64, rng: &mut Rng, plan: &Arc<Plan>) {
    for mut exchange in open.drain(..) {
        for step in 0.. {
            assert!(step < 200, "no end: {:?}", exchange.output);
            if !exchange.step(world, now, rng) {
                break;
            }
        }
        let trace = exchange.recorder.trace().expect("begun");
        let json = serde_json::to_string(trace).expect("a trace is plain data");
        for secret in ["hunter2", CERTIFICATE_BASE64, &RIGHT[6..], &TOKEN[6..]] {
            assert!(!json.contains(secret), "a secret is in the trace: {json}");
        }
        let trace: rutter_core::trace::Trace = serde_json::from_str(&json).expect("its own text");
        // What was redacted decided nothing, so the replay is the same.
        assert_eq!(trace.replay(Arc::clone(plan)), Ok(()));
    }
}

/// An exchange and what the shell would hold of it.
struct Open {
    exchange: Exchange,
    recorder: Recorder,
    head: request::Parts,
    /// The latest.
    response: Option<response::Parts>,
    output: Option<Output>,
    done: bool,
    tries: u32,
}

impl Open {
    fn new(plan: &Arc<Plan>, rng: &mut Rng) -> Self {
        let mut peer = Peer::new(
            ([10, 0, 0, u8::try_from(rng.below(3)).unwrap()], 1000).into(),
            ([10, 0, 0, 9], 80).into(),
            rng.one_in(5),
        );
        if peer.tls && rng.one_in(2) {
            peer.certificates = Certificates::new([CERTIFICATE.into(), Vec::new().into()]);
        }
        let entry_point = EntryPointId(u16::try_from(rng.below(2)).unwrap());
        let entropy = rng.next();
        let mut recorder = Recorder::default();
        recorder.begin(plan, entry_point, &peer, entropy);
        Self {
            exchange: Exchange::new(Arc::clone(plan), entry_point, peer, entropy),
            recorder,
            head: request(rng),
            response: None,
            output: None,
            done: false,
            tries: 0,
        }
    }

    /// Answers the latest output as some world might. False: the exchange has ended.
    fn step(&mut self, world: &World, now: &mut u64, rng: &mut Rng) -> bool {
        if self.done {
            return false;
        }
        let response = response(rng);
        let left = rng.one_in(25) && self.output.is_some();
        let input = match &self.output {
            _ if left => Input::Left,
            None => Input::Request(&mut self.head),
            Some(Output::Sleep { until }) => {
                *now = (*now).max(until.0);
                Input::Awake(&mut self.head)
            }
            Some(Output::Verify(_)) => {
                let right = rng.one_in(2);
                Input::Verified(&mut self.head, (!rng.one_in(10)).then_some(right))
            }
            Some(Output::Buffer(limits)) => Input::Buffered(&mut self.head, read(limits, rng)),
            Some(Output::Ask(_)) => {
                let answer = match rng.below(4) {
                    0 => Err(*rng.pick(&ERRORS)),
                    _ => Ok(self.response.insert(response)),
                };
                Input::Asked(&mut self.head, answer)
            }
            Some(Output::Collect { limits, .. }) => {
                Input::Collected(self.response.as_mut().expect("received"), read(limits, rng))
            }
            Some(Output::Again { .. }) => Input::Again(&mut self.head),
            Some(Output::Send { .. }) => {
                assert!(self.exchange.server().is_some(), "sent to no server");
                self.tries += 1;
                assert!(self.tries <= 100, "tried for ever");
                match rng.below(5) {
                    0 => Input::Failed(*rng.pick(&ERRORS)),
                    1 | 2 => Input::Unsent(&mut self.head, *rng.pick(&ERRORS)),
                    _ => Input::Response(self.response.insert(response)),
                }
            }
            Some(Output::Deliver(_) | Output::Respond(_)) => Input::End,
            Some(Output::Done { .. }) => unreachable!("nothing follows Done"),
        };
        let output = self.recorder.handle(&mut self.exchange, Instant(*now), world, input);
        self.done = matches!(output, Output::Done { .. });
        if let Output::Done { mirrors } = &output {
            assert!(!left || mirrors.is_empty(), "copies for a client that left");
        }
        if let Output::Again { head, .. } = &output {
            self.head = request::Parts::clone(head);
        }
        self.output = Some(output);
        !self.done
    }
}

/// How many bytes a body has that was read whole, or why it could not be.
fn read(limits: &Limits, rng: &mut Rng) -> Result<u64, BufferError> {
    let bytes = rng.below(100);
    match rng.below(6) {
        0 => Err(*rng.pick(&[BufferError::Broken, BufferError::Storage])),
        _ if limits.bytes_max.is_some_and(|limit| bytes > limit) => Err(BufferError::TooLong),
        _ => Ok(bytes),
    }
}

const ERRORS: [SendError; 4] =
    [SendError::Network, SendError::Closed, SendError::Timeout, SendError::Protocol];

/// Bytes as secret as a certificate's.
const CERTIFICATE: &[u8] = b"hunter2 hunter2";
const CERTIFICATE_BASE64: &str = "aHVudGVyMiBodW50ZXIy";

/// Secrets as `Authorization` has them: a password, a token for a name, a digest.
const RIGHT: &str = "Basic YTpodW50ZXIy";
const TOKEN: &str = "Basic aHVudGVyMjp4";
const DIGEST: &str = concat!(
    r#"Digest username="a", realm="traefik", nonce="AAAAAAAAAAAAAAAA", uri="/", qop=auth, nc=1, "#,
    r#"cnonce="c", opaque="GDR2sqryAlpn9DzF", response="hunter2""#
);

fn request(rng: &mut Rng) -> request::Parts {
    let path = ["/", "/a/b", "/a//../b?x=1", "/%2e%2e/a", "/a%7C", "*", "/ping", "/a/%zz"];
    let method = ["GET", "HEAD", "POST", "OPTIONS", "CONNECT"];
    let mut builder = http::Request::builder().method(*rng.pick(&method)).uri(*rng.pick(&path));
    for _ in 0..rng.below(8) {
        let (name, value) = *rng.pick(&[
            ("host", "a.example"),
            ("host", "b.example:8080"),
            ("connection", "upgrade, x-one"),
            ("upgrade", "websocket"),
            ("x-forwarded-for", "1.2.3.4, 5.6.7.8"),
            ("x-forwarded-proto", "https"),
            ("authorization", "Basic hunter2"),
            ("authorization", RIGHT),
            ("authorization", TOKEN),
            ("authorization", DIGEST),
            ("cookie", "sid=hunter2; lb=nobody; w=a"),
            ("expect", "100-continue"),
            ("te", "trailers"),
            ("accept-encoding", "br, gzip;q=0.5"),
            ("origin", "https://a.example"),
            ("access-control-request-method", "PUT"),
        ]);
        builder = builder.header(name, value);
    }
    builder.body(()).expect("well formed").into_parts().0
}

fn response(rng: &mut Rng) -> response::Parts {
    let mut builder = http::Response::builder().status(*rng.pick(&[200, 101, 204, 304, 404, 503]));
    for _ in 0..rng.below(4) {
        let (name, value) = *rng.pick(&[
            ("content-type", "text/plain"),
            ("content-encoding", "gzip"),
            ("connection", "x-two, close"),
            ("set-cookie", "sid=hunter2; Path=/"),
            ("authorization", RIGHT),
            ("x-one", "1"),
        ]);
        builder = builder.header(name, value);
    }
    builder.body(()).expect("well formed").into_parts().0
}

fn settings() -> Settings {
    let entry_point = |name: &str| EntryPoint {
        name: name.into(),
        forwarded_trust: Trust { insecure: name == "inner", networks: Box::default() },
        hostname: http::HeaderValue::from_static("edge"),
        raw_paths: name == "inner",
    };
    Settings {
        entry_points: [entry_point("web"), entry_point("inner")].into(),
        ping: true,
        ..Settings::default()
    }
}

const SERVICES: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "ping@internal"];
const MIDDLEWARES: [&str; 6] = ["m0", "m1", "m2", "m3", "m4", "m5"];

fn configuration(rng: &mut Rng) -> Configuration {
    let mut configuration = Configuration::default();
    for name in MIDDLEWARES {
        let defined = define(middleware(rng));
        configuration.http.middlewares.insert(name.into(), defined);
    }
    for name in &SERVICES[..5] {
        configuration.http.services.insert((*name).into(), define(service(rng)));
    }
    for at in 0..1 + rng.below(4) {
        let rule = ["PathPrefix(`/`)", "Host(`a.example`)", "Path(`/a/b`) || Method(`POST`)"];
        let router = Router {
            rule: (*rng.pick(&rule)).into(),
            service: (*rng.pick(&SERVICES)).into(),
            middlewares: (0..rng.below(6)).map(|_| (*rng.pick(&MIDDLEWARES)).into()).collect(),
            ..Router::default()
        };
        configuration.http.routers.insert(format!("r{at}").into(), define(router));
    }
    configuration
}

fn define<T>(value: T) -> Arc<Defined<T>> {
    Arc::new(Defined { value: Ok(value), place: rutter_core::diagnostic::Place::default() })
}

fn middleware(rng: &mut Rng) -> middleware::Definition {
    let mut definition = middleware::Definition::default();
    let number = |n: u64| i64::try_from(n).unwrap();
    match rng.below(17) {
        0 => definition.add_prefix = Some(AddPrefix { prefix: "/p".into() }),
        1 => {
            definition.strip_prefix =
                Some(StripPrefix { prefixes: vec!["/a".into()], ..StripPrefix::default() });
        }
        2 => {
            let custom_request_headers = BTreeMap::from([("X-One".into(), "1".into())]);
            let custom_response_headers = BTreeMap::from([("X-Two".into(), String::new())]);
            let when = |yes: bool, text: &str| if yes { text.into() } else { String::new() };
            definition.headers = Some(Headers {
                custom_request_headers,
                custom_response_headers,
                access_control_allow_origin: when(rng.one_in(3), "origin-list-or-null"),
                add_vary_header: rng.one_in(6),
                allowed_hosts: if rng.one_in(6) { vec!["a.example".into()] } else { vec![] },
                ssl_redirect: rng.one_in(8),
                ssl_host: when(rng.one_in(4), "b.example"),
                content_security_policy: when(rng.one_in(4), "script-src $NONCE"),
                ..Headers::default()
            });
        }
        3 => {
            let initial_interval = rutter_core::config::scalar::Duration(
                std::time::Duration::from_millis(rng.below(2) * 10),
            );
            let attempts = number(1 + rng.below(4));
            definition.retry = Some(Retry { attempts, initial_interval });
        }
        4 => middlewares::limit(&mut definition, rng),
        5 => {
            let middlewares = vec![(*rng.pick(&MIDDLEWARES)).into()];
            definition.chain = Some(Chain { middlewares });
        }
        6 => middlewares::buffer(&mut definition, rng),
        7 => {
            definition.redirect_scheme =
                Some(RedirectScheme { scheme: "http".into(), ..RedirectScheme::default() });
        }
        14 | 15 => middlewares::authenticate(&mut definition, rng),
        8 => middlewares::show_certificates(&mut definition, rng),
        9 => middlewares::admit(&mut definition, rng),
        11 => {
            definition.errors = Some(Errors {
                status: vec![(*rng.pick(&["404", "500-599"])).into()],
                service: (*rng.pick(&SERVICES)).into(),
                query: "/{status}?{url}".into(),
            });
        }
        10 => {
            definition.content_type = Some(ContentType { auto_detect: rng.one_in(2) });
        }
        12 => definition.compress = Some(Compress::default()),
        _ => middlewares::rewrite(&mut definition, rng),
    }
    definition
}

fn service(rng: &mut Rng) -> Service {
    let sticky = |rng: &mut Rng, name: &str| {
        let cookie = Cookie { name: name.into(), ..Cookie::default() };
        rng.one_in(3).then_some(Sticky { cookie: Some(cookie) })
    };
    match rng.below(5) {
        0 => {
            let services = (0..rng.below(4))
                .map(|_| WeightedService {
                    name: (*rng.pick(&SERVICES)).into(),
                    weight: rng.one_in(2).then(|| i64::try_from(rng.below(4)).unwrap()),
                })
                .collect();
            let weighted = Weighted { services, sticky: sticky(rng, "w") };
            Service { weighted: Some(weighted), ..Service::default() }
        }
        1 => {
            let mirrors = (0..rng.below(3))
                .map(|_| MirrorService {
                    name: (*rng.pick(&SERVICES)).into(),
                    percent: i64::try_from(rng.below(101)).unwrap(),
                })
                .collect();
            let service = (*rng.pick(&SERVICES)).into();
            let mirroring = Mirroring { service, mirrors, max_body_size: None };
            Service { mirroring: Some(mirroring), ..Service::default() }
        }
        _ => {
            let url = ["http://10.0.0.1:80", "http://10.0.0.2", "h2c://u:p@c:81", "https://d"];
            let servers =
                (0..rng.below(4)).map(|_| Server { url: (*rng.pick(&url)).into() }).collect();
            let load_balancer = LoadBalancer {
                servers,
                sticky: sticky(rng, "lb"),
                pass_host_header: rng.one_in(2),
                ..LoadBalancer::default()
            };
            Service { load_balancer: Some(load_balancer), ..Service::default() }
        }
    }
}
