//! Routers by host: a persistent hash map.
//!
//! Its shards grow in number with the square root of what they hold, so that a change copies one
//! short list of shards and one short shard. Hosts are known by a 32-bit hash only: two that share
//! one share a bucket, and the whole rule tells them apart.
use super::{Edit, paths::Paths, ranked::Candidate};
use crate::{router::Router, rule::condition::Need};
use alloc::{boxed::Box, sync::Arc, vec::Vec};

#[derive(Clone, Debug)]
pub(super) struct Hosts {
    /// A power of two of them; a host's is told by the upper bits of its hash.
    shards: Arc<[Shard]>,
    /// Occupied slots.
    len: usize,
}

/// A part of the map: open addressing with linear probing.
#[derive(Clone, Debug, Default)]
struct Shard {
    /// None, or a power of two, at least a quarter of them vacant.
    slots: Arc<[Slot]>,
    len: usize,
}

/// The routers of the hosts of one hash. A single router that takes every path is held without a tree:
/// most hosts have no more.
#[derive(Clone, Debug, Default)]
enum Slot {
    #[default]
    Vacant,
    Router(u32, Arc<Router>),
    Paths(u32, Arc<Bucket>),
}

/// The routers of the hosts of one hash, by path.
#[derive(Clone, Debug, Default)]
struct Bucket {
    /// The host, unless several share the bucket.
    host: Option<Box<str>>,
    paths: Paths,
}

/// What is known of a request's host.
pub(super) enum Found<'a> {
    /// A single router that takes every path, of this host or another.
    Router(&'a Arc<Router>),
    /// Routers, of this host or others.
    Paths(&'a Paths, Host),
}

/// Whether the routers found name the very host of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Same,
    Unsure,
}

impl Default for Hosts {
    fn default() -> Self {
        Self { shards: Arc::new([Shard::default()]), len: 0 }
    }
}

impl Hosts {
    /// The routers that a request's host may concern.
    pub(super) fn find(&self, host: &str) -> Option<Found<'_>> {
        let key = key(host.trim_end_matches('.'));
        let slots = &*self.shards.get(shard_of(key, self.shards.len()))?.slots;
        match slots.get(probe(slots, key)?)? {
            Slot::Vacant => None,
            Slot::Router(_, router) => Some(Found::Router(router)),
            Slot::Paths(_, bucket) => Some(Found::Paths(&bucket.paths, bucket.host(host))),
        }
    }

    /// Puts a candidate under a host and a path, or takes it out. `host` has no trailing dot.
    pub(super) fn edit(&mut self, host: &str, need: Need<'_>, edit: Edit, candidate: &Candidate) {
        let key = key(host);
        let at = shard_of(key, self.shards.len());
        let shard = &mut Arc::make_mut(&mut self.shards)[at];
        let before = shard.len;
        match edit {
            Edit::Insert => shard.insert(key, host, need, candidate),
            Edit::Remove => shard.remove(key, host, need, candidate),
        }
        self.len = self.len + shard.len - before;
        let wanted = shard_count(self.len);
        // Half of the wanted number or a quarter too many: few enough changes bring that about.
        if wanted > self.shards.len() || wanted * 4 <= self.shards.len() {
            self.reshard(wanted);
        }
    }

    pub(super) fn collect(&self, into: &mut Vec<Candidate>) {
        for slot in self.shards.iter().flat_map(|shard| shard.slots.iter()) {
            match slot {
                Slot::Vacant => {}
                Slot::Router(_, router) => {
                    into.push(Candidate::new(router.clone(), false));
                }
                Slot::Paths(_, bucket) => bucket.paths.collect(into),
            }
        }
    }

    fn reshard(&mut self, count: usize) {
        let mut parts: Vec<Vec<Slot>> = (0..count).map(|_| Vec::new()).collect();
        for slot in self.shards.iter().flat_map(|shard| shard.slots.iter()) {
            if let Some(key) = slot.key() {
                parts[shard_of(key, count)].push(slot.clone());
            }
        }
        self.shards = parts.into_iter().map(|part| Shard::of(part.len(), part)).collect();
    }
}

impl Shard {
    /// A shard of these entries, with room for `capacity` of them.
    fn of(capacity: usize, entries: Vec<Slot>) -> Self {
        let len = entries.len();
        let count = if capacity == 0 { 0 } else { (capacity * 4 / 3 + 1).next_power_of_two() };
        let mut slots: Vec<Slot> = (0..count).map(|_| Slot::Vacant).collect();
        for entry in entries {
            if let Some(at) = entry.key().and_then(|key| probe(&slots, key)) {
                slots[at] = entry;
            }
        }
        Self { slots: slots.into(), len }
    }

    fn insert(&mut self, key: u32, host: &str, need: Need<'_>, candidate: &Candidate) {
        let known = |slots: &[Slot]| probe(slots, key).is_some_and(|at| slots[at].key().is_some());
        if !known(&self.slots) {
            if (self.len + 1) * 4 > self.slots.len() * 3 {
                let entries = self.slots.iter().filter(|slot| slot.key().is_some());
                *self = Self::of(self.len + 1, entries.cloned().collect());
            }
            self.len += 1;
        }
        if let Some(at) = probe(&self.slots, key) {
            Arc::make_mut(&mut self.slots)[at].edit(key, host, need, Edit::Insert, candidate);
        }
    }

    fn remove(&mut self, key: u32, host: &str, need: Need<'_>, candidate: &Candidate) {
        let Some(at) = probe(&self.slots, key) else { return };
        if matches!(self.slots[at], Slot::Vacant) {
            return;
        }
        let slots = Arc::make_mut(&mut self.slots);
        slots[at].edit(key, host, need, Edit::Remove, candidate);
        if matches!(slots[at], Slot::Vacant) {
            close_up(slots, at);
            self.len -= 1;
        }
    }
}

impl Slot {
    const fn key(&self) -> Option<u32> {
        match self {
            Self::Vacant => None,
            Self::Router(key, _) | Self::Paths(key, _) => Some(*key),
        }
    }

    fn edit(&mut self, key: u32, host: &str, need: Need<'_>, edit: Edit, candidate: &Candidate) {
        let mut bucket = match core::mem::take(self) {
            Self::Vacant => Arc::new(Bucket { host: Some(host.into()), ..Bucket::default() }),
            Self::Paths(_, bucket) => bucket,
            Self::Router(_, router) => Arc::new(Bucket::of(key, host, router)),
        };
        let edited = Arc::make_mut(&mut bucket);
        edited.host.take_if(|other| **other != *host);
        edited.paths.edit(need, edit, candidate);
        *self = match bucket.paths.single() {
            Some(single) => Self::Router(key, single.router.clone()),
            None if bucket.paths.is_empty() => Self::Vacant,
            None => Self::Paths(key, bucket),
        };
    }
}

impl Bucket {
    /// The bucket of a single router that takes every path of a host of this hash, of `host` unless its
    /// rule names another one.
    fn of(key: u32, host: &str, router: Arc<Router>) -> Self {
        let any_path = Need::Prefix(b"");
        let mut bucket = Self { host: Some(host.into()), paths: Paths::default() };
        let mut sufficient = false;
        for condition in router.rule.conditions() {
            let Some(other) = condition.host.filter(|other| self::key(other) == key) else {
                continue;
            };
            sufficient |= condition.sufficient && condition.path == any_path;
            bucket.host.take_if(|host| **host != *other);
        }
        bucket.paths.edit(any_path, Edit::Insert, &Candidate::new(router, sufficient));
        bucket
    }

    fn host(&self, host: &str) -> Host {
        let same = self.host.as_ref().is_some_and(|this| {
            let named = host.strip_suffix('.').unwrap_or(host);
            !host.is_empty() && named.eq_ignore_ascii_case(this)
        });
        if same { Host::Same } else { Host::Unsure }
    }
}

/// The slot of a key, else the vacant one where it would go; `None` in a shard without slots.
fn probe(slots: &[Slot], key: u32) -> Option<usize> {
    let mask = slots.len().wrapping_sub(1);
    let home = key as usize;
    (0..slots.len())
        .map(|step| (home + step) & mask)
        .find(|&at| slots[at].key().is_none_or(|other| other == key))
}

/// Moves up the entries that stand behind a slot because it was taken.
fn close_up(slots: &mut [Slot], at: usize) {
    let mask = slots.len() - 1;
    let mut hole = at;
    let mut next = (hole + 1) & mask;
    while let Some(key) = slots[next].key() {
        let home = key as usize & mask;
        // How far the entry is from home must cover the hole.
        if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
            slots.swap(hole, next);
            hole = next;
        }
        next = (next + 1) & mask;
    }
}

fn shard_count(len: usize) -> usize {
    1 << (len.checked_ilog2().unwrap_or(0) / 2)
}

/// `count` is a power of two.
const fn shard_of(key: u32, count: usize) -> usize {
    ((key as u64) << count.trailing_zeros() >> 32) as usize
}

/// A hash of the host in lower case.
pub(super) fn key(host: &str) -> u32 {
    let bytes = host.as_bytes();
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ bytes.len() as u64;
    let mut mix = |word| state = fold(state ^ lower(word));
    // The rest is taken with bytes before it, some of them twice: loads of whole words only.
    let halves = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>());
    match (bytes.last_chunk::<8>(), halves) {
        (Some(last), _) => {
            bytes.as_chunks::<8>().0.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
            mix(u64::from_le_bytes(*last));
        }
        (None, (Some(first), Some(last))) => {
            let half = |half: &[u8; 4]| u64::from(u32::from_le_bytes(*half));
            mix(half(first) << 32 | half(last));
        }
        (None, _) => bytes.iter().for_each(|byte| mix(u64::from(*byte))),
    }
    (state >> 32) as u32 ^ state as u32
}

const fn fold(word: u64) -> u64 {
    let product = word as u128 * 0xd6e8_feb8_6659_fd93;
    (product >> 64) as u64 ^ product as u64
}

/// Eight ASCII characters in lower case at once.
const fn lower(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let low = word & (ONES * 0x7f);
    let from_a = low + ONES * (0x80 - b'A' as u64);
    let beyond_z = low + ONES * (0x7f - b'Z' as u64);
    let upper = !word & (from_a ^ beyond_z) & (ONES * 0x80);
    word | (upper >> 2)
}
