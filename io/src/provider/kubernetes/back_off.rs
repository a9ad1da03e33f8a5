//! Pauses before something is tried again: longer with every failure, and never those of others, so that
//! replicas do not all come at once.
use super::Times;
use crate::clock::Clock;
use std::time::Duration;

/// The pauses of one who tries.
#[derive(Debug)]
pub(super) struct BackOff {
    clock: Clock,
    times: Times,
    entropy: u64,
    failures: u32,
}

impl BackOff {
    pub(super) const fn new(clock: Clock, times: Times, entropy: u64) -> Self {
        Self { clock, times, entropy, failures: 0 }
    }

    /// How often it failed in a row, as far as pauses go.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// It went well.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }

    /// After a failure: twice as long with every one.
    pub(super) async fn pause(&mut self) {
        let factor = 1 << self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let time = self.times.back_off_min.saturating_mul(factor).min(self.times.back_off_max);
        self.sleep(time).await;
    }

    /// Half of `time` to three halves of it.
    pub(super) async fn sleep(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
        let time = Duration::from_nanos((nanos / 2).saturating_add(self.entropy() % nanos));
        self.clock.sleep_until(self.clock.now() + time).await;
    }

    /// A word of randomness: splitmix64.
    pub(super) const fn entropy(&mut self) -> u64 {
        self.entropy = self.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = self.entropy;
        let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}
