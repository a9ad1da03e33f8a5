//! Bodies pass as they come, in both directions.
use crate::{
    proxy::{run, serve, settings, to},
    wire::{Server, Wire},
};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn a_response_streams_while_the_server_still_writes() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        wire.send(CHUNKED).await;
        assert!(client.head().await.unwrap().contains("Transfer-Encoding: chunked"));
        for part in ["one", "two"] {
            wire.send(format!("3\r\n{part}\r\n")).await;
            assert_eq!(client.chunk().await.unwrap(), part.as_bytes());
        }
        wire.send("0\r\n\r\n").await;
        assert_eq!(client.chunk().await, None);
    });
}

#[test]
fn a_request_streams_while_the_client_still_writes() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        let mut wire = server.accept().await;
        assert!(wire.head().await.unwrap().contains("Transfer-Encoding: chunked"));
        for part in ["one", "two"] {
            client.send(format!("3\r\n{part}\r\n")).await;
            assert_eq!(wire.chunk().await.unwrap(), part.as_bytes());
        }
        client.send("0\r\n\r\n").await;
        assert_eq!(wire.chunk().await, None);
        wire.ok("done").await;
        assert_eq!(client.message().await.unwrap().text(), "done");
    });
}

#[test]
fn a_length_stays_a_length() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), to(url)).await;
        let mut client = Wire::connect(served.address).await;
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello").await;
        let answer = client.message().await.unwrap();
        assert!(answer.text().contains("Content-Length: 5\r\n"), "{}", answer.text());
        assert!(answer.text().ends_with("\r\n\r\nhello"));
        assert!(answer.header("content-length").is_some());
    });
}

#[test]
fn large_bodies_pass_both_ways_at_once() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let client = Wire::connect(served.address).await;
        let body: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        let (sent, mut expected) = (body.clone(), body.clone());
        expected.reverse();
        let exchange = tokio::task::spawn_local(async move {
            let mut client = client;
            let length = sent.len();
            client
                .send(format!("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"))
                .await;
            client.send(sent).await;
            client.message().await.unwrap().body
        });
        let mut wire = server.accept().await;
        let mut request = wire.message().await.unwrap();
        assert!(request.body == body);
        request.body.reverse();
        wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())).await;
        wire.send(request.body).await;
        assert!(exchange.await.unwrap() == expected);
    });
}

#[test]
fn trailers_pass_both_ways() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client
            .send(
                "POST / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTrailer: X-Sum\r\n\
                 Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n",
            )
            .await;
        let mut wire = server.accept().await;
        wire.head().await.unwrap();
        assert_eq!(wire.chunk().await.unwrap(), b"a");
        assert_eq!(wire.chunk().await, None);
        assert_eq!(wire.until(b"\r\n\r\n").await.unwrap(), b"X-Sum: 7\r\n\r\n");
        wire.send("HTTP/1.1 200 OK\r\nTrailer: X-End\r\nContent-Type: a/b\r\n").await;
        wire.send("Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nX-End: 8\r\n\r\n").await;
        client.head().await.unwrap();
        assert_eq!(client.chunk().await.unwrap(), b"b");
        assert_eq!(client.chunk().await, None);
        assert_eq!(client.until(b"\r\n\r\n").await.unwrap(), b"X-End: 8\r\n\r\n");
    });
}

#[test]
fn a_body_whose_server_says_nothing_is_sent_after_a_while() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), to(url)).await;
        let mut client = Wire::connect(served.address).await;
        client
            .send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            .await;
        assert_eq!(client.head().await.unwrap(), "HTTP/1.1 100 Continue\r\n\r\n");
        client.send("ok").await;
        assert!(client.message().await.unwrap().text().ends_with("\r\n\r\nok"));
    });
}

#[test]
fn gzip_that_only_we_asked_for_is_undone() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        let request = wire.message().await.unwrap();
        assert_eq!(request.header("accept-encoding"), Some("gzip"));
        let plain = "0123456789".repeat(10_000);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain.as_bytes()).unwrap();
        let zipped = encoder.finish().unwrap();
        wire.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            zipped.len()
        ))
        .await;
        wire.send(zipped).await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(answer.text() == plain);
    });
}

#[test]
fn broken_gzip_breaks_off() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Encoding: gzip\r\n").await;
        wire.send("Content-Length: 6\r\n\r\nabcdef").await;
        let all = String::from_utf8(client.rest().await).unwrap();
        assert!(!all.ends_with("0\r\n\r\n"), "{all}");
    });
}

#[test]
fn a_missing_type_is_found_in_the_body() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>").await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.header("content-length"), Some("13"));
        assert_eq!(answer.text(), "<html></html>");
    });
}

#[test]
fn a_response_that_breaks_off_does_not_end_cleanly() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        wire.send(CHUNKED).await;
        wire.send("3\r\none\r\n").await;
        client.head().await.unwrap();
        assert_eq!(client.chunk().await.unwrap(), b"one");
        drop(wire);
        assert!(client.is_closed().await);
    });
}

#[test]
fn a_client_that_breaks_off_takes_its_request_with_it() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").await;
        let mut wire = server.accept().await;
        wire.head().await.unwrap();
        assert_eq!(wire.exactly(4).await, b"half");
        drop(client);
        assert!(wire.is_closed().await);
    });
}

#[test]
fn a_get_may_have_a_body() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), to(url)).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        client.send("3\r\nabc\r\n0\r\n\r\n").await;
        let answer = client.message().await.unwrap();
        assert!(answer.text().contains("Transfer-Encoding: chunked\r\n"), "{}", answer.text());
        assert!(answer.text().ends_with("\r\n\r\nabc"), "{}", answer.text());
        assert_eq!(client.get("/next").await.first(), "HTTP/1.1 200 OK");
    });
}
