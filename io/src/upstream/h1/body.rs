//! The body of a response out of bytes: where it ends.
use super::{
    chunked::Chunks,
    decode::{Framing, Malformed},
};
use bytes::Bytes;
use http::HeaderMap;

/// How far a body has come.
#[derive(Debug)]
pub(super) enum Decoder {
    /// So many bytes are to come.
    Length(u64),
    Chunked(Box<Chunks>),
    UntilClose {
        closed: bool,
    },
}

/// What comes next of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing, until there is more input.
    More,
    Data(Bytes),
    /// The last of it.
    Trailers(HeaderMap),
    End,
}

impl Decoder {
    pub(super) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Box::default()),
            Framing::UntilClose => Self::UntilClose { closed: false },
        }
    }

    /// Whether nothing is to come.
    pub(super) fn is_ended(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => chunks.is_ended(),
            Self::UntilClose { closed } => *closed,
        }
    }

    /// The bytes that are to come, if that is known.
    pub(super) const fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::UntilClose { .. } => None,
        }
    }

    /// The next of it that is in `input`, which is taken off.
    pub(super) fn decode(&mut self, input: &mut Bytes) -> Result<Step, Malformed> {
        if self.is_ended() {
            return Ok(Step::End);
        }
        if input.is_empty() {
            return Ok(Step::More);
        }
        match self {
            Self::Length(left) => {
                let whole = usize::try_from(*left).unwrap_or(usize::MAX);
                let data = input.split_to(whole.min(input.len()));
                *left -= data.len() as u64;
                Ok(Step::Data(data))
            }
            Self::Chunked(chunks) => chunks.decode(input),
            Self::UntilClose { .. } => Ok(Step::Data(std::mem::take(input))),
        }
    }

    /// The server closed. Returns whether the body is whole.
    pub(super) fn close(&mut self) -> bool {
        if let Self::UntilClose { closed } = self {
            *closed = true;
        }
        self.is_ended()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_ends_a_body_and_leaves_what_follows() {
        let mut decoder = Decoder::new(Framing::Length(3));
        let mut input = Bytes::from_static(b"ab");
        assert_eq!(decoder.decode(&mut input), Ok(Step::Data("ab".into())));
        assert_eq!(decoder.decode(&mut input), Ok(Step::More));
        assert!(!decoder.close());
        input = Bytes::from_static(b"cdef");
        assert_eq!(decoder.decode(&mut input), Ok(Step::Data("c".into())));
        assert_eq!(decoder.decode(&mut input), Ok(Step::End));
        assert_eq!((decoder.left(), &*input), (Some(0), &b"def"[..]));
    }

    #[test]
    fn nothing_but_the_close_ends_a_body_of_no_length() {
        let mut decoder = Decoder::new(Framing::UntilClose);
        assert_eq!(decoder.decode(&mut Bytes::from_static(b"ab")), Ok(Step::Data("ab".into())));
        assert_eq!(decoder.decode(&mut Bytes::new()), Ok(Step::More));
        assert!(decoder.close());
        assert_eq!(decoder.decode(&mut Bytes::new()), Ok(Step::End));
    }

    #[test]
    fn a_close_cuts_what_has_a_length() {
        for framing in [Framing::Length(1), Framing::Chunked] {
            assert!(!Decoder::new(framing).close(), "{framing:?}");
        }
        assert!(Decoder::new(Framing::Length(0)).close());
    }
}
