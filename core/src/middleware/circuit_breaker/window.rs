//! Counts over the last ten seconds, in buckets of one. Compat: middlewares.md "circuitBreaker".
use crate::time::Instant;
use alloc::{boxed::Box, vec};

const BUCKETS: usize = 10;

/// Some counters, each of which forgets what is older than nine seconds and the part of one that has
/// begun. 40 bytes a counter.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The second of the newest bucket.
    newest: u64,
    /// By counter, then by second modulo [`BUCKETS`].
    counts: Box<[[u32; BUCKETS]]>,
}

impl Window {
    pub(super) fn new(counters: usize) -> Self {
        Self { newest: 0, counts: vec![[0; BUCKETS]; counters].into() }
    }

    /// Moves on to `now`; a time that was passed already is taken for the newest one.
    pub(super) fn advance(&mut self, now: Instant) {
        let second = now.0 / 1_000_000_000;
        let passed = second.saturating_sub(self.newest).min(BUCKETS as u64);
        self.newest = self.newest.max(second);
        for back in 0..passed {
            let bucket = bucket(self.newest - back);
            self.counts.iter_mut().for_each(|counts| counts[bucket] = 0);
        }
    }

    /// Counts one, at the time advanced to.
    pub(super) fn add(&mut self, counter: usize) {
        if let Some(counts) = self.counts.get_mut(counter) {
            let count = &mut counts[bucket(self.newest)];
            *count = count.saturating_add(1);
        }
    }

    /// What was counted in the window.
    pub(super) fn sum(&self, counter: usize) -> u64 {
        let counts = self.counts.get(counter);
        counts.map_or(0, |counts| counts.iter().map(|count| u64::from(*count)).sum())
    }

    pub(super) fn clear(&mut self) {
        self.counts.fill([0; BUCKETS]);
    }
}

/// The bucket of a second.
const fn bucket(second: u64) -> usize {
    (second % BUCKETS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    proptest! {
        #[test]
        fn a_sum_is_of_this_second_and_the_nine_before(
            steps in proptest::collection::vec((0..4 * SECOND, 0_usize..2), 0..60),
            pause in 0..30 * SECOND,
        ) {
            let mut window = Window::new(2);
            let mut counted = Vec::new();
            let mut now = 0;
            for (i, (step, counter)) in steps.into_iter().enumerate() {
                now += step + if i == 20 { pause } else { 0 };
                window.advance(Instant(now));
                window.add(counter);
                counted.push((now / SECOND, counter));
                for counter in 0..2 {
                    let within = |&&(second, of): &&(u64, usize)| {
                        of == counter && second + 10 > now / SECOND
                    };
                    let sum = counted.iter().filter(within).count();
                    prop_assert_eq!(window.sum(counter), sum as u64);
                }
            }
        }
    }

    #[test]
    fn a_time_that_was_passed_counts_for_the_newest() {
        let mut window = Window::new(1);
        for second in [20, 3, 29] {
            window.advance(Instant(second * SECOND));
            window.add(0);
        }
        assert_eq!(window.sum(0), 3);
        window.advance(Instant(30 * SECOND));
        assert_eq!(window.sum(0), 1);
        window.clear();
        window.advance(Instant(u64::MAX));
        assert_eq!((window.sum(0), window.sum(7)), (0, 0));
    }
}
