//! A body's type from its first bytes, where a server gave none. Compat: http.md "sniffed".
//!
//! The table is that of the MIME Sniffing Standard (WHATWG), as far as HTTP servers use it.

/// Bytes that are looked at.
pub const SNIFF_BYTES: usize = 512;

/// The type of a body that starts with `data`; of unknown bytes, `application/octet-stream`.
#[must_use]
pub fn detect(data: &[u8]) -> &'static str {
    let data = &data[..data.len().min(SNIFF_BYTES)];
    let text = data.trim_ascii_start();
    if text.first() == Some(&b'<') && HTML.iter().any(|tag| starts_with_tag(text, tag)) {
        return "text/html; charset=utf-8";
    }
    if text.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    if let Some((_, kind)) = EXACT.iter().find(|(magic, _)| data.starts_with(magic)) {
        return kind;
    }
    if let [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] = data {
        let forms: [(&[u8], &str); 3] =
            [(b"WEBPVP", "image/webp"), (b"AVI ", "video/avi"), (b"WAVE", "audio/wave")];
        if let Some((_, kind)) = forms.iter().find(|(magic, _)| form.starts_with(magic)) {
            return kind;
        }
    }
    if data.starts_with(b"FORM") && data.get(8..12) == Some(b"AIFF") {
        return "audio/aiff";
    }
    if is_mp4(data) {
        return "video/mp4";
    }
    // Without an early way out the compiler looks at many bytes at once.
    if text.iter().fold(false, |found, byte| found | is_binary(*byte)) {
        return "application/octet-stream";
    }
    "text/plain; charset=utf-8"
}

const HTML: [&[u8]; 17] = [
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
        }
    }
}
