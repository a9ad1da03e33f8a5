//! Space that the busy connections of a worker share: idle ones have none.
use bytes::BytesMut;
use std::{cell::RefCell, rc::Rc};

/// Room for one read at least.
pub(super) const READ_BYTES: usize = 8 << 10;
/// A buffer serves several reads: what they found stays where it is, and is given back in one piece.
const BUFFER_BYTES: usize = 16 << 10;
/// A request's head of usual size.
const HEAD_BYTES: usize = 1 << 10;
/// Pieces of either kind that are kept while nobody needs them, and how large a head's may be.
const KEPT_MAX: usize = 16;
const KEPT_HEAD_BYTES_MAX: usize = 8 << 10;

/// Takes from and gives to what all clones share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers(Rc<RefCell<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    reads: Vec<BytesMut>,
    heads: Vec<Vec<u8>>,
}

impl Buffers {
    /// Space to read into, [`READ_BYTES`] at least.
    pub(super) fn read(&self) -> BytesMut {
        let mut buffer = self.0.borrow_mut().reads.pop().unwrap_or_default();
        if buffer.capacity() < READ_BYTES {
            buffer.reserve(BUFFER_BYTES);
        }
        buffer
    }

    /// Gives back what is left of space to read into.
    pub(super) fn give_read(&self, buffer: BytesMut) {
        let reads = &mut self.0.borrow_mut().reads;
        if reads.len() < KEPT_MAX {
            reads.push(buffer);
        }
    }

    /// Space for a head: empty.
    pub(super) fn head(&self) -> Vec<u8> {
        let head = self.0.borrow_mut().heads.pop();
        head.unwrap_or_else(|| Vec::with_capacity(HEAD_BYTES))
    }

    /// Gives back the space of a head.
    pub(super) fn give_head(&self, mut head: Vec<u8>) {
        let heads = &mut self.0.borrow_mut().heads;
        if heads.len() < KEPT_MAX && (1..=KEPT_HEAD_BYTES_MAX).contains(&head.capacity()) {
            head.clear();
            heads.push(head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_when_nobody_holds_what_was_read() {
        let buffers = Buffers::default();
        let mut buffer = buffers.read();
        let start = buffer.as_ptr();
        buffer.extend_from_slice(&[1; 3 * READ_BYTES / 2]);
        let held = buffer.split().freeze();
        buffers.give_read(buffer);
        let other = buffers.clone().read();
        assert!(other.as_ptr() != start && other.capacity() >= READ_BYTES);
        buffers.give_read(other);
        drop(held);
        assert_eq!(buffers.0.borrow().reads.len(), 1);
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let buffers = Buffers::default();
        for _ in 0..2 * KEPT_MAX {
            buffers.give_read(BytesMut::new());
            buffers.give_head(vec![1]);
        }
        buffers.give_head(Vec::with_capacity(KEPT_HEAD_BYTES_MAX + 1));
        buffers.give_head(Vec::new());
        let kept = buffers.0.borrow();
        assert_eq!((kept.reads.len(), kept.heads.len()), (KEPT_MAX, KEPT_MAX));
        assert!(kept.heads.iter().all(Vec::is_empty));
    }
}
