//! What the core costs a request: from its head to its end, without network.
#![allow(clippy::unwrap_used, reason = "a benchmark")]
mod world;

use divan::{AllocProfiler, Bencher};
use world::{Heads, World};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// One exchange through a router with this many `headers` middlewares.
#[divan::bench(args = [0, 1, 5], sample_size = 1000)]
fn exchange(bencher: Bencher<'_, '_>, middlewares: usize) {
    let world = World::new(middlewares);
    bencher.with_inputs(Heads::new).bench_local_refs(|heads| world.exchange(heads));
}

const ROUTERS: [usize; 4] = [1, 100, 10_000, 100_000];

/// A request's way to its router, by host.
#[divan::bench(args = ROUTERS, sample_count = 50, sample_size = 4096)]
fn route_by_host(bencher: Bencher<'_, '_>, routers: usize) {
    let world = World::ruled((0..routers).map(|i| format!("Host(`host-{i}.example`)")));
    let head = http::Request::new(()).into_parts().0;
    let hosts: Vec<String> = spread(routers).map(|i| format!("host-{i}.example")).collect();
    let mut hosts = hosts.iter().cycle();
    bencher.bench_local(|| assert!(world.routes(&head, hosts.next().unwrap())));
}

/// A request's way to its router, by path prefix on one host.
#[divan::bench(args = ROUTERS, sample_count = 50, sample_size = 4096)]
fn route_by_prefix(bencher: Bencher<'_, '_>, routers: usize) {
    let rule = |i| format!("Host(`one.example`) && PathPrefix(`/p-{i}/`)");
    let world = World::ruled((0..routers).map(rule));
    let head = |i| http::Request::get(format!("/p-{i}/x")).body(()).unwrap().into_parts().0;
    let heads: Vec<_> = spread(routers).map(head).collect();
    let mut heads = heads.iter().cycle();
    bencher.bench_local(|| assert!(world.routes(heads.next().unwrap(), "one.example")));
}

/// At most 4096 of the indices below `count`, far from one another.
fn spread(count: usize) -> impl Iterator<Item = usize> {
    (0..count.min(4096)).map(move |i| i * 7919 % count)
}
