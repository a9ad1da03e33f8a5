//! A text that is to be a URL, checked and completed as Go does it.
use crate::exchange::{path, target};
use alloc::{borrow::Cow, format, string::String};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Characters that never stand bare in a query or fragment.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The URL with what may not stand bare percent-encoded; `None`: it is none.
pub(super) fn complete(text: &str) -> Option<String> {
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    let (text, fragment) = match text.split_once('#') {
        Some((text, fragment)) => (text, format!("#{}", escaped(fragment)?)),
        None => (text, String::new()),
    };
    let (text, query) = match text.split_once('?') {
        Some((text, query)) => (text, format!("?{}", utf8_percent_encode(query, QUERY))),
        None => (text, String::new()),
    };
    let (scheme, rest) = split_scheme(text)?;
    let Some(after) = rest.strip_prefix("//") else {
        let path = if scheme.is_empty() || rest.starts_with('/') {
            path::bad_escape(rest).is_none().then(|| target::encode(rest))?
        } else {
            // Opaque, such as `mailto:`.
            target::encode(rest)
        };
        return Some(format!("{scheme}{path}{query}{fragment}"));
    };
    let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
    if path::bad_escape(path).is_some() {
        return None;
    }
    let (authority, path) = (self::authority(authority)?, target::encode(path));
    Some(format!("{scheme}//{authority}{path}{query}{fragment}"))
}

/// The scheme with its colon, if there is one, and what follows.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let Some(colon) = text.find(':').filter(|colon| !text[..*colon].contains('/')) else {
        return Some(("", text));
    };
    let mut scheme = text[..colon].bytes();
    let is_scheme = scheme.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    // A first segment with a colon would be one to every reader.
    is_scheme.then(|| text.split_at(colon + 1))
}

fn authority(text: &str) -> Option<Cow<'_, str>> {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", text),
    };
    let (name, port) = match host.strip_prefix('[') {
        Some(literal) => literal.split_once(']')?,
        None => host.split_at(host.rfind(':').unwrap_or(host.len())),
    };
    let is_port = |text: &str| {
        let Some(digits) = text.strip_prefix(':') else { return text.is_empty() };
        digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let may_stand = |byte: u8| {
        !byte.is_ascii()
            || byte.is_ascii_alphanumeric()
            || b"-._~!$&'()*+,;=:".contains(&byte)
    };
    let sound = name.bytes().all(may_stand)
        && is_port(port)
        && path::bad_escape(user).is_none()
        && user.bytes().all(|byte| byte == b'%' || may_stand(byte));
    sound.then(|| utf8_percent_encode(text, CONTROLS).into())
}

fn escaped(fragment: &str) -> Option<String> {
    let encoded = || utf8_percent_encode(fragment, QUERY).collect();
    path::bad_escape(fragment).is_none().then(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_completed() {
        for (text, want) in [
            ("https://a.example:8443/x?y=1#z", "https://a.example:8443/x?y=1#z"),
            ("https://u:p%40@a/", "https://u:p%40@a/"),
            ("http://[::1]:80/x", "http://[::1]:80/x"),
            ("http://a", "http://a"),
            ("http://a?x", "http://a?x"),
            ("http://ü.example/ö?ä", "http://%C3%BC.example/%C3%B6?%C3%A4"),
            ("//a/b", "//a/b"),
            ("/a b/%2Fc?d e#f g", "/a%20b/%2Fc?d%20e#f%20g"),
            ("/a:b?c:d", "/a:b?c:d"),
            ("x?y:z", "x?y:z"),
            ("https:///x", "https:///x"),
            ("mailto:a@b", "mailto:a@b"),
        ] {
            assert_eq!(complete(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "http://a/\r\nx: y",
            "http://a/%2",
            "http://a/#%",
            "http://a b/",
            "http://a{b/",
            "http://a%2Fb/",
            "http://a:b/",
            "http://[::1/",
            "http://[::1]x/",
            "http://u p@a/",
            ":x",
            "1a:b",
            "a b:c",
        ] {
            assert_eq!(complete(text), None, "{text}");
        }
    }
}
