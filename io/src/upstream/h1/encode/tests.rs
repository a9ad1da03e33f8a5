use super::*;
use http::{HeaderValue, Request};

fn request(target: &str, fields: &[(&'static str, &'static str)]) -> request::Parts {
    let mut head = Request::put(target).body(()).unwrap().into_parts().0;
    for (name, value) in fields {
        head.headers.append(*name, HeaderValue::from_static(value));
    }
    head
}

/// What is written, a few bytes at a time.
fn written(queue: &mut Queue) -> String {
    let mut all = Vec::new();
    while !queue.is_empty() {
        let slices = queue.slices();
        let bytes: Vec<u8> = slices.iter().flat_map(|it| it.iter().copied()).take(7).collect();
        if let Some(single) = queue.single() {
            assert!(single.starts_with(&bytes));
        }
        queue.advance(bytes.len());
        all.extend(bytes);
    }
    String::from_utf8(all).unwrap()
}

fn head(target: &str, fields: &[(&'static str, &'static str)], framing: Framing) -> String {
    written(&mut Queue::new(Vec::new(), &request(target, fields), framing))
}

#[test]
fn a_head_has_names_in_title_case() {
    let fields = [
        ("host", "x"),
        ("x-real-ip", "1"),
        ("x--y-", ""),
        ("sec-websocket-key", "a-b"),
        ("sec-websocket", "c"),
        ("a", "d"),
        ("a", "e"),
    ];
    assert_eq!(
        head("/p/?q=1", &fields, Framing::Nothing),
        "PUT /p/?q=1 HTTP/1.1\r\nHost: x\r\nX-Real-Ip: 1\r\nX--Y-: \r\nSec-WebSocket-Key: a-b\r\n\
         Sec-Websocket: c\r\nA: d\r\nA: e\r\n\r\n"
    );
    assert_eq!(head("*", &[], Framing::Nothing), "PUT * HTTP/1.1\r\n\r\n");
}

#[test]
fn the_framing_is_ours_whatever_a_head_says() {
    let both = [("content-length", "7"), ("a", "b"), ("transfer-encoding", "gzip")];
    for (fields, framing, want) in [
        (&both[..], Framing::Nothing, "Content-Length: 0\r\nA: b\r\n"),
        (&both, Framing::Length(5), "Content-Length: 5\r\nA: b\r\n"),
        (&both, Framing::Chunked, "Transfer-Encoding: chunked\r\nA: b\r\n"),
        (&both[1..], Framing::Nothing, "A: b\r\n"),
        (&both[1..2], Framing::Nothing, "A: b\r\n"),
        (&both[1..2], Framing::Length(5), "A: b\r\nContent-Length: 5\r\n"),
        (&both[1..2], Framing::Chunked, "A: b\r\nTransfer-Encoding: chunked\r\n"),
        (&[("content-length", "0")], Framing::Nothing, "Content-Length: 0\r\n"),
    ] {
        let want = format!("PUT / HTTP/1.1\r\n{want}\r\n");
        assert_eq!(head("/", fields, framing), want, "{fields:?} {framing:?}");
    }
}

/// What the frames of a body become; `None` ends it, as does the last one if it says so.
fn body(framing: Framing, frames: Vec<Option<(Frame<Bytes>, bool)>>) -> Result<String, TooShort> {
    let head = request("/", &[("trailer", "X-Sum, content-length"), ("trailer", "x-other")]);
    let (mut encoder, mut queue, mut all) =
        (Encoder::new(framing, &head), Queue::default(), String::new());
    for frame in frames {
        match frame {
            Some((frame, last)) => encoder.frame(frame, last, &mut queue)?,
            None => encoder.end(&mut queue)?,
        }
        all += &written(&mut queue);
    }
    assert!(encoder.is_satisfied());
    Ok(all)
}

fn data(text: &'static str, last: bool) -> Option<(Frame<Bytes>, bool)> {
    Some((Frame::data(Bytes::from_static(text.as_bytes())), last))
}

fn trailers(fields: &[(&'static str, &'static str)]) -> Option<(Frame<Bytes>, bool)> {
    Some((Frame::trailers(request("/", fields).headers), false))
}

#[test]
fn frames_become_chunks_and_announced_trailers() {
    let whole = "3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n";
    for (frames, want) in [
        (vec![data("abc", false), data("0123456789", true)], whole),
        (vec![data("abc", false), data("", false), data("0123456789", false), None], whole),
        (vec![data("abc", false), data("0123456789", false), data("", true)], whole),
        (vec![None], "0\r\n\r\n"),
        (vec![trailers(&[("x-sum", "7"), ("x-not", "8")])], "0\r\nX-Sum: 7\r\n\r\n"),
        (vec![trailers(&[("x-other", "7")]), None], "0\r\nX-Other: 7\r\n\r\n"),
        (vec![trailers(&[("content-length", "7")]), None], "0\r\n\r\n"),
    ] {
        let shown = format!("{frames:?}");
        assert_eq!(body(Framing::Chunked, frames), Ok(want.into()), "{shown}");
    }
}

#[test]
fn a_body_is_neither_longer_nor_shorter_than_its_length() {
    for (frames, want) in [
        (vec![data("ab", false), data("cde", true)], Ok("abcde")),
        (vec![data("abcde", false), None], Ok("abcde")),
        (vec![data("abcde", false), trailers(&[("x-sum", "7")])], Ok("abcde")),
        (vec![data("abc", false), data("defg", false), data("h", true)], Ok("abcde")),
        (vec![data("ab", false), data("cd", true)], Err(TooShort)),
        (vec![data("ab", false), None], Err(TooShort)),
    ] {
        let shown = format!("{frames:?}");
        let want = want.map(str::to_owned);
        assert_eq!(body(Framing::Length(5), frames), want, "{shown}");
    }
}
