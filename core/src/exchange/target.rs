//! The target of a request: authority, path, query, and their edits.
use super::{answer, path};
use alloc::{borrow::Cow, string::String};
use bytes::Bytes;
use http::{Response, StatusCode, Uri, header::HOST, request, uri::PathAndQuery};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The longest target.
pub const BYTES_MAX: usize = u16::MAX as usize - 1;

/// Characters that never stand bare in a path. `%` does: what is encoded stays so.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The same for text that has no escapes yet.
const TEXT: &AsciiSet = &PATH.add(b'%');

/// The authority a request is for, as sent: an absolute target's, else the Host header's, else empty.
#[must_use]
pub fn authority(head: &request::Parts) -> &str {
    if let Some(authority) = head.uri.authority() {
        let text = authority.as_str();
        return text.rsplit_once('@').map_or(text, |(_, host)| host);
    }
    head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("")
}

/// `path` with every character that may not stand in a target percent-encoded.
#[must_use]
pub fn encode(path: &str) -> String {
    utf8_percent_encode(path, PATH).collect()
}

/// Whether a path has a character that must be encoded before it is forwarded.
#[must_use]
pub fn needs_encoding(path: &str) -> bool {
    path.bytes()
        .any(|byte| matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0..=b' ' | 0x7f..))
}

/// `text` that is no path yet, percent-encoded, its percent signs too.
#[must_use]
pub fn encode_text(text: &str) -> String {
    utf8_percent_encode(text, TEXT).collect()
}

/// A target too long to be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Puts an encoded path in the place of the request's; the query stays.
///
/// # Errors
/// The head stays as it was: with that path, the target would be too long.
pub fn replace_path(head: &mut request::Parts, path: &str) -> Result<(), TooLong> {
    let path = joined_path(&head.uri, "", path)?;
    put_path(head, path);
    Ok(())
}

/// An encoded path in two pieces, with the query of a target.
///
/// # Errors
/// That would be too long.
pub fn joined_path(uri: &Uri, start: &str, rest: &str) -> Result<PathAndQuery, TooLong> {
    let query = uri.query();
    let length = start.len() + rest.len() + query.map_or(0, |query| 1 + query.len());
    // Exactly as long, so that nothing is moved when it becomes a target.
    let mut text = String::with_capacity(length);
    text.push_str(start);
    text.push_str(rest);
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    // A path that is encoded has no character that a target cannot carry.
    PathAndQuery::try_from(text).map_err(|_| TooLong)
}

/// A path that a middleware made, encoded where it must be, with its leading slash, and with the query of
/// a target.
///
/// # Errors
/// The answer to a request whose path would climb out of where it was put, or be too long.
pub fn rewritten_path(uri: &Uri, path: &str) -> Result<PathAndQuery, Response<Bytes>> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let path: Cow<'_, str> = utf8_percent_encode(path, PATH).into();
    if path::climbs(&path) {
        return Err(answer::status(StatusCode::BAD_REQUEST));
    }
    joined_path(uri, slash, &path).map_err(|TooLong| answer::status(StatusCode::URI_TOO_LONG))
}

/// Puts path and query in the place of the request's.
pub fn put_path(head: &mut request::Parts, path: PathAndQuery) {
    if head.uri.authority().is_none() {
        head.uri = Uri::from(path);
        return;
    }
    let mut parts = core::mem::take(&mut head.uri).into_parts();
    parts.path_and_query = Some(path);
    // The parts were those of a target, and the path is one: only a scheme without an authority
    // could fail, and there is one.
    head.uri = Uri::from_parts(parts).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing::head;
    use alloc::string::ToString;

    #[test]
    fn an_absolute_targets_authority_wins_over_host() {
        for (uri, want) in [("/x", "b:1"), ("http://a:2/x", "a:2"), ("http://u:p@a/x", "a")] {
            assert_eq!(authority(&head(uri, &[("host", "b:1")])), want);
        }
        assert_eq!(authority(&head("/x", &[])), "");
    }

    #[test]
    fn a_replaced_path_keeps_query_and_authority() {
        let mut request = head("http://a/x?q=1", &[]);
        replace_path(&mut request, "/y%20z").unwrap();
        assert_eq!(request.uri.to_string(), "http://a/y%20z?q=1");
        let path = |more| "/".repeat(BYTES_MAX - "?q=1".len() + more);
        assert_eq!(replace_path(&mut request, &path(1)), Err(TooLong));
        assert_eq!(request.uri.to_string(), "http://a/y%20z?q=1");
        assert_eq!(replace_path(&mut request, &path(0)), Ok(()));
    }

    #[test]
    fn encoding_leaves_what_is_encoded() {
        assert_eq!(encode("/a b|%2F^ü"), "/a%20b%7C%2F%5E%C3%BC");
        assert!(needs_encoding("/a|") && needs_encoding("/ü") && !needs_encoding("/a%7C"));
    }
}
