//! `redirectScheme`: to the same place by another scheme. Compat: middlewares.md "redirectScheme".
use super::{Context, Edits, Options, Verdict, Walk};
use crate::{cells::Cells, entry_point::forwarded, exchange::answer, exchange::target};
use alloc::{boxed::Box, format, string::String};
use http::{Method, StatusCode, request};
use serde::{Deserialize, Serialize};

/// The options of `redirectScheme`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct RedirectScheme {
    /// The scheme to go to.
    pub scheme: String,
    /// The port to go to; empty: the scheme's own.
    pub port: String,
    /// 301 and 308 instead of 302 and 307.
    pub permanent: bool,
}

/// Compiled `redirectScheme`.
#[derive(Debug)]
pub struct Scheme {
    scheme: Box<str>,
    /// `:port`, or nothing.
    port: Box<str>,
    permanent: bool,
}

impl Options for RedirectScheme {
    type Middleware = Scheme;

    fn compile(&self) -> Result<Scheme, String> {
        if self.scheme.is_empty() {
            return Err("you must provide a target scheme".into());
        }
        let port = match (self.scheme.as_str(), self.port.as_str()) {
            (_, "") | ("http", "80") | ("https", "443") => String::new(),
            (_, port) => format!(":{port}"),
        };
        Ok(Scheme { scheme: self.scheme.as_str().into(), port: port.into(), permanent: self.permanent })
    }
}

impl Walk for Scheme {
    fn inward<C: Cells>(&self, context: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let authority = target::authority(head);
        let Some((host, port)) = plain_host(authority) else { return Verdict::Continue };
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let location = format!("{}://{host}{}{path}", self.scheme, self.port);
        let scheme = forwarded::scheme(context.peer, head);
        let here = match (scheme, port) {
            (_, None) | ("http", Some("80")) | ("https", Some("443")) => host,
            (_, Some(_)) => authority,
        };
        if location == format!("{scheme}://{here}{path}") {
            return Verdict::Continue;
        }
        Verdict::Respond(answer::redirect(status(&head.method, self.permanent), &location))
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }
}

/// The status of a redirect.
pub(super) const fn status(method: &Method, permanent: bool) -> StatusCode {
    match (matches!(*method, Method::GET), permanent) {
        (true, false) => StatusCode::FOUND,
        (true, true) => StatusCode::MOVED_PERMANENTLY,
        (false, false) => StatusCode::TEMPORARY_REDIRECT,
        (false, true) => StatusCode::PERMANENT_REDIRECT,
    }
}

/// Host and port of an authority whose host is made of letters, digits, `_`, `.` and `-`; IPv6
/// literals are not redirected.
fn plain_host(authority: &str) -> Option<(&str, Option<&str>)> {
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let digits = port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    (!host.is_empty() && host.bytes().all(plain) && digits).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;
    use http::header::LOCATION;
    use proptest::prelude::*;

    fn redirect(options: &RedirectScheme, method: Method, uri: &str, headers: &[(&str, &str)]) -> String {
        let mut head = testing::head(uri, headers);
        head.method = method;
        let verdict = testing::inward(&options.compile().unwrap(), &mut head);
        let Verdict::Respond(response) = verdict else { return format!("{verdict:?}") };
        let location = response.headers()[LOCATION].to_str().unwrap();
        format!("{} {location} {:?}", response.status().as_u16(), response.body())
    }

    #[test]
    fn status_follows_method_and_permanence() {
        let https = |permanent| RedirectScheme { scheme: "https".into(), permanent, ..Default::default() };
        let host = &[("host", "a.example:8000")][..];
        for (permanent, method, want) in [
            (false, Method::GET, "302 https://a.example/x?y=1 b\"Found\""),
            (true, Method::GET, "301 https://a.example/x?y=1 b\"Moved Permanently\""),
            (false, Method::HEAD, "307 https://a.example/x?y=1 b\"Temporary Redirect\""),
            (true, Method::POST, "308 https://a.example/x?y=1 b\"Permanent Redirect\""),
        ] {
            assert_eq!(redirect(&https(permanent), method, "/x?y=1", host), want);
        }
    }

    #[test]
    fn the_default_port_is_left_out_and_others_are_kept() {
        for (scheme, port, want) in [
            ("https", "443", "302 https://a/ b\"Found\""),
            ("https", "8443", "302 https://a:8443/ b\"Found\""),
            ("http", "8080", "302 http://a:8080/ b\"Found\""),
        ] {
            let options = RedirectScheme { scheme: scheme.into(), port: port.into(), permanent: false };
            assert_eq!(redirect(&options, Method::GET, "/", &[("host", "a")]), want);
        }
    }

    #[test]
    fn a_request_already_there_passes() {
        let https = RedirectScheme { scheme: "https".into(), ..Default::default() };
        let there = &[("host", "a"), ("x-forwarded-proto", "https")];
        assert_eq!(redirect(&https, Method::GET, "/", there), "Continue");
        let there = &[("host", "a"), ("x-forwarded-proto", "wss")];
        assert_eq!(redirect(&https, Method::GET, "/", there), "Continue");
        let there = &[("host", "a:443"), ("x-forwarded-proto", "HTTPS")];
        assert_eq!(redirect(&https, Method::GET, "/", there), "Continue");
    }

    #[test]
    fn a_port_is_dropped_with_the_scheme_it_belonged_to() {
        let https = RedirectScheme { scheme: "https".into(), ..Default::default() };
        for (host, proto, want) in [
            ("a:8000", "http", "302 https://a/x b\"Found\""),
            ("a:443", "ws", "302 https://a/x b\"Found\""),
            ("a:80", "https", "302 https://a/x b\"Found\""),
            ("a:8443", "wss", "302 https://a/x b\"Found\""),
        ] {
            let headers = [("host", host), ("x-forwarded-proto", proto)];
            assert_eq!(redirect(&https, Method::GET, "/x", &headers), want);
        }
    }

    #[test]
    fn an_ipv6_literal_is_not_redirected() {
        let https = RedirectScheme { scheme: "https".into(), ..Default::default() };
        assert_eq!(redirect(&https, Method::GET, "/", &[("host", "[::1]:80")]), "Continue");
    }
    proptest! {
        #[test]
        fn path_and_query_are_never_lost(
            host in "[a-z_.-]{1,6}",
            uri in "/[a-z/%!]{0,8}(\\?[!$-;=?-\\[\\]-~]{0,12})?",
        ) {
            let https = RedirectScheme { scheme: "https".into(), ..Default::default() };
            let got = redirect(&https, Method::GET, &uri, &[("host", &host)]);
            prop_assert_eq!(got, format!("302 https://{host}{uri} b\"Found\""));
        }
    }
}
