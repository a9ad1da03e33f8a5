use super::*;
use alloc::{collections::BTreeSet, string::String, vec};
use proptest::prelude::*;

/// The order as services.md defines it, by walking all of them.
struct Walk {
    weights: Vec<u32>,
    index: usize,
    threshold: u32,
}

impl Walk {
    /// Weights of those that are down are 0: they are not in the list.
    fn new(weights: &[u32], down: &BTreeSet<u32>) -> Self {
        let listed = |(i, weight): (u32, &u32)| if down.contains(&i) { 0 } else { *weight };
        Self { weights: (0..).zip(weights).map(listed).collect(), index: usize::MAX, threshold: 0 }
    }

    fn pick(&mut self) -> Option<u32> {
        let max = self.weights.iter().copied().max().filter(|max| *max > 0)?;
        let step = self.weights.iter().copied().fold(0, gcd);
        loop {
            self.index = self.index.wrapping_add(1);
            if self.index >= self.weights.len() {
                self.index = 0;
            }
            if self.index == 0 {
                self.threshold = match self.threshold.saturating_sub(step) {
                    0 => max,
                    lower => lower,
                };
            }
            if self.weights[self.index] >= self.threshold {
                return u32::try_from(self.index).ok();
            }
        }
    }
}

fn picks(weights: &[u32], n: usize) -> String {
    let mut balancer = Balancer::new(weights.into());
    let mut letter = |_| {
        let index = balancer.pick(&Health::ALL_UP).and_then(|i| u8::try_from(i).ok());
        index.map_or('-', |i| char::from(b'A' + i))
    };
    (0..n).map(&mut letter).collect()
}

#[test]
fn the_orders_of_the_contract_are_exact_and_repeat() {
    for (weights, order) in [
        (&[1, 1][..], "AB"),
        (&[3, 1], "AAAB"),
        (&[1, 3], "BBAB"),
        (&[2, 1, 1], "AABC"),
        (&[2, 3, 5], "CCBCABCABC"),
        (&[1, 1, 1], "ABC"),
        (&[6, 2], "AAAB"),
        (&[1, 0, 1], "AC"),
        (&[7], "A"),
        (&[0, 0], "-"),
        (&[], "-"),
    ] {
        assert_eq!(picks(weights, 3 * order.len()), order.repeat(3), "{weights:?}");
    }
}

#[test]
fn a_change_of_health_starts_from_the_first() {
    let mut balancer = Balancer::new(vec![1; 3].into());
    let mut health = Health::default();
    assert_eq!([balancer.pick(&health), balancer.pick(&health)], [Some(0), Some(1)]);
    health.set(0, false);
    assert_eq!([(); 3].map(|()| balancer.pick(&health)), [Some(1), Some(2), Some(1)]);
    assert_eq!((balancer.bound(0, &health), balancer.bound(2, &health)), (None, Some(2)));
    assert_eq!(balancer.bound(3, &health), None);
    health.set(1, false);
    health.set(2, false);
    assert_eq!(balancer.pick(&health), None);
    health.set(0, true);
    assert_eq!(balancer.pick(&health), Some(0));
}

#[test]
fn huge_weights_cost_no_more_than_small_ones() {
    let mut balancer = Balancer::new(vec![1, u32::MAX].into());
    assert!((0..100_000).all(|_| balancer.pick(&Health::ALL_UP) == Some(1)));
    let mut health = Health::default();
    health.set(1, false);
    assert!((0..100_000).all(|_| balancer.pick(&health) == Some(0)));
}

proptest! {
    #[test]
    fn picks_equal_the_walk_over_all_of_them(
        weights in proptest::collection::vec(prop_oneof![0_u32..12, Just(1), (0_u32..5).prop_map(|w| w * 6)], 0..9),
        down in proptest::collection::btree_set(0_u32..9, 0..4),
        n in 0_usize..300,
    ) {
        let mut health = Health::default();
        down.iter().for_each(|i| health.set(*i, false));
        let mut balancer = Balancer::new(weights.clone().into());
        let mut walk = Walk::new(&weights, &down);
        for _ in 0..n {
            let picked = balancer.pick(&health);
            prop_assert_eq!(picked, walk.pick());
            prop_assert!(picked.is_none_or(|i| health.is_up(i as usize)));
        }
    }

    #[test]
    fn a_full_cycle_is_exact_and_no_share_deviates_by_more_than_one_cycle(
        weights in proptest::collection::vec(0_u32..40, 1..8),
        n in 1_u64..2000,
    ) {
        let step = weights.iter().copied().fold(0, gcd).max(1);
        let cycle: u64 = weights.iter().map(|w| u64::from(w / step)).sum();
        prop_assume!(cycle > 0);
        let mut balancer = Balancer::new(weights.clone().into());
        let mut counts = vec![0_u64; weights.len()];
        for done in 1..=n {
            let Some(i) = balancer.pick(&Health::ALL_UP) else { unreachable!("one has a weight") };
            counts[i as usize] += 1;
            for (count, weight) in counts.iter().zip(&weights) {
                // Shares times `cycle`, to stay with whole numbers.
                let ideal = done * u64::from(weight / step);
                let per_cycle = u64::from(weight / step) * cycle;
                prop_assert!((count * cycle).abs_diff(ideal) <= per_cycle);
                prop_assert!(done % cycle != 0 || count * cycle == ideal);
            }
        }
    }
}
