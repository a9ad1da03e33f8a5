//! A plan with one router, its cells without locks, and what a shell would hold of an exchange.
use http::{HeaderMap, HeaderValue, request, response};
use rutter_core::{
    cells::{BalancerId, Cells, Decision, InFlightId, MirrorId},
    config::{
        Configuration, Defined,
        http::{LoadBalancer, Router, Server, Service},
    },
    diagnostic::Place,
    entry_point::{EntryPoint, EntryPointId, Peer, Trust},
    exchange::{Exchange, Input, Output},
    middleware::{Definition, headers::Headers},
    plan::{Plan, Settings, compile},
    router::Route,
    rule::view::View,
    service::{balancer::Balancer, health::Health, mirror::Mirror},
    time::Instant,
};
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

/// One router with two servers behind it.
pub(crate) struct World {
    plan: Arc<Plan>,
    peer: Peer,
    balancers: RefCell<Vec<Balancer>>,
    health: Health,
}

/// The heads of one request and one response, as they come from the wire.
pub(crate) struct Heads {
    request: request::Parts,
    response: response::Parts,
}

impl World {
    /// A router with this many middlewares, each of which sets a header on the way in and one on the
    /// way out.
    pub(crate) fn new(middlewares: usize) -> Self {
        let names: Vec<String> = (0..middlewares).map(|i| format!("m{i}")).collect();
        let mut configuration = Configuration::default();
        let http = &mut configuration.http;
        for name in &names {
            let header = |way: &str| BTreeMap::from([(format!("X-{way}-{name}"), "1".to_owned())]);
            let headers = Headers {
                custom_request_headers: header("In"),
                custom_response_headers: header("Out"),
            };
            let definition = Definition { headers: Some(headers), ..Definition::default() };
            http.middlewares.insert(name.as_str().into(), define(definition));
        }
        Self::routed(configuration, ["Host(`app.example`) && PathPrefix(`/api`)".into()], names)
    }

    /// A router for each rule.
    #[allow(dead_code, reason = "the allocation test needs no more than one router")]
    pub(crate) fn ruled(rules: impl IntoIterator<Item = String>) -> Self {
        Self::routed(Configuration::default(), rules, Vec::new())
    }

    fn routed(
        mut configuration: Configuration,
        rules: impl IntoIterator<Item = String>,
        middlewares: Vec<String>,
    ) -> Self {
        let http = &mut configuration.http;
        for (i, rule) in rules.into_iter().enumerate() {
            let (service, middlewares) = ("app".into(), middlewares.clone());
            let router = Router { rule, service, middlewares, ..Router::default() };
            http.routers.insert(format!("r{i}").into(), define(router));
        }
        let servers = ["http://10.0.0.1:80", "http://10.0.0.2:80"];
        let servers = servers.into_iter().map(|url| Server { url: url.into() }).collect();
        let balancer = LoadBalancer { servers, ..LoadBalancer::default() };
        let service = Service { load_balancer: Some(balancer), ..Service::default() };
        http.services.insert("app".into(), define(service));
        Self::of(configuration)
    }

    fn of(configuration: Configuration) -> Self {
        let entry_point = EntryPoint {
            name: "web".into(),
            forwarded_trust: Trust::default(),
            hostname: HeaderValue::from_static("edge"),
            raw_paths: false,
        };
        let settings = Settings { entry_points: [entry_point].into(), ping: false };
        let configurations = BTreeMap::from([("file".into(), Arc::new(configuration))]);
        let (plan, problems) = compile::compile(None, &settings, &configurations);
        assert!(problems.is_empty(), "{problems:?}");
        let specs = (0..).map_while(|slot| plan.cells.balancers.get(slot));
        let balancers = specs.map(|(_, spec)| Balancer::new(Arc::clone(&spec.weights))).collect();
        let peer = Peer::new(([10, 0, 0, 7], 40_000).into(), ([10, 0, 0, 1], 80).into(), false);
        Self {
            plan: Arc::new(plan),
            peer,
            balancers: RefCell::new(balancers),
            health: Health::default(),
        }
    }

    /// Whether some router takes a request.
    #[allow(dead_code, reason = "the allocation test drives whole exchanges")]
    pub(crate) fn routes(&self, head: &request::Parts, host: &str) -> bool {
        let view = View::new(head, host, self.peer.address.ip());
        matches!(self.plan.route(EntryPointId(0), false, &view), Route::Found(_))
    }

    /// Drives one exchange from its request to its end.
    pub(crate) fn exchange(&self, heads: &mut Heads) {
        let Heads { request, response } = heads;
        let plan = Arc::clone(&self.plan);
        let mut exchange = Exchange::new(plan, EntryPointId(0), self.peer.clone(), 1);
        let output = exchange.handle(Instant(0), self, Input::Request(request));
        assert!(matches!(output, Output::Send { .. }), "{output:?}");
        let output = exchange.handle(Instant(0), self, Input::Response(response));
        assert!(matches!(output, Output::Deliver(_)), "{output:?}");
        let output = exchange.handle(Instant(0), self, Input::End);
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

impl Cells for World {
    fn balancer<D: Decision>(
        &self,
        id: BalancerId,
        f: impl FnOnce(&mut Balancer, &Health) -> D,
    ) -> D {
        f(&mut self.balancers.borrow_mut()[id.0 as usize], &self.health)
    }

    fn mirror<D: Decision>(&self, _: MirrorId, _: impl FnOnce(&mut Mirror) -> D) -> D {
        unreachable!("the plan mirrors nothing")
    }

    fn in_flight<D: Decision>(
        &self,
        _: InFlightId,
        _: impl FnOnce(&mut rutter_core::middleware::in_flight_req::InFlight) -> D,
    ) -> D {
        unreachable!("the plan counts nothing")
    }

    fn terminating(&self) -> bool {
        false
    }
}

fn define<T>(value: T) -> Arc<Defined<T>> {
    Arc::new(Defined { value: Ok(value), place: Place::default() })
}

fn map(from: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(24);
    for (name, value) in from {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    headers
}
