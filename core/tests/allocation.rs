//! The plain hot path allocates nothing: a router, a balancer, two heads edited in place.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#[path = "support/plain.rs"]
mod plain;
#[path = "support/world.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod world;

use plain::{Heads, Plain};

fn allocations(middlewares: usize) -> u64 {
    let plain = Plain::new(middlewares);
    // The first exchange may fill caches.
    plain.exchange(&mut Heads::new());
    let mut heads = Heads::new();
    allocation_counter::measure(|| plain.exchange(&mut heads)).count_total
}

#[test]
fn an_exchange_through_a_plain_router_allocates_nothing() {
    assert_eq!(allocations(0), 0);
}

#[test]
fn an_exchange_through_five_middlewares_allocates_nothing() {
    assert_eq!(allocations(5), 0);
}

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(1))));
    assert_eq!(counted.count_total, 1);
}
