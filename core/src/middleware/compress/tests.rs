use super::*;
use crate::{
    exchange::Delivery,
    middleware::{Origin, testing},
};
use alloc::vec;
use serde_json::{Value, json};

fn options(json: Value) -> Compress {
    serde_json::from_value(json).unwrap()
}

fn rules(json: Value) -> Rules {
    options(json).compile().unwrap()
}

#[test]
fn options_that_cannot_be_are_refused() {
    for (json, want) in [
        (
            json!({"excludedContentTypes": ["text/html", "/"]}),
            "excludedContentTypes: \"/\" is not a media type such as `text/html`",
        ),
        (
            json!({"includedContentTypes": ["a b"]}),
            "includedContentTypes: \"a b\" is not a media type such as `text/html`",
        ),
        (
            json!({"includedContentTypes": ["a/b"], "excludedContentTypes": ["a/b"]}),
            "excludedContentTypes and includedContentTypes exclude each other",
        ),
        (json!({"minResponseBodyBytes": -1}), "minResponseBodyBytes must not be negative (-1)"),
        (json!({"encodings": ["gzip", "deflate"]}), "encodings: \"deflate\" is none of `gzip`, `br` and `zstd`"),
    ] {
        assert_eq!(options(json).compile().unwrap_err(), want);
    }
}

#[test]
fn a_request_says_what_is_wanted() {
    let plain = json!({});
    let except = json!({"excludedContentTypes": ["text/X; a=b"]});
    let only = json!({"includedContentTypes": ["text/x"]});
    let brotli = json!({"encodings": ["br"]});
    let gzip = ("accept-encoding", "gzip");
    for (json, method, headers, want) in [
        (&plain, "GET", &[][..], Wanted::Plain),
        (&plain, "GET", &[gzip], Wanted::Encoded(Encoding::Gzip)),
        (&plain, "POST", &[gzip, ("content-type", "text/x")], Wanted::Encoded(Encoding::Gzip)),
        (&plain, "HEAD", &[gzip], Wanted::Plain),
        (&plain, "GET", &[gzip, ("cache-control", "max-age=0, No-Transform")], Wanted::Plain),
        (&plain, "POST", &[gzip, ("content-type", "application/grpc")], Wanted::Excluded),
        (&plain, "POST", &[gzip, ("content-type", "Application/gRPC+proto")], Wanted::Excluded),
        (&except, "POST", &[gzip, ("content-type", "TEXT/x;charset=utf-8")], Wanted::Excluded),
        (&except, "HEAD", &[("content-type", "text/x")], Wanted::Excluded),
        (&except, "POST", &[gzip, ("content-type", "text/xx")], Wanted::Encoded(Encoding::Gzip)),
        (&only, "POST", &[gzip, ("content-type", "text/y")], Wanted::Encoded(Encoding::Gzip)),
        (&brotli, "GET", &[gzip], Wanted::Plain),
        (&brotli, "GET", &[("accept-encoding", "gzip, br;q=0.1")], Wanted::Encoded(Encoding::Brotli)),
    ] {
        let mut head = testing::head("/", headers);
        head.method = method.parse().unwrap();
        assert_eq!(rules(json.clone()).wanted(&head), want, "{json} {method} {headers:?}");
    }
}

#[test]
fn a_response_is_encoded_if_it_is_fit_and_long_enough() {
    let plain = json!({});
    let except = json!({"excludedContentTypes": ["text/x"], "minResponseBodyBytes": 10});
    let only = json!({"includedContentTypes": ["text/x"]});
    let text = ("content-type", "text/x");
    for (json, status, headers, want) in [
        (&plain, 200, &[text][..], Some(1400)),
        (&plain, 404, &[text, ("content-length", "1400")], Some(0)),
        (&plain, 200, &[text, ("content-length", "1399")], None),
        (&plain, 200, &[text, ("content-length", "x")], None),
        (&plain, 200, &[], Some(1400)),
        (&except, 200, &[text], None),
        (&except, 200, &[("content-type", "Text/X; a=b")], None),
        (&except, 200, &[("content-type", "text/y")], Some(10)),
        (&except, 200, &[("content-length", "10")], Some(0)),
        (&only, 200, &[text], Some(1400)),
        (&only, 200, &[("content-type", "text/y")], None),
        (&only, 200, &[], None),
        (&plain, 200, &[("content-type", "text/event-stream; charset=utf-8")], None),
        (&plain, 200, &[("content-type", "application/grpc")], None),
        (&plain, 200, &[text, ("content-encoding", "br")], None),
        (&plain, 200, &[text, ("content-encoding", "")], None),
        (&plain, 200, &[text, ("cache-control", "public,no-transform")], None),
        (&plain, 206, &[text], None),
        (&plain, 200, &[text, ("content-range", "bytes 0-1/2")], None),
        (&plain, 101, &[], None),
        (&plain, 204, &[], None),
        (&plain, 205, &[], None),
        (&plain, 304, &[text], None),
    ] {
        let head = testing::response(status, headers);
        let encode = rules(json.clone()).encode(Encoding::Zstd, &head, false);
        assert_eq!(encode.map(|it| it.bytes_min), want, "{json} {status} {headers:?}");
        assert!(encode.is_none_or(|it| it.encoding == Encoding::Zstd && it.kinds == Kinds::ALL));
    }
}

#[test]
fn a_type_yet_to_be_found_is_left_to_the_one_who_finds_it() {
    let head = testing::response(200, &[]);
    for (json, png, html) in [
        (json!({}), true, true),
        (json!({"excludedContentTypes": ["image/png"]}), false, true),
        (json!({"includedContentTypes": ["text/html"]}), false, true),
    ] {
        let kinds = rules(json).encode(Encoding::Gzip, &head, true).unwrap().kinds;
        assert_eq!(kinds.contain("image/png"), png);
        assert_eq!(kinds.contain("text/html; charset=utf-8"), html);
    }
}

/// What a response says after the middleware, and how it is delivered.
fn answered(rules: &Rules, request: &[(&str, &str)], mut delivery: Delivery, vary: &[&str]) -> (Vec<String>, Option<Encode>) {
    let verdict = testing::inward(rules, &mut testing::head("/", request));
    let mut kept = if let Verdict::Keep(kept) = verdict { Some(kept) } else { None };
    let vary: Vec<_> = vary.iter().map(|value| ("vary", *value)).collect();
    let mut head = testing::response(200, &vary);
    let mut answer = Answer {
        head: &mut head,
        origin: Origin::Server,
        delivery: &mut delivery,
        kept: kept.as_mut(),
    };
    let _ = testing::with_context(|context| rules.outward(context, &testing::Nothing, &mut answer));
    (testing::all(&head.headers, "vary"), delivery.encode)
}

#[test]
fn a_response_says_that_it_varies_unless_the_request_is_excluded() {
    let rules = rules(json!({"excludedContentTypes": ["text/x"]}));
    let none = Delivery::default();
    for (request, vary, want) in [
        (&[][..], &[][..], &["Accept-Encoding"][..]),
        (&[("accept-encoding", "gzip")], &["Origin"], &["Origin", "Accept-Encoding"]),
        (&[], &["Origin, accept-encoding"], &["Origin, accept-encoding"]),
        (&[("content-type", "text/x")], &[], &[]),
    ] {
        assert_eq!(answered(&rules, request, none, vary).0, want);
    }
}

#[test]
fn of_two_the_inner_one_encodes() {
    let gzip = [("accept-encoding", "gzip")];
    let (_, encode) = answered(&rules(json!({})), &gzip, Delivery::default(), &[]);
    assert_eq!(encode.map(|it| it.bytes_min), Some(1400));
    let outer = rules(json!({"minResponseBodyBytes": 1}));
    assert_eq!(answered(&outer, &gzip, Delivery { encode, ..Delivery::default() }, &[]).1, encode);
}

#[test]
fn an_encoded_response_says_so_and_takes_back_what_no_longer_holds() {
    for (tag, want) in [("\"1\"", "W/\"1\""), ("W/\"1\"", "W/\"1\""), ("1", "1")] {
        let mut head = testing::response(
            200,
            &[("content-length", "9"), ("accept-ranges", "bytes"), ("etag", tag), ("x", "1")],
        );
        Encoding::Brotli.apply(&mut head.headers);
        let mut lines = vec![];
        for (name, value) in &head.headers {
            lines.push(format!("{name}: {}", value.to_str().unwrap()));
        }
        lines.sort();
        assert_eq!(lines, ["content-encoding: br", &format!("etag: {want}"), "x: 1"]);
    }
}
