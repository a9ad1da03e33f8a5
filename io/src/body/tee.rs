//! A copy of a body, kept while it passes.
use bytes::{Bytes, BytesMut};
use std::{cell::RefCell, rc::Rc};

/// The copy. All clones are of the same one.
#[derive(Clone, Debug)]
pub(crate) struct Tee(Rc<RefCell<Kept>>);

#[derive(Debug)]
struct Kept {
    bytes: BytesMut,
    bytes_max: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Passing,
    Whole,
    TooLong,
}

impl Tee {
    pub(super) fn new(bytes_max: u64, whole: bool) -> Self {
        let state = if whole { State::Whole } else { State::Passing };
        Self(Rc::new(RefCell::new(Kept { bytes: BytesMut::new(), bytes_max, state })))
    }

    pub(super) fn pass(&self, bytes: &Bytes) {
        let mut kept = self.0.borrow_mut();
        if kept.state != State::Passing {
            return;
        }
        if (kept.bytes.len() + bytes.len()) as u64 > kept.bytes_max {
            kept.state = State::TooLong;
            kept.bytes = BytesMut::new();
        } else {
            kept.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) fn end(&self) {
        let mut kept = self.0.borrow_mut();
        if kept.state == State::Passing {
            kept.state = State::Whole;
        }
    }

    /// The body, if all of it passed and it was not too long.
    pub(crate) fn take(&self) -> Option<Bytes> {
        let mut kept = self.0.borrow_mut();
        (kept.state == State::Whole).then(|| std::mem::take(&mut kept.bytes).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_body_within_the_limit_is_kept() {
        for (limit, parts, ended, want) in [
            (4, &["ab", "cd"][..], true, Some("abcd")),
            (4, &["ab", "cd"], false, None),
            (3, &["ab", "cd"], true, None),
            (3, &["ab", "cd", ""], true, None),
            (0, &[], true, Some("")),
        ] {
            let tee = Tee::new(limit, false);
            parts.iter().for_each(|part| tee.pass(&Bytes::from_static(part.as_bytes())));
            if ended {
                tee.end();
            }
            assert_eq!(tee.take().as_deref(), want.map(str::as_bytes), "{limit} {parts:?}");
        }
    }
}
