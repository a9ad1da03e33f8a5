//! Connections that become tunnels.
use crate::{
    proxy::{Served, run, serve, settings, to},
    wire::{Server, Wire},
};

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";

async fn tunnel(early: (&str, &str)) -> (Served, Wire, Wire) {
    let server = Server::start().await;
    let served = serve(settings(), to(server.url())).await;
    let mut client = Wire::connect(served.address).await;
    client.send(format!("{ASK}{}", early.0)).await;
    let mut wire = server.accept().await;
    let request = wire.head().await.unwrap();
    assert!(request.contains("\r\nSec-WebSocket-Key: abc\r\n"), "{request}");
    assert!(request.contains("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), "{request}");
    wire.send(format!("{SWITCH}{}", early.1)).await;
    let answer = client.head().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("upgrade: websocket"), "{answer}");
    (served, client, wire)
}

#[test]
fn bytes_pass_both_ways_until_both_sides_end() {
    run(async {
        let (_served, mut client, mut wire) = tunnel(("", "")).await;
        for _ in 0..3 {
            client.send("Sec-Websocket-\r\n\r\n").await;
            assert_eq!(wire.exactly(18).await, b"Sec-Websocket-\r\n\r\n");
            wire.send("pong").await;
            assert_eq!(client.exactly(4).await, b"pong");
        }
        drop(wire);
        assert!(client.is_closed().await);
    });
}

#[test]
fn what_was_sent_with_the_handshake_is_not_lost() {
    run(async {
        let (_served, mut client, mut wire) = tunnel(("early", "bird")).await;
        assert_eq!(wire.exactly(5).await, b"early");
        assert_eq!(client.exactly(4).await, b"bird");
    });
}

#[test]
fn a_server_may_refuse() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send(ASK).await;
        let mut wire = server.accept().await;
        wire.head().await.unwrap();
        wire.ok("no").await;
        assert_eq!(client.message().await.unwrap().text(), "no");
    });
}

#[test]
fn another_protocol_than_the_asked_one_is_an_error() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send(ASK).await;
        let mut wire = server.accept().await;
        wire.head().await.unwrap();
        wire.send(SWITCH.replace("WebSocket", "other")).await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.first(), "HTTP/1.1 500 Internal Server Error");
    });
}

#[test]
fn a_tunnel_outlives_all_deadlines() {
    run(async {
        let server = Server::start().await;
        let mut settings = settings();
        let short = Some(std::time::Duration::from_millis(30));
        let timeouts = &mut settings.entry_points[0].timeouts;
        (timeouts.read, timeouts.write, timeouts.idle) = (short, short, short);
        let served = serve(settings, to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send(ASK).await;
        let mut wire = server.accept().await;
        wire.head().await.unwrap();
        wire.send(SWITCH).await;
        client.head().await.unwrap();
        let mut idle = Wire::connect(served.address).await;
        assert!(idle.is_closed().await, "its deadline has come");
        client.send("still").await;
        assert_eq!(wire.exactly(5).await, b"still");
    });
}

#[test]
fn h2c_is_no_upgrade() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), to(url)).await;
        let mut client = Wire::connect(served.address).await;
        client
            .send(
                "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                 Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
            )
            .await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.first(), "HTTP/1.1 200 OK");
        let seen = answer.text().to_lowercase();
        assert!(!seen.contains("upgrade") && !seen.contains("http2-settings"), "{seen}");
    });
}
