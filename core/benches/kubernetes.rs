//! What a change in a cluster costs: from the event to the plan.
//!
//! `cargo bench -p rutter-core --bench kubernetes`
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]
use divan::Bencher;
use rutter_core::{
    entry_point::{EntryPoint, Trust},
    machine::Machine,
    plan::{Plan, Settings, compile::compile},
    provider::{
        aggregator::{Aggregator, Output},
        kubernetes::{Event, Object, Options, Provider, Resource, Translator},
    },
    time::Instant,
    tree::Node,
};
use std::{sync::Arc, time::Duration};

fn main() {
    divan::main();
}

fn settings() -> Settings {
    let web = EntryPoint {
        name: "web".into(),
        forwarded_trust: Trust::default(),
        hostname: http::HeaderValue::from_static("bench"),
        raw_paths: false,
    };
    Settings { entry_points: [web].into(), ping: false, ..Settings::default() }
}

fn object(api_version: &str, kind: &str, name: &str, more: &str) -> Arc<Object> {
    let resource = Resource::parse(api_version, kind).unwrap();
    let labels = format!(r#"{{"kubernetes.io/service-name": "{name}"}}"#);
    let json = format!(
        r#"{{"metadata": {{"namespace": "shop", "name": "{name}", "labels": {labels}}}, {more}}}"#
    );
    let node: Node = serde_json::from_str(&json).unwrap();
    Arc::new(Object::decode(resource, &node).unwrap())
}

fn slice(i: usize, host: u8) -> Arc<Object> {
    let more = format!(
        r#""addressType": "IPv4", "ports": [{{"name": "web", "port": 8080}}],
        "endpoints": [{{"addresses": ["10.{}.{}.{host}"]}}, {{"addresses": ["10.{}.{}.2"]}}]"#,
        i >> 8,
        i & 255,
        i >> 8,
        i & 255,
    );
    object("discovery.k8s.io/v1", "EndpointSlice", &format!("app-{i}"), &more)
}

/// As many IngressRoutes, each with a Service and an EndpointSlice of its own, and a Middleware.
fn cluster(n: usize) -> Vec<Arc<Object>> {
    let mut objects = Vec::new();
    let spec = r#""spec": {"addPrefix": {"prefix": "/x"}}"#;
    objects.push(object("traefik.io/v1alpha1", "Middleware", "prefix", spec));
    for i in 0..n {
        let name = format!("app-{i}");
        let ports = r#""spec": {"ports": [{"name": "web", "port": 80}]}"#;
        objects.push(object("v1", "Service", &name, ports));
        objects.push(slice(i, 1));
        let route = format!(
            r#""spec": {{"entryPoints": ["web"], "routes": [{{"match": "Host(`h{i}.bench.example`)",
            "kind": "Rule", "services": [{{"name": "{name}", "port": 80}}],
            "middlewares": [{{"name": "prefix"}}]}}]}}"#
        );
        objects.push(object("traefik.io/v1alpha1", "IngressRoute", &name, &route));
    }
    objects
}

/// The core's part of the control loop.
struct Control {
    translator: Translator,
    aggregator: Aggregator,
    settings: Settings,
    plan: Option<Plan>,
    now: Instant,
}

impl Control {
    fn new(objects: &[Arc<Object>]) -> Self {
        let mut control = Self {
            translator: Translator::new(Provider::Crd, Options::default()),
            aggregator: Aggregator::new(Duration::ZERO),
            settings: settings(),
            plan: None,
            now: Instant(0),
        };
        objects.iter().for_each(|it| control.translator.handle(Event::Applied(it.clone())));
        control.update();
        control
    }

    fn update(&mut self) {
        let update = self.translator.update();
        let Some(message) = update.message else { return };
        self.aggregator.handle(self.now, message);
        while let Some(output) = self.aggregator.poll_output() {
            let Output::Apply { configurations, .. } = output else { continue };
            let previous = self.plan.take();
            let (plan, diagnostics) = compile(previous.as_ref(), &self.settings, &configurations);
            assert!(diagnostics.is_empty(), "{diagnostics:?}");
            self.plan = Some(plan);
        }
    }
}

#[divan::bench(args = [1_000, 10_000], sample_count = 5)]
fn from_nothing(bencher: Bencher<'_, '_>, n: usize) {
    let objects = cluster(n);
    bencher.bench_local(|| Control::new(&objects));
}

/// Every sample is another change: the address of a pod, back and forth.
#[divan::bench(args = [1_000, 10_000, 20_000])]
fn one_endpoint_slice_changed(bencher: Bencher<'_, '_>, n: usize) {
    let mut control = Control::new(&cluster(n));
    let mut host = 1;
    let slices: Vec<_> = (0..=4).map(|host| slice(n / 2, host)).collect();
    bencher.bench_local(|| {
        host = host % 4 + 1;
        control.translator.handle(Event::Applied(slices[usize::from(host as u8)].clone()));
        control.update();
    });
}

/// The translator alone.
#[divan::bench(args = [1_000, 10_000])]
fn one_endpoint_slice_translated(bencher: Bencher<'_, '_>, n: usize) {
    let mut translator = Translator::new(Provider::Crd, Options::default());
    cluster(n).into_iter().for_each(|it| translator.handle(Event::Applied(it)));
    let mut host = 1;
    let slices: Vec<_> = (0..=4).map(|host| slice(n / 2, host)).collect();
    bencher.bench_local(|| {
        host = host % 4 + 1;
        translator.handle(Event::Applied(slices[usize::from(host as u8)].clone()));
        translator.update()
    });
}

/// A list that says nothing new, as after a watch that broke.
#[divan::bench(args = [10_000], sample_count = 10)]
fn listed_again(bencher: Bencher<'_, '_>, n: usize) {
    let objects = cluster(n);
    let mut control = Control::new(&objects);
    let slices = Resource::parse("discovery.k8s.io/v1", "EndpointSlice").unwrap();
    let objects: Vec<_> = objects.into_iter().filter(|it| it.resource() == slices).collect();
    bencher.bench_local(|| {
        let objects = objects.clone();
        control.translator.handle(Event::Listed { resource: slices, namespace: None, objects });
        control.update();
    });
}
