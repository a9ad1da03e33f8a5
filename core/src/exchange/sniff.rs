//! A body's type from its first bytes, where a server gave none. Compat: http.md "sniffed".
//!
//! The table is that of the MIME Sniffing Standard (WHATWG), as far as HTTP servers use it.
use serde::{Deserialize, Serialize};

/// Bytes that are looked at.
pub const SNIFF_BYTES: usize = 512;

/// Some of the types that are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinds(u64);

impl Kinds {
    /// All of them.
    pub const ALL: Self = Self(u64::MAX);

    /// Those that `f` says.
    #[must_use]
    pub fn all_that(f: impl Fn(&'static str) -> bool) -> Self {
        let bits = Self::list().enumerate().filter(|(_, kind)| f(kind));
        Self(bits.fold(0, |bits, (at, _)| bits | 1 << at))
    }

    /// Whether a type that [`detect`] found is one of these.
    #[must_use]
    pub fn contain(self, kind: &str) -> bool {
        Self::list().position(|it| it == kind).is_some_and(|at| self.0 >> at & 1 == 1)
    }

    /// All, some of them twice, and fewer than the bits of a word.
    fn list() -> impl Iterator<Item = &'static str> {
        let tables = EXACT.iter().chain(&RIFF).map(|(_, kind)| *kind);
        tables.chain([HTML, XML, AIFF, MP4, BINARY, TEXT])
    }
}

const HTML: &str = "text/html; charset=utf-8";
const XML: &str = "text/xml; charset=utf-8";
const AIFF: &str = "audio/aiff";
const MP4: &str = "video/mp4";
const BINARY: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";

/// The type of a body that starts with `data`; of unknown bytes, `application/octet-stream`.
#[must_use]
pub fn detect(data: &[u8]) -> &'static str {
    let data = &data[..data.len().min(SNIFF_BYTES)];
    let text = data.trim_ascii_start();
    if text.first() == Some(&b'<') && TAGS.iter().any(|tag| starts_with_tag(text, tag)) {
        return HTML;
    }
    if text.starts_with(b"<?xml") {
        return XML;
    }
    if let Some((_, kind)) = EXACT.iter().find(|(magic, _)| data.starts_with(magic)) {
        return kind;
    }
    if let [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] = data
        && let Some((_, kind)) = RIFF.iter().find(|(magic, _)| form.starts_with(magic))
    {
        return kind;
    }
    if data.starts_with(b"FORM") && data.get(8..12) == Some(b"AIFF") {
        return AIFF;
    }
    if is_mp4(data) {
        return MP4;
    }
    // Without an early way out the compiler looks at many bytes at once.
    if text.iter().fold(false, |found, byte| found | is_binary(*byte)) {
        return BINARY;
    }
    TEXT
}

const TAGS: [&[u8]; 17] = [
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
    b"<!--",
];

const EXACT: [(&[u8], &str); 25] = [
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xFE\xFF", "text/plain; charset=utf-16be"),
    (b"\xFF\xFE", "text/plain; charset=utf-16le"),
    (b"\xEF\xBB\xBF", "text/plain; charset=utf-8"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x02\x00", "image/x-icon"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x89PNG\r\n\x1A\n", "image/png"),
    (b"\xFF\xD8\xFF", "image/jpeg"),
    (b"\x1A\x45\xDF\xA3", "video/webm"),
    (b"OggS\x00", "application/ogg"),
    (b"MThd\x00\x00\x00\x06", "audio/midi"),
    (b"ID3", "audio/mpeg"),
    (b".snd", "audio/basic"),
    (b"\x00\x01\x00\x00", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"ttcf", "font/collection"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x1F\x8B\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1A\x07", "application/x-rar-compressed"),
];

/// What follows a RIFF header.
const RIFF: [(&[u8], &str); 3] =
    [(b"WEBPVP", "image/webp"), (b"AVI ", "video/avi"), (b"WAVE", "audio/wave")];

/// A tag counts when a space or `>` follows it; a comment when it starts.
fn starts_with_tag(text: &[u8], tag: &[u8]) -> bool {
    let Some((start, rest)) = text.split_at_checked(tag.len()) else { return false };
    start.eq_ignore_ascii_case(tag) && (tag == b"<!--" || matches!(rest.first(), Some(b' ' | b'>')))
}

fn is_mp4(data: &[u8]) -> bool {
    let Some(size) = data.first_chunk::<4>().map(|size| u32::from_be_bytes(*size)) else {
        return false;
    };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if data.len() < size || !size.is_multiple_of(4) || data.get(4..8) != Some(b"ftyp") {
        return false;
    }
    let brands = data[8..size.max(8)].chunks(4).enumerate();
    brands.filter(|(at, _)| *at != 1).any(|(_, brand)| brand.starts_with(b"mp4"))
}

/// Control characters but for tab, line feed, form feed, carriage return and escape.
const fn is_binary(byte: u8) -> bool {
    (byte < 0x20)
        & (byte != b'\t')
        & (byte != b'\n')
        & (byte != 0x0C)
        & (byte != b'\r')
        & (byte != 0x1B)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_their_type() {
        for (data, want) in [
            (&b""[..], "text/plain; charset=utf-8"),
            (b"hello", "text/plain; charset=utf-8"),
            (b"{\"a\":1}", "text/plain; charset=utf-8"),
            (b"\x01\x02", "application/octet-stream"),
            (b" \n<!doctype html><p>", "text/html; charset=utf-8"),
            (b"<bold>", "text/plain; charset=utf-8"),
            (b"<!--x", "text/html; charset=utf-8"),
            (b"<?xml version", "text/xml; charset=utf-8"),
            (b"\x89PNG\r\n\x1A\n", "image/png"),
            (b"RIFF1234WEBPVP8", "image/webp"),
            (b"\x1F\x8B\x08x", "application/x-gzip"),
            (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "video/mp4"),
            (b"\xFF\xFF\xFF\xFFftyp", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(detect(data), want, "{data:?}");
            assert!(Kinds::ALL.contain(want));
            assert!(Kinds::all_that(|kind| kind == want).contain(want));
            assert!(!Kinds::all_that(|kind| kind != want).contain(want));
        }
    }

    #[test]
    fn all_kinds_fit_in_a_word() {
        assert!(Kinds::list().count() < 64);
    }
}
