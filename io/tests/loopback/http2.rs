//! HTTP/2 by prior knowledge, in and out.
use crate::{
    proxy::{run, serve, settings, to},
    wire::{Server, Wire},
};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{body::Incoming, client::conn::http2, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, net::SocketAddr};
use tokio::net::TcpStream;

#[derive(Clone)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

type Body = BoxBody<Bytes, Infallible>;

async fn client(address: SocketAddr) -> http2::SendRequest<Body> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, driver) = http2::handshake(Local, TokioIo::new(stream)).await.unwrap();
    tokio::task::spawn_local(driver);
    sender
}

fn frames(frames: Vec<Frame<Bytes>>) -> Body {
    BoxBody::new(StreamBody::new(futures_util::stream::iter(frames.into_iter().map(Ok))))
}

/// An HTTP/2 server that answers with what it was asked, and a trailer.
async fn h2_echo() -> String {
    let server = Server::start().await;
    let url = format!("h2c://{}", server.address);
    tokio::task::spawn_local(async move {
        loop {
            let wire = server.accept().await;
            let echo = service_fn(|request: Request<Incoming>| async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap();
                let sum = body.trailers().and_then(|it| it.get("x-sum")).cloned();
                let te = head.headers.get("te").and_then(|it| it.to_str().ok()).unwrap_or("-");
                let text = format!(
                    "{:?} {} {} {te} {:?}",
                    head.version,
                    head.method,
                    head.uri,
                    String::from_utf8_lossy(&body.to_bytes())
                );
                let mut trailers = HeaderMap::new();
                trailers.insert("x-end", sum.unwrap_or(http::HeaderValue::from_static("none")));
                let frames = frames(vec![Frame::data(text.into()), Frame::trailers(trailers)]);
                let response = Response::builder().header("content-type", "a/b").body(frames);
                Ok::<_, Infallible>(response.unwrap())
            });
            let connection = hyper::server::conn::http2::Builder::new(Local)
                .serve_connection(TokioIo::new(wire.stream), echo);
            tokio::task::spawn_local(connection);
        }
    });
    url
}

#[test]
fn http2_in_http1_out() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), to(url)).await;
        let mut sender = client(served.address).await;
        let answers = (0..3).map(|i| {
            let request = Request::post(format!("http://host.test/{i}"))
                .body(BoxBody::new(Full::new(Bytes::from("body"))))
                .unwrap();
            sender.send_request(request)
        });
        for (i, answer) in futures_util::future::join_all(answers).await.into_iter().enumerate() {
            let answer = answer.unwrap();
            assert_eq!(answer.version(), Version::HTTP_2);
            let body = answer.collect().await.unwrap().to_bytes();
            let text = std::str::from_utf8(&body).unwrap();
            assert!(text.starts_with(&format!("POST /{i} HTTP/1.1\r\n")), "{text}");
            assert!(text.contains("Host: host.test\r\n"), "{text}");
            assert!(text.ends_with("\r\n\r\nbody"), "{text}");
        }
    });
}

#[test]
fn cookies_become_one_line() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), to(url)).await;
        let mut sender = client(served.address).await;
        let request = Request::get("http://host.test/").header("cookie", "a=1");
        let request = request.header("cookie", "b=2").body(frames(Vec::new())).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let body = answer.collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains("\r\nCookie: a=1; b=2\r\n"), "{text}");
    });
}

#[test]
fn http1_in_http2_out() {
    run(async {
        let served = serve(settings(), to(h2_echo().await)).await;
        let mut client = Wire::connect(served.address).await;
        for i in 0..2 {
            let answer = client.get(&format!("/{i}")).await;
            let want = format!("HTTP/2.0 GET http://example.test/{i} - \"\"");
            assert_eq!(answer.text(), want);
        }
    });
}

#[test]
fn trailers_pass_from_http2_to_http2() {
    run(async {
        let served = serve(settings(), to(h2_echo().await)).await;
        let mut sender = client(served.address).await;
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "7".parse().unwrap());
        let body = frames(vec![Frame::data(Bytes::from("data")), Frame::trailers(trailers)]);
        let request = Request::post("http://host.test/grpc").header("te", "trailers").body(body);
        let answer = sender.send_request(request.unwrap()).await.unwrap();
        let body = answer.collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["x-end"], "7");
        let text = body.to_bytes();
        assert_eq!(text, r#"HTTP/2.0 POST http://host.test/grpc trailers "data""#);
    });
}

#[test]
fn a_body_that_is_too_late_takes_only_its_own_request_with_it() {
    run(async {
        let server = Server::start().await;
        let mut settings = settings();
        settings.entry_points[0].timeouts.read = Some(std::time::Duration::from_millis(30));
        let served = serve(settings, to(server.url())).await;
        let mut sender = client(served.address).await;
        let never = StreamBody::new(futures_util::stream::pending::<Result<_, Infallible>>());
        let late = Request::post("http://host.test/late").body(BoxBody::new(never)).unwrap();
        let late = sender.send_request(late);
        let mut wire = server.accept().await;
        wire.head().await.unwrap();
        let held = Request::get("http://host.test/held").body(frames(Vec::new())).unwrap();
        let held = sender.send_request(held);
        let mut other = server.accept().await;
        other.message().await.unwrap();
        assert_eq!(late.await.unwrap().status(), 400);
        other.ok("held").await;
        assert_eq!(held.await.unwrap().status(), 200);
    });
}
