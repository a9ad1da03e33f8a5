//! What a client may not do.
use crate::{
    proxy::{run, serve, settings, to},
    wire::{Server, Wire},
};
use std::time::Duration;

#[test]
fn too_large_a_head_is_431_and_too_long_a_target_414() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), to(url)).await;
        let head = |size: usize| {
            format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "a".repeat(size))
        };
        let mut client = Wire::connect(served.address).await;
        client.send(head(1_000_000)).await;
        assert_eq!(client.message().await.unwrap().first(), "HTTP/1.1 200 OK");
        let mut client = Wire::connect(served.address).await;
        client.send(head(1_100_000)).await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.first(), "HTTP/1.1 431 Request Header Fields Too Large");
        let mut client = Wire::connect(served.address).await;
        client.send(format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(70_000))).await;
        assert_eq!(client.message().await.unwrap().first(), "HTTP/1.1 414 URI Too Long");
    });
}

#[test]
fn a_malformed_request_is_400() {
    run(async {
        let served = serve(settings(), to("http://127.0.0.1:1")).await;
        for request in [
            "GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        ] {
            let mut client = Wire::connect(served.address).await;
            client.send(request).await;
            let answer = client.message().await.unwrap();
            assert_eq!(answer.first(), "HTTP/1.1 400 Bad Request", "{request:?}");
        }
    });
}

#[test]
fn silence_is_closed() {
    let short = Some(Duration::from_millis(30));
    run(async move {
        let url = Server::start().await.echo();
        let mut settings = settings();
        settings.entry_points[0].timeouts.read = short;
        let served = serve(settings, to(url)).await;
        for begun in ["", "GET", "GET / HTTP/1.1\r\nHos"] {
            let mut client = Wire::connect(served.address).await;
            client.send(begun).await;
            assert!(client.is_closed().await, "{begun:?}");
        }
        let mut client = Wire::connect(served.address).await;
        client.get("/").await;
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n").await;
        assert!(client.is_closed().await);
    });
    run(async move {
        let url = Server::start().await.echo();
        let mut settings = settings();
        settings.entry_points[0].timeouts.idle = short;
        let served = serve(settings, to(url)).await;
        let mut client = Wire::connect(served.address).await;
        client.get("/").await;
        assert!(client.is_closed().await);
    });
    run(async move {
        let server = Server::start().await;
        let mut settings = settings();
        settings.entry_points[0].timeouts.write = short;
        let served = serve(settings, to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        assert!(client.is_closed().await);
        assert!(wire.is_closed().await);
    });
}

#[test]
fn http_1_0_is_answered_and_closed_unless_it_asks_to_stay() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), to(url)).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.0\r\nHost: x\r\n\r\n").await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.first(), "HTTP/1.0 200 OK");
        assert!(answer.text().starts_with("GET / HTTP/1.1\r\n"));
        assert!(client.is_closed().await);
        let mut client = Wire::connect(served.address).await;
        for _ in 0..2 {
            client.send("GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n").await;
            assert_eq!(client.message().await.unwrap().first(), "HTTP/1.0 200 OK");
        }
    });
}
