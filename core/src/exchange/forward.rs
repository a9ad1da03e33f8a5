//! Heads made fit for the next hop. Compat: http.md "Request sent to the backend".
use super::{
    Delivery,
    rewind::{Field, keep},
};
use crate::entry_point::{
    Peer,
    forwarded::{self, tokens},
};
use alloc::vec::Vec;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{
        ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
        PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, TE, TRANSFER_ENCODING, UPGRADE,
    },
    request, response,
};

const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// What concerns one hop alone, besides what `Connection` names.
pub(super) static HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What of a request bears on its response.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sealed {
    /// We asked for gzip on our own account.
    pub(super) asked_gzip: bool,
    /// The answer to HEAD has no body.
    head: bool,
    /// The request asks for an upgrade.
    pub(super) upgrade: bool,
}

impl Sealed {
    /// Whether the response has no body, whatever its head says.
    pub(super) const fn is_bodiless(self, status: StatusCode) -> bool {
        self.head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }
}

/// The last edit of a request before it is sent: what concerned only the hop to us goes, what the
/// next hop needs comes. `Trailer` stays: trailers are passed on. `before`: gets what goes.
pub(super) fn seal(
    peer: &Peer,
    head: &mut request::Parts,
    mut before: Option<&mut Vec<Field>>,
) -> Sealed {
    let upgrade = forwarded::wants_upgrade(&head.headers);
    let kept = if upgrade { head.headers.get(UPGRADE).cloned() } else { None };
    let headers = &mut head.headers;
    remove_hop_by_hop(headers, before.as_deref_mut());
    if let Some(protocol) = kept {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    let is_head = head.method == Method::HEAD;
    let asked_gzip = !upgrade
        && !is_head
        && !headers.contains_key(ACCEPT_ENCODING)
        && !headers.contains_key(RANGE);
    if asked_gzip {
        headers.insert(ACCEPT_ENCODING, GZIP);
    }
    forwarded::on_forward(peer, headers, before);
    Sealed { asked_gzip, head: is_head, upgrade }
}

/// The first edit of a server's response.
pub(super) fn open(sealed: Sealed, head: &mut response::Parts) -> Delivery {
    head.version = Version::HTTP_11;
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Delivery::default();
    }
    let headers = &mut head.headers;
    remove_listed(headers);
    remove_hop_by_hop(headers, None);
    let gunzip = sealed.asked_gzip
        && headers
            .get(CONTENT_ENCODING)
            .is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"gzip"));
    if gunzip {
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    let sniff = !sealed.is_bodiless(head.status)
        && !headers.contains_key(CONTENT_TYPE)
        && !headers.contains_key(CONTENT_ENCODING);
    Delivery { gunzip, sniff, encode: None }
}

/// RFC 9110 §7.6.1. `TE` stays if it asks for trailers alone.
fn remove_hop_by_hop(headers: &mut HeaderMap, mut before: Option<&mut Vec<Field>>) {
    let mut found = [false; HOP_BY_HOP.len()];
    for name in headers.keys() {
        if let Some(at) = HOP_BY_HOP.iter().position(|hop| hop == name) {
            found[at] = true;
        }
    }
    if found == [false; HOP_BY_HOP.len()] {
        return;
    }
    for (name, found) in HOP_BY_HOP.iter().zip(found) {
        if let (true, Some(before)) = (found, &mut before) {
            keep(name, headers, before);
        }
        let trailers = || *name == TE && headers.get(TE).is_some_and(|te| te == "trailers");
        if found && !trailers() {
            headers.remove(name);
        }
    }
}

/// Removes what a response's `Connection` names besides the fields of [`HOP_BY_HOP`]. Of a request that
/// went on entry, before there were headers of ours that it could name.
fn remove_listed(headers: &mut HeaderMap) {
    let ours = ["keep-alive", "close", "upgrade", "te"];
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(tokens)
        .filter(|token| !ours.iter().any(|ours| token.eq_ignore_ascii_case(ours)))
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .collect();
    for name in listed {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing::{self, peer};
    use alloc::{format, string::String};

    fn lines(headers: &HeaderMap) -> Vec<String> {
        let mut lines: Vec<String> =
            headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    #[test]
    fn what_concerned_one_hop_goes_and_trailers_stay() {
        let mut head = testing::head(
            "/",
            &[
                ("connection", "keep-alive, x-kept"),
                ("keep-alive", "timeout=5"),
                ("proxy-connection", "keep-alive"),
                ("proxy-authorization", "secret"),
                ("te", "trailers"),
                ("trailer", "x-sum"),
                ("transfer-encoding", "chunked"),
                ("upgrade", "h2c"),
                ("accept-encoding", "br"),
                ("x-kept", "1"),
            ],
        );
        let sealed = seal(&peer(), &mut head, None);
        assert!(!sealed.upgrade && !sealed.asked_gzip);
        assert_eq!(
            lines(&head.headers),
            [
                "accept-encoding: br",
                "te: trailers",
                "trailer: x-sum",
                "x-forwarded-for: 192.0.2.7",
                "x-kept: 1"
            ]
        );
    }

    #[test]
    fn a_response_loses_what_its_connection_names() {
        let mut response = testing::response(
            200,
            &[("connection", "x-hop, close"), ("x-hop", "1"), ("x-kept", "1")],
        );
        let sealed = seal(&peer(), &mut testing::head("/", &[("accept-encoding", "br")]), None);
        open(sealed, &mut response);
        assert_eq!(lines(&response.headers), ["x-kept: 1"]);
    }

    #[test]
    fn te_with_anything_but_trailers_goes() {
        let mut head = testing::head("/", &[("te", "gzip, trailers")]);
        seal(&peer(), &mut head, None);
        assert!(!head.headers.contains_key(TE));
    }

    #[test]
    fn an_upgrade_is_put_back() {
        let mut head =
            testing::head("/", &[("connection", "keep-alive, upgrade"), ("upgrade", "websocket")]);
        assert!(seal(&peer(), &mut head, None).upgrade);
        assert_eq!(
            lines(&head.headers),
            ["connection: Upgrade", "upgrade: websocket", "x-forwarded-for: 192.0.2.7"]
        );
        let mut response =
            testing::response(101, &[("connection", "upgrade"), ("upgrade", "websocket")]);
        assert_eq!(
            open(Sealed { upgrade: true, ..Sealed::default() }, &mut response),
            Delivery::default()
        );
        assert_eq!(lines(&response.headers), ["connection: upgrade", "upgrade: websocket"]);
    }

    #[test]
    fn gzip_is_asked_for_where_the_client_did_not_choose_and_undone_on_the_way_back() {
        let mut head = testing::head("/", &[]);
        let sealed = seal(&peer(), &mut head, None);
        assert_eq!(head.headers[ACCEPT_ENCODING], "gzip");
        let zipped =
            [("content-encoding", "gzip"), ("content-length", "9"), ("content-type", "text/plain")];
        let mut response = testing::response(200, &zipped);
        assert_eq!(open(sealed, &mut response), Delivery { gunzip: true, ..Delivery::default() });
        assert_eq!(lines(&response.headers), ["content-type: text/plain"]);
        let mut ranged = testing::head("/", &[("range", "bytes=0-1")]);
        assert!(!seal(&peer(), &mut ranged, None).asked_gzip);
        let mut response = testing::response(200, &zipped);
        let theirs = seal(&peer(), &mut testing::head("/", &[("accept-encoding", "gzip")]), None);
        assert_eq!(open(theirs, &mut response), Delivery::default());
        assert_eq!(response.headers[CONTENT_ENCODING], "gzip");
    }

    #[test]
    fn a_type_is_sniffed_only_for_a_body_without_type_and_encoding() {
        for (status, headers, want) in [
            (200, &[][..], true),
            (200, &[("content-type", "a/b")], false),
            (200, &[("content-encoding", "br")], false),
            (204, &[], false),
            (304, &[], false),
        ] {
            let sealed = seal(&peer(), &mut testing::head("/", &[("accept-encoding", "br")]), None);
            assert_eq!(open(sealed, &mut testing::response(status, headers)).sniff, want);
        }
    }
}
