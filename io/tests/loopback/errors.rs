//! What a client is told when a server does not answer.
use crate::{
    proxy::{run, serve, servers, settings, to},
    wire::{Server, Wire},
};
use std::time::Duration;

#[test]
fn a_refused_connection_is_502() {
    run(async {
        let server = Server::start().await;
        let url = server.url();
        drop(server);
        let served = serve(settings(), to(url)).await;
        let answer = Wire::connect(served.address).await.get("/").await;
        assert_eq!(answer.first(), "HTTP/1.1 502 Bad Gateway");
        assert_eq!(answer.text(), "Bad Gateway");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    });
}

#[test]
fn a_server_that_refuses_is_passed_over() {
    run(async {
        let gone = Server::start().await;
        let url = gone.url();
        drop(gone);
        let alive = Server::start().await.echo();
        let service = servers(&[url, alive]);
        let configuration = crate::proxy::configuration(
            vec![("app", crate::proxy::everything("app"))],
            vec![("app", service)],
        );
        let served = serve(settings(), configuration).await;
        let mut client = Wire::connect(served.address).await;
        for _ in 0..4 {
            assert_eq!(client.get("/").await.first(), "HTTP/1.1 200 OK");
        }
    });
}

#[test]
fn no_answer_garbage_and_no_server_have_their_statuses() {
    for (said, want) in [
        ("", "HTTP/1.1 502 Bad Gateway"),
        ("HTTP/1.1 200", "HTTP/1.1 502 Bad Gateway"),
        ("what is this\r\n\r\n", "HTTP/1.1 500 Internal Server Error"),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 500 Internal Server Error"),
    ] {
        run(async {
            let server = Server::start().await;
            let served = serve(settings(), to(server.url())).await;
            let mut client = Wire::connect(served.address).await;
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
            let mut wire = server.accept().await;
            wire.message().await.unwrap();
            wire.send(said).await;
            drop(wire);
            assert_eq!(client.message().await.unwrap().first(), want, "{said:?}");
        });
    }
    run(async {
        let configuration = crate::proxy::configuration(
            vec![("app", crate::proxy::everything("app"))],
            vec![("app", servers(&[]))],
        );
        let served = serve(settings(), configuration).await;
        let answer = Wire::connect(served.address).await.get("/").await;
        assert_eq!(answer.first(), "HTTP/1.1 503 Service Unavailable");
    });
}

#[test]
fn a_head_that_is_too_late_is_504() {
    run(async {
        let server = Server::start().await;
        let mut settings = settings();
        settings.transport.response_header_timeout = Some(Duration::from_millis(30));
        let served = serve(settings, to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        assert_eq!(client.message().await.unwrap().first(), "HTTP/1.1 504 Gateway Timeout");
        assert!(wire.is_closed().await);
    });
}

#[test]
fn the_time_for_a_head_begins_when_the_body_is_sent() {
    run(async {
        let server = Server::start().await;
        let mut settings = settings();
        settings.transport.response_header_timeout = Some(Duration::from_millis(30));
        let served = serve(settings, to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.head().await.unwrap();
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(40)).await;
            client.send("ab").await;
            wire.exactly(2).await;
        }
        wire.ok("in time").await;
        assert_eq!(client.message().await.unwrap().text(), "in time");
    });
}
