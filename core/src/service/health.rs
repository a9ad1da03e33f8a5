//! Which servers of a load balancer are up.
use alloc::vec::Vec;

/// Up and down, by index. All are up until one is set down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    generation: u64,
    /// One bit a server, set while it is down; servers beyond the end are up.
    down: Vec<u64>,
}

impl Health {
    /// All up.
    pub const ALL_UP: Self = Self { generation: 0, down: Vec::new() };

    /// Whether the server at `index` is up.
    #[must_use]
    pub fn is_up(&self, index: usize) -> bool {
        self.word(index / 64) & (1 << (index % 64)) == 0
    }

    /// The first server that is up in `from..end`.
    #[must_use]
    pub fn first_up(&self, from: usize, end: usize) -> Option<usize> {
        let mut index = from;
        while index < end {
            let rest = self.word(index / 64) >> (index % 64);
            let downs = rest.trailing_ones() as usize;
            if downs < 64 - index % 64 {
                return Some(index + downs).filter(|up| *up < end);
            }
            index = (index / 64 + 1) * 64;
        }
        None
    }

    /// Changes with every change of any server; balancers start over when it does.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Sets a server up or down.
    pub fn set(&mut self, index: u32, up: bool) {
        let index = index as usize;
        if self.is_up(index) == up {
            return;
        }
        self.generation += 1;
        if self.down.len() <= index / 64 {
            self.down.resize(index / 64 + 1, 0);
        }
        self.down[index / 64] ^= 1 << (index % 64);
    }

    fn word(&self, at: usize) -> u64 {
        self.down.get(at).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_set_of_servers_last_set_down(
            changes in proptest::collection::vec((0_u32..300, any::<bool>()), 0..100),
            from in 0_usize..310,
            end in 0_usize..310,
        ) {
            let (mut health, mut down) = (Health::ALL_UP, BTreeSet::new());
            for (index, up) in changes {
                let before = health.generation();
                let changed = if up { down.remove(&index) } else { down.insert(index) };
                health.set(index, up);
                prop_assert_eq!(health.generation() != before, changed);
            }
            let is_down = |i: usize| u32::try_from(i).is_ok_and(|i| down.contains(&i));
            prop_assert!((0..400).all(|i| health.is_up(i) != is_down(i)));
            prop_assert_eq!(health.first_up(from, end), (from..end).find(|i| !is_down(*i)));
        }
    }
}
