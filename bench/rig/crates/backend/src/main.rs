//! Benchmark backend: one thread, HTTP/1.1 keep-alive, several ports.
//!   GET  /...            1 KiB body
//!   GET  /big...         10 MiB body
//!   POST /upload...      reads the whole body, answers its length
//!   POST /slow-upload... same, but reads at about 64 MiB/s (shows who buffers)
//! Every answer carries `x-backend: <port>` so that a prober can tell which
//! backend a route points at.
use std::{convert::Infallible, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    header::{HeaderName, HeaderValue},
    service::service_fn,
    Request, Response,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

static SMALL: [u8; 1024] = [b'x'; 1024];
static BIG: [u8; 10 << 20] = [b'y'; 10 << 20];

async fn answer(
    req: Request<Incoming>,
    port: HeaderValue,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = req.uri().path();
    let slow = path.starts_with("/slow-upload");
    let body = if path.starts_with("/big") {
        Bytes::from_static(&BIG)
    } else if slow || path.starts_with("/upload") {
        let (mut n, mut since) = (0usize, 0usize);
        let mut body = req.into_body();
        while let Some(Ok(frame)) = body.frame().await {
            if let Some(d) = frame.data_ref() {
                n += d.len();
                since += d.len();
            }
            if slow && since >= 1 << 20 {
                since = 0;
                tokio::time::sleep(Duration::from_micros(15_600)).await;
            }
        }
        Bytes::from(n.to_string())
    } else {
        Bytes::from_static(&SMALL)
    };
    let mut res = Response::new(Full::new(body));
    res.headers_mut().insert(HeaderName::from_static("x-backend"), port);
    Ok(res)
}

async fn serve(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("bind");
    let tag = HeaderValue::from_str(&port.to_string()).unwrap();
    loop {
        let Ok((sock, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let _ = sock.set_nodelay(true);
        let tag = tag.clone();
        tokio::task::spawn_local(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(sock), service_fn(move |r| answer(r, tag.clone())))
                .await;
        });
    }
}

fn main() {
    let ports: Vec<u16> = std::env::args().skip(1).map(|a| a.parse().expect("port")).collect();
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&rt, async {
        let tasks: Vec<_> = ports.into_iter().map(|p| tokio::task::spawn_local(serve(p))).collect();
        for t in tasks {
            let _ = t.await;
        }
    });
}
