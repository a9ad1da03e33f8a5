//! Routers by path: a persistent radix tree. A prefix is text; it does not end at a slash.
use super::{
    Edit,
    ranked::{Candidate, Ranked},
};
use crate::rule::condition::Need;
use alloc::{sync::Arc, vec::Vec};
use arrayvec::ArrayVec;

/// Bytes of a node's label; more text takes more nodes.
const LABEL_MAX: usize = 20;
/// Ends a whole path in the tree. No path has this byte, as it is in no UTF-8 text.
const END: u8 = 0xff;

/// A tree, or a subtree below the text that led to it. Its depth is bounded by the indexed bytes of
/// a path (see [`crate::rule::condition`]).
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    /// The text that leads here from the parent.
    label: ArrayVec<u8, LABEL_MAX>,
    /// Who takes every path that begins with the text up to here.
    here: Ranked,
    /// By their labels' first bytes, in order.
    below: Vec<(u8, Arc<Self>)>,
}

impl Paths {
    pub(super) fn is_empty(&self) -> bool {
        self.here.is_empty() && self.below.is_empty()
    }

    /// The only candidate, where it takes any path.
    pub(super) fn single(&self) -> Option<&Candidate> {
        match &self.here {
            Ranked::One(candidate) if self.below.is_empty() => Some(candidate),
            Ranked::Empty | Ranked::One(_) | Ranked::Many(_) => None,
        }
    }

    /// The lists whose condition a path meets, from the shortest text to the longest.
    pub(super) fn lists<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = &'a Ranked> {
        let mut next = Some((self, path));
        let nodes = core::iter::from_fn(move || {
            let (node, rest) = next?;
            next = node.step(rest);
            Some(node)
        });
        nodes.map(|node| &node.here).filter(|list| !list.is_empty())
    }

    fn step<'a>(&'a self, rest: &'a [u8]) -> Option<(&'a Self, &'a [u8])> {
        let first = *rest.first().unwrap_or(&END);
        let (_, node) = self.below.iter().find(|(byte, _)| *byte == first)?;
        match &*node.label {
            // The byte is compared; most nodes deep in a tree differ in no more.
            [_] if first != END => Some((node, rest.get(1..)?)),
            [text @ .., END] => (text == rest).then_some((node, b"")),
            label => Some((node, rest.strip_prefix(label)?)),
        }
    }

    pub(super) fn edit(&mut self, need: Need<'_>, edit: Edit, candidate: &Candidate) {
        let text = match need {
            Need::Prefix(text) => Vec::from(text),
            Need::Exact(text) => [text, &[END]].concat(),
        };
        match edit {
            Edit::Insert => self.place(&text).here.insert(candidate.clone()),
            Edit::Remove => self.remove(&text, candidate),
        }
    }

    pub(super) fn collect(&self, into: &mut Vec<Candidate>) {
        into.extend(self.here.iter().cloned());
        for (_, node) in &self.below {
            node.collect(into);
        }
    }

    /// The node of a text, made where there is none.
    fn place(&mut self, text: &[u8]) -> &mut Self {
        let Some(&first) = text.first() else { return self };
        let at = match self.below.binary_search_by_key(&first, |(byte, _)| *byte) {
            Ok(at) => {
                let node = &mut self.below[at].1;
                let shared = common(&node.label, text);
                if shared < node.label.len() {
                    split(node, shared);
                }
                at
            }
            Err(at) => {
                let label = text.iter().copied().take(LABEL_MAX).collect();
                self.below.insert(at, (first, Arc::new(Self { label, ..Self::default() })));
                at
            }
        };
        let node = Arc::make_mut(&mut self.below[at].1);
        let rest = text.get(node.label.len()..).unwrap_or(b"");
        node.place(rest)
    }

    fn remove(&mut self, text: &[u8], candidate: &Candidate) {
        let Some(first) = text.first() else { return self.here.remove(candidate) };
        let Ok(at) = self.below.binary_search_by_key(first, |(byte, _)| *byte) else { return };
        let Some(rest) = text.strip_prefix(&*self.below[at].1.label) else { return };
        let node = Arc::make_mut(&mut self.below[at].1);
        node.remove(rest, candidate);
        if node.is_empty() {
            self.below.remove(at);
        } else {
            node.absorb();
        }
    }

    /// Takes the place of a lone child, where nothing ends here.
    fn absorb(&mut self) {
        if let [(_, child)] = &self.below[..]
            && self.here.is_empty()
            && self.label.len() + child.label.len() <= LABEL_MAX
        {
            let mut label = self.label.clone();
            label.extend(child.label.iter().copied());
            *self = Self { label, ..Self::clone(child) };
        }
    }
}

/// Puts a node between `node` and its parent, for the first `shared` bytes of its label.
fn split(node: &mut Arc<Paths>, shared: usize) {
    let lower = Arc::make_mut(node);
    let label: ArrayVec<u8, LABEL_MAX> = lower.label.drain(..shared).collect();
    let upper = Arc::new(Paths { label, ..Paths::default() });
    let lower = core::mem::replace(node, upper);
    if let (Some(&first), Some(upper)) = (lower.label.first(), Arc::get_mut(node)) {
        upper.below.push((first, lower));
    }
}

fn common(one: &[u8], two: &[u8]) -> usize {
    one.iter().zip(two).take_while(|(one, two)| one == two).count()
}
