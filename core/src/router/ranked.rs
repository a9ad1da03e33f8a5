//! Routers in the order in which they are asked.
use crate::router::Router;
use alloc::{sync::Arc, vec::Vec};
use core::cmp::{Ordering, Reverse};

/// Candidates in one chunk of a list; what a change copies, besides the list of chunks.
const CHUNK_MAX: usize = 128;

/// A router with its rank at hand.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    priority: i64,
    rule_bytes: u32,
    /// The condition that it stands under suffices: the rule need not be asked.
    pub(super) sufficient: bool,
    pub(super) router: Arc<Router>,
}

impl Candidate {
    pub(super) fn new(router: Arc<Router>, sufficient: bool) -> Self {
        // A rule is shorter than 4 GiB.
        let rule_bytes = u32::try_from(router.rule.text.len()).unwrap_or(u32::MAX);
        Self { priority: router.priority, rule_bytes, sufficient, router }
    }

    /// Which of two is asked first: higher priority, longer rule, lower name.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let rank = |it: &Self| (Reverse(it.priority), Reverse(it.rule_bytes));
        rank(self).cmp(&rank(other)).then_with(|| self.router.name.cmp(&other.router.name))
    }
}

/// A persistent list of candidates in order.
#[derive(Clone, Debug, Default)]
pub(super) enum Ranked {
    #[default]
    Empty,
    One(Candidate),
    /// Chunks, none of them empty.
    Many(Arc<[Arc<[Candidate]>]>),
}

impl Ranked {
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Candidate> {
        let (one, many): (_, &[Arc<[Candidate]>]) = match self {
            Self::Empty => (None, &[]),
            Self::One(candidate) => (Some(candidate), &[]),
            Self::Many(chunks) => (None, chunks),
        };
        one.into_iter().chain(many.iter().flat_map(|chunk| chunk.iter()))
    }

    pub(super) fn insert(&mut self, candidate: Candidate) {
        *self = match core::mem::take(self) {
            Self::Empty => Self::One(candidate),
            Self::One(other) => {
                let mut both = [other, candidate];
                both.sort_by(Candidate::order);
                Self::Many(Arc::new([Arc::new(both)]))
            }
            Self::Many(chunks) => {
                let at = chunk_of(&chunks, &candidate).min(chunks.len() - 1);
                let mut chunk = Vec::from(&*chunks[at]);
                let place = chunk.partition_point(|other| other.order(&candidate).is_lt());
                chunk.insert(place, candidate);
                let half = chunk.split_off(if chunk.len() > CHUNK_MAX {
                    CHUNK_MAX / 2
                } else {
                    chunk.len()
                });
                let parts = [chunk, half].into_iter().filter(|part| !part.is_empty());
                Self::Many(replace(&chunks, at, parts.map(Arc::from)))
            }
        };
    }

    /// Takes out one candidate of the same rank and name; does nothing where there is none.
    pub(super) fn remove(&mut self, candidate: &Candidate) {
        *self = match core::mem::take(self) {
            Self::One(other) if other.order(candidate).is_eq() => Self::Empty,
            Self::Many(chunks) => {
                let at = chunk_of(&chunks, candidate);
                let chunk = chunks.get(at).map_or(&[][..], |chunk| chunk);
                match chunk.binary_search_by(|other| other.order(candidate)) {
                    Ok(place) => without(&chunks, at, place),
                    Err(_) => Self::Many(chunks),
                }
            }
            other @ (Self::Empty | Self::One(_)) => other,
        };
    }
}

/// The first chunk that does not end before a candidate.
fn chunk_of(chunks: &[Arc<[Candidate]>], candidate: &Candidate) -> usize {
    let ends_before =
        |chunk: &Arc<[Candidate]>| chunk.last().is_some_and(|last| last.order(candidate).is_lt());
    chunks.partition_point(ends_before)
}

fn without(chunks: &[Arc<[Candidate]>], at: usize, place: usize) -> Ranked {
    let mut chunk = Vec::from(&*chunks[at]);
    chunk.remove(place);
    match (chunks.len(), chunk.len()) {
        (1, 1) => chunk.pop().map_or(Ranked::Empty, Ranked::One),
        (_, 0) => Ranked::Many(replace(chunks, at, [])),
        _ => Ranked::Many(replace(chunks, at, [Arc::from(chunk)])),
    }
}

fn replace(
    chunks: &[Arc<[Candidate]>],
    at: usize,
    parts: impl IntoIterator<Item = Arc<[Candidate]>>,
) -> Arc<[Arc<[Candidate]>]> {
    let mut all = Vec::from(chunks);
    all.splice(at..=at, parts);
    all.into()
}
