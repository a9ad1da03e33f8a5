//! The client of the API server: kube's, over connections that [`Net`] makes.
//!
//! kube's client goes to any thread and our connections to none, so it hands its requests to a task
//! beside them. Over TLS they share a few HTTP/2 connections; without HTTP/2 each has its own.
use super::{
    access::{Access, Tls},
    trouble::Trouble,
};
use crate::{
    clock::Clock,
    net::Net,
    upstream::{dial, h2::LocalExecutor},
};
use body::Watched;
use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT},
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use kube::{client::Body, core::Status};
use rustls::pki_types::ServerName;
use rutter_core::time::Instant;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Mutex, mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};

mod body;

/// For a connection, with TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For the head of a response, and for the rest of one that is no watch.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests that share a connection: API servers allow 100 or more.
const SHARERS_MAX: usize = 80;
/// A shared connection that is silent for so long is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// The most bytes of an answer that is no watch.
const ANSWER_MAX: usize = 256 << 20;
/// Requests on their way to the connections.
const ASKED_MAX: usize = 16;

type Answer = Response<Either<Full<Bytes>, Watched>>;
type Sender = http2::SendRequest<Full<Bytes>>;

/// A request, and where its answer goes.
type Asked = (Request<Body>, oneshot::Sender<Result<Answer, String>>);

/// A client of one API server. Its task runs until all copies of the client are gone.
///
/// A watch begins no sooner than `watch_interval` after the one before it of the same resource.
pub(super) fn client<N: Net>(
    net: N,
    access: Access,
    clock: Clock,
    watch_interval: Duration,
) -> kube::Client {
    let (sender, asked) = mpsc::channel::<Asked>(ASKED_MAX);
    let connections = Rc::new(Connections {
        net,
        trouble: Trouble::new(access.server.clone()),
        access,
        clock,
        watch_interval,
        tls: RefCell::default(),
        shared: RefCell::default(),
        connecting: Mutex::default(),
        watches: RefCell::default(),
    });
    tokio::task::spawn_local(serve(connections, asked));
    let service = tower::service_fn(move |request| {
        let sender = sender.clone();
        async move {
            let (reply, answer) = oneshot::channel();
            let ended = || "the client has ended".to_owned();
            sender.send((request, reply)).await.map_err(|_| ended())?;
            answer.await.map_err(|_| ended())?
        }
    });
    kube::Client::new(service, "default")
}

async fn serve<N: Net>(connections: Rc<Connections<N>>, mut asked: mpsc::Receiver<Asked>) {
    let mut answering = JoinSet::new();
    loop {
        tokio::select! {
            request = asked.recv() => {
                let Some((request, mut reply)) = request else { return };
                let connections = Rc::clone(&connections);
                answering.spawn_local(async move {
                    tokio::select! {
                        () = reply.closed() => {}
                        answer = connections.ask(request) => drop(reply.send(answer)),
                    }
                });
            }
            Some(_) = answering.join_next() => {}
        }
    }
}

/// Connections to one API server.
struct Connections<N> {
    net: N,
    access: Access,
    clock: Clock,
    watch_interval: Duration,
    trouble: Trouble,
    tls: RefCell<Tls>,
    shared: RefCell<Vec<Arc<Sender>>>,
    /// One connection is made at a time: the next may share it.
    connecting: Mutex<()>,
    /// When the next watch of a resource may begin.
    watches: RefCell<BTreeMap<Box<str>, Instant>>,
}

impl<N: Net> Connections<N> {
    async fn ask(&self, request: Request<Body>) -> Result<Answer, String> {
        let is_watch = request.uri().query().is_some_and(|it| it.contains("watch=true"));
        if is_watch {
            self.clock.sleep_until(self.next_watch(request.uri().path())).await;
        }
        let answer = self.send(request, is_watch).await;
        match &answer {
            Err(reason) => self.trouble.unreachable(reason),
            Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
                self.trouble.unauthorized(&reason(answer));
            }
            Ok(_) => self.trouble.over(),
        }
        answer
    }

    fn next_watch(&self, path: &str) -> Instant {
        let now = self.clock.now();
        let mut watches = self.watches.borrow_mut();
        let begins = watches.get(path).map_or(now, |at| now.max(*at));
        watches.insert(path.into(), begins + self.watch_interval);
        begins
    }

    async fn send(&self, request: Request<Body>, is_watch: bool) -> Result<Answer, String> {
        let request = self.complete(request).await?;
        let connection = match self.shared() {
            Some(sender) => Connection::Shared(sender),
            None => self.connect().await?,
        };
        let (response, shared) = match connection {
            Connection::Shared(sender) => {
                let response = in_time((*sender).clone().send_request(request)).await?;
                (response, Some(sender))
            }
            Connection::Own(mut own) => (in_time(own.send_request(request)).await?, None),
        };
        let (head, body) = response.into_parts();
        let body = if is_watch && head.status.is_success() {
            Either::Right(Watched::new(body, shared))
        } else {
            Either::Left(Full::new(
                in_time(Limited::new(body, ANSWER_MAX).collect()).await?.to_bytes(),
            ))
        };
        Ok(Response::from_parts(head, body))
    }

    /// What kube leaves to others: where the server is, and who asks.
    async fn complete(&self, request: Request<Body>) -> Result<Request<Full<Bytes>>, String> {
        let (mut head, body) = request.into_parts();
        let server = &self.access.server;
        let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let path = format!("{}{path}", server.path().trim_end_matches('/'));
        let mut parts = server.clone().into_parts();
        parts.path_and_query = Some(path.parse().map_err(line)?);
        head.uri = Uri::from_parts(parts).map_err(line)?;
        let json = HeaderValue::from_static("application/json");
        head.headers.entry(ACCEPT).or_insert(json);
        head.headers.insert(USER_AGENT, HeaderValue::from_static("rutter"));
        if let Some(authorization) = self.access.authorization()? {
            head.headers.insert(AUTHORIZATION, authorization);
        }
        let body = body.collect().await.map_err(line)?.to_bytes();
        Ok(Request::from_parts(head, Full::new(body)))
    }

    /// A connection that is there and takes one more.
    fn shared(&self) -> Option<Arc<Sender>> {
        let mut shared = self.shared.borrow_mut();
        shared.retain(|sender| !sender.is_closed());
        shared.iter().find(|sender| Arc::strong_count(sender) <= SHARERS_MAX).cloned()
    }

    async fn connect(&self) -> Result<Connection, String> {
        let _first = self.connecting.lock().await;
        if let Some(sender) = self.shared() {
            return Ok(Connection::Shared(sender));
        }
        let connecting = timeout(CONNECT_TIMEOUT, self.connect_now()).await;
        connecting.unwrap_or_else(|_| Err("no connection in time".to_owned()))
    }

    async fn connect_now(&self) -> Result<Connection, String> {
        let server = &self.access.server;
        let host = server.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        let is_plain = server.scheme() == Some(&Scheme::HTTP);
        let port = server.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let stream = dial(&self.net, host, port).await.map_err(line)?;
        if is_plain {
            return own(stream, server.authority()).await;
        }
        let tls = self.tls.borrow_mut().configs(&self.access)?;
        let connector = tls.connector(false).map_err(line)?;
        let name = tls.server_name().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).map_err(line)?;
        let stream = connector.connect(name, stream).await.map_err(line)?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return own(stream, server.authority()).await;
        }
        let (sender, driver) = http2::Builder::new(LocalExecutor)
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(line)?;
        tokio::task::spawn_local(driver);
        let sender = Arc::new(sender);
        self.shared.borrow_mut().push(Arc::clone(&sender));
        Ok(Connection::Shared(sender))
    }
}

enum Connection {
    Shared(Arc<Sender>),
    Own(OwnSender),
}

/// HTTP/1 for one request.
struct OwnSender {
    sender: http1::SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

impl OwnSender {
    fn send_request(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> impl Future<Output = hyper::Result<Response<Incoming>>> {
        request.headers_mut().insert(HOST, self.host.clone());
        let target = request.uri().path_and_query().cloned();
        *request.uri_mut() = target.map(Uri::from).unwrap_or_default();
        self.sender.send_request(request)
    }
}

async fn own(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    authority: Option<&Authority>,
) -> Result<Connection, String> {
    let host = authority.map_or("", Authority::as_str);
    let host = HeaderValue::from_str(host).map_err(line)?;
    let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(line)?;
    tokio::task::spawn_local(driver);
    Ok(Connection::Own(OwnSender { sender, host }))
}

async fn in_time<T, E: ToString>(answer: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match timeout(RESPONSE_TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(line),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

/// An error as a line.
#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn line(error: impl ToString) -> String {
    error.to_string()
}

/// What the API server says about it.
fn reason(answer: &Answer) -> String {
    match answer.body() {
        Either::Left(full) => {
            let bytes = full.clone().into_inner().unwrap_or_default();
            serde_json::from_slice(&bytes).map_or_else(|_| String::new(), |it: Status| it.message)
        }
        Either::Right(_) => String::new(),
    }
}
