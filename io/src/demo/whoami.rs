//! Small servers to route to: one tells what it received, one counts the copies that it gets.
use crate::net::{Listener, Stream};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// The path at which a [`Role::Counter`] tells how many requests it got elsewhere.
pub const COPIES_PATH: &str = "/copies";

/// What a server does.
#[derive(Clone, Debug)]
pub enum Role {
    /// Tells what it received, and its name.
    Whoami(Arc<str>),
    /// Counts requests.
    Counter(Arc<AtomicU64>),
}

/// Serves HTTP/1.1 until the listener fails. Runs on a `LocalSet`.
///
/// # Errors
/// The listener's failure.
pub async fn serve<L>(mut listener: L, role: Role) -> std::io::Result<Infallible>
where
    L: Listener<Stream: Stream>,
{
    let role = Rc::new(role);
    loop {
        let (stream, client) = listener.accept().await?;
        let Ok(local) = stream.local_addr() else { continue };
        let role = Rc::clone(&role);
        let service = service_fn(move |request: Request<Incoming>| {
            let role = Rc::clone(&role);
            async move {
                let (head, body) = request.into_parts();
                // A copy counts when it arrived as a whole; an aborted one is nobody's concern.
                let _ = body.collect().await;
                Ok::<_, Infallible>(answer(&role, &head, client, local.ip()))
            }
        });
        tokio::task::spawn_local(async move {
            // The client left, or spoke something else.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(
    role: &Role,
    head: &http::request::Parts,
    client: SocketAddr,
    local: IpAddr,
) -> Response<Full<Bytes>> {
    let text = match role {
        Role::Whoami(name) => describe(name, head, client, local),
        Role::Counter(count) if head.uri.path() == COPIES_PATH => {
            format!("{}\n", count.load(Relaxed))
        }
        Role::Counter(count) => format!("{}\n", count.fetch_add(1, Relaxed) + 1),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = StatusCode::OK;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

fn describe(name: &str, head: &http::request::Parts, client: SocketAddr, local: IpAddr) -> String {
    let mut text = format!(
        "Name: {name}\nHostname: {}\nIP: {local}\nRemoteAddr: {client}\n{} {} {:?}\n",
        hostname(),
        head.method,
        head.uri,
        head.version,
    );
    let mut headers: Vec<(&str, String)> = head
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    // The host first, then by name.
    headers.sort_by_key(|(name, _)| (*name != "host", *name));
    for (name, value) in headers {
        let _ = writeln!(text, "{}: {value}", canonical(name));
    }
    text.push('\n');
    text
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// `x-forwarded-for` as `X-Forwarded-For`.
fn canonical(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(usize::from(!word.is_empty()));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(role: &Role, uri: &str) -> String {
        let request = Request::builder()
            .uri(uri)
            .header("x-real-ip", "192.0.2.1")
            .header("accept", "*/*")
            .header("host", "whoami.localhost")
            .body(())
            .unwrap();
        let (head, ()) = request.into_parts();
        let client = SocketAddr::from(([127, 0, 0, 1], 4711));
        let response = answer(role, &head, client, IpAddr::from([127, 0, 0, 2]));
        let mut body = std::pin::pin!(response.into_body());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(Some(Ok(frame))) =
            hyper::body::Body::poll_frame(body.as_mut(), &mut context)
        else {
            panic!("the body is at hand")
        };
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn whoami_tells_its_name_and_what_it_received() {
        let text = ask(&Role::Whoami("whoami-1".into()), "/a?b=c");
        insta::assert_snapshot!(text.replace(&hostname(), "HOST"), @"
    Name: whoami-1
    Hostname: HOST
    IP: 127.0.0.2
    RemoteAddr: 127.0.0.1:4711
    GET /a?b=c HTTP/1.1
    Host: whoami.localhost
    Accept: */*
    X-Real-Ip: 192.0.2.1
    ");
    }

    #[test]
    fn the_counter_does_not_count_who_asks_for_the_count() {
        let role = Role::Counter(Arc::default());
        let answers = ["/", "/x", COPIES_PATH, "/", COPIES_PATH].map(|path| ask(&role, path));
        assert_eq!(answers, ["1\n", "2\n", "2\n", "3\n", "3\n"]);
    }
}
