//! A sorted map in shared chunks: a clone shares them all, a change copies one.
use alloc::{sync::Arc, vec::Vec};
use core::{borrow::Borrow, cmp::Ordering, slice};

const CHUNK_MAX: usize = 128;

/// No chunk is empty; keys ascend within and between chunks.
#[derive(Debug)]
pub(crate) struct Sorted<K, V> {
    chunks: Vec<Arc<Vec<(K, V)>>>,
}

impl<K, V> Clone for Sorted<K, V> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone() }
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<K, V> Sorted<K, V> {
    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        Iter { head: [].iter(), chunks: self.chunks.iter() }
    }
}

/// The entries, in order.
#[derive(Debug)]
pub struct Iter<'a, K, V> {
    head: slice::Iter<'a, (K, V)>,
    chunks: slice::Iter<'a, Arc<Vec<(K, V)>>>,
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.head.next() {
                return Some((key, value));
            }
            self.head = self.chunks.next()?.iter();
        }
    }
}

/// The entries of two maps under one key.
#[derive(Debug)]
pub(crate) struct Difference<'a, K, V> {
    pub(crate) old: Option<(&'a K, &'a V)>,
    pub(crate) new: Option<(&'a K, &'a V)>,
}

impl<K: Ord, V> Sorted<K, V> {
    /// Where `new` is not as this map: a walk in step that skips the chunks which both share.
    pub(crate) fn differences<'a>(
        &'a self,
        new: &'a Self,
        is_same: impl Fn(&V, &V) -> bool,
    ) -> impl Iterator<Item = Difference<'a, K, V>> {
        let (mut old, mut new) = (Walk::new(&self.chunks), Walk::new(&new.chunks));
        core::iter::from_fn(move || {
            loop {
                while let (Some(shared), Some(other)) = (old.whole_chunk(), new.whole_chunk())
                    && Arc::ptr_eq(shared, other)
                {
                    old.skip_chunk();
                    new.skip_chunk();
                }
                let order = match (old.peek(), new.peek()) {
                    (None, None) => return None,
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (Some((old, _)), Some((new, _))) => old.cmp(new),
                };
                let old = if order.is_le() { old.next() } else { None };
                let new = if order.is_ge() { new.next() } else { None };
                match (old, new) {
                    (Some((_, old)), Some((_, new))) if is_same(old, new) => {}
                    (old, new) => return Some(Difference { old, new }),
                }
            }
        })
    }
}

/// A place in a map.
struct Walk<'a, K, V> {
    chunks: &'a [Arc<Vec<(K, V)>>],
    /// In the first chunk.
    at: usize,
}

impl<'a, K, V> Walk<'a, K, V> {
    const fn new(chunks: &'a [Arc<Vec<(K, V)>>]) -> Self {
        Self { chunks, at: 0 }
    }

    /// The chunk that begins here.
    fn whole_chunk(&self) -> Option<&'a Arc<Vec<(K, V)>>> {
        self.chunks.first().filter(|_| self.at == 0)
    }

    fn skip_chunk(&mut self) {
        self.chunks = self.chunks.get(1..).unwrap_or_default();
        self.at = 0;
    }

    fn peek(&self) -> Option<(&'a K, &'a V)> {
        let (key, value) = self.chunks.first()?.get(self.at)?;
        Some((key, value))
    }

    fn next(&mut self) -> Option<(&'a K, &'a V)> {
        let entry = self.peek()?;
        self.at += 1;
        if self.chunks.first().is_some_and(|chunk| self.at == chunk.len()) {
            self.skip_chunk();
        }
        Some(entry)
    }
}

impl<K: Ord + Clone, V: Clone> Sorted<K, V> {
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        Some(self.get_key_value(key)?.1)
    }

    pub(crate) fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (chunk, at) = self.find(key).ok()?;
        let (key, value) = &self.chunks[chunk][at];
        Some((key, value))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        let chunks = self.chunks.iter_mut().map(Arc::make_mut);
        chunks.flat_map(|chunk| chunk.iter_mut().map(|(_, value)| value))
    }

    /// The value under `key`, to change; copies its chunk if another map shares it.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (chunk, at) = self.find(key).ok()?;
        Some(&mut Arc::make_mut(&mut self.chunks[chunk])[at].1)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok((chunk, at)) => {
                let entry = &mut Arc::make_mut(&mut self.chunks[chunk])[at];
                Some(core::mem::replace(&mut entry.1, value))
            }
            Err((chunk, at)) => {
                self.insert_at(chunk, at, (key, value));
                None
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (chunk, at) = self.find(key).ok()?;
        if self.chunks[chunk].len() == 1 {
            let removed = self.chunks.remove(chunk);
            return removed.first().map(|(_, value)| value.clone());
        }
        Some(Arc::make_mut(&mut self.chunks[chunk]).remove(at).1)
    }

    /// The entries that are not below `key`, in order.
    pub(crate) fn from<'a, Q: Ord + ?Sized>(
        &'a self,
        key: &Q,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, Q, K, V>
    where
        K: Borrow<Q>,
    {
        let (chunk, at) = self.find(key).unwrap_or_else(|place| place);
        let head = self.chunks.get(chunk).map_or(&[][..], |chunk| &chunk[at..]);
        let tail = self.chunks.get(chunk + 1..).unwrap_or_default();
        head.iter()
            .chain(tail.iter().flat_map(|chunk| chunk.iter()))
            .map(|(key, value)| (key, value))
    }

    /// Chunk and position of `key`, or where it would be inserted.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<(usize, usize), (usize, usize)>
    where
        K: Borrow<Q>,
    {
        let below = |chunk: &Arc<Vec<(K, V)>>| chunk.last().is_some_and(|(k, _)| k.borrow() < key);
        let chunk = match self.chunks.last() {
            Some(last) if below(last) => return Err((self.chunks.len() - 1, last.len())),
            Some(_) => self.chunks.partition_point(below),
            None => return Err((0, 0)),
        };
        match self.chunks[chunk].binary_search_by(|(k, _)| k.borrow().cmp(key)) {
            Ok(at) => Ok((chunk, at)),
            Err(at) => Err((chunk, at)),
        }
    }

    fn insert_at(&mut self, chunk: usize, at: usize, entry: (K, V)) {
        let Some(shared) = self.chunks.get_mut(chunk) else {
            self.chunks.push(Arc::new(Vec::from([entry])));
            return;
        };
        if shared.len() < CHUNK_MAX {
            Arc::make_mut(shared).insert(at, entry);
        } else if at == CHUNK_MAX {
            self.chunks.insert(chunk + 1, Arc::new(Vec::from([entry])));
        } else {
            let low = Arc::make_mut(shared);
            let mut high = low.split_off(CHUNK_MAX / 2);
            match at.checked_sub(CHUNK_MAX / 2) {
                Some(at) => high.insert(at, entry),
                None => low.insert(at, entry),
            }
            self.chunks.insert(chunk + 1, Arc::new(high));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_map_and_its_clones_do_not_change(
            steps in proptest::collection::vec((0_u16..600, any::<bool>()), 0..1500),
            fork in 0_usize..1500,
        ) {
            let (mut sorted, mut model) = (Sorted::default(), BTreeMap::new());
            let mut forked = (sorted.clone(), model.clone());
            for (step, (key, insert)) in steps.into_iter().enumerate() {
                if step == fork {
                    forked = (sorted.clone(), model.clone());
                }
                if insert {
                    prop_assert_eq!(sorted.insert(key, step), model.insert(key, step));
                } else {
                    prop_assert_eq!(sorted.remove(&key), model.remove(&key));
                }
                prop_assert_eq!(sorted.get(&key), model.get(&key));
                prop_assert!(sorted.from(&key).next() == model.range(key..).next());
            }
            prop_assert!(sorted.iter().eq(model.iter()));
            let of_key = |key: &u16| (forked.1.get(key).copied(), model.get(key).copied());
            let different: Vec<_> = (0..600).map(|key| of_key(&key)).filter(|(a, b)| a != b).collect();
            let found = forked.0.differences(&sorted, |a, b| a == b);
            let found = found.map(|it| (it.old.map(|it| *it.1), it.new.map(|it| *it.1)));
            prop_assert_eq!(found.collect::<Vec<_>>(), different);
            prop_assert!(forked.0.iter().eq(forked.1.iter()));
            prop_assert!(sorted.chunks.iter().all(|c| !c.is_empty() && c.len() <= CHUNK_MAX));
        }
    }
}
