//! What the core costs a request: from its head to its end, without network.
#![allow(clippy::unwrap_used, reason = "a benchmark")]
use divan::{AllocProfiler, Bencher};
use rutter_core::middleware::Definition;

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

/// Ten middlewares as a careful owner has them.
const TEN: [&str; 10] = [
    r#"{"ipWhiteList": {"sourceRange": ["10.0.0.0/8", "192.168.0.0/16"]}}"#,
    r#"{"rateLimit": {"average": 1000000, "burst": 1000000}}"#,
    r#"{"inFlightReq": {"amount": 1000, "sourceCriterion": {"ipStrategy": {}}}}"#,
    r#"{"circuitBreaker": {"expression": "NetworkErrorRatio() > 0.5"}}"#,
    r#"{"retry": {"attempts": 3}}"#,
    r#"{"headers": {"frameDeny": true, "stsSeconds": 31536000, "contentTypeNosniff": true}}"#,
    r#"{"headers": {"customRequestHeaders": {"X-In": "1"}}}"#,
    r#"{"compress": {}}"#,
    r#"{"stripPrefix": {"prefixes": ["/api"]}}"#,
    r#"{"addPrefix": {"prefix": "/v2"}}"#,
];

/// One exchange through a chain of all of [`TEN`], or of one of them alone. Samples are short, so that most
/// are not interrupted: the median says what an exchange costs, also where others use the machine.
#[divan::bench(
    args = ["all", "none", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    sample_size = 20,
    sample_count = 10_000
)]
fn chain_of_ten(bencher: Bencher<'_, '_>, which: &str) {
    let chosen = TEN.iter().enumerate().filter(|(i, _)| which == "all" || which == i.to_string());
    let plain =
        Plain::through(chosen.map(|(_, json)| serde_json::from_str::<Definition>(json).unwrap()));
    bencher.with_inputs(Heads::new).bench_local_refs(|heads| plain.exchange(heads));
}
