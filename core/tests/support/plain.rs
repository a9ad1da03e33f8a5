//! The plain case: one router, its middlewares, two servers; a browser's request and its answer.
use super::world::World;
use compiled::{compiled, define};
use http::{HeaderMap, HeaderValue, request, response};
use rutter_core::{
    config::{
        Configuration,
        http::{LoadBalancer, Router, Server, Service},
    },
    entry_point::{EntryPointId, Peer},
    exchange::{Exchange, Input, Output},
    middleware::{Definition, headers::Headers},
    plan::Plan,
    time::Instant,
};
use std::{collections::BTreeMap, sync::Arc};

#[path = "compiled.rs"]
mod compiled;

/// A router with its plan and cells, and a client.
pub(crate) struct Plain {
    plan: Arc<Plan>,
    cells: World,
    peer: Peer,
}

/// The heads of one request and one response, as they come from the wire.
pub(crate) struct Heads {
    request: request::Parts,
    response: response::Parts,
}

impl Plain {
    /// A router with this many middlewares, each of which sets a header on the way in and one on the
    /// way out.
    pub(crate) fn new(middlewares: usize) -> Self {
        let definition = |i| {
            let header = |way: &str| BTreeMap::from([(format!("X-{way}-m{i}"), "1".to_owned())]);
            let headers = Headers {
                custom_request_headers: header("In"),
                custom_response_headers: header("Out"),
                ..Headers::default()
            };
            Definition { headers: Some(headers), ..Definition::default() }
        };
        Self::through((0..middlewares).map(definition))
    }

    /// A router with these middlewares.
    pub(crate) fn through(middlewares: impl Iterator<Item = Definition>) -> Self {
        let mut configuration = Configuration::default();
        let http = &mut configuration.http;
        let mut names = Vec::new();
        for (i, definition) in middlewares.enumerate() {
            names.push(format!("m{i}"));
            http.middlewares.insert(format!("m{i}").into(), define(definition));
        }
        let router = Router {
            rule: "Host(`app.example`) && PathPrefix(`/api`)".into(),
            service: "app".into(),
            middlewares: names,
            ..Router::default()
        };
        http.routers.insert("app".into(), define(router));
        let servers = ["http://10.0.0.1:80", "http://10.0.0.2:80"];
        let servers = servers.into_iter().map(|url| Server { url: url.into() }).collect();
        let balancer = LoadBalancer { servers, ..LoadBalancer::default() };
        let service = Service { load_balancer: Some(balancer), ..Service::default() };
        http.services.insert("app".into(), define(service));

        let plan = compiled(configuration);
        let peer = Peer::new(([10, 0, 0, 7], 40_000).into(), ([10, 0, 0, 1], 80).into(), false);
        Self { cells: World::new(&plan, |_| false), plan, peer }
    }

    /// Drives one exchange from its request to its end.
    pub(crate) fn exchange(&self, heads: &mut Heads) {
        let Heads { request, response } = heads;
        let plan = Arc::clone(&self.plan);
        let mut exchange = Exchange::new(plan, EntryPointId(0), self.peer.clone(), 1);
        let output = exchange.handle(Instant(0), &self.cells, Input::Request(request));
        assert!(matches!(output, Output::Send { .. }), "{output:?}");
        let output = exchange.handle(Instant(0), &self.cells, Input::Response(response));
        assert!(matches!(output, Output::Deliver(_)), "{output:?}");
        let output = exchange.handle(Instant(0), &self.cells, Input::End);
        assert!(matches!(output, Output::Done { .. }), "{output:?}");
    }
}

impl Heads {
    /// A browser's GET and a server's answer to it, in maps with room for what a proxy adds.
    pub(crate) fn new() -> Self {
        let request = [
            ("host", "app.example"),
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
            ("accept", "text/html,application/xhtml+xml"),
            ("accept-language", "en"),
            ("accept-encoding", "gzip, br"),
            ("cookie", "theme=dark"),
        ];
        let response = [("content-type", "text/html"), ("content-length", "1024"), ("date", "now")];
        let (mut parts, ()) =
            http::Request::get("/api/things?page=2").body(()).unwrap().into_parts();
        parts.headers = map(&request);
        let (mut answer, ()) = http::Response::new(()).into_parts();
        answer.headers = map(&response);
        Self { request: parts, response: answer }
    }
}

fn map(from: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(24);
    for (name, value) in from {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    headers
}
