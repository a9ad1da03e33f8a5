//! Slots for cells: stable indices with a generation, so that state is carried over or made anew.
use alloc::vec::Vec;

/// A slab. A slot that is freed may be taken again, with a new generation.
#[derive(Clone, Debug)]
pub struct Slots<T> {
    entries: Vec<Option<Entry<T>>>,
    free: Vec<u32>,
    next_generation: u64,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    generation: u64,
    value: T,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), next_generation: 0 }
    }
}

impl<T> Slots<T> {
    /// Takes a slot for `value`.
    pub fn insert(&mut self, value: T) -> u32 {
        let generation = self.next_generation;
        self.next_generation += 1;
        let entry = Some(Entry { generation, value });
        if let Some(slot) = self.free.pop() {
            self.entries[slot as usize] = entry;
            return slot;
        }
        self.entries.push(entry);
        u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
    }

    /// Frees a slot.
    pub fn remove(&mut self, slot: u32) {
        if let Some(entry) = self.entries.get_mut(slot as usize)
            && entry.take().is_some()
        {
            self.free.push(slot);
        }
    }

    /// What is in a slot, and since which generation.
    #[must_use]
    pub fn get(&self, slot: u32) -> Option<(u64, &T)> {
        let entry = self.entries.get(slot as usize)?.as_ref()?;
        Some((entry.generation, &entry.value))
    }

    /// One past the highest slot ever taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no slot was ever taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
