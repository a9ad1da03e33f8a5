//! The target of a request: authority, path, query, and their edits.
use alloc::{format, string::String};
use http::{Uri, header::HOST, request, uri::PathAndQuery};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

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

/// Puts an encoded path in the place of the request's; the query stays.
pub fn replace_path(head: &mut request::Parts, path: &str) {
    let text = match head.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => String::from(path),
    };
    replace_path_and_query(head, &text);
}

/// Puts an encoded path and query in the place of the request's. One that is no target is left out.
pub fn replace_path_and_query(head: &mut request::Parts, text: &str) {
    let Ok(path_and_query) = PathAndQuery::try_from(text) else { return };
    let mut parts = core::mem::take(&mut head.uri).into_parts();
    parts.path_and_query = Some(path_and_query);
    // The parts were those of a target, and the path is one: only a scheme without an authority
    // could fail, which no target has.
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
        replace_path(&mut request, "/y%20z");
        assert_eq!(request.uri.to_string(), "http://a/y%20z?q=1");
    }

    #[test]
    fn encoding_leaves_what_is_encoded() {
        assert_eq!(encode("/a b|%2F^ü"), "/a%20b%7C%2F%5E%C3%BC");
        assert!(needs_encoding("/a|") && needs_encoding("/ü") && !needs_encoding("/a%7C"));
    }
}
