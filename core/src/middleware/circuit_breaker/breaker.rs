//! The machine of a circuit breaker: closed, tripped, recovering. Compat: middlewares.md
//! "circuitBreaker".
use super::Policy;
use crate::time::Instant;
use alloc::sync::Arc;
use core::time::Duration;

/// The state of a `circuitBreaker` in one router.
#[derive(Clone, Debug)]
pub struct Breaker {
    policy: Arc<Policy>,
    state: State,
    checked: Option<Instant>,
    total: u64,
    failed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Every request passes.
    Closed,
    /// None does, before then.
    Tripped { until: Instant },
    /// A growing share does, before it ends.
    Recovering { since: Instant, allowed: u64, denied: u64 },
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(policy: Arc<Policy>) -> Self {
        Self { policy, state: State::Closed, checked: None, total: 0, failed: 0 }
    }

    /// Whether a request may pass.
    pub fn admit(&mut self, now: Instant) -> bool {
        match self.state {
            State::Tripped { until } if now < until => return false,
            State::Closed => return true,
            State::Tripped { .. } => {
                self.state = State::Recovering { since: now, allowed: 0, denied: 0 };
            }
            State::Recovering { .. } => {}
        }
        let State::Recovering { since, allowed, denied } = &mut self.state else { return true };
        let whole = self.policy.recovery_duration.as_nanos();
        let elapsed = now.since(*since).as_nanos();
        if elapsed > whole {
            self.state = State::Closed;
            return true;
        }
        // (allowed + 1) / (allowed + denied + 1) < elapsed / (2 * whole)
        let [one_more, all] = [*allowed + 1, *allowed + *denied + 1].map(u128::from);
        let passes = 2 * whole * one_more < elapsed * all;
        *if passes { allowed } else { denied } += 1;
        passes
    }

    /// Notes the answer to a request that was admitted: its status, 502 or 504 where none came from a
    /// server, and how long it took.
    pub fn record(&mut self, now: Instant, status: u16, latency: Duration) {
        let _ = latency;
        self.total += 1;
        self.failed += u64::from(matches!(status, 502 | 504));
        let due = self.checked.is_none_or(|then| now.since(then) > self.policy.check_period);
        if !due {
            return;
        }
        self.checked = Some(now);
        let tripped = matches!(self.state, State::Tripped { .. });
        if !tripped && self.failed as f64 / self.total as f64 > self.policy.network_errors {
            self.state = State::Tripped { until: now + self.policy.fallback_duration };
            (self.total, self.failed) = (0, 0);
        }
    }
}
