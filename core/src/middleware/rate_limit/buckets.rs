//! One token bucket for each source of requests. Compat: middlewares.md "rateLimit".
use super::Rate;
use crate::{cells::Decision, middleware::source::Key, time::Instant};
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

/// Sources that are remembered at once.
pub const SOURCES_MAX: usize = 65_536;

/// No request waits longer for its token, however slowly tokens come.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// What the buckets say to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It passes.
    Now,
    /// It passes, then: its token comes soon enough to wait for it.
    At(Instant),
    /// It does not pass, and took nothing.
    Refused {
        /// When a token will be there, if nobody takes it before.
        retry_after: Duration,
    },
}

/// The buckets of a `rateLimit` in one router.
///
/// Only sources whose bucket is not full have an entry: a full bucket is like that of a source never
/// seen. There are at most [`SOURCES_MAX`] entries, of some 130 bytes each. A source beyond takes the
/// place of the one whose bucket is full soonest, which starts again with a full bucket: as the one
/// that used the least of its share, it gains the least. So a flood of sources makes the limit looser
/// for the modest ones, not for one that uses more than each of the flood, and stricter for nobody.
#[derive(Clone, Debug)]
pub struct Buckets {
    rate: Rate,
    /// The latest time of a request. Threads may ask with a time that another one has passed.
    latest: Instant,
    by_source: BTreeMap<Key, Level>,
    /// The same, soonest full first.
    by_level: BTreeSet<(Level, Key)>,
}

/// When a bucket is full again, in units of which `average` make a nanosecond: thus a whole number.
///
/// A token takes `period` units to come. The largest sum is `u64::MAX * i64::MAX` for a time plus
/// `i64::MAX * i64::MAX` for a bucket plus two tokens, which is less than 2^128.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Level {
    high: u64,
    low: u64,
}

/// As good as unlimited.
impl Default for Buckets {
    fn default() -> Self {
        let most = u64::MAX >> 1;
        Self::new(Rate { average: most, period: 1, burst: most })
    }
}

impl Buckets {
    /// All full.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self { rate, latest: Instant(0), by_source: BTreeMap::new(), by_level: BTreeSet::new() }
    }

    /// Takes a token for a request from `source`, if there is one or will be soon: within half the
    /// time in which one comes, and at most half a second.
    pub fn take(&mut self, now: Instant, source: &Key) -> Grant {
        let Rate { average, period, burst } = self.rate;
        let [average, token, burst] = [average, period, burst].map(u128::from);
        self.latest = self.latest.max(now);
        let now = self.latest;
        let now_units = u128::from(now.0) * average;
        self.forget_full(now_units);
        let before = self.by_source.get(source).copied();
        let full = before.map_or(0, Level::units).max(now_units) + token;
        let wait = (full - now_units).saturating_sub(burst * token);
        let nanos = wait.div_ceil(average);
        if 2 * wait > token || nanos > WAIT_MAX.as_nanos() {
            return Grant::refused(nanos);
        }
        self.set(source, before, Level::new(full));
        Grant::after(now, nanos)
    }

    /// Sources with an entry.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_source.len()
    }

    /// Whether all buckets are full.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_source.is_empty()
    }

    /// Drops up to two entries of buckets that are full by now: more than a request adds.
    fn forget_full(&mut self, now_units: u128) {
        for _ in 0..2 {
            match self.by_level.first() {
                Some((level, _)) if level.units() <= now_units => self.forget_soonest(),
                _ => return,
            }
        }
    }

    fn forget_soonest(&mut self) {
        if let Some((_, source)) = self.by_level.pop_first() {
            self.by_source.remove(&source);
        }
    }

    fn set(&mut self, source: &Key, before: Option<Level>, level: Level) {
        match before {
            Some(before) => {
                self.by_level.remove(&(before, *source));
            }
            None if self.by_source.len() >= SOURCES_MAX => self.forget_soonest(),
            None => {}
        }
        self.by_source.insert(*source, level);
        self.by_level.insert((level, *source));
        debug_assert_eq!(self.by_source.len(), self.by_level.len(), "the maps hold the same");
    }
}

impl Level {
    const fn new(units: u128) -> Self {
        Self { high: (units >> 64) as u64, low: units as u64 }
    }

    fn units(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

/// As a word: the variant in the lowest two bits, nanoseconds in the others.
///
/// That is lossless: nanoseconds beyond 62 bits, which are 146 years, are cut off where a grant is
/// made.
impl Decision for Grant {
    fn to_word(self) -> u64 {
        match self {
            Self::Now => 0,
            Self::At(Instant(nanos)) => nanos << 2 | 1,
            Self::Refused { retry_after } => nanos_of(retry_after.as_nanos()) << 2 | 2,
        }
    }

    fn from_word(word: u64) -> Self {
        match word & 3 {
            0 => Self::Now,
            1 => Self::At(Instant(word >> 2)),
            _ => Self::Refused { retry_after: Duration::from_nanos(word >> 2) },
        }
    }
}

impl Grant {
    fn after(now: Instant, nanos: u128) -> Self {
        match nanos {
            0 => Self::Now,
            nanos => Self::At(Instant(nanos_of(u128::from(now.0) + nanos))),
        }
    }

    fn refused(nanos: u128) -> Self {
        Self::Refused { retry_after: Duration::from_nanos(nanos_of(nanos)) }
    }
}

/// At most 62 bits.
fn nanos_of(nanos: u128) -> u64 {
    const MAX: u64 = u64::MAX >> 2;
    u64::try_from(nanos).map_or(MAX, |nanos| nanos.min(MAX))
}

#[cfg(test)]
mod tests;
