//! Which mirrors get a copy of a request. Compat: services.md "mirroring".
use alloc::{boxed::Box, sync::Arc};

/// The counters of a mirroring service.
#[derive(Clone, Debug)]
pub struct Mirror {
    total: u64,
    percents: Arc<[u8]>,
    copied: Box<[u64]>,
}

impl Mirror {
    /// Counters before the first request; `percents` in the order of the mirrors, at most 64.
    #[must_use]
    pub fn new(percents: Arc<[u8]>) -> Self {
        let copied = percents.iter().map(|_| 0).collect();
        Self { total: 0, percents, copied }
    }

    /// Counts a request and says which mirrors get a copy, one bit each, lowest first.
    pub fn count(&mut self) -> u64 {
        self.total += 1;
        let mut set = 0;
        for (i, (copied, percent)) in self.copied.iter_mut().zip(self.percents.iter()).enumerate() {
            if *copied * 100 < self.total * u64::from(*percent) {
                *copied += 1;
                set |= 1 << i;
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use proptest::prelude::*;

    fn copied(percent: u8, n: u64) -> Vec<u64> {
        let mut mirror = Mirror::new([percent].into());
        (1..=n).filter(|_| mirror.count() == 1).collect()
    }

    #[test]
    fn the_tables_of_the_contract_are_exact() {
        assert_eq!(copied(100, 4), [1, 2, 3, 4]);
        assert_eq!(copied(50, 6), [1, 3, 5]);
        assert_eq!(copied(30, 23), [1, 4, 7, 11, 14, 17, 21]);
        assert_eq!(copied(25, 10), [1, 5, 9]);
        assert_eq!(copied(10, 30), [1, 11, 21]);
        assert_eq!(copied(1, 300), [1, 101, 201]);
        assert_eq!(copied(0, 300), [0; 0]);
    }

    proptest! {
        #[test]
        fn the_share_is_never_off_by_a_whole_copy(
            percents in proptest::collection::vec(0_u8..=100, 0..=64),
            n in 0_u64..500,
        ) {
            let mut mirror = Mirror::new(percents.clone().into());
            let mut counts = vec![0_u64; percents.len()];
            for total in 1..=n {
                let set = mirror.count();
                for (i, (count, percent)) in counts.iter_mut().zip(&percents).enumerate() {
                    *count += set >> i & 1;
                    prop_assert!((*count * 100).abs_diff(total * u64::from(*percent)) < 100);
                }
            }
        }
    }
}
