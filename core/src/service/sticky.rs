//! Session affinity by cookie: its name, attributes and value. Compat: services.md "Sticky cookie".
use crate::config::http::Cookie;
use alloc::{boxed::Box, format, string::String, sync::Arc};
use core::fmt::Write;
use http::{HeaderMap, HeaderValue, header::COOKIE};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// A compiled sticky cookie.
#[derive(Clone, Debug, PartialEq)]
pub struct Sticky {
    /// The cookie's name.
    pub name: Box<str>,
    attributes: Box<str>,
}

impl Sticky {
    /// The cookie of the service with this qualified name.
    #[must_use]
    pub fn new(cookie: &Cookie, service: &str) -> Self {
        let name: String = match &*cookie.name {
            "" => default_name(service),
            name => name.chars().map(|c| if is_token(c) { c } else { '_' }).collect(),
        };
        let mut attributes = String::from("; Path=/");
        if cookie.http_only {
            attributes.push_str("; HttpOnly");
        }
        if cookie.secure {
            attributes.push_str("; Secure");
        }
        attributes.push_str(same_site(&cookie.same_site).unwrap_or_default());
        Self { name: name.into(), attributes: attributes.into() }
    }

    /// The value that the client sent, if it sent the cookie; of several the first.
    #[must_use]
    pub fn chosen<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
            .find_map(|pair| self.value_in(pair.trim_ascii()))
    }

    /// The `Set-Cookie` value that binds a client to `value`; none if a cookie cannot hold it.
    #[must_use]
    pub fn set_cookie(&self, value: &str) -> Option<HeaderValue> {
        if !value.bytes().all(is_cookie_byte) {
            return None;
        }
        let quote = if value.contains([' ', ',']) { "\"" } else { "" };
        let text = format!("{}={quote}{value}{quote}{}", self.name, self.attributes);
        HeaderValue::try_from(text).ok()
    }

    fn value_in<'h>(&self, pair: &'h [u8]) -> Option<&'h str> {
        let value = pair.strip_prefix(self.name.as_bytes())?.strip_prefix(b"=")?;
        let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        core::str::from_utf8(unquoted.unwrap_or(value)).ok()
    }
}

/// The attribute for a configured `sameSite`, with its separator; none if it is none of the known.
pub(crate) fn same_site(configured: &str) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 3] =
        [("none", "; SameSite=None"), ("lax", "; SameSite=Lax"), ("strict", "; SameSite=Strict")];
    let known = KNOWN.iter().find(|(name, _)| configured.eq_ignore_ascii_case(name))?;
    Some(known.1)
}

/// The opaque value that names a server in a cookie.
///
/// A hash, so that a client learns nothing about the network behind; without a secret, so that all
/// replicas agree.
#[must_use]
pub fn opaque(url: &str) -> Arc<str> {
    hex(&Sha256::digest(url)[..8]).into()
}

fn default_name(service: &str) -> String {
    let hash = Sha1::new().chain_update("_TRAEFIK_BACKEND_").chain_update(service).finalize();
    let mut name = hex(&hash[..3]);
    name.truncate(5);
    format!("_{name}")
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn is_cookie_byte(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b';' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sticky(name: &str) -> Sticky {
        Sticky::new(&Cookie { name: name.into(), ..Cookie::default() }, "app@file")
    }

    #[test]
    fn a_given_name_is_made_a_token_and_a_missing_one_comes_from_the_service() {
        for (given, name) in [
            ("session", "session"),
            ("a b;c=d/é", "a_b_c_d__"),
            ("", "_fb0b0"),
            ("_.~|`^", "_.~|`^"),
        ] {
            assert_eq!(&*sticky(given).name, name);
        }
    }

    #[test]
    fn attributes_come_as_configured() {
        let cookie = |secure, http_only, same_site: &str| {
            let same_site = same_site.into();
            let cookie = Cookie { name: "c".into(), secure, http_only, same_site };
            Sticky::new(&cookie, "app@file").set_cookie("v")
        };
        for (cookie, expected) in [
            (cookie(false, false, ""), "c=v; Path=/"),
            (cookie(true, false, "none"), "c=v; Path=/; Secure; SameSite=None"),
            (cookie(false, true, "Lax"), "c=v; Path=/; HttpOnly; SameSite=Lax"),
            (cookie(true, true, "strict"), "c=v; Path=/; HttpOnly; Secure; SameSite=Strict"),
            (cookie(false, false, "loose"), "c=v; Path=/"),
        ] {
            assert_eq!(cookie.as_ref().and_then(|value| value.to_str().ok()), Some(expected));
        }
    }

    #[test]
    fn a_value_that_a_cookie_cannot_hold_is_not_sent() {
        let set = |value| sticky("c").set_cookie(value);
        assert_eq!(set("a\"b"), None);
        assert_eq!(set("é"), None);
        assert_eq!(set("a b").as_ref().map(HeaderValue::as_bytes), Some(&b"c=\"a b\"; Path=/"[..]));
    }

    #[test]
    fn the_clients_choice_is_found_among_its_cookies() {
        for (lines, chosen) in [
            (&["c=1"][..], Some("1")),
            (&["a=0; c=1; c=2"], Some("1")),
            (&["a=0", "b=0;c=\"q v\""], Some("q v")),
            (&["cc=0; C=0; xc=0"], None),
            (&["c"], None),
            (&["c="], Some("")),
            (&["c=a=b"], Some("a=b")),
            (&["c=\""], Some("\"")),
            (&[], None),
        ] {
            let values = lines.iter().filter_map(|line| HeaderValue::from_str(line).ok());
            let headers: HeaderMap = values.map(|value| (COOKIE, value)).collect();
            assert_eq!(sticky("c").chosen(&headers), chosen, "{lines:?}");
        }
    }

    #[test]
    fn opaque_values_differ_and_say_nothing() {
        assert_ne!(opaque("http://10.0.0.1:80"), opaque("http://10.0.0.2:80"));
        assert_eq!(&*opaque("http://10.0.0.1:80"), "df5bd2f9c0180410");
    }
}
