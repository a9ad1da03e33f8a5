//! What becomes of the bytes, and of the ends.
use super::{named, relay};
use crate::{
    proxy::{publish_anyway, run, serve, serve_anyway, settings, written},
    tls::{anyone, connect},
    wire::{Server, Wire},
};
use socket2::SockRef;
use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::TcpStream,
};

/// A relay with both its ends.
async fn pair(options: &str) -> (crate::proxy::Served, Wire, Wire) {
    let server = Server::start().await;
    let served = serve(settings(), written(&relay(server.address, options))).await;
    let client = Wire::connect(served.address).await;
    let wire = server.accept().await;
    (served, client, wire)
}

#[test]
fn either_side_may_speak_first() {
    run(async {
        let (_served, mut client, mut wire) = pair("").await;
        wire.send("220 ready\r\n").await;
        assert_eq!(client.exactly(11).await, b"220 ready\r\n");
        let (_served, mut client, mut wire) = pair("").await;
        client.send("\x16\x03 anything\0").await;
        assert_eq!(wire.exactly(12).await, b"\x16\x03 anything\0");
    });
}

#[test]
fn connections_go_to_services_by_weight() {
    run(async {
        let text = format!(
            "
tcp:
  routers:
    app: {{rule: 'HostSNI(`*`)', service: both}}
  services:
    both: {{weighted: {{services: [{{name: a, weight: 3}}, {{name: b, weight: 1}}]}}}}
    a: {{loadBalancer: {{servers: [{{address: '{}'}}]}}}}
    b: {{loadBalancer: {{servers: [{{address: '{}'}}]}}}}
",
            named("a").await,
            named("b").await
        );
        let served = serve(settings(), written(&text)).await;
        let mut order = String::new();
        for _ in 0..8 {
            order += Wire::connect(served.address).await.get("/").await.text();
        }
        assert_eq!(order, "aaabaaab");
    });
}

#[test]
fn without_a_server_connections_are_closed() {
    run(async {
        let served = serve_anyway(settings()).await;
        let text = "
tcp:
  routers:
    app: {rule: 'HostSNI(`*`)', service: app}
  services:
    app: {loadBalancer: {servers: []}}
";
        publish_anyway(&served.proxy, written(text));
        let mut client = Wire::connect(served.address).await;
        assert!(client.is_closed().await);
    });
}

#[test]
fn a_server_that_cannot_be_reached_ends_the_connection_and_no_other_is_tried() {
    run(async {
        let gone = Server::start().await.address;
        let up = named("up").await;
        let text = relay(gone, "").replace("}],", &format!("}}, {{address: '{up}'}}],"));
        let served = serve(settings(), written(&text)).await;
        for _ in 0..2 {
            let mut client = Wire::connect(served.address).await;
            assert!(client.is_closed().await);
            let mut client = Wire::connect(served.address).await;
            assert_eq!(client.get("/").await.text(), "up");
        }
    });
}

#[test]
fn the_end_of_one_way_is_passed_on_and_the_other_goes_on() {
    run(async {
        let (_served, mut client, mut wire) = pair("terminationDelay: -1").await;
        client.send("all").await;
        client.stream.shutdown().await.unwrap();
        assert_eq!(wire.rest().await, b"all");
        for _ in 0..3 {
            wire.send("more").await;
            assert_eq!(client.exactly(4).await, b"more");
        }
        wire.stream.shutdown().await.unwrap();
        assert!(client.is_closed().await);

        let (_served, mut client, mut wire) = pair("terminationDelay: -1").await;
        wire.send("all").await;
        wire.stream.shutdown().await.unwrap();
        assert_eq!(client.rest().await, b"all");
        client.send("more").await;
        assert_eq!(wire.exactly(4).await, b"more");
        client.stream.shutdown().await.unwrap();
        assert!(wire.is_closed().await);
    });
}

#[test]
fn the_end_of_one_way_is_passed_on_through_tls_as_well() {
    run(async {
        let server = Server::start().await;
        let text = relay(server.address, "terminationDelay: -1")
            .replace("service: app}", "service: app, tls: {}}");
        let served = serve(settings(), written(&text)).await;
        let mut client = connect(served.address, "a.test", &anyone()).await.unwrap();
        let mut wire = server.accept().await;
        client.send("all").await;
        client.stream.shutdown().await.unwrap();
        assert_eq!(wire.rest().await, b"all");
        wire.send("more").await;
        assert_eq!(client.exactly(4).await, b"more");
        wire.stream.shutdown().await.unwrap();
        assert_eq!(client.stream.read(&mut [0]).await.unwrap(), 0);

        let mut client = connect(served.address, "a.test", &anyone()).await.unwrap();
        let mut wire = server.accept().await;
        wire.send("all").await;
        wire.stream.shutdown().await.unwrap();
        let mut all = Vec::new();
        client.stream.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"all");
        client.send("more").await;
        client.stream.shutdown().await.unwrap();
        assert_eq!(wire.rest().await, b"more");
    });
}

#[test]
fn what_stays_open_too_long_after_the_other_way_has_ended_is_closed() {
    for (options, least) in [("terminationDelay: 0", 0), ("", 100), ("terminationDelay: 50", 50)] {
        run(async move {
            let (_served, mut client, mut wire) = pair(options).await;
            let start = Instant::now();
            client.stream.shutdown().await.unwrap();
            assert!(wire.is_closed().await);
            assert!(client.is_closed().await);
            assert!(start.elapsed() >= Duration::from_millis(least), "{options}");

            let (_served, mut client, mut wire) = pair(options).await;
            wire.stream.shutdown().await.unwrap();
            assert!(client.is_closed().await);
            assert!(wire.is_closed().await);
        });
    }
}

#[test]
fn a_client_that_breaks_off_leaves_nothing_behind() {
    // Also one that was sending a lot.
    for (options, bytes) in
        [("", 0), ("terminationDelay: -1", 0), ("terminationDelay: -1", 8 << 20)]
    {
        run(async move {
            let server = Server::start().await;
            let mut settings = settings();
            settings.entry_points[0].grace = Duration::from_secs(600);
            let served = serve(settings, written(&relay(server.address, options))).await;
            let mut client = Wire::connect(served.address).await;
            let mut wire = server.accept().await;
            let sending = tokio::task::spawn_local(async move {
                client.send(vec![0; bytes]).await;
                client
            });
            wire.exactly(bytes).await;
            let client = sending.await.unwrap();
            SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
            drop(client);
            assert!(wire.is_closed().await, "{options} {bytes}");
            // There is no work that the end would have to wait for.
            served.proxy.terminate();
            served.task.await.unwrap();
        });
    }
}

/// A length that is no multiple of any buffer's.
const BLOCK: usize = 65_521;

fn block() -> Vec<u8> {
    (0..BLOCK).map(|i| u8::try_from((i * i + i / 251) % 256).unwrap()).collect()
}

/// Writes so many bytes, and counts them.
async fn write_all<S: AsyncWrite>(mut to: WriteHalf<S>, bytes: usize, count: Rc<Cell<usize>>) {
    let block = block();
    while count.get() < bytes {
        let at = count.get() % BLOCK;
        let end = BLOCK.min(at + bytes - count.get());
        count.set(count.get() + to.write(&block[at..end]).await.unwrap());
    }
    to.shutdown().await.unwrap();
}

/// Reads to the end, which comes after so many bytes, all as they were written.
async fn read_all<S: AsyncRead>(mut from: ReadHalf<S>, bytes: usize) {
    let (block, mut seen) = (block(), 0);
    let mut space = vec![0; 128 << 10];
    loop {
        let n = from.read(&mut space).await.unwrap();
        let mut read = &space[..n];
        while !read.is_empty() {
            let expected = &block[seen % BLOCK..];
            let (now, rest) = read.split_at(read.len().min(expected.len()));
            assert!(now == &expected[..now.len()], "near byte {seen}");
            seen += now.len();
            read = rest;
        }
        if n == 0 {
            assert_eq!(seen, bytes);
            return;
        }
    }
}

/// Both ways at once; the server reads nothing before it has sent everything. Returns how much the client
/// had written by then.
async fn transfer<S: AsyncRead + AsyncWrite + 'static>(
    client: S,
    server: TcpStream,
    bytes: usize,
) -> usize {
    let ((from_server, to_server), (from_client, to_client)) = (split(client), split(server));
    let (up, down) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let writing = tokio::task::spawn_local(write_all(to_server, bytes, Rc::clone(&up)));
    let answering = tokio::task::spawn_local(write_all(to_client, bytes, down));
    read_all(from_server, bytes).await;
    let written = up.get();
    read_all(from_client, bytes).await;
    writing.await.unwrap();
    answering.await.unwrap();
    written
}

#[test]
fn large_transfers_arrive_whole_and_wait_for_slow_readers() {
    const BYTES: usize = 50 << 20;
    run(async {
        let (_served, client, wire) = pair("terminationDelay: -1").await;
        let written = transfer(client.stream, wire.stream, BYTES).await;
        assert!(written < BYTES, "somebody holds all of it");
    });
    run(async {
        let server = Server::start().await;
        let text = relay(server.address, "terminationDelay: -1")
            .replace("service: app}", "service: app, tls: {}}");
        let served = serve(settings(), written(&text)).await;
        let client = connect(served.address, "a.test", &anyone()).await.unwrap();
        let wire = server.accept().await;
        let written = transfer(client.stream, wire.stream, BYTES).await;
        assert!(written < BYTES, "somebody holds all of it");
    });
}

#[test]
fn relays_live_until_the_grace_is_over_and_are_cut_then() {
    const GRACE: Duration = Duration::from_secs(1);
    run(async {
        let server = Server::start().await;
        let mut settings = settings();
        settings.entry_points[0].grace = GRACE;
        let served = serve(settings, written(&relay(server.address, ""))).await;
        let mut client = Wire::connect(served.address).await;
        let mut wire = server.accept().await;
        let start = Instant::now();
        served.proxy.terminate();
        while TcpStream::connect(served.address).await.is_ok() {}
        client.send("ping").await;
        assert_eq!(wire.exactly(4).await, b"ping");
        wire.send("pong").await;
        assert_eq!(client.exactly(4).await, b"pong");
        assert!(client.is_closed().await);
        assert!(wire.is_closed().await);
        assert!(start.elapsed() >= GRACE);
        served.task.await.unwrap();
    });
}
