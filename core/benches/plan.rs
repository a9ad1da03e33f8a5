//! What a plan costs: made from nothing, and after one change; and what a pick costs.
//!
//! `cargo bench -p rutter-core --bench plan`
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]
use divan::{Bencher, black_box};
use rutter_core::{
    config::{
        Configuration, Defined,
        http::{LoadBalancer, Router, Server, Service},
    },
    diagnostic::Place,
    entry_point::{EntryPoint, Trust},
    plan::{Plan, Settings, compile::compile},
    provider::Configurations,
    service::{balancer::Balancer, health::Health},
};
use std::sync::Arc;

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

fn defined<T>(value: T) -> Arc<Defined<T>> {
    Arc::new(Defined { value: Ok(value), place: Place::default() })
}

fn service(i: usize, port: u16) -> Arc<Defined<Service>> {
    let url = format!("http://10.{}.{}.{}:{port}", i >> 16 & 255, i >> 8 & 255, i & 255);
    let load_balancer =
        Some(LoadBalancer { servers: vec![Server { url }], ..LoadBalancer::default() });
    defined(Service { load_balancer, ..Service::default() })
}

fn router(i: usize, path: &str) -> Arc<Defined<Router>> {
    defined(Router {
        rule: format!("Host(`h{i}.bench.example`){path}"),
        service: format!("s{i}"),
        ..Router::default()
    })
}

/// As many routers for a host of their own, each with a service of its own.
fn hosts(n: usize) -> Configuration {
    let mut configuration = Configuration::default();
    for i in 0..n {
        configuration.http.routers.insert(format!("r{i}").into(), router(i, ""));
        configuration.http.services.insert(format!("s{i}").into(), service(i, 80));
    }
    configuration
}

fn alone(configuration: Configuration) -> Configurations {
    [("file".into(), Arc::new(configuration))].into()
}

#[divan::bench(args = [1_000, 10_000], sample_count = 10)]
fn from_nothing(bencher: Bencher<'_, '_>, n: usize) {
    let (settings, configurations) = (settings(), alone(hosts(n)));
    bencher.bench_local(|| compile(None, &settings, black_box(&configurations)));
}

/// The plan with `n` routers, and configurations with one change; all others are shared.
fn changed(bencher: Bencher<'_, '_>, n: usize, change: impl Fn(&mut Configuration)) {
    let (settings, configuration) = (settings(), hosts(n));
    let (plan, _) = compile(None, &settings, &alone(configuration.clone()));
    let mut next = configuration;
    change(&mut next);
    let next = alone(next);
    bencher.bench_local(|| -> Plan { compile(Some(&plan), &settings, black_box(&next)).0 });
}

#[divan::bench(args = [10_000, 100_000])]
fn one_router_changed(bencher: Bencher<'_, '_>, n: usize) {
    changed(bencher, n, |configuration| {
        let name = format!("r{}", n / 2);
        configuration.http.routers.insert(name.into(), router(n / 2, " && Path(`/new`)"));
    });
}

#[divan::bench(args = [10_000, 100_000])]
fn one_service_changed(bencher: Bencher<'_, '_>, n: usize) {
    changed(bencher, n, |configuration| {
        let name = format!("s{}", n / 2);
        configuration.http.services.insert(name.into(), service(n / 2, 81));
    });
}

/// A provider that shares nothing: every definition is compared by value.
#[divan::bench(args = [10_000])]
fn one_router_changed_nothing_shared(bencher: Bencher<'_, '_>, n: usize) {
    changed(bencher, n, |configuration| {
        *configuration = hosts(n);
        let name = format!("r{}", n / 2);
        configuration.http.routers.insert(name.into(), router(n / 2, " && Path(`/new`)"));
    });
}

#[divan::bench(args = [2, 100, 10_000])]
fn pick_round_robin(bencher: Bencher<'_, '_>, n: usize) {
    let mut balancer = Balancer::new(vec![1; n].into());
    let health = Health::default();
    bencher.bench_local(|| balancer.pick(black_box(&health)));
}

#[divan::bench(args = [2, 100, 10_000])]
fn pick_weighted(bencher: Bencher<'_, '_>, n: u32) {
    let weights: Vec<u32> = (1..=n).map(|i| i % 7 + 1).collect();
    let mut balancer = Balancer::new(weights.into());
    let health = Health::default();
    bencher.bench_local(|| balancer.pick(black_box(&health)));
}

#[divan::bench(args = [10_000])]
fn pick_with_half_of_the_servers_down(bencher: Bencher<'_, '_>, n: u32) {
    let mut balancer = Balancer::new(vec![1; n as usize].into());
    let mut health = Health::default();
    (0..n).step_by(2).for_each(|i| health.set(i, false));
    bencher.bench_local(|| balancer.pick(black_box(&health)));
}
