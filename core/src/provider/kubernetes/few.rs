//! A sorted set for a few items. A `BTreeSet` has room for eleven from the first on, and there is one of these
//! for every object of a cluster.
use alloc::vec::{self, Vec};
use core::slice;

/// Up to so many items there is no room for more.
const TIGHT: usize = 4;

/// The items, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Few<T>(Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Few<T> {
    pub(super) fn insert(&mut self, item: T) {
        if let Err(at) = self.0.binary_search(&item) {
            if self.0.len() < TIGHT {
                self.0.reserve_exact(1);
            }
            self.0.insert(at, item);
        }
    }

    pub(super) fn remove(&mut self, item: &T) {
        if let Ok(at) = self.0.binary_search(item) {
            self.0.remove(at);
        }
    }

    /// What is in this one alone.
    pub(super) fn difference<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a T> {
        self.0.iter().filter(|item| other.0.binary_search(item).is_err())
    }
}

impl<T> Few<T> {
    pub(super) fn first(&self) -> Option<&T> {
        self.0.first()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_set(
            changes in proptest::collection::vec((any::<bool>(), 0_u8..20), 0..60),
            other in proptest::collection::vec(0_u8..20, 0..20),
        ) {
            let (mut few, mut set) = (Few::default(), BTreeSet::new());
            for (add, item) in changes {
                if add {
                    few.insert(item);
                    set.insert(item);
                } else {
                    few.remove(&item);
                    set.remove(&item);
                }
                prop_assert!((&few).into_iter().eq(&set));
                prop_assert_eq!((few.first(), few.is_empty()), (set.first(), set.is_empty()));
            }
            let (mut others, set_of_others) = (Few::default(), other.iter().copied().collect());
            other.into_iter().for_each(|item| others.insert(item));
            prop_assert!(few.difference(&others).eq(set.difference(&set_of_others)));
        }
    }
}
