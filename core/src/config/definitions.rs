//! Definitions by name, in a map whose clones share what did not change: every configuration is whole,
//! and what one more of them costs follows what is new in it.
use super::Defined;
use crate::persistent::sorted::{self, Sorted};
use alloc::sync::Arc;
use core::{fmt, ops::Index};

/// Definitions by name. Shared, so that a message that changes one object shares all the others.
pub struct Definitions<T> {
    sorted: Sorted<Arc<str>, Arc<Defined<T>>>,
    len: usize,
}

/// A name, and what it stands for.
type Entry<T> = (Arc<str>, Arc<Defined<T>>);

impl<T> Definitions<T> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What a name stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Defined<T>>> {
        self.sorted.get(name)
    }

    /// A name as it is shared, and what it stands for.
    #[must_use]
    pub fn get_key_value(&self, name: &str) -> Option<(&Arc<str>, &Arc<Defined<T>>)> {
        self.sorted.get_key_value(name)
    }

    /// Whether there is one of this name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Puts one in, and returns what had the name before.
    pub fn insert(&mut self, name: Arc<str>, defined: Arc<Defined<T>>) -> Option<Arc<Defined<T>>> {
        let old = self.sorted.insert(name, defined);
        self.len += usize::from(old.is_none());
        old
    }

    /// Takes one out.
    pub fn remove(&mut self, name: &str) -> Option<Arc<Defined<T>>> {
        let old = self.sorted.remove(name);
        self.len -= usize::from(old.is_some());
        old
    }

    /// What a name stands for, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Arc<Defined<T>>> {
        self.sorted.get_mut(name)
    }

    /// What the names stand for, to change.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Arc<Defined<T>>> {
        self.sorted.values_mut()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Defined<T>>)> {
        self.sorted.iter()
    }

    /// The names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.iter().map(|(name, _)| name)
    }

    /// What the names stand for, in their order.
    pub fn values(&self) -> impl Iterator<Item = &Arc<Defined<T>>> {
        self.iter().map(|(_, defined)| defined)
    }

    /// The names of which this and `new` do not share what they stand for, with both. What they share
    /// costs next to nothing.
    pub(crate) fn differences<'a>(
        &'a self,
        new: &'a Self,
    ) -> impl Iterator<Item = sorted::Difference<'a, Arc<str>, Arc<Defined<T>>>> {
        self.sorted.differences(&new.sorted, Arc::ptr_eq)
    }
}

impl<T> Default for Definitions<T> {
    fn default() -> Self {
        Self { sorted: Sorted::default(), len: 0 }
    }
}

impl<T> Clone for Definitions<T> {
    fn clone(&self) -> Self {
        Self { sorted: self.sorted.clone(), len: self.len }
    }
}

impl<T: PartialEq> PartialEq for Definitions<T> {
    fn eq(&self, other: &Self) -> bool {
        let mut differences = self.differences(other);
        self.len == other.len
            && differences.all(|it| match (it.old, it.new) {
                (Some((_, old)), Some((_, new))) => old == new,
                (None, _) | (_, None) => false,
            })
    }
}

impl<T: fmt::Debug> fmt::Debug for Definitions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<T> Index<&str> for Definitions<T> {
    type Output = Arc<Defined<T>>;

    /// # Panics
    /// There is none of this name.
    #[allow(clippy::expect_used, reason = "as with every map")]
    fn index(&self, name: &str) -> &Self::Output {
        self.get(name).expect("there is no definition of this name")
    }
}

impl<T> Extend<Entry<T>> for Definitions<T> {
    fn extend<I: IntoIterator<Item = Entry<T>>>(&mut self, entries: I) {
        for (name, defined) in entries {
            self.insert(name, defined);
        }
    }
}

impl<T> FromIterator<Entry<T>> for Definitions<T> {
    fn from_iter<I: IntoIterator<Item = Entry<T>>>(entries: I) -> Self {
        let mut definitions = Self::default();
        definitions.extend(entries);
        definitions
    }
}

impl<T, const N: usize> From<[Entry<T>; N]> for Definitions<T> {
    fn from(entries: [Entry<T>; N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<T> IntoIterator for Definitions<T> {
    type Item = Entry<T>;
    type IntoIter = alloc::vec::IntoIter<Entry<T>>;

    fn into_iter(self) -> Self::IntoIter {
        let entries = self.iter().map(|(name, defined)| (name.clone(), defined.clone()));
        entries.collect::<alloc::vec::Vec<_>>().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Definitions<T> {
    type Item = (&'a Arc<str>, &'a Arc<Defined<T>>);
    type IntoIter = sorted::Iter<'a, Arc<str>, Arc<Defined<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.sorted.iter()
    }
}
