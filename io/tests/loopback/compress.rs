//! Bodies are compressed for clients that take them so, and still pass as they come.
use crate::{
    proxy::{run, serve, settings, to},
    wire::{Message, Server, Wire},
};
use flate2::write::GzDecoder;
use rutter_core::{
    config::{Configuration, Defined},
    diagnostic::Place,
    middleware::{Definition, compress::Compress},
};
use std::{io::Write, sync::Arc};

fn compressing(url: String) -> Configuration {
    let mut configuration = to(url);
    let definition = Definition { compress: Some(Compress::default()), ..Definition::default() };
    let defined = Defined { value: Ok(definition), place: Place::default() };
    configuration.http.middlewares.insert("small".into(), Arc::new(defined));
    for router in configuration.http.routers.values_mut() {
        let mut changed = Defined::clone(router);
        changed.value.as_mut().unwrap().middlewares.push("small".into());
        *router = Arc::new(changed);
    }
    configuration
}

/// The answer to one request that takes these codings.
async fn answer(accepts: &str, head: &str, body: &str) -> Message {
    let server = Server::start().await;
    let served = serve(settings(), compressing(server.url())).await;
    let mut client = Wire::connect(served.address).await;
    client.send(format!("GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {accepts}\r\n\r\n")).await;
    let mut wire = server.accept().await;
    wire.message().await.unwrap();
    let length = body.len();
    wire.send(format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {length}\r\n\r\n{body}")).await;
    client.message().await.unwrap()
}

#[test]
fn a_long_response_is_compressed_and_its_head_says_so() {
    run(async {
        let text = "<p>hello</p>".repeat(1000);
        let head = "ETag: \"1\"\r\nAccept-Ranges: bytes\r\n";
        let got = answer("br, zstd;q=0.9", head, &text).await;
        assert_eq!(got.header("content-encoding"), Some("br"));
        assert_eq!(got.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(got.header("vary"), Some("Accept-Encoding"));
        assert_eq!(got.header("etag"), Some("W/\"1\""));
        assert_eq!((got.header("content-length"), got.header("accept-ranges")), (None, None));
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &*got.body, &mut plain).unwrap();
        assert!(plain == text.as_bytes());
        assert!(got.body.len() < text.len() / 20, "{}", got.body.len());
    });
}

#[test]
fn a_short_response_stays_as_it_is() {
    run(async {
        let got = answer("gzip", "Content-Type: a/b\r\nETag: \"1\"\r\n", "hello").await;
        assert_eq!(got.header("content-encoding"), None);
        assert_eq!(got.header("vary"), Some("Accept-Encoding"));
        assert_eq!(got.header("etag"), Some("\"1\""));
        assert_eq!((got.header("content-length"), got.text()), (Some("5"), "hello"));
    });
}

#[test]
fn a_response_that_streams_arrives_while_the_server_still_writes() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), compressing(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        let mut decoder = GzDecoder::new(Vec::new());
        for (at, part) in ["one", "two", "six"].into_iter().enumerate() {
            wire.send(format!("3\r\n{part}\r\n")).await;
            if at == 0 {
                assert!(client.head().await.unwrap().contains("Content-Encoding: gzip"));
            }
            while decoder.get_ref().is_empty() {
                decoder.write_all(&client.chunk().await.unwrap()).unwrap();
                decoder.flush().unwrap();
            }
            assert_eq!(std::mem::take(decoder.get_mut()), part.as_bytes());
        }
        wire.send("0\r\n\r\n").await;
        while let Some(chunk) = client.chunk().await {
            decoder.write_all(&chunk).unwrap();
        }
        assert_eq!(decoder.finish().unwrap(), b"");
    });
}
