//! What a rule sees of a request.
use alloc::{borrow::Cow, string::String, vec::Vec};
use core::net::IpAddr;
use http::{Method, Version, header::HeaderName, request};
use percent_encoding::percent_decode_str;

/// A request as rules see it: borrowed, and normalised once. Does not allocate unless the path is
/// percent-encoded.
#[derive(Debug)]
pub struct View<'a> {
    head: &'a request::Parts,
    authority: &'a str,
    client: IpAddr,
    host: &'a str,
    path: Cow<'a, str>,
}

impl<'a> View<'a> {
    /// Sees a request. `authority` is as sent, with its port: of an absolute target (or
    /// `:authority`), else of Host.
    #[must_use]
    pub fn new(head: &'a request::Parts, authority: &'a str, client: IpAddr) -> Self {
        let path = head.uri.path();
        let path = if path.contains('%') { Cow::Owned(decode(path)) } else { Cow::Borrowed(path) };
        Self {
            head,
            authority,
            client: client.to_canonical(),
            host: without_port(authority.trim()),
            path,
        }
    }

    /// The host without its port, in the case it was sent in; empty where there is none.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The path, percent-decoded. Bytes that are no UTF-8 appear as U+FFFD, one each.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host as `HostRegexp` sees it: cut at the first colon, or of an absolute target with its
    /// port.
    pub(super) fn host_as_sent(&self) -> &'a str {
        if self.head.version < Version::HTTP_2 && self.head.uri.scheme().is_some() {
            return self.authority;
        }
        self.authority.split(':').next().unwrap_or("")
    }

    pub(super) const fn method(&self) -> &Method {
        &self.head.method
    }

    pub(super) const fn client(&self) -> IpAddr {
        self.client
    }

    /// The lines of a header. Host is none: it belongs to the target.
    pub(super) fn header(&self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let values = (*name != http::header::HOST).then(|| self.head.headers.get_all(name).iter());
        values.into_iter().flatten().map(http::HeaderValue::as_bytes)
    }

    /// The first value of a query parameter, decoded; empty where it has no `=`. `;` parts parameters
    /// as `&` does. Parameters with a broken percent-encoding do not exist.
    pub(super) fn parameter(&self, key: &str) -> Option<Cow<'a, str>> {
        let query = self.head.uri.query()?;
        query.split(['&', ';']).filter(|parameter| !parameter.is_empty()).find_map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if decode_form(name)? != key {
                return None;
            }
            decode_form(value)
        })
    }
}

/// The authority without its port; as it is, where the port cannot be told from the host.
fn without_port(authority: &str) -> &str {
    let Some((host, _port)) = authority.rsplit_once(':') else { return authority };
    match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(Some(inside)) if !inside.contains(['[', ']']) => inside,
        None if !host.contains([':', '[', ']']) => host,
        Some(_) | None => authority,
    }
}

/// Percent-decoded; what cannot be decoded stays.
fn decode(text: &str) -> String {
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    lossy(bytes)
}

/// Decoded as a form's field: `+` is a space. `None` where a percent sign is not followed by two
/// digits.
fn decode_form(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let broken = text.match_indices('%').any(|(at, _)| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        digits.is_none_or(|digits| !digits.iter().all(u8::is_ascii_hexdigit))
    });
    (!broken).then(|| Cow::Owned(decode(&text.replace('+', " "))))
}

/// As text, with each byte that is not part of a character as U+FFFD.
pub(super) fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let mut text = String::with_capacity(error.as_bytes().len() * 2);
        for chunk in error.as_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(core::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
        }
        text
    })
}
