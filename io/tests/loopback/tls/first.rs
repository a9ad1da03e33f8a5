//! The first message of a client, and those that never come.
use super::{Client, anyone, site};
use crate::{
    proxy::{Served, run, serve, settings, written},
    wire::{Server, Wire},
};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{
    io::{Read, Write},
    sync::Arc,
    time::Duration,
};

/// A fatal alert of TLS 1.2: `decode_error`.
const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];

async fn impatient(limit: Duration) -> Served {
    let mut settings = settings();
    settings.entry_points[0].timeouts.read = Some(limit);
    let url = Server::start().await.echo();
    serve(settings, written(&site(&url))).await
}

fn begin(config: &Arc<ClientConfig>) -> (ClientConnection, Vec<u8>) {
    let name = ServerName::try_from("a.test").unwrap();
    let mut session = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    (session, hello)
}

#[test]
fn a_hello_that_never_ends_is_closed_at_its_deadline() {
    run(async {
        let served = impatient(Duration::from_millis(30)).await;
        let (_, hello) = begin(&anyone());
        for half in [&hello[..1], &hello[..5], &hello[..hello.len() / 2]] {
            let mut client = Wire::connect(served.address).await;
            client.send(half).await;
            assert!(client.is_closed().await);
        }
    });
}

#[test]
fn a_hello_that_comes_in_drops_is_closed_at_its_deadline_all_the_same() {
    run(async {
        let served = impatient(Duration::from_millis(50)).await;
        let mut client = Wire::connect(served.address).await;
        client.stream.set_nodelay(true).unwrap();
        let (mut read, mut write) = client.stream.split();
        // A hello of 16 KiB, so slow that it never comes to its end.
        let drip = async {
            let mut bytes =
                [22, 3, 1, 64, 0, 1, 0, 63, 252].into_iter().chain(std::iter::repeat(0));
            let mut tick = tokio::time::interval(Duration::from_millis(5));
            loop {
                tick.tick().await;
                let byte = [bytes.next().unwrap()];
                if tokio::io::AsyncWriteExt::write_all(&mut write, &byte).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let mut space = [0; 16];
        tokio::select! {
            () = drip => {}
            read = tokio::io::AsyncReadExt::read(&mut read, &mut space) => {
                assert!(!read.is_ok_and(|n| n > 0), "{space:?}");
            }
        }
    });
}

#[test]
fn garbage_after_the_first_byte_is_told_by_an_alert() {
    run(async {
        let served = impatient(Duration::from_secs(20)).await;
        for garbage in [
            &b"\x16GET / HTTP/1.1\r\n\r\n"[..],
            b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
            b"\x80\x2e\x01\x03\x01\x00\x15",
            &[0x16; 4096],
        ] {
            let mut client = Wire::connect(served.address).await;
            client.send(garbage).await;
            assert_eq!(client.rest().await, DECODE_ERROR, "{garbage:?}");
        }
    });
}

#[test]
fn a_handshake_that_stalls_is_closed_at_its_deadline() {
    run(async {
        let served = impatient(Duration::from_secs(1)).await;
        let (_, hello) = begin(&anyone());
        let mut client = Wire::connect(served.address).await;
        client.send(hello).await;
        let flight = client.rest().await;
        assert_eq!(flight.first(), Some(&22), "the server's part of the handshake");
    });
}

#[test]
fn a_hello_of_many_records_and_segments_is_understood() {
    run(async {
        let served = impatient(Duration::from_secs(20)).await;
        let (mut session, hello) = begin(&Arc::new(Client::of_today().config()));
        assert!(hello.len() > 1400, "{}", hello.len());
        let mut client = Wire::connect(served.address).await;
        client.stream.set_nodelay(true).unwrap();
        for piece in hello[5..].chunks(100) {
            let length = u16::try_from(piece.len()).unwrap().to_be_bytes();
            let record = [&[22, 3, 1], &length[..], piece].concat();
            for segment in record.chunks(33) {
                client.send(segment).await;
                tokio::task::yield_now().await;
            }
        }
        session.writer().write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.starts_with(b"HTTP/1.1 200 OK\r\n") {
            let mut out = Vec::new();
            while session.wants_write() {
                session.write_tls(&mut out).unwrap();
            }
            client.send(out).await;
            let record = client.exactly(5).await;
            let body = client.exactly(u16::from_be_bytes([record[3], record[4]]).into()).await;
            session.read_tls(&mut &[record, body].concat()[..]).unwrap();
            session.process_new_packets().unwrap();
            let mut space = [0; 4096];
            if let Ok(n) = session.reader().read(&mut space) {
                answer.extend(&space[..n]);
            }
        }
    });
}
