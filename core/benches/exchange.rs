//! What the core costs a request: from its head to its end, without network.
#![allow(clippy::unwrap_used, reason = "a benchmark")]
use divan::{AllocProfiler, Bencher};

#[path = "../tests/support/plain.rs"]
mod plain;
#[path = "../tests/support/world.rs"]
#[allow(dead_code, reason = "tests need more of it")]
mod world;

use plain::{Heads, Plain};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// One exchange through a router with this many `headers` middlewares.
#[divan::bench(args = [0, 1, 5], sample_size = 1000)]
fn exchange(bencher: Bencher<'_, '_>, middlewares: usize) {
    let plain = Plain::new(middlewares);
    bencher.with_inputs(Heads::new).bench_local_refs(|heads| plain.exchange(heads));
}
