//! Slots for cells: stable indices with a generation, so that state is carried over or made anew.
use alloc::{sync::Arc, vec::Vec};

const CHUNK: usize = 256;

/// A slab whose clones share what did not change. A slot that is freed may be taken again, with a new
/// generation, but only after [`Slots::settle`].
#[derive(Clone, Debug)]
pub struct Slots<T> {
    /// All full but the last.
    chunks: Vec<Arc<Vec<Option<Entry<T>>>>>,
    free: Vec<u32>,
    /// Freed since the last [`Slots::settle`].
    freed: Vec<u32>,
    next_generation: u64,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    generation: u64,
    value: T,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), freed: Vec::new(), next_generation: 0 }
    }
}

impl<T> Slots<T> {
    /// What is in a slot, and since which generation.
    #[must_use]
    pub fn get(&self, slot: u32) -> Option<(u64, &T)> {
        let slot = slot as usize;
        let entry = self.chunks.get(slot / CHUNK)?.get(slot % CHUNK)?.as_ref()?;
        Some((entry.generation, &entry.value))
    }

    /// The slots in use, with their generation.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64, &T)> {
        let all = self.chunks.iter().flat_map(|chunk| chunk.iter());
        (0_u32..).zip(all).filter_map(|(slot, entry)| {
            let entry = entry.as_ref()?;
            Some((slot, entry.generation, &entry.value))
        })
    }

    /// The slots that were freed, taken or taken anew since `before`, in order. Costs what changed.
    pub fn changed_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = u32> + 'a {
        let shared = |chunk: usize| match (self.chunks.get(chunk), before.chunks.get(chunk)) {
            (Some(now), Some(then)) => Arc::ptr_eq(now, then),
            _ => false,
        };
        let generation = |slots: &Self, slot| slots.get(slot).map(|(generation, _)| generation);
        let chunks = self.chunks.len().max(before.chunks.len());
        (0..chunks)
            .filter(move |chunk| !shared(*chunk))
            .flat_map(|chunk| (chunk * CHUNK..(chunk + 1) * CHUNK).map(slot_number))
            .filter(move |slot| generation(self, *slot) != generation(before, *slot))
    }

    /// One past the highest slot ever taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// Whether no slot was ever taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

impl<T: Clone> Slots<T> {
    /// Takes a slot for `value`.
    pub fn insert(&mut self, value: T) -> u32 {
        self.insert_with(|_| value)
    }

    /// Takes a slot for a value that knows its slot.
    pub fn insert_with(&mut self, value: impl FnOnce(u32) -> T) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| slot_number(self.len()));
        let entry = Entry { generation: self.next_generation, value: value(slot) };
        self.next_generation += 1;
        let (chunk, at) = (slot as usize / CHUNK, slot as usize % CHUNK);
        if chunk == self.chunks.len() {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        let chunk = Arc::make_mut(&mut self.chunks[chunk]);
        match chunk.get_mut(at) {
            Some(free) => *free = Some(entry),
            None => chunk.push(Some(entry)),
        }
        slot
    }

    /// Frees a slot. It is not taken again before [`Slots::settle`].
    pub fn remove(&mut self, slot: u32) {
        if self.get(slot).is_some() {
            let chunk = Arc::make_mut(&mut self.chunks[slot as usize / CHUNK]);
            chunk[slot as usize % CHUNK] = None;
            self.freed.push(slot);
        }
    }

    /// Lets the slots freed so far be taken again: once for every new plan, before its changes.
    pub fn settle(&mut self) {
        self.free.append(&mut self.freed);
    }

    /// Frees every slot; generations go on, so that nothing is taken for what it was.
    pub fn clear(&mut self) {
        for slot in 0..slot_number(self.len()) {
            self.remove(slot);
        }
    }
}

fn slot_number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_slot_is_taken_again_only_after_settling_and_with_a_new_generation() {
        let mut slots = Slots::default();
        let first = slots.insert('a');
        slots.remove(first);
        slots.remove(first);
        assert_eq!(slots.insert('b'), 1);
        slots.settle();
        assert_eq!(slots.insert('c'), first);
        assert_eq!(slots.insert('d'), 2);
        assert_eq!(slots.get(first), Some((2, &'c')));
        assert!(slots.iter().eq([(0, 2, &'c'), (1, 1, &'b'), (2, 3, &'d')]));
    }

    #[test]
    fn changes_are_found_without_looking_at_what_is_shared() {
        let mut slots = Slots::default();
        for i in 0..1000 {
            slots.insert(i);
        }
        let before = slots.clone();
        assert_eq!(slots.changed_since(&before).count(), 0);
        slots.remove(300);
        slots.insert(1000);
        assert!(slots.changed_since(&before).eq([300, 1000]));
        slots.settle();
        slots.insert(7);
        assert!(slots.changed_since(&before).eq([300, 1000]));
        slots.clear();
        assert_eq!(slots.changed_since(&before).count(), 1000);
        assert_eq!(slots.len(), 1001);
        assert_eq!(slots.iter().count(), 0);
    }
}
