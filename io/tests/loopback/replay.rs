//! Requests that meet a connection the server has just closed.
use crate::{
    proxy::{run, serve, settings, to},
    wire::{Server, Wire},
};

/// A server's connection that has carried one request, and its client.
async fn kept(server: &Server, address: std::net::SocketAddr) -> (Wire, Wire) {
    let mut client = Wire::connect(address).await;
    client.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut wire = server.accept().await;
    wire.message().await.unwrap();
    wire.ok("first").await;
    client.message().await.unwrap();
    (client, wire)
}

#[test]
fn a_request_that_may_be_repeated_is_repeated_on_a_fresh_connection() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        for request in [
            "GET /again?a HTTP/1.1\r\nHost: x\r\nX-Kept: 1\r\nX-Kept: 2\r\n\r\n",
            "POST /again?a HTTP/1.1\r\nHost: x\r\nX-Kept: 1\r\nIdempotency-Key: 1\r\n\r\n",
        ] {
            let (mut client, mut wire) = kept(&server, served.address).await;
            client.send(request).await;
            let first = wire.message().await.unwrap();
            drop(wire);
            let mut fresh = server.accept().await;
            let second = fresh.message().await.unwrap();
            assert_eq!(first.head, second.head);
            fresh.ok("second").await;
            assert_eq!(client.message().await.unwrap().text(), "second");
            drop(fresh);
        }
    });
}

#[test]
fn a_request_that_may_not_be_repeated_fails() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        for request in [
            "POST / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na",
        ] {
            let (mut client, mut wire) = kept(&server, served.address).await;
            client.send(request).await;
            wire.message().await.unwrap();
            drop(wire);
            assert_eq!(client.message().await.unwrap().first(), "HTTP/1.1 502 Bad Gateway");
        }
    });
}

#[test]
fn a_request_is_not_repeated_once_an_answer_has_begun() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let (mut client, mut wire) = kept(&server, served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        wire.message().await.unwrap();
        wire.send("HTTP/1.1 200").await;
        drop(wire);
        assert_eq!(client.message().await.unwrap().first(), "HTTP/1.1 502 Bad Gateway");
    });
}

#[test]
fn a_connection_that_was_closed_while_idle_is_not_used() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let (mut client, wire) = kept(&server, served.address).await;
        drop(wire);
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na").await;
        let mut fresh = server.accept().await;
        assert_eq!(fresh.message().await.unwrap().text(), "a");
        fresh.ok("fresh").await;
        assert_eq!(client.message().await.unwrap().text(), "fresh");
    });
}

#[test]
fn what_a_server_says_unasked_is_nobodys_answer() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let (mut client, mut wire) = kept(&server, served.address).await;
        wire.ok("unasked").await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut fresh = server.accept().await;
        fresh.message().await.unwrap();
        fresh.ok("asked").await;
        assert_eq!(client.message().await.unwrap().text(), "asked");
    });
}
