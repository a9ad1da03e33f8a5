//! The path of a target, as sent and decoded. Compat: middlewares.md "Paths".
//!
//! Rules and prefixes see a path decoded; servers get it as sent, so that `%2F` in it stays one. An
//! edit keeps the spelling of what it does not touch.
use alloc::{borrow::Cow, format, string::String, vec::Vec};
use http::HeaderValue;
use percent_encoding::percent_decode_str;

/// The bytes that a path stands for.
#[must_use]
pub fn decode(raw: &str) -> Cow<'_, [u8]> {
    if !raw.contains('%') {
        return Cow::Borrowed(raw.as_bytes());
    }
    percent_decode_str(raw).into()
}

/// What a replacement of the whole path sees: a path whose escapes are spelled as usual is decoded,
/// any other is as sent.
///
/// What would mean something else when it is taken for a path again stays escaped: `%`, and bytes
/// that are no text. (2.1 decodes it, and so a result twice.)
#[must_use]
pub fn plain(raw: &str) -> Cow<'_, str> {
    if !raw.contains('%') || !is_usual(raw) {
        return Cow::Borrowed(raw);
    }
    let mut plain = String::with_capacity(raw.len());
    for chunk in decode(&raw.replace("%25", "%2525")).utf8_chunks() {
        plain.push_str(chunk.valid());
        for byte in chunk.invalid() {
            plain.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(plain)
}

/// The value of `X-Replaced-Path`: decoded where [`plain`] is, if a header can carry that.
#[must_use]
pub fn replaced(raw: &str) -> HeaderValue {
    let decoded = if is_usual(raw) { decode(raw) } else { Cow::Borrowed(raw.as_bytes()) };
    HeaderValue::from_bytes(&decoded)
        .or_else(|_| HeaderValue::from_str(raw))
        // A target has no character that a header cannot carry.
        .unwrap_or(HeaderValue::from_static("/"))
}

/// Cuts off what the first `len` decoded bytes are spelled with; what is left has its leading slash.
#[must_use]
pub fn cut(raw: &str, len: usize) -> (&str, Cow<'_, str>) {
    let mut at = 0;
    for _ in 0..len {
        at += match raw.as_bytes().get(at) {
            Some(b'%') => 3,
            Some(_) => 1,
            None => break,
        };
    }
    let (start, rest) = raw.split_at_checked(at).unwrap_or((raw, ""));
    if rest.starts_with('/') {
        return (start, Cow::Borrowed(rest));
    }
    let escaped = rest.strip_prefix("%2F").or_else(|| rest.strip_prefix("%2f"));
    (start, Cow::Owned(["/", escaped.unwrap_or(rest)].concat()))
}

/// Decoded bytes as text, a replacement character for each that is none.
#[derive(Debug)]
pub struct Lossy {
    text: String,
    /// Where in `text` such characters stand, in order.
    replaced: Vec<usize>,
}

impl Lossy {
    /// Makes text of bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut lossy = Self { text: String::with_capacity(bytes.len()), replaced: Vec::new() };
        for chunk in bytes.utf8_chunks() {
            lossy.text.push_str(chunk.valid());
            for _ in chunk.invalid() {
                lossy.replaced.push(lossy.text.len());
                lossy.text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        lossy
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many bytes the first `len` bytes of the text stand for.
    #[must_use]
    pub fn bytes(&self, len: usize) -> usize {
        let replaced = self.replaced.iter().take_while(|at| **at < len).count();
        len - replaced * (char::REPLACEMENT_CHARACTER.len_utf8() - 1)
    }
}

/// Whether a path has dot segments, escaped or not: it would climb out of where it was put.
#[must_use]
pub fn climbs(path: &str) -> bool {
    if !path.contains(['.', '%']) {
        return false;
    }
    path.split('/').any(|segment| segment.len() <= 6 && matches!(&*decode(segment), b"." | b".."))
}

/// The first escape that is none, such as `%zz`.
#[must_use]
pub fn bad_escape(path: &str) -> Option<String> {
    for (at, _) in path.match_indices('%') {
        let escape: String = path[at..].chars().take(3).collect();
        let mut hex = escape.bytes().skip(1);
        let mut digit = || hex.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        if !(digit() && digit()) {
            return Some(escape);
        }
    }
    None
}

/// Whether a path is spelled as Go spells it: what must be escaped is, in upper case, and nothing else.
fn is_usual(raw: &str) -> bool {
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if !is_bare(byte) {
                return false;
            }
            continue;
        }
        let mut digit = || match bytes.next() {
            Some(byte @ b'0'..=b'9') => Some(byte - b'0'),
            Some(byte @ b'A'..=b'F') => Some(byte - b'A' + 10),
            _ => None,
        };
        let (Some(high), Some(low)) = (digit(), digit()) else { return false };
        if is_bare(high << 4 | low) {
            return false;
        }
    }
    true
}

const fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'_'
                | b'.'
                | b'~'
                | b'$'
                | b'&'
                | b'+'
                | b','
                | b'/'
                | b':'
                | b';'
                | b'='
                | b'@'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_usual_path_is_plain_decoded_and_any_other_as_sent() {
        for (raw, plain_path, header) in [
            ("/a/b", "/a/b", "/a/b"),
            ("/a%20b%3Fc", "/a b?c", "/a b?c"),
            ("/a%2Fb%20c", "/a%2Fb%20c", "/a%2Fb%20c"),
            ("/a%c3%bc", "/a%c3%bc", "/a%c3%bc"),
            ("/a%C3%BC", "/aü", "/aü"),
            ("/a(b)%20", "/a(b)%20", "/a(b)%20"),
            ("/100%25", "/100%25", "/100%"),
            ("/%2541", "/%2541", "/%41"),
            ("/%FFx", "/%FFx", "/\u{FFFD}x"),
            ("/a%0Ab", "/a\nb", "/a%0Ab"),
        ] {
            assert_eq!(plain(raw), plain_path);
            assert_eq!(String::from_utf8_lossy(replaced(raw).as_bytes()), header);
        }
    }

    #[test]
    fn dot_segments_climb_however_they_are_spelled() {
        for (path, want) in [
            ("/..", true),
            ("/a/./b", true),
            ("/%2e%2E/a", true),
            ("/.%2e/a", true),
            ("/..a/b..", false),
            ("/...", false),
            ("/a%2F../b", false),
        ] {
            assert_eq!(climbs(path), want, "{path}");
        }
    }

    #[test]
    fn an_escape_that_is_none_is_found() {
        for (path, want) in [
            ("/a%20b", None),
            ("/%zz", Some("%zz")),
            ("/%20%", Some("%")),
            ("/%a", Some("%a")),
            ("/%aé", Some("%aé")),
        ] {
            assert_eq!(bad_escape(path).as_deref(), want);
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_and_what_is_left_are_the_path(
            raw in "/([a-z/.]|%[0-9A-F][0-9A-F]){0,12}",
            len in 0usize..14,
        ) {
            let (start, rest) = cut(&raw, len);
            let decoded = decode(&raw);
            let (cut, left) = decoded.split_at(len.min(decoded.len()));
            prop_assert_eq!(&*decode(start), cut);
            let rest = decode(&rest);
            let left = left.strip_prefix(b"/").unwrap_or(left);
            prop_assert_eq!(rest.strip_prefix(b"/"), Some(left));
        }

        #[test]
        fn lengths_of_lossy_text_are_lengths_of_its_bytes(
            bytes in proptest::collection::vec(prop_oneof![Just(0xFFu8), Just(b'a'), Just(0xC3), Just(0xBC)], 0..9),
        ) {
            let lossy = Lossy::new(&bytes);
            prop_assert_eq!(lossy.bytes(lossy.text().len()), bytes.len());
            for (at, _) in lossy.text().char_indices() {
                let head = Lossy::new(&bytes[..lossy.bytes(at)]);
                prop_assert_eq!(head.text(), &lossy.text()[..at]);
            }
        }

        #[test]
        fn a_plain_path_is_the_same_path(raw in "/([a-z/.]|%[0-9A-F][0-9A-F]){0,12}") {
            let again = crate::exchange::target::encode(&plain(&raw));
            prop_assert_eq!(decode(&again), decode(&raw));
        }
    }
}
