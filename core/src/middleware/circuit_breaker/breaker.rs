//! The machine of a circuit breaker: closed, tripped, recovering. Compat: middlewares.md
//! "circuitBreaker".
use super::{
    Policy,
    function::{Function, Statuses},
    latency::Latencies,
    window::Window,
};
use crate::{middleware::expression::Value, time::Instant};
use alloc::sync::Arc;
use core::time::Duration;

/// The state of a `circuitBreaker` in one router.
///
/// It counts only what the condition asks for: 40 bytes a set of statuses, and up to 80 KiB of
/// latencies.
#[derive(Clone, Debug)]
pub struct Breaker {
    policy: Arc<Policy>,
    state: State,
    /// When the condition was looked at last.
    checked: Option<Instant>,
    /// By position in the policy's statuses.
    answers: Window,
    latencies: Latencies,
}

/// What a breaker does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Every one passes.
    Closed,
    /// None passes, before then.
    Tripped { until: Instant },
    /// A share passes that grows from none to half.
    Recovering { since: Instant, allowed: u64, denied: u64 },
}

/// Never trips.
impl Default for Breaker {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> Self {
        let answers = Window::new(policy.counted.len());
        let latencies = Latencies::default();
        Self { policy, state: State::Closed, checked: None, answers, latencies }
    }

    /// Whether a request may pass.
    pub fn admit(&mut self, now: Instant) -> bool {
        let (since, allowed, denied) = match self.state {
            State::Closed => return true,
            State::Tripped { until } if now < until => return false,
            State::Tripped { .. } => (now, 0, 0),
            State::Recovering { since, .. } if now.since(since) > self.policy.recovery_duration => {
                self.state = State::Closed;
                return true;
            }
            State::Recovering { since, allowed, denied } => (since, allowed, denied),
        };
        let passes = self.is_due(now.since(since), allowed, denied);
        let (allowed, denied) = if passes { (allowed + 1, denied) } else { (allowed, denied + 1) };
        self.state = State::Recovering { since, allowed, denied };
        passes
    }

    /// Whether one more keeps the share that passes below half of the part of the recovery that is
    /// over: `(allowed + 1) / (allowed + denied + 1) < elapsed / (2 * duration)`.
    fn is_due(&self, elapsed: Duration, allowed: u64, denied: u64) -> bool {
        let [allowed, denied] = [allowed, denied].map(u128::from);
        let [elapsed, duration] = [elapsed, self.policy.recovery_duration].map(|it| it.as_nanos());
        (allowed + 1) * 2 * duration < elapsed * (allowed + denied + 1)
    }

    /// Notes the answer to a request that passed: its status, which is 502 or 504 where no server
    /// gave one, and how long it took. Looks at the condition, if it is time to.
    pub fn record(&mut self, now: Instant, status: u16, latency: Duration) {
        self.answers.advance(now);
        for (counter, statuses) in self.policy.counted.iter().enumerate() {
            if statuses.contain(status) {
                self.answers.add(counter);
            }
        }
        if self.policy.latencies {
            self.latencies.advance(now);
            self.latencies.add(latency);
        }
        if self.checked.is_some_and(|then| now.since(then) <= self.policy.check_period) {
            return;
        }
        self.checked = Some(now);
        if !matches!(self.state, State::Tripped { .. }) && self.condition_holds() {
            self.state = State::Tripped { until: now + self.policy.fallback_duration };
            self.answers.clear();
            self.latencies.clear();
        }
    }

    fn condition_holds(&self) -> bool {
        self.policy.condition.holds(&mut |function| match function {
            Function::LatencyAtQuantileMs(quantile) => {
                let millis = self.latencies.at_quantile(*quantile).as_millis();
                Value::Whole(i64::try_from(millis).unwrap_or(i64::MAX))
            }
            Function::NetworkErrorRatio | Function::ResponseCodeRatio(_) => {
                let [some, all] = function.ratio().map_or([0, 0], |it| it.map(|it| self.count(it)));
                Value::Fraction(if all == 0 { 0.0 } else { some as f64 / all as f64 })
            }
        })
    }

    fn count(&self, statuses: Statuses) -> u64 {
        let counter = self.policy.counted.binary_search(&statuses);
        counter.map_or(0, |counter| self.answers.sum(counter))
    }
}

#[cfg(test)]
mod tests;
