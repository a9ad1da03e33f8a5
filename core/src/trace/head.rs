//! Heads as text, without secrets.
use crate::middleware::{basic_auth::authorization::Basic, digest_auth::authorization::Digest};
use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, Version,
    header::{AUTHORIZATION, COOKIE, SET_COOKIE},
    request, response,
};
use serde::{Deserialize, Serialize};

const REDACTED: &str = "redacted";

/// Headers whose whole value says who somebody is.
const SECRETS: [&str; 3] =
    ["proxy-authorization", "x-forwarded-tls-client-cert", "x-forwarded-tls-client-cert-info"];
/// What decides about exchanges, and may be seen.
pub(super) struct Public<'a> {
    /// Names of cookies.
    pub(super) cookies: Vec<&'a str>,
    /// Whether a name is a user's.
    pub(super) is_user: &'a dyn Fn(&[u8]) -> bool,
}

/// A request's head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHead {
    /// Method.
    pub method: String,
    /// Target.
    pub target: String,
    /// 10, 11 or 20.
    pub version: u8,
    /// Header fields in order. Bytes outside ASCII stand as Latin-1.
    pub headers: Vec<(String, String)>,
}

/// A response's head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseHead {
    /// Status code.
    pub status: u16,
    /// Header fields in order. Bytes outside ASCII stand as Latin-1.
    pub headers: Vec<(String, String)>,
}

impl RequestHead {
    pub(super) fn of(head: &request::Parts) -> Self {
        Self {
            method: head.method.to_string(),
            target: head.uri.to_string(),
            version: version_number(head.version),
            headers: fields(&head.headers),
        }
    }

    pub(super) fn to_parts(&self) -> Result<request::Parts, String> {
        let (mut head, ()) = http::Request::new(()).into_parts();
        let bad = |what: &str| format!("the trace has a bad {what}");
        head.method = self.method.parse().map_err(|_| bad("method"))?;
        head.uri = self.target.parse().map_err(|_| bad("target"))?;
        head.version = match self.version {
            10 => Version::HTTP_10,
            20 => Version::HTTP_2,
            _ => Version::HTTP_11,
        };
        head.headers = header_map(&self.headers)?;
        Ok(head)
    }

    pub(super) fn redact(&mut self, public: &Public<'_>) {
        redact(&mut self.headers, public);
    }
}

impl ResponseHead {
    pub(super) fn of(head: &response::Parts) -> Self {
        Self { status: head.status.as_u16(), headers: fields(&head.headers) }
    }

    pub(super) fn of_response(response: &Response<Bytes>) -> Self {
        Self { status: response.status().as_u16(), headers: fields(response.headers()) }
    }

    pub(super) fn to_parts(&self) -> Result<response::Parts, String> {
        let (mut head, ()) = Response::new(()).into_parts();
        head.status =
            self.status.try_into().map_err(|_| String::from("the trace has a bad status"))?;
        head.headers = header_map(&self.headers)?;
        Ok(head)
    }

    pub(super) fn redact(&mut self, public: &Public<'_>) {
        redact(&mut self.headers, public);
    }
}

const fn version_number(version: Version) -> u8 {
    match version {
        Version::HTTP_09 | Version::HTTP_10 => 10,
        Version::HTTP_2 => 20,
        _ => 11,
    }
}

fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let latin =
        |value: &HeaderValue| value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), latin(value))).collect()
}

fn header_map(fields: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
        let header = HeaderName::from_bytes(name.as_bytes()).ok();
        let value = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
        let (Some(header), Some(value)) = (header, value) else {
            return Err(format!("the trace has a bad header {name}"));
        };
        headers.append(header, value);
    }
    Ok(headers)
}

fn redact(headers: &mut [(String, String)], public: &Public<'_>) {
    let kept = &*public.cookies;
    for (name, value) in headers {
        if *name == AUTHORIZATION.as_str() {
            *value = redact_authorization(value, public.is_user);
        } else if SECRETS.contains(&&**name) {
            *value = REDACTED.to_owned();
        } else if *name == COOKIE.as_str() {
            let pairs: Vec<String> =
                value.split(';').map(|pair| redact_cookie(pair, kept)).collect();
            *value = pairs.join("; ");
        } else if *name == SET_COOKIE.as_str() {
            *value = redact_cookie(value, kept);
        }
    }
}

/// What decides without being a secret stays: names of users and all of a digest but the response, so
/// that the same is asked when the trace is replayed, and the recorded answer decides.
fn redact_authorization(value: &str, is_user: &dyn Fn(&[u8]) -> bool) -> String {
    let bytes: Vec<u8> = value.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    if let Some(basic) = Basic::redacted(&bytes, is_user) {
        return basic;
    }
    match Digest::redacted(&bytes, is_user) {
        Some(digest) => digest.into_iter().map(char::from).collect(),
        None => REDACTED.to_owned(),
    }
}

/// `name=redacted`, or the whole of a cookie that decides about servers.
fn redact_cookie(pair: &str, kept: &[&str]) -> String {
    let pair = pair.trim();
    match pair.split_once('=') {
        Some((name, _)) if kept.contains(&name.trim()) => pair.to_owned(),
        Some((name, _)) => format!("{}={REDACTED}", name.trim()),
        None => REDACTED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;

    #[test]
    fn secrets_are_left_out_and_sticky_cookies_kept() {
        let mut head = RequestHead::of(&testing::head(
            "/x?y",
            &[
                ("authorization", "Basic c2VjcmV0"),
                ("x-forwarded-tls-client-cert", "c2VjcmV0"),
                ("x-forwarded-tls-client-cert-info", "secret"),
                ("cookie", "sid=secret; lb=a; junk"),
                ("a", "1"),
            ],
        ));
        head.redact(&Public { cookies: ["lb"].into(), is_user: &|_| false });
        let text = format!("{head:?}");
        assert!(!text.contains("secret") && !text.contains("c2VjcmV0") && !text.contains("junk"));
        assert!(text.contains("sid=redacted; lb=a; redacted"));
    }

    #[test]
    fn of_credentials_the_names_of_users_are_kept() {
        let redacted = |value| redact_authorization(value, &|name| name == b"a");
        // a:hunter2, b:hunter2 and hunter2.
        assert_eq!(redacted("Basic YTpodW50ZXIy"), "Basic YTpyZWRhY3RlZA==");
        assert_eq!(redacted("Basic YjpodW50ZXIy"), "Basic cmVkYWN0ZWQ6cmVkYWN0ZWQ=");
        assert_eq!(redacted("Basic aHVudGVyMg=="), "redacted");
        assert_eq!(redacted("Bearer hunter2"), "redacted");
        let digest = r#"Digest username="a", realm="r", nonce="n", uri="/", response="hunter2", nc=1, cnonce="c", qop=auth"#;
        let want = r#"Digest username="a", realm="r", nonce="n", uri="/", response="redacted", nc="1", cnonce="c", qop="auth""#;
        assert_eq!(redacted(digest), want);
    }

    #[test]
    fn a_head_survives_as_text() {
        let mut parts = testing::head("/x?y", &[("a", "1"), ("a", "2")]);
        parts.headers.append("b", HeaderValue::from_bytes(b"\xFFz").unwrap());
        let back = RequestHead::of(&parts).to_parts().unwrap();
        assert_eq!(
            (&back.headers, &back.uri, back.version),
            (&parts.headers, &parts.uri, parts.version)
        );
    }
}
