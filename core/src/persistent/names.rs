//! A hash map by name in shared shards: finding a name costs the same however many there are.
//!
//! The shards grow in number with the square root of what they hold, so that a change copies one short
//! list of shards and one short shard. Nobody iterates, so no order shows.
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{fmt, hash::BuildHasher};
use foldhash::fast::FixedState;
use hashbrown::{HashTable, hash_table};

pub(crate) struct Names<V> {
    /// A power of two of them; a name's is told by bits of its hash that tables do not look at.
    shards: Arc<[Shard<V>]>,
    len: usize,
}

type Shard<V> = Arc<HashTable<Arc<Entry<V>>>>;

/// Shared by all clones: copying a shard copies none.
#[derive(Clone)]
struct Entry<V> {
    name: Box<str>,
    value: V,
}

impl<V> Clone for Names<V> {
    fn clone(&self) -> Self {
        Self { shards: self.shards.clone(), len: self.len }
    }
}

impl<V> Default for Names<V> {
    fn default() -> Self {
        Self { shards: Arc::new([Shard::default()]), len: 0 }
    }
}

/// How many there are: their order would be random.
impl<V> fmt::Debug for Names<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({})", self.len)
    }
}

impl<V> Names<V> {
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        let hash = hash(name);
        let shard = self.shards.get(shard_of(hash, self.shards.len()))?;
        shard.find(hash, |entry| *entry.name == *name).map(|entry| &entry.value)
    }

    #[cfg(test)]
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<V: Clone> Names<V> {
    /// Puts what `change` makes of the value under a name in its place; nothing, if that is nothing.
    pub(crate) fn edit(&mut self, name: &str, change: impl FnOnce(Option<V>) -> Option<V>) {
        let hash = hash(name);
        let at = shard_of(hash, self.shards.len());
        let shard = Arc::make_mut(&mut Arc::make_mut(&mut self.shards)[at]);
        let same = |entry: &Arc<Entry<V>>| *entry.name == *name;
        match shard.entry(hash, same, |entry| self::hash(&entry.name)) {
            hash_table::Entry::Occupied(entry) => {
                let (old, place) = entry.remove();
                let Entry { name, value } = Arc::unwrap_or_clone(old);
                match change(Some(value)) {
                    Some(value) => drop(place.insert(Arc::new(Entry { name, value }))),
                    None => self.len -= 1,
                }
            }
            hash_table::Entry::Vacant(place) => {
                if let Some(value) = change(None) {
                    place.insert(Arc::new(Entry { name: name.into(), value }));
                    self.len += 1;
                }
            }
        }
        let wanted = shard_count(self.len);
        // Half of the wanted number or a quarter too many: few enough changes bring that about.
        if wanted > self.shards.len() || wanted * 4 <= self.shards.len() {
            self.reshard(wanted);
        }
    }

    fn reshard(&mut self, count: usize) {
        let mut parts: Vec<_> = (0..count).map(|_| HashTable::new()).collect();
        for entry in self.shards.iter().flat_map(|shard| shard.iter()) {
            let hash = hash(&entry.name);
            let part = &mut parts[shard_of(hash, count)];
            part.insert_unique(hash, entry.clone(), |entry| self::hash(&entry.name));
        }
        self.shards = parts.into_iter().map(Arc::new).collect();
    }
}

fn hash(name: &str) -> u64 {
    FixedState::with_seed(0).hash_one(name)
}

fn shard_count(len: usize) -> usize {
    1 << (len.checked_ilog2().unwrap_or(0) / 2)
}

/// `count` is a power of two. Tables take the lowest and the highest bits.
const fn shard_of(hash: u64, count: usize) -> usize {
    (hash >> 32) as usize & (count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeMap, format};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_map_and_its_clones_do_not_change(
            steps in proptest::collection::vec((0_u16..300, 0_u8..3), 0..1500),
            fork in 0_usize..1500,
        ) {
            let (mut names, mut model) = (Names::default(), BTreeMap::new());
            let mut forked = (names.clone(), model.clone());
            for (step, (number, what)) in steps.into_iter().enumerate() {
                if step == fork {
                    forked = (names.clone(), model.clone());
                }
                let name = format!("app-{number}.example");
                let before = model.get(&name).copied();
                let mut seen = None;
                names.edit(&name, |old| {
                    seen = old;
                    if what == 0 { None } else { Some(step) }
                });
                prop_assert_eq!(seen, before);
                if what == 0 { model.remove(&name) } else { model.insert(name, step) };
                prop_assert_eq!(names.len, model.len());
                prop_assert_eq!(names.is_empty(), model.is_empty());
            }
            for (names, model) in [(names, model), forked] {
                for number in 0..300 {
                    let name = format!("app-{number}.example");
                    prop_assert_eq!(names.get(&name), model.get(&name));
                }
            }
        }
    }

    #[test]
    fn a_change_copies_one_shard() {
        let mut names = Names::default();
        for number in 0..10_000 {
            names.edit(&format!("app-{number}"), |_| Some(number));
        }
        let before = names.clone();
        names.edit("app-7", |_| None);
        let pairs = names.shards.iter().zip(before.shards.iter());
        assert_eq!(pairs.filter(|(now, then)| !Arc::ptr_eq(now, then)).count(), 1);
        assert_eq!(names.shards.len(), 64);
        assert!(names.shards.iter().all(|shard| shard.len() < 300));
    }
}
