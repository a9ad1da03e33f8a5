//! Requests made safe before routing: one host, and a path that means the same to every reader.
//! Compat: http.md "Host / path safety", observed.md "Rules and requests".
use super::EntryPoint;
use crate::exchange::{answer, target};
use alloc::{string::String, vec::Vec};
use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode, Uri, Version,
    header::{EXPECT, HOST},
    request,
};

/// Brings a head into the one form that everything after works on: a target of path and query only,
/// the authority in `Host`, a clean path. `Err` is the answer to a request that is not to be routed.
pub fn on_entry(
    entry_point: &EntryPoint,
    head: &mut request::Parts,
) -> Result<(), Response<Bytes>> {
    if head.method == Method::CONNECT {
        return Err(answer::status(StatusCode::NOT_IMPLEMENTED));
    }
    host(head)?;
    if head.method == Method::OPTIONS && head.uri.path() == "*" {
        return Err(answer::empty(StatusCode::OK));
    }
    if let Some(expect) = head.headers.get(EXPECT)
        && !expect.as_bytes().eq_ignore_ascii_case(b"100-continue")
    {
        return Err(answer::empty(StatusCode::EXPECTATION_FAILED));
    }
    let path = head.uri.path();
    if path.contains('%') && !escapes_are_whole(path) {
        return Err(answer::text(StatusCode::BAD_REQUEST, "400 Bad Request"));
    }
    if !entry_point.raw_paths && is_unclean(path) {
        let clean = clean(path);
        replace_path(head, &clean)?;
    }
    if target::needs_encoding(head.uri.path()) {
        let encoded = target::encode(head.uri.path());
        replace_path(head, &encoded)?;
    }
    Ok(())
}

fn replace_path(head: &mut request::Parts, path: &str) -> Result<(), Response<Bytes>> {
    target::replace_path(head, path)
        .map_err(|target::TooLong| answer::text(StatusCode::URI_TOO_LONG, "414 URI Too Long"))
}

/// An absolute target's authority takes the place of Host; anything but one sound Host is refused.
fn host(head: &mut request::Parts) -> Result<(), Response<Bytes>> {
    let bad = |text| answer::text(StatusCode::BAD_REQUEST, text);
    if head.uri.authority().is_some() {
        let host = HeaderValue::from_str(target::authority(head))
            .map_err(|_| bad("400 Bad Request: malformed Host header"))?;
        let parts = core::mem::take(&mut head.uri).into_parts();
        head.uri = parts.path_and_query.map_or_else(|| Uri::from_static("/"), Uri::from);
        head.headers.insert(HOST, host);
    }
    let mut all = head.headers.get_all(HOST).iter();
    match (all.next(), all.next()) {
        (None, _) if head.version == Version::HTTP_11 => {
            Err(bad("400 Bad Request: missing required Host header"))
        }
        (None, _) => Ok(()),
        (Some(_), Some(_)) => Err(bad("400 Bad Request: too many Host headers")),
        (Some(host), None) if host.as_bytes().iter().all(|byte| is_host_byte(*byte)) => Ok(()),
        (Some(_), None) => Err(bad("400 Bad Request: malformed Host header")),
    }
}

/// RFC 3986 §3.2.2: unreserved, sub-delims, percent, and what IPv6 literals and ports need.
const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
                | b':'
                | b'['
                | b']'
        )
}

fn escapes_are_whole(path: &str) -> bool {
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let mut hex = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        if byte == b'%' && !(hex() && hex()) {
            return false;
        }
    }
    true
}

/// Whether a path has anything that [`clean`] changes.
fn is_unclean(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.windows(2).any(|pair| matches!(pair, b"//" | b"/.")) || bytes.contains(&b'%')
}

/// Unreserved escapes decoded, empty and dot segments resolved; a trailing slash stays.
fn clean(path: &str) -> String {
    let decoded = decode_unreserved(path);
    let mut segments: Vec<&str> = Vec::new();
    let mut directory = false;
    for segment in decoded.split('/').skip(1) {
        directory = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut clean = String::with_capacity(decoded.len());
    for segment in &segments {
        clean.push('/');
        clean.push_str(segment);
    }
    if directory || segments.is_empty() {
        clean.push('/');
    }
    clean
}

/// RFC 3986 §6.2.2.2: escapes of letters, digits, `-`, `.`, `_`, `~` mean the character itself.
fn decode_unreserved(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        decoded.push_str(&rest[..at]);
        let escape = rest.get(at..at + 3).unwrap_or("");
        let byte = escape.get(1..).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte)
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') =>
            {
                decoded.push(char::from(byte));
            }
            _ => decoded.push_str(escape),
        }
        rest = &rest[(at + escape.len().max(1)).min(rest.len())..];
    }
    decoded.push_str(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing::{self, entry_point};
    use alloc::{format, string::ToString};

    fn entered(uri: &str, headers: &[(&str, &str)]) -> String {
        let mut head = testing::head(uri, headers);
        match on_entry(&entry_point(), &mut head) {
            Ok(()) => format!("{} {:?}", head.uri, head.headers.get(HOST)),
            Err(response) => {
                format!("{} {:?}", response.status().as_u16(), response.body())
            }
        }
    }

    #[test]
    fn paths_are_cleaned_and_queries_left_alone() {
        for (path, want) in [
            ("/", "/"),
            ("/a//b/./c/../d?x=/../y", "/a/b/d?x=/../y"),
            ("/a/..", "/"),
            ("/../../a", "/a"),
            ("/a/%2e%2e/b", "/b"),
            ("/a/.", "/a/"),
            ("/a//", "/a/"),
            ("/%41%2Fb%20c", "/A%2Fb%20c"),
            ("/..a/.b", "/..a/.b"),
            ("/a|b", "/a%7Cb"),
        ] {
            assert_eq!(entered(path, &[("host", "a")]), format!("{want} Some(\"a\")"), "{path}");
        }
    }

    #[test]
    fn raw_paths_go_through_as_sent() {
        let mut entry_point = entry_point();
        entry_point.raw_paths = true;
        let mut head = testing::head("/a//b/../c%2e", &[("host", "a")]);
        on_entry(&entry_point, &mut head).unwrap();
        assert_eq!(head.uri.to_string(), "/a//b/../c%2e");
    }

    #[test]
    fn a_request_that_is_not_to_be_routed_is_answered() {
        for (uri, headers, want) in [
            ("/%zz", &[("host", "a")][..], "400 b\"400 Bad Request\""),
            ("/%2", &[("host", "a")], "400 b\"400 Bad Request\""),
            ("/", &[], "400 b\"400 Bad Request: missing required Host header\""),
            (
                "/",
                &[("host", "a"), ("host", "b")],
                "400 b\"400 Bad Request: too many Host headers\"",
            ),
            ("/", &[("host", "a b")], "400 b\"400 Bad Request: malformed Host header\""),
            ("/", &[("host", "a/b")], "400 b\"400 Bad Request: malformed Host header\""),
            ("/", &[("host", "a"), ("expect", "x")], "417 b\"\""),
            (&format!("/{}", "|".repeat(30_000)), &[("host", "a")], "414 b\"414 URI Too Long\""),
        ] {
            assert_eq!(entered(uri, headers), want, "{uri} {headers:?}");
        }
    }

    #[test]
    fn an_absolute_target_becomes_host_and_path() {
        let got = entered("http://b.example:81/x?y", &[("host", "a")]);
        assert_eq!(got, "/x?y Some(\"b.example:81\")");
        assert_eq!(entered("http://b.example", &[]), "/ Some(\"b.example\")");
    }
}
