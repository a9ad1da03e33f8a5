//! What it costs to find a request's router, and to change one router of many.
//!
//! `…_repeated` is one request over and over: the cost of the algorithm. Otherwise requests come in
//! rotation for [`WARM`] different routers spread over the whole table, as a proxy sees traffic for its
//! busy hosts; `…_cold` asks every router once before it asks one again, so that nothing but the
//! table's upper levels is in a cache. A row about allocations appears where there are any: finding a
//! router makes none.
use divan::{AllocProfiler, Bencher, black_box};
use http::{Request, request};
use rutter_core::{
    router::Router,
    router::{Route, Table},
    rule::{Rule, view::View},
    service::Instance,
};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

const WARM: u32 = 1_024;
const COLD: u32 = 100_000;
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = [10, 10_000, 100_000], sample_size = WARM * 4)]
fn host_repeated(bencher: Bencher<'_, '_>, routers: usize) {
    routes(bencher, &table(routers, host_rule), &heads(routers, 1, host_request));
}

#[divan::bench(args = [1, 10, 100, 1_000, 10_000, 100_000], sample_size = WARM * 4)]
fn host(bencher: Bencher<'_, '_>, routers: usize) {
    routes(bencher, &table(routers, host_rule), &heads(routers, WARM, host_request));
}

#[divan::bench(args = [10, 10_000, 100_000], sample_size = COLD, sample_count = 10)]
fn host_cold(bencher: Bencher<'_, '_>, routers: usize) {
    routes(bencher, &table(routers, host_rule), &heads(routers, COLD, host_request));
}

#[divan::bench(args = [10, 10_000], sample_size = WARM * 4)]
fn path_prefix_repeated(bencher: Bencher<'_, '_>, routers: usize) {
    routes(bencher, &table(routers, path_rule), &heads(routers, 1, path_request));
}

#[divan::bench(args = [1, 10, 100, 1_000, 10_000], sample_size = WARM * 4)]
fn path_prefix(bencher: Bencher<'_, '_>, routers: usize) {
    routes(bencher, &table(routers, path_rule), &heads(routers, WARM, path_request));
}

#[divan::bench(args = [10, 10_000], sample_size = COLD, sample_count = 10)]
fn path_prefix_cold(bencher: Bencher<'_, '_>, routers: usize) {
    routes(bencher, &table(routers, path_rule), &heads(routers, COLD, path_request));
}

/// An expression's scratch memory is shared by all threads.
#[divan::bench(threads = [1, 2], sample_size = WARM * 4)]
fn host_regexp(bencher: Bencher<'_, '_>) {
    let table = table(1, |_| "HostRegexp(`{app:[a-z]+-[0-9]+}.example.com`)".into());
    let heads = heads(1, 1, host_request);
    bencher.bench(|| route(&table, black_box(&heads[0])));
}

#[divan::bench(args = [1_000, 10_000, 100_000])]
fn apply_one_host(bencher: Bencher<'_, '_>, routers: usize) {
    changes(bencher, routers, host_rule);
}

#[divan::bench(args = [1_000, 10_000])]
fn apply_one_path_prefix(bencher: Bencher<'_, '_>, routers: usize) {
    changes(bencher, routers, path_rule);
}

#[divan::bench(args = [10_000, 100_000], sample_count = 10)]
fn build(bencher: Bencher<'_, '_>, routers: usize) {
    let all: Vec<_> = (0..routers).map(|n| router(n, &host_rule(n))).collect();
    bencher.bench_local(|| Table::default().apply(&[], &all));
}

fn host_rule(n: usize) -> String {
    format!("Host(`app-{n}.example.com`)")
}

fn host_request(n: usize) -> (String, &'static str) {
    (format!("app-{n}.example.com"), "/")
}

fn path_rule(n: usize) -> String {
    format!("Host(`www.example.com`) && PathPrefix(`/service-{n}/`)")
}

fn path_request(n: usize) -> (String, &'static str) {
    ("www.example.com".into(), Box::leak(format!("/service-{n}/index.html").into_boxed_str()))
}

fn router(n: usize, rule: &str) -> Arc<Router> {
    Arc::new(Router {
        name: format!("router-{n}@file").into(),
        rule: Rule::parse(rule).expect("a rule"),
        priority: i64::try_from(rule.len()).expect("a short rule"),
        middlewares: Box::default(),
        service: Arc::new(Instance::Ping),
        service_name: "service@file".into(),
    })
}

fn table(routers: usize, rule: fn(usize) -> String) -> Table {
    let routers: Vec<_> = (0..routers).map(|n| router(n, &rule(n))).collect();
    Table::default().apply(&[], &routers)
}

/// `count` requests, evenly spread over the routers and in no order.
fn heads(
    routers: usize,
    count: u32,
    request: fn(usize) -> (String, &'static str),
) -> Vec<request::Parts> {
    // A prime near 0.6 of the range visits every number once, far from its neighbours.
    let numbers = (1..=count as usize).map(|n| n * 61_819 % COLD as usize % routers);
    let head = |n| {
        let (host, path) = request(n);
        let request = Request::builder().uri(path).header("Host", host).body(());
        request.expect("a request").into_parts().0
    };
    numbers.map(head).collect()
}

fn routes(bencher: Bencher<'_, '_>, table: &Table, heads: &[request::Parts]) {
    let mut rotation = heads.iter().cycle();
    bencher.bench_local(|| rotation.next().map(|head| route(table, black_box(head))));
}

fn route(table: &Table, head: &request::Parts) {
    let host = head.headers.get("Host").and_then(|host| host.to_str().ok()).unwrap_or("");
    let route = table.route(&View::new(head, host, CLIENT));
    assert!(matches!(route, Route::Found(_)));
}

fn changes(bencher: Bencher<'_, '_>, routers: usize, rule: fn(usize) -> String) {
    let full = table(routers, rule);
    let old: Vec<_> = (0..WARM as usize)
        .map(|n| n * 61_819 % routers)
        .map(|n| [router(n, &rule(n)), router(n, &format!("{} && Method(`GET`)", rule(n)))])
        .collect();
    let mut rotation = old.iter().cycle();
    bencher.bench_local(|| {
        let [old, new] = rotation.next()?;
        Some(full.apply(std::slice::from_ref(old), std::slice::from_ref(new)))
    });
}
