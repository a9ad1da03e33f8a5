//! Fields of a TLS message, one after the other.

/// What is left of a message. Each method takes a field off its front, or nothing where the field is
/// not complete.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.number(1).and_then(|number| u8::try_from(number).ok())
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.number(2).and_then(|number| u16::try_from(number).ok())
    }

    pub(super) fn u24(&mut self) -> Option<usize> {
        self.number(3)
    }

    /// A field behind its length in one byte.
    pub(super) fn vector_8(&mut self) -> Option<&'a [u8]> {
        self.vector(1)
    }

    /// A field behind its length in two bytes.
    pub(super) fn vector_16(&mut self) -> Option<&'a [u8]> {
        self.vector(2)
    }

    fn vector(&mut self, length_bytes: usize) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let length = ahead.number(length_bytes)?;
        let taken = ahead.take(length)?;
        *self = ahead;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let digits = self.take(bytes)?;
        Some(digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)))
    }
}
