//! Servers that answer in ways of their own.
use crate::{
    proxy::{Served, run, serve, settings, to},
    wire::{Server, Wire},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// A client whose request has come to its server.
async fn asked(request: &str) -> (Served, Server, Wire, Wire) {
    let server = Server::start().await;
    let served = serve(settings(), to(server.url())).await;
    let mut client = Wire::connect(served.address).await;
    client.send(request).await;
    let wire = server.accept().await;
    (served, server, client, wire)
}

#[test]
fn a_response_may_come_byte_by_byte() {
    run(async {
        let (_served, _server, mut client, mut wire) = asked(GET).await;
        wire.message().await.unwrap();
        let answer = "HTTP/1.1 299 Quite So\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\
             Trailer: X-End\r\n\r\n5;x\r\nhello\r\n0\r\nX-End: 1\r\n\r\n";
        for byte in answer.bytes() {
            wire.send([byte]).await;
            tokio::task::yield_now().await;
        }
        let head = client.head().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 299 Quite So\r\n"), "{head}");
        let mut body = Vec::new();
        while let Some(chunk) = client.chunk().await {
            body.extend(chunk);
        }
        assert_eq!(body, b"hello");
    });
}

#[test]
fn interim_answers_are_not_passed_on() {
    run(async {
        let (_served, _server, mut client, mut wire) = asked(GET).await;
        wire.message().await.unwrap();
        wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
            .await;
        wire.ok("final").await;
        let answer = client.message().await.unwrap();
        assert_eq!((answer.first(), answer.text()), ("HTTP/1.1 200 OK", "final"));
        assert_eq!(answer.header("link"), None);
    });
}

/// Whether the server's connection carries a second request after this answer to the first.
async fn carries(request: &str, answer: &str, body: &str) -> bool {
    let (_served, server, mut client, mut wire) = asked(request).await;
    wire.message().await.unwrap();
    wire.send(answer).await;
    let head = client.head().await.unwrap();
    let got = if head.contains("\r\nTransfer-Encoding: chunked\r\n") {
        assert!(!head.contains("\r\nContent-Length: "), "{head}");
        let chunk = client.chunk().await.unwrap();
        assert_eq!(client.chunk().await, None);
        client.until(b"\r\n").await;
        chunk
    } else {
        client.exactly(body.len()).await
    };
    assert_eq!(std::str::from_utf8(&got).unwrap(), body, "{answer:?}");
    client.send(GET).await;
    let mut again = tokio::select! {
        biased;
        head = wire.head() => match head {
            Some(_) => return true,
            None => server.accept().await,
        },
        again = server.accept() => again,
    };
    again.message().await.unwrap();
    again.ok("again").await;
    assert_eq!(client.message().await.unwrap().text(), "again");
    false
}

#[test]
fn a_connection_is_kept_only_if_both_sides_are_sure_where_an_answer_ends() {
    const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (request, head, body, want) in [
        (GET, "1.1 200 OK\r\nContent-Length: 2", "ok", true),
        (GET, "1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2", "ok", true),
        (GET, "1.1 200 OK\r\nTransfer-Encoding: chunked", "2\r\nok\r\n0\r\n\r\n", true),
        (GET, "1.1 204 No Content", "", true),
        (GET, "1.1 304 Not Modified\r\nContent-Length: 2", "", true),
        (HEAD, "1.1 200 OK\r\nContent-Length: 2", "", true),
        (GET, "1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2", "ok", true),
        (GET, "1.0 200 OK\r\nContent-Length: 2", "ok", false),
        (GET, "1.1 200 OK\r\nConnection: close\r\nContent-Length: 2", "ok", false),
        (GET, "1.1 200 OK\r\nContent-Length: 2", "okHTTP/1.1 200 OK\r\n", false),
        (GET, "1.1 204 No Content", "HTTP/1.1 200 OK\r\n", false),
        (HEAD, "1.1 200 OK\r\nContent-Length: 2", "ok", false),
        (
            GET,
            "1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked",
            "2\r\nok\r\n0\r\n\r\n",
            false,
        ),
    ] {
        run(async {
            let answer = format!("HTTP/{head}\r\nContent-Type: a/b\r\n\r\n{body}");
            let seen = if request == HEAD || head.contains("1.1 204") || head.contains("304") {
                ""
            } else {
                "ok"
            };
            assert_eq!(carries(request, &answer, seen).await, want, "{answer:?}");
        });
    }
}

#[test]
fn an_answer_without_a_length_ends_with_its_connection() {
    run(async {
        let (_served, _server, mut client, mut wire) = asked(GET).await;
        wire.message().await.unwrap();
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\nall ").await;
        client.head().await.unwrap();
        assert_eq!(client.chunk().await.unwrap(), b"all ");
        wire.send("of it").await;
        drop(wire);
        assert_eq!(client.chunk().await.unwrap(), b"of it");
        assert_eq!(client.chunk().await, None);
    });
}

#[test]
fn what_could_be_read_in_two_ways_is_500() {
    for head in [
        "1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2",
        "1.1 200 OK\r\nContent-Length: +1",
        "1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
        "1.0 200 OK\r\nTransfer-Encoding: chunked",
        "1.1 200 OK\r\nX: a\r\n b",
    ] {
        run(async {
            let (_served, _server, mut client, mut wire) = asked(GET).await;
            wire.message().await.unwrap();
            wire.send(format!("HTTP/{head}\r\n\r\n")).await;
            let answer = client.message().await.unwrap();
            assert_eq!(answer.first(), "HTTP/1.1 500 Internal Server Error", "{head:?}");
            assert!(wire.is_closed().await);
        });
    }
}

#[test]
fn an_early_answer_is_passed_on_while_the_client_still_sends() {
    run(async {
        let (_served, server, mut client, mut wire) =
            asked("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf").await;
        wire.head().await.unwrap();
        assert_eq!(wire.exactly(4).await, b"half");
        wire.send("HTTP/1.1 413 Too Large\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nno")
            .await;
        let answer = client.message().await.unwrap();
        assert_eq!((answer.first(), answer.text()), ("HTTP/1.1 413 Too Large", "no"));
        // The rest of the request does not become another one.
        assert!(wire.is_closed().await);
        client.send("rest").await;
        client.send(GET).await;
        let mut again = server.accept().await;
        assert!(again.message().await.unwrap().first().starts_with("GET "));
    });
}

#[test]
fn an_answer_is_heard_of_a_server_that_does_not_take_the_body() {
    run(async {
        let length = 64 << 20;
        let (_served, _server, client, mut wire) =
            asked(&format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")).await;
        let Wire { stream, .. } = client;
        let (mut from, mut to) = stream.into_split();
        // Far more than all buffers on the way take.
        let sending = tokio::task::spawn_local(async move {
            use tokio::io::AsyncWriteExt as _;
            let _ = to.write_all(&vec![b'a'; length]).await;
        });
        wire.head().await.unwrap();
        wire.send("HTTP/1.1 403 Forbidden\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nno")
            .await;
        let mut got = Vec::new();
        while !got.ends_with(b"\r\n\r\nno") {
            use tokio::io::AsyncReadExt as _;
            assert!(from.read_buf(&mut got).await.unwrap() > 0);
        }
        assert!(got.starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
        sending.abort();
    });
}

const ASK_FIRST: &str =
    "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

#[test]
fn a_body_is_kept_back_until_its_server_wants_it() {
    run(async {
        let (_served, _server, mut client, mut wire) = asked(ASK_FIRST).await;
        assert!(wire.head().await.unwrap().contains("\r\nExpect: 100-continue\r\n"));
        wire.send("HTTP/1.1 100 Continue\r\n\r\n").await;
        assert_eq!(client.head().await.unwrap(), "HTTP/1.1 100 Continue\r\n\r\n");
        client.send("body").await;
        assert_eq!(wire.exactly(4).await, b"body");
        wire.ok("got it").await;
        assert_eq!(client.message().await.unwrap().text(), "got it");
    });
}

#[test]
fn a_body_that_its_server_does_not_want_is_never_sent() {
    run(async {
        let (_served, _server, mut client, mut wire) = asked(ASK_FIRST).await;
        wire.head().await.unwrap();
        wire.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n").await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.first(), "HTTP/1.1 417 Expectation Failed");
        assert!(wire.is_closed().await);
    });
}
