//! The only reader of time.
use rutter_core::time::{Instant, UnixTime};
use std::time::{Duration, SystemTime};

/// Later than any timer has to ring, in nanoseconds: 30 years.
const FAR_AWAY: u64 = 30 * 365 * 86_400 * 1_000_000_000;

/// Reads monotonic and wall time. Cheap to copy; all copies agree.
///
/// It reads tokio's clock, which a simulation drives.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: tokio::time::Instant,
    /// Set in simulation: wall time at `start`. Else wall time is the system's.
    epoch: Option<UnixTime>,
}

impl Clock {
    /// A clock that starts at zero now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads time")]
    pub fn start() -> Self {
        Self { start: tokio::time::Instant::now(), epoch: None }
    }

    /// A clock that starts at zero now and whose wall time starts at `epoch`.
    #[must_use]
    pub fn simulated(epoch: UnixTime) -> Self {
        Self { epoch: Some(epoch), ..Self::start() }
    }

    /// The time since the start.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads time")]
    pub fn now(&self) -> Instant {
        let elapsed = tokio::time::Instant::now().duration_since(self.start);
        Instant(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Wall time.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads time")]
    pub fn wall(&self) -> UnixTime {
        if let Some(epoch) = self.epoch {
            return UnixTime(epoch.0 + self.now().0);
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        UnixTime(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Waits until `at`.
    pub async fn sleep_until(&self, at: Instant) {
        self.sleep(at).await;
    }

    /// A timer that rings at `at`.
    pub(crate) fn sleep(&self, at: Instant) -> tokio::time::Sleep {
        tokio::time::sleep_until(self.deadline(at))
    }

    /// `at` as tokio's timers have it.
    pub(crate) fn deadline(&self, at: Instant) -> tokio::time::Instant {
        // Timers take no more than about 30 years.
        self.start + Duration::from_nanos(at.0.min(FAR_AWAY))
    }
}
