//! HTTP/2 to a server: one connection, many requests, a task of its own.
use super::{Failure, Incoming, Outgoing, Received, connect, stream::ServerStream, to_http1};
use crate::{
    body::{Broken, RequestBody},
    net::Net,
};
use http::{
    Request, Uri, Version,
    header::HOST,
    request,
    uri::{Authority, PathAndQuery, Scheme},
};
use hyper::client::conn::{TrySendError, http2};
use hyper_util::rt::TokioIo;
use rutter_core::{
    exchange::SendError,
    service::{self, Server},
};

/// Bytes of a response's head that are taken.
const HEADER_BYTES_MAX: u32 = 1 << 20;

/// What a stream may have waiting for its server.
const STREAM_BUFFER: usize = 64 << 10;

/// Spawns on the thread it is on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalExecutor;

impl<F: Future + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// Begins HTTP/2 on a fresh stream.
pub(super) async fn open<N: Net>(
    stream: ServerStream<N>,
) -> hyper::Result<http2::SendRequest<RequestBody>> {
    let (sender, driver) = http2::Builder::new(LocalExecutor)
        .max_header_list_size(HEADER_BYTES_MAX)
        .max_send_buf_size(STREAM_BUFFER)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::task::spawn_local(async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "HTTP/2 connection to a server");
        }
    });
    Ok(sender)
}

/// Sends a request and waits for the head of its response.
pub(super) async fn send<N: Net>(
    mut sender: http2::SendRequest<RequestBody>,
    server: &Server,
    mut outgoing: Box<Outgoing>,
) -> Result<Received<N>, Failure> {
    if let Err(error) = to_http2(server, &mut outgoing.head) {
        return Err(Failure::Unsent(outgoing, error));
    }
    let Outgoing { head, body } = *outgoing;
    match sender.try_send_request(Request::from_parts(head, body)).await {
        Ok(response) => {
            let (head, incoming) = response.into_parts();
            Ok((head, Incoming::H2(incoming)))
        }
        Err(error) => Err(match failure(error) {
            Failure::Unsent(mut back, error) => {
                to_http1(server, &mut back);
                Failure::Unsent(back, error)
            }
            gone @ Failure::Gone(_) => gone,
        }),
    }
}

/// HTTP/2 names scheme and host with the target.
fn to_http2(server: &Server, head: &mut request::Parts) -> Result<(), SendError> {
    head.version = Version::HTTP_2;
    let host = head.headers.remove(HOST);
    let host = host.as_ref().unwrap_or(&server.host);
    let mut parts = std::mem::take(&mut head.uri).into_parts();
    parts.scheme = Some(match server.scheme {
        service::Scheme::Https => Scheme::HTTPS,
        service::Scheme::Http | service::Scheme::H2c => Scheme::HTTP,
    });
    parts.authority = Some(Authority::try_from(host.as_bytes()).map_err(|_| SendError::Protocol)?);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    head.uri = Uri::from_parts(parts).map_err(|_| SendError::Protocol)?;
    Ok(())
}

/// Unsent if hyper gives the request back: then nothing of it was written.
fn failure(mut error: TrySendError<Request<RequestBody>>) -> Failure {
    let reason = cause(error.error());
    tracing::debug!(error = %error.error(), "no response");
    match error.take_message() {
        Some(request) => {
            let (head, body) = request.into_parts();
            Failure::Unsent(Box::new(Outgoing { head, body }), reason)
        }
        None => Failure::Gone(reason),
    }
}

/// What the client is told. Compat: http.md "Errors produced while forwarding".
pub(super) fn cause(error: &hyper::Error) -> SendError {
    use std::error::Error as _;
    // The only error of ours that hyper passes on is that of a client's body.
    if error.is_user() && error.source().is_some_and(|it| it.is::<Broken>()) {
        return SendError::ClientBody;
    }
    if error.is_timeout() {
        return SendError::Timeout;
    }
    if error.is_parse() {
        return SendError::Protocol;
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return SendError::Closed;
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return connect::cause(error);
        }
        source = error.source();
    }
    SendError::Protocol
}
