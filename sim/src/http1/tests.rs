use super::*;

type Read = (String, Vec<u8>, Result<(), Broken>);

/// What a reader makes of bytes that are followed by the end of the connection.
#[allow(clippy::unwrap_in_result, reason = "the runtime and the pipe are no part of the test")]
fn read(bytes: &[u8], method: Option<&str>) -> Result<Read, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut far, near) = tokio::io::duplex(64 * 1024);
        far.write_all(bytes).await.unwrap();
        drop(far);
        let mut wire = Wire::new(near);
        let head = wire.head().await?;
        let mut body = Vec::new();
        let end = wire.body(head.framing(method)?, Pace::FULL, &mut body).await;
        Ok((head.start, body, end))
    })
}

#[test]
fn a_short_body_is_cut_off_and_never_whole() {
    let cut = Err(Broken::Cut);
    for (bytes, body, end) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", Ok(())),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "abc", cut.clone()),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "abc",
            Ok(()),
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "abc", cut.clone()),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "abc", cut),
        ("HTTP/1.1 200 OK\r\n\r\nabc", "abc", Ok(())),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", Ok(())),
    ] {
        let (_, got, ended) = read(bytes.as_bytes(), Some("GET")).unwrap();
        assert_eq!((String::from_utf8(got).unwrap().as_str(), ended), (body, end), "{bytes:?}");
    }
}

#[test]
fn what_is_not_http_is_malformed() {
    for (bytes, why) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "framed twice",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "framed twice"),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "content-length"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "header field"),
    ] {
        assert_eq!(read(bytes.as_bytes(), Some("GET")), Err(Broken::Malformed(why)), "{bytes:?}");
    }
}

#[test]
fn a_connection_closed_between_messages_is_closed_and_within_one_is_cut() {
    assert_eq!(read(b"", None), Err(Broken::Closed));
    assert_eq!(read(b"GET / HT", None), Err(Broken::Cut));
}

#[test]
fn chunks_read_back() {
    let body = content("a", 1000);
    let mut bytes = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    bytes.extend(chunked(&body, 300));
    let (_, got, end) = read(&bytes, None).unwrap();
    assert_eq!((got, end), (body, Ok(())));
}
