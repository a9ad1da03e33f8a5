use super::*;

fn begin(text: &str, method: &Method) -> Result<(Begin, Bytes), Malformed> {
    let mut input = Bytes::copy_from_slice(text.as_bytes());
    // The map that a request's fields were in.
    let mut headers = HeaderMap::new();
    headers.insert("x-asked", HeaderValue::from_static("1"));
    head(&mut input, method, &mut headers).map(|begin| (begin, input))
}

fn whole(text: &str, method: &Method) -> Head {
    match begin(text, method).unwrap().0 {
        Begin::Head(head) => head,
        other @ (Begin::Partial | Begin::Interim(..)) => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn a_head_has_its_status_its_reason_and_all_fields() {
    let text = "\r\nHTTP/1.1 299 Quite\r\nSet-Cookie: a=1\r\nset-cookie:  b=2 \r\nX:\r\n\r\nbody";
    let (Begin::Head(head), rest) = begin(text, &Method::GET).unwrap() else { panic!("no head") };
    assert_eq!(&*rest, b"body");
    assert_eq!((head.parts.status.as_u16(), head.parts.version), (299, Version::HTTP_11));
    assert_eq!(head.parts.extensions.get::<ReasonPhrase>().unwrap().as_bytes(), b"Quite");
    let fields: Vec<_> =
        head.parts.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
    assert_eq!(fields, [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x", "")]);
    assert!(whole("HTTP/1.0 200 OK\r\n\r\n", &Method::GET).parts.extensions.is_empty());
}

#[test]
fn a_body_ends_where_the_head_says() {
    use Framing::{Chunked, Length, UntilClose};
    let (get, connect) = (Method::GET, Method::CONNECT);
    for (method, status, fields, framing, keep_alive) in [
        (&get, "1.1 200", "Content-Length: 7\r\n", Length(7), true),
        (&get, "1.1 200", "Content-Length: 7\r\nConnection: Close\r\n", Length(7), false),
        (&get, "1.1 200", "Content-Length: 7\r\nConnection: a, close ,b\r\n", Length(7), false),
        (&get, "1.0 200", "Content-Length: 7\r\n", Length(7), false),
        (&get, "1.0 200", "Content-Length: 7\r\nConnection: keep-alive\r\n", Length(7), true),
        (&get, "1.0 200", "Connection: keep-alive\r\n", UntilClose, false),
        (&get, "1.1 200", "", UntilClose, false),
        (&get, "1.1 200", "Transfer-Encoding: chunked\r\n", Chunked, true),
        (&get, "1.1 200", "Transfer-Encoding:  ChunkeD \r\n", Chunked, true),
        (&get, "1.1 200", "Transfer-Encoding: identity\r\n", UntilClose, false),
        (&get, "1.1 204", "", Length(0), true),
        (&get, "1.1 204", "Transfer-Encoding: chunked\r\n", Length(0), false),
        (&get, "1.1 304", "Content-Length: 7\r\n", Length(0), true),
        (&get, "1.1 101", "Upgrade: x\r\n", Length(0), false),
        (&Method::HEAD, "1.1 200", "Content-Length: 7\r\n", Length(0), true),
        (&Method::HEAD, "1.1 200", "Transfer-Encoding: chunked\r\n", Length(0), true),
        (&connect, "1.1 200", "Content-Length: 7\r\n", Length(0), false),
        (&connect, "1.1 403", "Content-Length: 7\r\n", Length(7), true),
    ] {
        let head = whole(&format!("HTTP/{status} \r\n{fields}\r\n"), method);
        assert_eq!((head.framing, head.keep_alive), (framing, keep_alive), "{status} {fields}");
    }
}

#[test]
fn a_length_is_believed_once() {
    let lengths = |fields: &str| {
        let head = whole(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"), &Method::GET);
        let lengths = head.parts.headers.get_all(CONTENT_LENGTH);
        (lengths.iter().cloned().collect::<Vec<_>>(), head.framing, head.keep_alive)
    };
    for fields in
        ["Content-Length: 7, 7\r\n", "Content-Length: 7\r\nX: 1\r\ncontent-length: 007\r\n"]
    {
        assert_eq!(lengths(fields), (vec!["7".parse().unwrap()], Framing::Length(7), true));
    }
    for fields in [
        "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n",
    ] {
        assert_eq!(lengths(fields), (vec![], Framing::Chunked, false), "{fields:?}");
    }
}

#[test]
fn interim_responses_are_passed_over() {
    for status in [100_u16, 102, 103, 199] {
        let text = format!("HTTP/1.1 {status} x\r\nContent-Length: 7\r\n\r\nHTTP");
        let (begin, rest) = begin(&text, &Method::GET).unwrap();
        let Begin::Interim(got, bytes) = begin else { panic!("{begin:?}") };
        assert_eq!((got.as_u16(), bytes, &*rest), (status, text.len() - 4, &b"HTTP"[..]));
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let get = Method::GET;
    for (text, error) in [
        ("what is this\r\n\r\n", "this is no HTTP"),
        ("HTTP/2 200 OK\r\n\r\n", "this is no HTTP"),
        ("HTTP/1.1 20 OK\r\n\r\n", "this is no HTTP"),
        ("HTTP/1.1 099 OK\r\n\r\n", "this is no status"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "this is no HTTP"),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "this is no HTTP"),
        ("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "this is no HTTP"),
        ("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", "this is no HTTP"),
        ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", "this is no HTTP"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", "it has two lengths"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "it has two lengths"),
        ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "a length is no number"),
        ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "a length is no number"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1,\r\n\r\n", "a length is no number"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
            "a length is no number",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "an unknown transfer coding",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n", "an unknown transfer coding"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "it has two transfer codings",
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.0 has no transfer codings",
        ),
    ] {
        assert_eq!(begin(text, &get).unwrap_err().0, error, "{text:?}");
    }
}

#[test]
fn a_head_has_limits() {
    let fields = |n: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(n));
    assert_eq!(whole(&fields(HEADERS_MAX), &Method::GET).parts.headers.len(), HEADERS_MAX);
    let error = begin(&fields(HEADERS_MAX + 1), &Method::GET).unwrap_err();
    assert_eq!(error.0, "too many header fields");
    let bytes = |n: usize| format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(n));
    let room = HEAD_BYTES_MAX - bytes(0).len();
    whole(&bytes(room), &Method::GET);
    for text in [&bytes(room + 1), &bytes(2 * room)[..HEAD_BYTES_MAX + 1]] {
        assert_eq!(begin(text, &Method::GET).unwrap_err().0, "its head is too long");
    }
    let partial = &bytes(2 * room)[..HEAD_BYTES_MAX];
    assert!(matches!(begin(partial, &Method::GET).unwrap().0, Begin::Partial));
}
