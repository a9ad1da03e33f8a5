//! The contract of every long-lived machine: provider aggregator, health checker.
use crate::time::Instant;

/// Feed, drain, sleep. After every `handle` and `handle_timeout` the owner drains `poll_output` to
/// `None` and re-arms one timer at `poll_timeout`.
pub trait Machine {
    /// What the world tells the machine.
    type Input;
    /// What the machine asks the world to do.
    type Output;

    /// Takes one input.
    fn handle(&mut self, now: Instant, input: Self::Input);

    /// Does what is due. Afterwards `poll_timeout` is `None` or later than `now`.
    fn handle_timeout(&mut self, now: Instant);

    /// The next thing to do, oldest first.
    #[must_use]
    fn poll_output(&mut self) -> Option<Self::Output>;

    /// When `handle_timeout` is due next.
    fn poll_timeout(&self) -> Option<Instant>;
}
