//! Requests to servers: which connection carries one, and what became of it.
use crate::{body::RequestBody, clock::Clock, net::Net, proxy::Proxy, settings::Transport};
use bytes::Bytes;
use connect::Destination;
use foldhash::fast::FixedState;
use http::{
    HeaderValue, Request, StatusCode, Uri, Version,
    header::{HOST, UPGRADE},
    request, response,
    uri::PathAndQuery,
};
use hyper::{body::Body as _, client::conn::TrySendError};
use pool::Host;
use rutter_core::{
    exchange::SendError,
    service::{Scheme, Server},
    time::Instant,
};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::Future,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
pub(crate) use stream::ServerStream;

mod connect;
mod gate;
pub(crate) mod h1;
pub(crate) mod h2;
mod pool;
pub(crate) mod probe;
mod replay;
mod stream;
pub(crate) mod tls;

/// How often idle connections are looked through, unless their timeout is shorter.
const REAP_EVERY: Duration = Duration::from_secs(15);

/// One worker's connections to all servers.
pub(crate) struct Upstreams<N: Net>(Rc<Shared<N>>);

struct Shared<N: Net> {
    net: N,
    clock: Clock,
    transport: Transport,
    tls: Arc<tls::Configs>,
    /// By URL.
    hosts: RefCell<HashMap<Arc<str>, Rc<Host<N>>, FixedState>>,
}

/// Why no response came.
pub(crate) enum Failure {
    /// The server provably processed nothing.
    Unsent(Box<Unsent>),
    /// The request is gone.
    Gone(SendError),
}

/// A request that comes back as it was.
pub(crate) struct Unsent {
    pub(crate) head: request::Parts,
    pub(crate) body: RequestBody,
    pub(crate) error: SendError,
}

/// The body of a response.
pub(crate) enum Incoming<N: Net> {
    H1(h1::Body<N>),
    H2(hyper::body::Incoming),
}

/// A response's head and body.
pub(crate) type Received<N> = (response::Parts, Incoming<N>);

/// The answer to a request for an upgrade.
pub(crate) enum Upgrade<N: Net> {
    /// 101: what follows is not HTTP. Some of it may have been read already.
    Switched(response::Parts, ServerStream<N>, Bytes),
    /// Any other response.
    Refused(Received<N>),
}

impl<N: Net> Upstreams<N> {
    pub(crate) fn new(net: N, clock: Clock, proxy: &Proxy) -> Self {
        Self(Rc::new(Shared {
            net,
            clock,
            transport: proxy.settings.transport.clone(),
            tls: Arc::clone(&proxy.tls),
            hosts: RefCell::default(),
        }))
    }

    /// Sends a request to a server and waits for the head of the response.
    pub(crate) async fn send(
        &self,
        server: &Server,
        head: request::Parts,
        mut body: RequestBody,
    ) -> Result<Received<N>, Failure> {
        let shared = &*self.0;
        let Some(limit) = shared.transport.response_header_timeout else {
            return shared.send(server, Request::from_parts(head, body)).await;
        };
        let sent = Rc::new(Cell::new(None));
        if body.is_end_stream() {
            sent.set(Some(shared.clock.now()));
        } else {
            body.tell(Rc::clone(&sent), shared.clock);
        }
        tokio::select! {
            biased;
            result = shared.send(server, Request::from_parts(head, body)) => result,
            () = overdue(shared.clock, &sent, limit) => Err(Failure::Gone(SendError::Timeout)),
        }
    }

    /// Sends a request for an upgrade, on an HTTP/1.1 connection of its own.
    pub(crate) async fn upgrade(
        &self,
        server: &Server,
        head: request::Parts,
        body: RequestBody,
    ) -> Result<Upgrade<N>, Failure> {
        self.0.upgrade(server, Request::from_parts(head, body)).await
    }

    /// Closes idle connections when their time is over. Runs until it is dropped.
    pub(crate) fn reaper(&self) -> impl Future<Output = ()> + use<N> {
        let shared = Rc::clone(&self.0);
        async move {
            let timeout = shared.transport.idle_timeout;
            let every = timeout.map_or(REAP_EVERY, |it| it.min(REAP_EVERY));
            loop {
                tokio::time::sleep(every).await;
                let now = shared.clock.now();
                shared.hosts.borrow_mut().retain(|_, host| {
                    let unused = host.reap(now, timeout);
                    !unused || Rc::strong_count(host) > 1
                });
            }
        }
    }
}

/// Ends when the response's head is later than it may be, counted from the request's end.
async fn overdue(clock: Clock, sent: &Cell<Option<Instant>>, limit: Duration) {
    loop {
        let due = sent.get().unwrap_or_else(|| clock.now()) + limit;
        clock.sleep_until(due).await;
        if sent.get().is_some_and(|sent| clock.now() >= sent + limit) {
            return;
        }
    }
}

impl<N: Net> Shared<N> {
    async fn send(
        &self,
        server: &Server,
        mut request: Request<RequestBody>,
    ) -> Result<Received<N>, Failure> {
        let host = self.host(server);
        if server.scheme != Scheme::Http
            && let Some(sender) = host.http2()
        {
            request = match h2::send(sender, server, request).await {
                Ok(received) => return Ok(received),
                Err(Failure::Unsent(back)) => Request::from_parts(back.head, back.body),
                Err(gone @ Failure::Gone(_)) => return Err(gone),
            };
        }
        if server.scheme != Scheme::H2c
            && let Some(connection) = host.take()
        {
            request = match Self::reuse(server, &host, connection, request).await {
                Ok(received) => return Ok(received),
                Err(Failure::Unsent(back)) => Request::from_parts(back.head, back.body),
                Err(gone @ Failure::Gone(_)) => return Err(gone),
            };
        }
        let (stream, flow) = match self.connect(server, false).await {
            Ok(connected) => connected,
            Err(error) => return Err(unsent(request, error)),
        };
        if server.scheme == Scheme::H2c || stream.is_http2() {
            return match h2::open(stream).await {
                Ok(sender) => {
                    host.share(sender.clone());
                    h2::send(sender, server, request).await
                }
                Err(error) => Err(unsent(request, cause(&error))),
            };
        }
        let mut connection = match h1::Connection::open(stream, flow).await {
            Ok(connection) => connection,
            Err(error) => return Err(unsent(request, cause(&error))),
        };
        to_http1(server, &mut request);
        connection.flow.begin(false);
        match connection.send(request).await {
            Ok(response) => received(response, connection, Some(host)),
            Err(error) => Err(failure(error)),
        }
    }

    /// Sends on a connection that was idle. It comes back as unsent, too, if the server closed the
    /// connection before it saw the request, or may get it a second time.
    async fn reuse(
        server: &Server,
        host: &Rc<Host<N>>,
        mut connection: Box<h1::Connection<N>>,
        mut request: Request<RequestBody>,
    ) -> Result<Received<N>, Failure> {
        to_http1(server, &mut request);
        let (head, body) = request.into_parts();
        let keep = body.is_end_stream() && replay::is_idempotent(&head);
        let request = Request::from_parts(head, body);
        connection.flow.begin(keep);
        let error = match connection.send(request).await {
            Ok(response) => return received(response, connection, Some(Rc::clone(host))),
            Err(error) => error,
        };
        let broken = !connection.flow.answered() && !error.error().is_user();
        if keep
            && broken
            && error.message().is_none()
            && let Some(head) = replay::head(&connection.flow.head())
        {
            let error = SendError::Closed;
            return Err(Failure::Unsent(Box::new(Unsent {
                head,
                body: RequestBody::empty(),
                error,
            })));
        }
        Err(failure(error))
    }

    async fn upgrade(
        &self,
        server: &Server,
        mut request: Request<RequestBody>,
    ) -> Result<Upgrade<N>, Failure> {
        let wanted = request.headers().get(UPGRADE).cloned();
        let (stream, flow) = match self.connect(server, true).await {
            Ok(connected) => connected,
            Err(error) => return Err(unsent(request, error)),
        };
        flow.recase();
        let mut connection = match h1::Connection::open(stream, flow).await {
            Ok(connection) => connection,
            Err(error) => return Err(unsent(request, cause(&error))),
        };
        to_http1(server, &mut request);
        let response = connection.send(request).await.map_err(failure)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return received(response, connection, None).map(Upgrade::Refused);
        }
        if !same_protocol(wanted.as_ref(), response.headers().get(UPGRADE)) {
            return Err(Failure::Gone(SendError::Protocol));
        }
        connection.finish().await;
        match connection.into_stream() {
            Some((stream, early)) => Ok(Upgrade::Switched(response.into_parts().0, stream, early)),
            None => Err(Failure::Gone(SendError::Protocol)),
        }
    }

    async fn connect(
        &self,
        server: &Server,
        http1_only: bool,
    ) -> Result<(ServerStream<N>, Rc<stream::Flow>), SendError> {
        let limit = self.transport.dial_timeout;
        let to = Destination { scheme: server.scheme, authority: &server.authority };
        let result = connect::connect(&self.net, to, limit, &self.tls, http1_only).await;
        if let Err(error) = result {
            tracing::debug!(server = &*server.url, ?error, "cannot connect");
        }
        result
    }

    fn host(&self, server: &Server) -> Rc<Host<N>> {
        let mut hosts = self.hosts.borrow_mut();
        if let Some(host) = hosts.get(&server.url) {
            return Rc::clone(host);
        }
        let host = Rc::new(Host::new(self.clock, self.transport.idle_per_host_max));
        hosts.insert(Arc::clone(&server.url), Rc::clone(&host));
        host
    }
}

fn received<N: Net>(
    response: http::Response<hyper::body::Incoming>,
    connection: Box<h1::Connection<N>>,
    home: Option<Rc<Host<N>>>,
) -> Result<Received<N>, Failure> {
    let (head, incoming) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for a switch: what follows cannot be read.
        return Err(Failure::Gone(SendError::Protocol));
    }
    Ok((head, Incoming::H1(h1::Body::new(incoming, connection, home))))
}

fn same_protocol(wanted: Option<&HeaderValue>, got: Option<&HeaderValue>) -> bool {
    match (wanted, got) {
        (Some(wanted), Some(got)) => wanted.as_bytes().eq_ignore_ascii_case(got.as_bytes()),
        _ => false,
    }
}

fn unsent(request: Request<RequestBody>, error: SendError) -> Failure {
    let (head, body) = request.into_parts();
    Failure::Unsent(Box::new(Unsent { head, body, error }))
}

/// Unsent if hyper gives the request back: then nothing of it was written.
fn failure(mut error: TrySendError<Request<RequestBody>>) -> Failure {
    let reason = cause(error.error());
    tracing::debug!(error = %error.error(), "no response");
    match error.take_message() {
        Some(request) => unsent(request, reason),
        None => Failure::Gone(reason),
    }
}

/// What the client is told. Compat: http.md "Errors produced while forwarding".
fn cause(error: &hyper::Error) -> SendError {
    use std::error::Error as _;
    if error.is_user() && error.source().is_some() {
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

/// HTTP/1 names the host in a header, and the target by its path alone.
fn to_http1(server: &Server, request: &mut Request<RequestBody>) {
    *request.version_mut() = Version::HTTP_11;
    if request.uri().authority().is_some() {
        let uri = std::mem::take(request.uri_mut());
        let authority = uri.authority().and_then(|it| HeaderValue::from_str(it.as_str()).ok());
        if let Some(authority) = authority
            && !request.headers().contains_key(HOST)
        {
            request.headers_mut().insert(HOST, authority);
        }
        let path = uri.into_parts().path_and_query;
        *request.uri_mut() = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    }
    if !request.headers().contains_key(HOST) {
        request.headers_mut().insert(HOST, server.host.clone());
    }
}
