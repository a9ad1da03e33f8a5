//! `X-Forwarded-*` headers at the entry point. Compat: http.md "Forwarded headers".
use super::{EntryPoint, Peer};
use alloc::{string::String, vec::Vec};
use bytes::BytesMut;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, Entry, HOST, UPGRADE},
    request,
};

/// Who a request passed, the client first.
pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_SERVER: HeaderName = HeaderName::from_static("x-forwarded-server");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Headers that a plain request gains on its way: these, and `Accept-Encoding`.
const ADDED: usize = 7;

/// Makes a request's head tell the truth about its client: first of all that happens to it.
///
/// Headers that an untrusted peer may not send are removed, then what is missing is set. Headers
/// named in `Connection` are removed here, so that no later header of ours can be named away.
pub fn on_entry(entry_point: &EntryPoint, peer: &Peer, head: &mut request::Parts) {
    let headers = &mut head.headers;
    headers.reserve(ADDED);
    if !entry_point.forwarded_trust.includes(peer.address.ip()) {
        remove_managed(headers);
    }
    remove_connection_listed(headers);
    headers.entry(X_REAL_IP).or_insert_with(|| peer.ip.clone());
    if !headers.contains_key(&X_FORWARDED_PROTO) {
        let proto = match (peer.tls, is_websocket(headers)) {
            (true, true) => "wss",
            (false, true) => "ws",
            (true, false) => "https",
            (false, false) => "http",
        };
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
    }
    let host = headers.get(HOST).filter(|host| !host.is_empty()).cloned();
    if !headers.contains_key(&X_FORWARDED_PORT) {
        let port = port(peer, headers, host.as_ref());
        headers.insert(X_FORWARDED_PORT, port);
    }
    if let Some(host) = host {
        headers.entry(X_FORWARDED_HOST).or_insert(host);
    }
    headers.insert(X_FORWARDED_SERVER, entry_point.hostname.clone());
}

/// Adds the peer to `X-Forwarded-For`: last of all before a request is forwarded. What was there goes to
/// `before`.
pub(crate) fn on_forward(
    peer: &Peer,
    headers: &mut HeaderMap,
    before: Option<&mut Vec<(HeaderName, HeaderValue)>>,
) {
    let mut entry = match headers.entry(X_FORWARDED_FOR) {
        Entry::Vacant(entry) => {
            entry.insert(peer.ip.clone());
            return;
        }
        Entry::Occupied(entry) => entry,
    };
    if let Some(before) = before {
        before.extend(entry.iter().map(|value| (X_FORWARDED_FOR, value.clone())));
    }
    let mut list = BytesMut::new();
    for value in entry.iter() {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(peer.ip.as_bytes());
    if let Ok(list) = HeaderValue::from_maybe_shared(list.freeze()) {
        entry.insert(list);
    }
}

/// `https` or `http`: what the client spoke, as far as it is known here.
#[must_use]
pub fn scheme(peer: &Peer, head: &request::Parts) -> &'static str {
    let proto = head.headers.get(&X_FORWARDED_PROTO).map_or(&b""[..], HeaderValue::as_bytes);
    let is =
        |names: [&str; 2]| names.iter().any(|name| proto.eq_ignore_ascii_case(name.as_bytes()));
    if is(["https", "wss"]) || (peer.tls && !is(["http", "ws"])) { "https" } else { "http" }
}

/// Whether a request asks for a WebSocket.
#[must_use]
pub fn is_websocket(headers: &HeaderMap) -> bool {
    wants_upgrade(headers)
        && headers
            .get(UPGRADE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains("websocket"))
}

/// Whether a request's first `Connection` header has the token `upgrade`, and there is one to go to.
///
/// `h2c` is no such protocol: whoever tunnels it lets requests past all routers and middlewares. It
/// is an offer that a server may ignore.
#[must_use]
pub fn wants_upgrade(headers: &HeaderMap) -> bool {
    let offers = |protocol: &str| protocol.eq_ignore_ascii_case("h2c");
    headers.contains_key(UPGRADE)
        && !headers.get_all(UPGRADE).iter().flat_map(tokens).any(offers)
        && headers
            .get(CONNECTION)
            .is_some_and(|value| tokens(value).any(|token| token.eq_ignore_ascii_case("upgrade")))
}

/// The comma-separated tokens of a header value.
pub(crate) fn tokens(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.to_str().unwrap_or("").split(',').map(str::trim_ascii).filter(|token| !token.is_empty())
}

/// Whether only the proxy may say it. Underscores count as dashes: many servers read them so.
pub(crate) fn is_managed(name: &str) -> bool {
    let bytes = name.as_bytes();
    if !matches!(bytes, [b'x', b'-' | b'_', ..]) {
        return false;
    }
    let same = |other: &str| {
        bytes.len() == other.len()
            && bytes.iter().zip(other.bytes()).all(|(a, b)| *a == b || (*a == b'_' && b == b'-'))
    };
    [
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-method",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "x-forwarded-server",
        "x-forwarded-tls-client-cert",
        "x-forwarded-tls-client-cert-info",
        "x-forwarded-uri",
        "x-real-ip",
    ]
    .into_iter()
    .any(same)
}

fn remove_managed(headers: &mut HeaderMap) {
    while let Some(name) = headers.keys().find(|name| is_managed(name.as_str())).cloned() {
        headers.remove(name);
    }
}

/// Removes what `Connection` names, but for what we manage and what an upgrade needs.
fn remove_connection_listed(headers: &mut HeaderMap) {
    let listed = |value: &HeaderValue| -> Vec<HeaderName> {
        tokens(value)
            .filter(|token| {
                let kept = ["upgrade", "keep-alive", "close", "te", "host", "content-length"];
                !kept.iter().any(|kept| token.eq_ignore_ascii_case(kept))
            })
            .map(str::to_ascii_lowercase)
            .filter(|token: &String| !is_managed(token))
            .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
            .collect()
    };
    let names: Vec<HeaderName> = headers.get_all(CONNECTION).iter().flat_map(listed).collect();
    for name in names {
        headers.remove(name);
    }
}

fn port(peer: &Peer, headers: &HeaderMap, host: Option<&HeaderValue>) -> HeaderValue {
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or("");
    let after_literal = host.rfind(']').map_or(0, |end| end + 1);
    if let Some((_, port)) = host[after_literal..].rsplit_once(':')
        && !port.is_empty()
        && let Ok(port) = HeaderValue::from_str(port)
    {
        return port;
    }
    let proto = headers.get(&X_FORWARDED_PROTO).map(HeaderValue::as_bytes);
    let secure = peer.tls || matches!(proto, Some(b"https" | b"wss"));
    HeaderValue::from_static(if secure { "443" } else { "80" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entry_point::Trust,
        middleware::testing::{all, entry_point, head, peer},
    };
    use alloc::{boxed::Box, format};

    fn entered(trusted: bool, headers: &[(&str, &str)]) -> request::Parts {
        let mut entry_point = entry_point();
        entry_point.forwarded_trust = Trust { insecure: trusted, networks: Box::default() };
        let mut head = head("/", headers);
        on_entry(&entry_point, &peer(), &mut head);
        head
    }

    #[test]
    fn an_untrusted_peers_claims_are_replaced() {
        let spoofed = [
            ("host", "a.example:8000"),
            ("x-real-ip", "6.6.6.6"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil"),
            ("x-forwarded-port", "1"),
            ("x-forwarded-prefix", "/evil"),
            ("x_forwarded_for", "6.6.6.6"),
            ("x-forwarded-tls-client-cert", "evil"),
            ("x-other", "kept"),
        ];
        let mut head = entered(false, &spoofed);
        on_forward(&peer(), &mut head.headers, None);
        let mut lines: Vec<String> =
            head.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "host: a.example:8000",
                "x-forwarded-for: 192.0.2.7",
                "x-forwarded-host: a.example:8000",
                "x-forwarded-port: 8000",
                "x-forwarded-proto: http",
                "x-forwarded-server: edge",
                "x-other: kept",
                "x-real-ip: 192.0.2.7",
            ]
        );
    }

    #[test]
    fn a_trusted_peers_claims_stay_and_the_list_grows() {
        let mut head = entered(
            true,
            &[
                ("host", "a.example"),
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-for", "10.0.0.2"),
                ("x-forwarded-proto", "https"),
                ("x-real-ip", "10.0.0.1"),
            ],
        );
        on_forward(&peer(), &mut head.headers, None);
        assert_eq!(all(&head.headers, "x-forwarded-for"), ["10.0.0.1, 10.0.0.2, 192.0.2.7"]);
        assert_eq!(head.headers["x-forwarded-port"], "443");
        assert_eq!(head.headers["x-real-ip"], "10.0.0.1");
        assert_eq!(scheme(&peer(), &head), "https");
    }

    #[test]
    fn a_websocket_handshake_is_ws_unless_a_trusted_peer_knows_better() {
        let upgrade = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
        assert_eq!(entered(false, &upgrade).headers["x-forwarded-proto"], "ws");
        let trusted = [upgrade[0], upgrade[1], ("x-forwarded-proto", "wss")];
        assert_eq!(entered(true, &trusted).headers["x-forwarded-proto"], "wss");
    }

    #[test]
    fn the_scheme_is_what_the_header_says_if_it_says_one() {
        let tls = Peer { tls: true, ..peer() };
        for (proto, clear, over_tls) in [
            ("https", "https", "https"),
            ("WSS", "https", "https"),
            ("http", "http", "http"),
            ("Ws", "http", "http"),
            ("gopher", "http", "https"),
            ("", "http", "https"),
        ] {
            let head = head("/", &[("x-forwarded-proto", proto)]);
            assert_eq!((scheme(&peer(), &head), scheme(&tls, &head)), (clear, over_tls), "{proto}");
        }
    }

    #[test]
    fn connection_cannot_name_our_headers_away() {
        let head = entered(
            false,
            &[("connection", "X-Real-Ip, x-drop, close"), ("x-drop", "1"), ("x-keep", "1")],
        );
        assert!(head.headers.contains_key("x-real-ip"));
        assert!(!head.headers.contains_key("x-drop"));
        assert!(head.headers.contains_key("x-keep"));
    }

    #[test]
    fn the_port_of_an_ipv6_host_is_found() {
        for (host, want) in [("[::1]:8080", "8080"), ("[::1]", "80"), ("a:", "80"), ("a", "80")] {
            assert_eq!(entered(false, &[("host", host)]).headers["x-forwarded-port"], want);
        }
    }
}
