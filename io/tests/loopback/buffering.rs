//! Bodies that are read whole before they go on, and requests that are sent again.
use crate::{
    proxy::{past, run, serve, settings},
    wire::{Server, Wire},
};
use rutter_core::middleware::{Definition, buffering::Buffering};

fn buffering(options: Buffering) -> Definition {
    Definition { buffering: Some(options), ..Definition::default() }
}

#[test]
fn a_request_in_chunks_is_sent_with_its_length_once_it_is_whole() {
    run(async {
        let server = Server::start().await;
        let options = Buffering { mem_request_body_bytes: 4, ..Buffering::default() };
        let served = serve(settings(), past(&server.url(), buffering(options))).await;
        let mut client = Wire::connect(served.address).await;
        client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        client.send("3\r\nabc\r\n").await;
        client.send("6\r\ndefghi\r\n0\r\n\r\n").await;
        let mut wire = server.accept().await;
        let request = wire.message().await.unwrap();
        assert_eq!(request.header("content-length"), Some("9"));
        assert_eq!(request.header("transfer-encoding"), None);
        assert_eq!(request.text(), "abcdefghi", "half of it was in a file");
        wire.ok("thanks").await;
        assert_eq!(client.message().await.unwrap().text(), "thanks");
    });
}

#[test]
fn a_request_that_grows_too_long_is_413_and_reaches_no_server() {
    run(async {
        let server = Server::start().await;
        let options = Buffering { max_request_body_bytes: 8, ..Buffering::default() };
        let served = serve(settings(), past(&server.url(), buffering(options))).await;
        for declared in ["Transfer-Encoding: chunked\r\n\r\n9\r\n", "Content-Length: 9\r\n\r\n"] {
            let mut client = Wire::connect(served.address).await;
            client.send(format!("POST / HTTP/1.1\r\nHost: x\r\n{declared}123456789")).await;
            let answer = client.message().await.unwrap();
            assert_eq!(answer.first().split(' ').nth(1), Some("413"));
            assert_eq!(answer.text(), "Request Entity Too Large");
        }
    });
}

#[test]
fn an_answer_that_the_expression_names_is_dropped_and_the_same_request_sent_again() {
    run(async {
        let server = Server::start().await;
        let options = Buffering {
            mem_request_body_bytes: 2,
            retry_expression: "ResponseCode() == 500 && Attempts() <= 2".into(),
            ..Buffering::default()
        };
        let served = serve(settings(), past(&server.url(), buffering(options))).await;
        let mut client = Wire::connect(served.address).await;
        client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello").await;
        let mut heads = Vec::new();
        for body in ["first", "second", "third"] {
            let mut wire = server.accept().await;
            let request = wire.message().await.unwrap();
            assert_eq!(request.text(), "hello");
            heads.push(request.head);
            wire.send(format!(
                "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        }
        assert!(heads.iter().all(|head| *head == heads[0]), "{heads:?}");
        assert_eq!(client.message().await.unwrap().text(), "third");
    });
}

#[test]
fn a_response_is_delivered_whole_or_not_at_all() {
    run(async {
        let server = Server::start().await;
        let options = Buffering {
            max_response_body_bytes: 8,
            mem_response_body_bytes: 4,
            ..Buffering::default()
        };
        let served = serve(settings(), past(&server.url(), buffering(options))).await;
        let mut client = Wire::connect(served.address).await;
        for (body, status, got) in [
            ("12345678", "200", "12345678"),
            ("123456789", "500", "Internal Server Error"),
            ("", "200", ""),
        ] {
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
            let mut wire = server.accept().await;
            wire.message().await.unwrap();
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nConnection: close\r\n\r\n").await;
            wire.send(body).await;
            drop(wire);
            let answer = client.message().await.unwrap();
            assert_eq!(answer.first().split(' ').nth(1), Some(status), "{body}");
            assert_eq!(answer.text(), got);
            assert_eq!(answer.header("content-length"), Some(&*got.len().to_string()));
        }
    });
}
