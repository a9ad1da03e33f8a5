//! Requests to servers: which connection carries one, and what became of it.
use crate::{body::RequestBody, clock::Clock, net::Net, proxy::Proxy};
use bytes::Bytes;
use connect::Destination;
pub(crate) use connect::dial;
use foldhash::fast::FixedState;
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri, Version,
    header::{COOKIE, HOST, UPGRADE},
    request, response,
    uri::PathAndQuery,
};
use http_body::Body as _;
pub(crate) use own::Configs;
use own::Own;
use pool::Host;
use rutter_core::{
    exchange::SendError,
    service::{Scheme, Server, transport::Limits},
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
pub(crate) mod h1;
pub(crate) mod h2;
mod own;
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
    /// Where a server has none of its own.
    limits: Limits,
    tls: Arc<tls::Configs>,
    buffers: h1::Buffers,
    /// By URL.
    hosts: RefCell<HashMap<Arc<str>, Rc<Host<N>>, FixedState>>,
    /// Servers with settings of their own.
    own: Own<N>,
}

/// A request on its way. Boxed once, so that the steps of its way are small.
pub(crate) struct Outgoing {
    pub(crate) head: request::Parts,
    pub(crate) body: RequestBody,
}

/// Why no response came.
pub(crate) enum Failure {
    /// The server provably processed nothing: the request comes back as it was.
    Unsent(Box<Outgoing>, SendError),
    /// The request is gone.
    Gone(SendError),
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
            limits: proxy.settings.transport.limits(),
            tls: Arc::clone(&proxy.tls),
            buffers: h1::Buffers::default(),
            hosts: RefCell::default(),
            own: Own::default(),
        }))
    }

    /// The network that they go over.
    pub(crate) fn net(&self) -> &N {
        &self.0.net
    }

    /// Sends a request to a server and waits for the head of the response.
    pub(crate) async fn send(
        &self,
        server: &Server,
        outgoing: Box<Outgoing>,
    ) -> Result<Received<N>, Failure> {
        match self.0.limits(server).response_header_timeout {
            None => self.0.send(server, outgoing, None).await,
            Some(limit) => Box::pin(self.0.send_within(server, outgoing, limit)).await,
        }
    }

    /// Sends a request for an upgrade, on an HTTP/1.1 connection of its own.
    pub(crate) async fn upgrade(
        &self,
        server: &Server,
        outgoing: Box<Outgoing>,
    ) -> Result<Upgrade<N>, Failure> {
        Box::pin(self.0.upgrade(server, outgoing)).await
    }

    /// Closes idle connections when their time is over. Runs until it is dropped.
    pub(crate) fn reaper(&self) -> impl Future<Output = ()> + use<N> {
        let shared = Rc::clone(&self.0);
        async move {
            let next = |now: Instant| {
                let shortest = shared.limits.idle_timeout.into_iter().chain(shared.own.shortest());
                now + shortest.fold(REAP_EVERY, Duration::min)
            };
            let mut due = next(shared.clock.now());
            loop {
                tokio::select! {
                    biased;
                    () = shared.clock.sleep_until(due) => {
                        let now = shared.clock.now();
                        shared.hosts.borrow_mut().retain(|_, host| stays(host, now));
                        shared.own.reap(now);
                        due = next(now);
                    }
                    // Its timeout may be shorter.
                    () = shared.own.added() => due = due.min(next(shared.clock.now())),
                }
            }
        }
    }
}

/// Closes connections whose time is over. False: the server has none left, and nobody asks for one.
fn stays<N: Net>(host: &Rc<Host<N>>, now: Instant) -> bool {
    let unused = host.reap(now);
    !unused || Rc::strong_count(host) > 1
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
    async fn send_within(
        &self,
        server: &Server,
        mut outgoing: Box<Outgoing>,
        limit: Duration,
    ) -> Result<Received<N>, Failure> {
        let sent = Rc::new(Cell::new(None));
        if !outgoing.body.is_end_stream() {
            outgoing.body.tell(Rc::clone(&sent), self.clock);
        }
        tokio::select! {
            biased;
            result = self.send(server, outgoing, Some(&sent)) => result,
            () = overdue(self.clock, &sent, limit) => Err(Failure::Gone(SendError::Timeout)),
        }
    }

    /// Connections that are there are tried first; what takes longer has a future of its own, so that
    /// this one stays small. `sent` is told when all of the request is on its way, the time to connect
    /// left out.
    async fn send(
        &self,
        server: &Server,
        mut outgoing: Box<Outgoing>,
        sent: Option<&Cell<Option<Instant>>>,
    ) -> Result<Received<N>, Failure> {
        let host = self.host(server);
        if server.scheme != Scheme::Http
            && let Some(sender) = host.http2()
        {
            self.departs(&outgoing, sent);
            outgoing = match Box::pin(h2::send(sender, server, outgoing)).await {
                Err(Failure::Unsent(back, _)) => back,
                settled => return settled,
            };
        }
        if server.scheme != Scheme::H2c
            && let Some(connection) = host.take()
        {
            self.departs(&outgoing, sent);
            outgoing = match Self::reuse(server, &host, connection, outgoing).await {
                Err(Failure::Unsent(back, _)) => back,
                settled => return settled,
            };
        }
        Box::pin(self.send_afresh(server, host, outgoing, sent)).await
    }

    fn departs(&self, outgoing: &Outgoing, sent: Option<&Cell<Option<Instant>>>) {
        if let Some(sent) = sent
            && outgoing.body.is_end_stream()
        {
            sent.set(Some(self.clock.now()));
        }
    }

    async fn send_afresh(
        &self,
        server: &Server,
        host: Rc<Host<N>>,
        mut outgoing: Box<Outgoing>,
        sent: Option<&Cell<Option<Instant>>>,
    ) -> Result<Received<N>, Failure> {
        if let Some(sent) = sent {
            sent.set(None);
        }
        let stream = match self.connect(server, false).await {
            Ok(stream) => stream,
            Err(error) => return Err(Failure::Unsent(outgoing, error)),
        };
        self.departs(&outgoing, sent);
        if server.scheme == Scheme::H2c || stream.is_http2() {
            return match h2::open(stream).await {
                Ok(sender) => {
                    host.share(sender.clone());
                    h2::send(sender, server, outgoing).await
                }
                Err(error) => Err(Failure::Unsent(outgoing, h2::cause(&error))),
            };
        }
        let mut connection = h1::Connection::new(stream, &self.buffers);
        to_http1(server, &mut outgoing);
        let head = connection.send(outgoing, false).await?;
        received(head, connection, Some(host))
    }

    /// Sends on a connection that was idle. It comes back as unsent, too, if the server closed the
    /// connection before it saw the request, or may get it a second time.
    async fn reuse(
        server: &Server,
        host: &Rc<Host<N>>,
        mut connection: Box<h1::Connection<N>>,
        mut outgoing: Box<Outgoing>,
    ) -> Result<Received<N>, Failure> {
        to_http1(server, &mut outgoing);
        let again = outgoing.body.is_end_stream() && replay::is_idempotent(&outgoing.head);
        let head = connection.send(outgoing, again).await?;
        received(head, connection, Some(Rc::clone(host)))
    }

    async fn upgrade(
        &self,
        server: &Server,
        mut outgoing: Box<Outgoing>,
    ) -> Result<Upgrade<N>, Failure> {
        let wanted = outgoing.head.headers.get(UPGRADE).cloned();
        let stream = match self.connect(server, true).await {
            Ok(stream) => stream,
            Err(error) => return Err(Failure::Unsent(outgoing, error)),
        };
        let mut connection = h1::Connection::new(stream, &self.buffers);
        to_http1(server, &mut outgoing);
        let head = connection.send(outgoing, false).await?;
        if head.parts.status != StatusCode::SWITCHING_PROTOCOLS {
            return received(head, connection, None).map(Upgrade::Refused);
        }
        if !same_protocol(wanted.as_ref(), head.parts.headers.get(UPGRADE)) {
            return Err(Failure::Gone(SendError::Protocol));
        }
        connection.finish().await.map_err(Failure::Gone)?;
        let (stream, early) = connection.into_stream();
        Ok(Upgrade::Switched(head.parts, stream, early))
    }

    async fn connect(
        &self,
        server: &Server,
        http1_only: bool,
    ) -> Result<ServerStream<N>, SendError> {
        let limit = self.limits(server).dial_timeout;
        let to = Destination { scheme: server.scheme, authority: &server.authority };
        let own = server.transport.as_ref().map(|transport| self.own.tls(transport));
        let tls = own.as_ref().unwrap_or(&self.tls);
        let result = connect::connect(&self.net, to, limit, tls, http1_only).await;
        if let Err(error) = result {
            tracing::debug!(server = &*server.url, ?error, "cannot connect");
        }
        result
    }

    fn limits(&self, server: &Server) -> Limits {
        server.transport.as_ref().and_then(|it| it.limits).unwrap_or(self.limits)
    }

    fn host(&self, server: &Server) -> Rc<Host<N>> {
        let make = || Rc::new(Host::new(self.clock, self.limits(server)));
        if let Some(transport) = &server.transport {
            return self.own.host(transport.id(), &server.url, make);
        }
        let mut hosts = self.hosts.borrow_mut();
        if let Some(host) = hosts.get(&server.url) {
            return Rc::clone(host);
        }
        let host = make();
        hosts.insert(Arc::clone(&server.url), Rc::clone(&host));
        host
    }
}

fn received<N: Net>(
    head: h1::Head,
    connection: Box<h1::Connection<N>>,
    home: Option<Rc<Host<N>>>,
) -> Result<Received<N>, Failure> {
    if head.parts.status == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for a switch: what follows cannot be read.
        return Err(Failure::Gone(SendError::Protocol));
    }
    let (head, body) = h1::Body::new(head, connection, home);
    Ok((head, Incoming::H1(body)))
}

fn same_protocol(wanted: Option<&HeaderValue>, got: Option<&HeaderValue>) -> bool {
    match (wanted, got) {
        (Some(wanted), Some(got)) => wanted.as_bytes().eq_ignore_ascii_case(got.as_bytes()),
        _ => false,
    }
}

/// HTTP/1 names the host in a header, the target by its path alone, and cookies in one line.
fn to_http1(server: &Server, outgoing: &mut Outgoing) {
    let head = &mut outgoing.head;
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.headers);
    }
    head.version = Version::HTTP_11;
    if head.uri.authority().is_some() {
        let uri = std::mem::take(&mut head.uri);
        let authority = uri.authority().and_then(|it| HeaderValue::from_str(it.as_str()).ok());
        if let Some(authority) = authority
            && !head.headers.contains_key(HOST)
        {
            head.headers.insert(HOST, authority);
        }
        let path = uri.into_parts().path_and_query;
        head.uri = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    }
    if !head.headers.contains_key(HOST) {
        head.headers.insert(HOST, server.host.clone());
    }
}

/// HTTP/2 may send each cookie on its own; HTTP/1 knows one line (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let cookies: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}
