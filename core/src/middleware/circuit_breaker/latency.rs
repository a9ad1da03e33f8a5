//! Latencies of the last minute, to two significant digits. Compat: middlewares.md "circuitBreaker".
//!
//! As in an HDR histogram, a value falls into one of 128 slots of the power of two it is in, so that
//! slots are less than one percent wide.
use crate::time::Instant;
use alloc::{boxed::Box, vec::Vec};
use core::time::Duration;

const PERIODS: usize = 6;
const PERIOD_SECONDS: u64 = 10;
const SLOTS: usize = 128;

/// An hour, in microseconds: longer ones count as that.
const MAX: u64 = 3_600_000_000;

/// Latencies in six sub-histograms of ten seconds.
///
/// A sub-histogram takes 512 bytes for each power of two that occurs, of which there are 26: 80 KiB
/// at most in all, and about 30 where latencies are between a millisecond and a second.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    /// The number of the newest period.
    newest: u64,
    periods: [Histogram; PERIODS],
}

/// Counts by row and slot. A row is there from its first count on.
#[derive(Clone, Debug, Default)]
struct Histogram {
    total: u64,
    rows: Vec<Option<Box<[u32; SLOTS]>>>,
}

impl Latencies {
    /// Moves on to `now`; a time that was passed already is taken for the newest one.
    pub(super) fn advance(&mut self, now: Instant) {
        let period = now.0 / (PERIOD_SECONDS * 1_000_000_000);
        let passed = period.saturating_sub(self.newest).min(PERIODS as u64);
        self.newest = self.newest.max(period);
        for back in 0..passed {
            self.periods[at(self.newest - back)] = Histogram::default();
        }
    }

    /// Counts a latency, at the time advanced to.
    pub(super) fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).map_or(MAX, |micros| micros.min(MAX));
        self.periods[at(self.newest)].add(micros);
    }

    /// The least latency that `quantile` percent do not exceed, rounded up to the end of its slot;
    /// zero where nothing was counted.
    pub(super) fn at_quantile(&self, quantile: f64) -> Duration {
        let total: u64 = self.periods.iter().map(|it| it.total).sum();
        // Rounded to the nearest, and at least the first.
        let rank = (quantile.min(100.0) / 100.0 * total as f64 + 0.5) as u64;
        let mut before = 0;
        for row in 0..ROWS {
            let counts = self.periods.iter().filter_map(|it| it.rows.get(row)?.as_ref());
            let mut sums = [0; SLOTS];
            for counts in counts {
                sums.iter_mut().zip(counts.iter()).for_each(|(sum, it)| *sum += u64::from(*it));
            }
            for (slot, sum) in sums.into_iter().enumerate() {
                before += sum;
                if before > 0 && before >= rank {
                    return Duration::from_micros(end(row, slot));
                }
            }
        }
        Duration::ZERO
    }

    pub(super) fn clear(&mut self) {
        self.periods = <[Histogram; PERIODS]>::default();
    }
}

/// The place of a period.
const fn at(period: u64) -> usize {
    (period % PERIODS as u64) as usize
}

/// The first two rows hold one number a slot, each following one twice as many.
const ROWS: usize = place(MAX).0 + 1;

/// The row and slot of a number.
const fn place(number: u64) -> (usize, usize) {
    let row = (u64::BITS - number.leading_zeros()).saturating_sub(SLOTS.ilog2()) as usize;
    (row, (number >> row.saturating_sub(1)) as usize % SLOTS)
}

/// The greatest number of a slot.
const fn end(row: usize, slot: usize) -> u64 {
    let first_row = if row == 0 { 0 } else { SLOTS };
    (((first_row + slot + 1) as u64) << row.saturating_sub(1)) - 1
}

impl Histogram {
    fn add(&mut self, number: u64) {
        let (row, slot) = place(number);
        if self.rows.len() <= row {
            self.rows.resize(row + 1, None);
        }
        let count = &mut self.rows[row].get_or_insert_with(|| Box::new([0; SLOTS]))[slot];
        *count = count.saturating_add(1);
        self.total += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn micros(latencies: &Latencies, quantile: f64) -> u128 {
        latencies.at_quantile(quantile).as_micros()
    }

    #[test]
    fn a_quantile_is_the_latency_that_so_many_do_not_exceed() {
        let mut latencies = Latencies::default();
        assert_eq!(micros(&latencies, 50.0), 0);
        for millis in 1..=100 {
            latencies.add(Duration::from_millis(millis));
        }
        for (quantile, millis) in
            [(0.0, 1), (1.0, 1), (50.0, 50), (50.4, 50), (50.5, 51), (99.9, 100), (1e9, 100)]
        {
            assert_eq!(micros(&latencies, quantile) / 1000, millis, "{quantile}");
        }
        latencies.clear();
        assert_eq!(micros(&latencies, 50.0), 0);
    }

    #[test]
    fn the_last_minute_counts_in_steps_of_ten_seconds() {
        let mut latencies = Latencies::default();
        let second = |second: u64| Instant(second * 1_000_000_000);
        latencies.advance(second(9));
        latencies.add(Duration::from_secs(1));
        for (at, seen) in [(5, 1), (59, 1), (60, 0)] {
            latencies.advance(second(at));
            assert_eq!(latencies.at_quantile(50.0).as_secs(), seen, "after {at} s");
        }
        latencies.add(Duration::from_secs(3));
        latencies.advance(Instant(u64::MAX));
        assert_eq!(micros(&latencies, 50.0), 0);
    }

    #[test]
    fn memory_is_bounded_and_long_latencies_count_as_an_hour() {
        let mut histogram = Histogram::default();
        for number in (0..64).map(|bits| (1_u64 << bits).min(MAX)) {
            histogram.add(number);
        }
        assert_eq!((ROWS, histogram.rows.len()), (26, 26));
        let mut latencies = Latencies::default();
        latencies.add(Duration::MAX);
        assert_eq!(latencies.at_quantile(100.0).as_secs(), 3600 + 7);
    }

    proptest! {
        #[test]
        fn a_slot_is_less_than_one_percent_wide(number in 0..=MAX, small in 0_u64..512) {
            for number in [number, small] {
                let (row, slot) = place(number);
                prop_assert!(row < ROWS && slot < SLOTS);
                prop_assert!((number..=number + number / 128).contains(&end(row, slot)));
            }
        }
    }
}
