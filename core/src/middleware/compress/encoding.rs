//! The codings, and what a response says once it is in one. RFC 9110 §8.4.
use alloc::{format, string::String};
use bytes::{BufMut, BytesMut};
use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, ETAG},
};
use serde::{Deserialize, Serialize};

/// A coding that bodies are sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    /// All, the first by default before the others.
    pub const ALL: [Self; 3] = [Self::Gzip, Self::Brotli, Self::Zstd];

    /// Its name in headers.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.token() == text);
        found.ok_or_else(|| format!("encodings: {text:?} is none of `gzip`, `br` and `zstd`"))
    }

    /// Has the head of a response say that its body is in this coding. How long it is nobody knows, parts
    /// of it cannot be asked for, and it is no longer byte for byte what its tag stands for.
    pub fn apply(self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(self.token()));
        headers.remove(CONTENT_LENGTH);
        headers.remove(ACCEPT_RANGES);
        let Some(strong) = headers.get(ETAG).filter(|tag| tag.as_bytes().starts_with(b"\"")) else {
            return;
        };
        let mut weak = BytesMut::with_capacity(strong.len() + 2);
        weak.put_slice(b"W/");
        weak.put_slice(strong.as_bytes());
        if let Ok(weak) = HeaderValue::from_maybe_shared(weak.freeze()) {
            headers.insert(ETAG, weak);
        }
    }
}
