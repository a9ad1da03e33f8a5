use super::*;
use crate::{
    body::testing::{Event, Script, data, pause, run, trailers},
    net::tcp::Tcp,
};
use rutter_core::{exchange::sniff::Kinds, middleware::compress::Encoding};

/// When the beginning was read, what it is, and all that is passed on then.
async fn read(wanted: u64, events: &[Event]) -> (u64, &'static str, String) {
    let mut script = Script::new(events.to_vec());
    let (mut begun, clock) = (Begun::default(), Clock::start());
    begun.read(wanted, clock, |cx| script.poll_frame(cx)).await;
    let now = clock.now().0 / 1_000_000;
    let after = match begun.after {
        After::More => "goes on",
        After::Trailers(_) => "trailers",
        After::Broken(_) => "broken",
        After::End => "ended",
    };
    let mut passed = String::new();
    while let Some(frame) = poll_fn(|cx| begun.poll_frame(cx, |cx| script.poll_frame(cx))).await {
        passed += &match frame.map(Frame::into_data) {
            Ok(Ok(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
            Ok(Err(_)) => "+trailers".to_owned(),
            Err(error) => format!("+{error}"),
        };
    }
    (now, after, passed)
}

#[test]
fn the_beginning_is_read_until_it_is_long_enough_or_nothing_more_comes_in_time() {
    let slow = [data("a"), pause(15), data("b"), pause(15), data("c")];
    for (wanted, events, now, after, passed) in [
        (0, &[pause(50), data("ab")][..], 0, "goes on", "ab"),
        (4, &[data("ab"), data("cd")], 0, "goes on", "abcd"),
        (4, &[data("abcdef"), data("gh")], 0, "goes on", "abcdefgh"),
        (4, &[data("ab"), data("c")], 0, "ended", "abc"),
        (4, &[], 0, "ended", ""),
        (4, &[data(""), data("abc"), trailers()], 0, "trailers", "abc+trailers"),
        (4, &[data("abc"), Event::Error("reset"), data("d")], 0, "broken", "abc+reset"),
        // The server is waited for as long as it has not begun.
        (4, &[pause(5000), data("ab"), pause(10), data("c")], 5010, "ended", "abc"),
        (4, &[pause(5000), data(""), pause(5000), data("abcd")], 10_000, "goes on", "abcd"),
        // It is not, once it has.
        (4, &[data("ab"), pause(5000), data("c")], 20, "goes on", "abc"),
        (4, &slow, 20, "goes on", "abc"),
        (2, &slow, 15, "goes on", "abc"),
    ] {
        let got = run(read(wanted, events));
        assert_eq!(got, (now, after, passed.to_owned()), "{wanted} {events:?}");
    }
}

fn begin(body: &str, delivery: Delivery) -> (response::Parts, ResponseSource<Tcp>) {
    let response = http::Response::builder().header("content-length", "1");
    let (mut head, ()) = response.body(()).unwrap().into_parts();
    let source = ResponseSource::Own(Some(Bytes::copy_from_slice(body.as_bytes())));
    let source = run(async { source.begin(&mut head, delivery, Clock::start()).await });
    (head, source)
}

fn encode(bytes_min: u64, kinds: Kinds) -> Option<Encode> {
    Some(Encode { encoding: Encoding::Gzip, bytes_min, kinds })
}

#[test]
fn a_body_is_encoded_if_it_is_fit_for_it_and_its_head_says_so() {
    let html = Kinds::all_that(|kind| kind.starts_with("text/html"));
    for (body, sniff, encode, encoded, kind) in [
        ("abcd", false, encode(4, Kinds::ALL), true, None),
        ("abc", false, encode(4, Kinds::ALL), false, None),
        ("", false, encode(0, Kinds::ALL), false, None),
        ("a", false, encode(0, Kinds::ALL), true, None),
        ("a", false, None, false, None),
        ("abcd", true, None, false, Some("text/plain; charset=utf-8")),
        ("abcd", true, encode(4, html), false, Some("text/plain; charset=utf-8")),
        ("<p >", true, encode(4, html), true, Some("text/html; charset=utf-8")),
        ("<p >", true, encode(5, html), false, Some("text/html; charset=utf-8")),
        ("<p >", true, encode(0, html), true, Some("text/html; charset=utf-8")),
        ("", true, encode(0, html), false, None),
    ] {
        let (head, source) = begin(body, Delivery { gunzip: false, sniff, encode });
        let case = format!("{body:?} {sniff} {encode:?}");
        assert_eq!(head.headers.contains_key("content-encoding"), encoded, "{case}");
        assert_eq!(head.headers.contains_key("content-length"), !encoded, "{case}");
        let says = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap());
        assert_eq!(says, kind, "{case}");
        assert_eq!(matches!(source, ResponseSource::Encoded(_)), encoded, "{case}");
        let length = (!encoded).then_some(body.len() as u64);
        assert_eq!(source.size_hint().exact(), length, "{case}");
    }
}

#[test]
fn no_more_than_a_share_of_memory_is_waited_for() {
    let body = "a".repeat(64 << 10);
    let (head, _) =
        begin(&body, Delivery { encode: encode(1 << 40, Kinds::ALL), ..Delivery::default() });
    assert!(head.headers.contains_key("content-encoding"));
}
