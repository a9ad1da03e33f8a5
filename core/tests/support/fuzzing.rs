//! What is fuzzed: parsers of what owners and clients write. None panics, whatever it is given.
use base64::{Engine, prelude::BASE64_STANDARD};
use compiled::{compiled, define};
use http::{HeaderName, HeaderValue};
use rutter_core::{
    config::{
        Configuration,
        http::{LoadBalancer, Router, Server, Service},
    },
    entry_point::{EntryPointId, Peer},
    exchange::{Exchange, Input, Output},
    middleware::{
        Definition,
        buffering::Buffering,
        circuit_breaker::{CircuitBreaker, function::Function},
        expression::Expression,
    },
    plan::Plan,
    rule::Rule,
    tcp::{
        self,
        client_hello::{Reader, Sniff},
    },
    time::Instant,
    tls::certificate::{Certificate, Load},
};
use std::sync::Arc;

#[path = "compiled.rs"]
mod compiled;
#[path = "world.rs"]
mod world;

/// A parser and how it is reached.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]),
}

/// All of them.
pub(crate) const TARGETS: [Target; 7] = [
    Target { name: "rule", run: rule },
    Target { name: "expression", run: expression },
    Target { name: "authorization", run: authorization },
    Target { name: "accept_encoding", run: accept_encoding },
    Target { name: "host_sni", run: host_sni },
    Target { name: "client_hello", run: client_hello },
    Target { name: "certificate", run: certificate },
];

/// A router's rule. What is said of an error stands inside the text.
pub(crate) fn rule(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = Rule::parse(text) {
        assert!(error.column <= text.chars().count() + 1, "{error:?}");
        assert!(!error.message.is_empty());
    }
}

/// The expressions of `circuitBreaker` and `buffering`. What is printed is read as the same.
pub(crate) fn expression(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(parsed) = Expression::<Function>::parse(text) {
        assert_eq!(Expression::parse(&parsed.to_string()), Ok(parsed));
    }
    let breaker = CircuitBreaker { expression: text.into(), ..CircuitBreaker::default() };
    let retry = Buffering { retry_expression: text.into(), ..Buffering::default() };
    let definitions = [
        Definition { circuit_breaker: Some(breaker), ..Definition::default() },
        Definition { buffering: Some(retry), ..Definition::default() },
    ];
    for definition in definitions {
        if let Err(error) = definition.compile() {
            assert!(!error.is_empty() && !error.contains('\n'), "{error}");
        }
    }
}

/// `Authorization` at `basicAuth` and `digestAuth`: nobody passes who does not know the password.
pub(crate) fn authorization(data: &[u8]) {
    let basic = r#"{"basicAuth": {"users": ["a:$apr1$h1/PdRLe$THN.BdEBpBk1gQvtkcoVz0"]}}"#;
    let digest = r#"{"digestAuth": {"users": ["a:traefik:0123456789abcdef0123456789abcdef"]}}"#;
    for definition in [basic, digest] {
        let output = ask(definition, "authorization", data);
        let refused = matches!(&output, Some(Output::Respond(it)) if it.status() == 401);
        let stopped = refused || matches!(&output, None | Some(Output::Verify(_)));
        assert!(stopped, "{output:?}");
    }
}

/// `Accept-Encoding` at `compress`.
pub(crate) fn accept_encoding(data: &[u8]) {
    let output = ask(r#"{"compress": {}}"#, "accept-encoding", data);
    assert!(output.is_none_or(|output| matches!(output, Output::Send { .. })));
}

/// A TCP router's rule. What is said of an error stands inside the text.
pub(crate) fn host_sni(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match tcp::rule::Rule::parse(text) {
        Ok(rule) => assert!(rule.names.is_sorted_by(|one, two| one < two), "{rule:?}"),
        Err(error) => assert!(error.column <= text.len() + 1, "{error:?}"),
    }
}

/// The beginning of a connection, whole and in two pieces: the answer is the same.
pub(crate) fn client_hello(data: &[u8]) {
    let whole = Reader::default().read(data);
    let (first, second) = data.split_at(data.len() / 3);
    let mut reader = Reader::default();
    let mut answer = reader.read(first);
    if answer == Sniff::NeedMore {
        answer = reader.read(second);
    }
    assert_eq!(answer, whole);
}

/// What a certificate, in DER, says of itself.
pub(crate) fn certificate(data: &[u8]) {
    let encoded = BASE64_STANDARD.encode(data);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    if let Ok(read) = Certificate::read("a".into(), pem.as_bytes(), key.as_bytes(), Load::default())
    {
        assert!(read.names.iter().all(|name| !name.text.is_empty()), "{read:?}");
    }
}

/// What comes of a request with a header; none: no header can have this value.
fn ask(definition: &str, name: &'static str, value: &[u8]) -> Option<Output> {
    let value = HeaderValue::from_bytes(value).ok()?;
    let plan = plan(definition);
    let world = world::World::new(&plan, |_| false);
    let peer = Peer::new(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], 80).into(), false);
    let (mut head, ()) =
        http::Request::get("/").header("host", "a.example").body(()).ok()?.into_parts();
    head.headers.insert(HeaderName::from_static(name), value);
    let mut exchange = Exchange::new(plan, EntryPointId(0), peer, 1);
    let output = exchange.handle(Instant(0), &world, Input::Request(&mut head));
    let _ = exchange.handle(Instant(0), &world, Input::Left);
    assert_eq!(world.in_flight_total(), 0);
    Some(output)
}

/// One router for everything, through one middleware.
fn plan(definition: &str) -> Arc<Plan> {
    let definition: Definition = serde_json::from_str(definition).expect("well formed");
    let mut configuration = Configuration::default();
    let router = Router {
        rule: "PathPrefix(`/`)".into(),
        service: "s".into(),
        middlewares: vec!["m".into()],
        ..Router::default()
    };
    let servers = vec![Server { url: "http://10.0.0.1".into() }];
    let service = Service {
        load_balancer: Some(LoadBalancer { servers, ..LoadBalancer::default() }),
        ..Service::default()
    };
    configuration.http.routers.insert("r".into(), define(router));
    configuration.http.services.insert("s".into(), define(service));
    configuration.http.middlewares.insert("m".into(), define(definition));
    compiled(configuration)
}
