//! `circuitBreaker`: no requests for a while to a service that fails. Compat: middlewares.md
//! "circuitBreaker".
use core::time::Duration;

pub mod breaker;

pub use breaker::Breaker;

/// When a breaker trips, and what it does then.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The share of 502 and 504 above which it trips.
    network_errors: f64,
    /// The least time between two checks of the condition.
    check_period: Duration,
    /// How long it stays tripped.
    fallback_duration: Duration,
    /// How long it recovers.
    recovery_duration: Duration,
}
