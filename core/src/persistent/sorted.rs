//! A sorted map in shared chunks: a clone shares them all, a change copies one.
use alloc::{sync::Arc, vec::Vec};
use core::borrow::Borrow;

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

impl<K: Ord + Clone, V: Clone> Sorted<K, V> {
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (chunk, at) = self.find(key).ok()?;
        Some(&self.chunks[chunk][at].1)
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

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().map(|(key, value)| (key, value)))
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
            prop_assert!(forked.0.iter().eq(forked.1.iter()));
            prop_assert!(sorted.chunks.iter().all(|c| !c.is_empty() && c.len() <= CHUNK_MAX));
        }
    }
}
