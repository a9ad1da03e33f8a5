use super::*;
use crate::middleware::testing;
use alloc::{string::ToString, vec};
use core::fmt::Write;
use http::{HeaderMap, Method, header::HOST};
use proptest::prelude::*;
use serde_json::{Value, json};

mod cors;
mod security;

const ORIGIN: &str = "https://a.example";

fn options(json: Value) -> Headers {
    serde_json::from_value(json).unwrap()
}

fn rules(json: Value) -> Rules {
    options(json).compile().unwrap()
}

fn request(line: &str, headers: &[(&str, &str)]) -> request::Parts {
    let (method, uri) = line.split_once(' ').unwrap();
    let mut head = testing::head(uri, headers);
    head.method = method.parse().unwrap();
    head
}

/// What happens to a request, and to the server's answer if it gets there.
fn pass(rules: &Rules, tls: bool, mut head: request::Parts, answer: &[(&str, &str)]) -> String {
    match rules.request(tls, &mut head) {
        Ok(seen) => {
            let mut response = testing::response(200, answer);
            rules.response(&seen, 1, true, &mut response);
            format!("-> {} {}{}<- 200{}", head.method, head.uri, lines(&head.headers), lines(&response.headers))
        }
        Err(response) => {
            let (head, body) = response.into_parts();
            format!("<- {}{}{body:?}", head.status.as_u16(), lines(&head.headers))
        }
    }
}

fn lines(headers: &HeaderMap) -> String {
    let mut lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines.iter().fold(String::from("\n"), |mut text, line| {
        let _ = writeln!(text, "   {line}");
        text
    })
}

#[test]
fn options_are_named_as_users_write_them() {
    let json = json!({
        "customRequestHeaders": {"A": "1"}, "customResponseHeaders": {"A": "1"},
        "accessControlAllowOrigin": "*", "accessControlAllowOriginList": ["a"],
        "accessControlAllowOriginListRegex": ["a"], "accessControlAllowCredentials": true,
        "accessControlAllowHeaders": ["a"], "accessControlAllowMethods": ["a"],
        "accessControlExposeHeaders": ["a"], "accessControlMaxAge": 1, "addVaryHeader": true,
        "allowedHosts": ["a"], "hostsProxyHeaders": ["a"], "sslRedirect": true,
        "sslTemporaryRedirect": true, "sslHost": "a", "sslForceHost": true,
        "sslProxyHeaders": {"A": "1"}, "stsSeconds": 1, "stsIncludeSubdomains": true,
        "stsPreload": true, "forceSTSHeader": true, "frameDeny": true,
        "customFrameOptionsValue": "a", "contentTypeNosniff": true, "browserXssFilter": true,
        "customBrowserXSSValue": "a", "contentSecurityPolicy": "a", "publicKey": "a",
        "referrerPolicy": "a", "featurePolicy": "a", "permissionsPolicy": "a",
        "isDevelopment": true,
    });
    assert_eq!(serde_json::to_value(options(json.clone())).unwrap(), json);
    assert_eq!(serde_json::to_value(Headers::default()).unwrap(), json!({}));
}

#[test]
fn without_any_option_it_is_not_valid() {
    assert_eq!(Headers::default().compile().unwrap_err(), "headers configuration not valid");
}

#[test]
fn what_cannot_be_sent_is_refused_with_its_option() {
    let bad = "the value has a character that a header cannot carry";
    for (json, want) in [
        (json!({"customRequestHeaders": {"a b": "1"}}), "customRequestHeaders: \"a b\" is not a header name"),
        (json!({"customResponseHeaders": {"a": "x\ny"}}), &format!("customResponseHeaders.a: {bad}")),
        (json!({"accessControlAllowOriginList": ["\n"]}), &format!("accessControlAllowOriginList: {bad}")),
        (json!({"accessControlAllowMethods": ["GET", "\0"]}), &format!("accessControlAllowMethods: {bad}")),
        (json!({"accessControlAllowHeaders": ["\n"]}), &format!("accessControlAllowHeaders: {bad}")),
        (json!({"accessControlExposeHeaders": ["\n"]}), &format!("accessControlExposeHeaders: {bad}")),
        (
            json!({"accessControlAllowOriginListRegex": ["("]}),
            "accessControlAllowOriginListRegex: error parsing regexp: unclosed group: `(`",
        ),
        (json!({"hostsProxyHeaders": ["a b"]}), "hostsProxyHeaders: \"a b\" is not a header name"),
        (json!({"sslProxyHeaders": {"a b": "1"}}), "sslProxyHeaders: \"a b\" is not a header name"),
        (json!({"sslProxyHeaders": {"a": "\n"}}), &format!("sslProxyHeaders.a: {bad}")),
        (json!({"sslHost": "a\n"}), &format!("sslHost: {bad}")),
        (json!({"sslHost": "https://a"}), "sslHost: \"https://a\" is not a host; leave scheme and path out"),
        (json!({"stsSeconds": -1}), "stsSeconds must not be negative (-1)"),
        (json!({"customFrameOptionsValue": "\n"}), &format!("customFrameOptionsValue: {bad}")),
        (json!({"customBrowserXSSValue": "\n"}), &format!("customBrowserXSSValue: {bad}")),
        (json!({"contentSecurityPolicy": "\n"}), &format!("contentSecurityPolicy: {bad}")),
        (json!({"contentSecurityPolicy": "$NONCE\n"}), &format!("contentSecurityPolicy: {bad}")),
        (json!({"publicKey": "\n"}), &format!("publicKey: {bad}")),
        (json!({"referrerPolicy": "\n"}), &format!("referrerPolicy: {bad}")),
        (json!({"featurePolicy": "\n"}), &format!("featurePolicy: {bad}")),
        (json!({"permissionsPolicy": "\n"}), &format!("permissionsPolicy: {bad}")),
    ] {
        assert_eq!(options(json).compile().unwrap_err(), want);
    }
}

#[test]
fn only_what_cannot_be_presumed_is_kept() {
    let echo = json!({"accessControlAllowOrigin": "origin-list-or-null"});
    let tls = json!({"stsSeconds": 1, "sslProxyHeaders": {"X-Proto": "https"}});
    for (json, headers, kept) in [
        (json!({"customRequestHeaders": {"A": "1"}}), &[("origin", ORIGIN)][..], false),
        (json!({"accessControlAllowOrigin": "*"}), &[("origin", ORIGIN)], false),
        (echo.clone(), &[], false),
        (echo, &[("origin", ORIGIN)], true),
        (tls.clone(), &[("x-proto", "http")], false),
        (tls, &[("x-proto", "https")], true),
    ] {
        let verdict = testing::inward(&rules(json.clone()), &mut request("GET /", headers));
        assert_eq!(matches!(verdict, Verdict::Keep(_)), kept, "{json} {verdict:?}");
    }
    let mut response = testing::response(200, &[]);
    let _ = testing::outward(&rules(json!({"accessControlAllowOrigin": "*"})), &mut response);
    assert_eq!(response.headers["access-control-allow-origin"], "*");
}

mod custom {
    use super::*;

    #[test]
    fn a_value_sets_and_an_empty_value_deletes() {
        let edits = json!({"X-Set": "new", "X-Gone": "", "x-added": "1"});
        let rules = rules(json!({"customRequestHeaders": edits, "customResponseHeaders": edits}));
        let before = &[("x-set", "old"), ("x-gone", "1"), ("x-kept", "1")];
        insta::assert_snapshot!(pass(&rules, false, request("GET /", before), before), @"
        -> GET /
           x-added: 1
           x-kept: 1
           x-set: new
        <- 200
           x-added: 1
           x-kept: 1
           x-set: new
        ");
    }

    #[test]
    fn host_changes_the_host_and_is_never_deleted() {
        for (value, want) in [("b.example", "b.example"), ("", "a.example")] {
            let rules = rules(json!({"customRequestHeaders": {"Host": value}}));
            let mut head = testing::head("/", &[("host", "a.example")]);
            rules.request(false, &mut head).unwrap();
            assert_eq!(head.headers[HOST], want);
        }
    }
}

proptest! {
    #[test]
    fn no_request_and_no_response_panics(
        origin in "[ -~]{0,12}", host in "[ -~]{0,12}", location in "[ -~]{0,20}", tls in any::<bool>(),
    ) {
        let rules = rules(json!({
            "accessControlAllowOriginListRegex": ["a+"], "sslHost": "a", "sslForceHost": true,
            "sslRedirect": true, "stsSeconds": 1, "contentSecurityPolicy": "$NONCE",
        }));
        let mut head = request("GET /", &[("origin", &origin), ("host", &host)]);
        head.method = Method::OPTIONS;
        if let Ok(seen) = rules.request(tls, &mut head) {
            let mut response = testing::response(200, &[("location", &location)]);
            rules.response(&seen, 0, true, &mut response);
            prop_assert!(response.headers.contains_key("content-security-policy"));
        }
    }
}
