//! Upgraded connections: raw bytes both ways after 101.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Answer, Client, Server, Setup, routes};
use std::io::{Read, Write};

const HANDSHAKE: &str = "GET /chat HTTP/1.1\r\nHost: ws.test\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Switches to a protocol that sends every byte back.
fn mirror_bytes() -> Server {
    Server::start(|request| {
        let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        if request.header("upgrade") != Some("websocket") {
            return Answer::Text("plain".into());
        }
        Answer::Take(Box::new(move |mut stream| {
            let _ = stream.get_mut().write_all(switch.as_bytes());
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if stream.get_mut().write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
        }))
    })
}

#[test]
fn a_websocket_goes_both_ways_and_ends_when_one_side_does() {
    let server = mirror_bytes();
    let setup = Setup::start(&routes(&[("ws.test", &server.url())]), "ws.test", &[]);
    let mut client = Client::connect(setup.web).unwrap();
    client.send(HANDSHAKE).unwrap();
    let answer = client.response_head().unwrap();
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert!(answer.header("connection").is_some_and(|v| v.eq_ignore_ascii_case("upgrade")));
    assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    for frame in [&b"\x81\x05hello"[..], &[0; 3000], b"\x88\x00"] {
        client.send(frame).unwrap();
        assert_eq!(client.read_bytes(frame.len()).unwrap(), frame);
    }
    let seen = server.seen();
    let request = seen.iter().find(|request| request.target() == "/chat").unwrap();
    assert_eq!(request.header("x-forwarded-proto"), Some("ws"));
    assert_eq!(request.header("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
}

#[test]
fn a_frame_sent_with_the_handshake_is_not_lost() {
    let server = mirror_bytes();
    let setup = Setup::start(&routes(&[("ws.test", &server.url())]), "ws.test", &[]);
    let mut client = Client::connect(setup.web).unwrap();
    client.send([HANDSHAKE.as_bytes(), b"\x81\x05early"].concat()).unwrap();
    assert_eq!(client.response_head().unwrap().status(), 101);
    assert_eq!(client.read_bytes(7).unwrap(), b"\x81\x05early");
}

#[test]
fn an_upgrade_that_the_server_declines_is_a_plain_response() {
    let server = Server::named("no tunnel here");
    let setup = Setup::start(&routes(&[("ws.test", &server.url())]), "ws.test", &[]);
    let mut client = Client::connect(setup.web).unwrap();
    client.send(HANDSHAKE).unwrap();
    let answer = client.response().unwrap();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "no tunnel here"));
}
