//! Requests to the API server, over connections that [`Net`] makes.
//!
//! Over TLS they share a few HTTP/2 connections; without HTTP/2 each has a connection of its own.
use super::access::{Access, Tls};
use crate::{
    net::Net,
    upstream::{dial, h2::LocalExecutor},
};
use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT},
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use std::{cell::RefCell, rc::Rc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Mutex,
    time::timeout,
};

/// For a connection, with TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For the head of a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests that share a connection: API servers allow 100 or more.
const SHARERS_MAX: usize = 80;
/// A shared connection that is silent for so long is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// The most bytes of a list or an answer.
const ANSWER_MAX: usize = 256 << 20;
/// The most bytes of one line of a watch: an object cannot be that large.
const LINE_MAX: usize = 16 << 20;
/// The most bytes of an explanation.
const REASON_MAX: usize = 64 << 10;

/// Why there is no answer, or none that is of use.
#[derive(Debug)]
pub(super) enum Error {
    /// Nothing came back, or not all of it.
    Unreachable(String),
    /// The API server says no.
    Refused(StatusCode, String),
    /// What came back makes no sense.
    Nonsense(String),
}

type Sender = http2::SendRequest<Empty<Bytes>>;

/// Asks one API server.
pub(super) struct Client<N> {
    net: N,
    access: Access,
    tls: RefCell<Tls>,
    shared: RefCell<Vec<Rc<Sender>>>,
    /// One connection is made at a time: the next may share it.
    connecting: Mutex<()>,
}

/// An answer, whose body is still to come.
pub(super) struct Answer {
    body: Incoming,
    read: BytesMut,
    /// So that it counts as one that shares the connection.
    _connection: Option<Rc<Sender>>,
}

impl<N: Net> Client<N> {
    pub(super) fn new(net: N, access: Access) -> Self {
        Self {
            net,
            access,
            tls: RefCell::default(),
            shared: RefCell::default(),
            connecting: Mutex::default(),
        }
    }

    /// What it asks, for the log.
    pub(super) const fn server(&self) -> &Uri {
        &self.access.server
    }

    /// Asks for `path`, which begins with a slash and may have a query.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Error> {
        let head = self.head(path).map_err(Error::Unreachable)?;
        let connection = match self.shared() {
            Some(sender) => Connection::Shared(sender),
            None => self.connect().await.map_err(Error::Unreachable)?,
        };
        let (sender, response) = match connection {
            Connection::Shared(sender) => {
                let response = answered((*sender).clone().send_request(head)).await?;
                (Some(sender), response)
            }
            Connection::Own(mut own) => (None, answered(own.send_request(head)).await?),
        };
        let (head, body) = response.into_parts();
        let answer = Answer { body, read: BytesMut::new(), _connection: sender };
        if head.status.is_success() {
            return Ok(answer);
        }
        let text = answer.whole(REASON_MAX).await.unwrap_or_default();
        let reason =
            super::json::parse(&text).map(|it| super::json::text(&it, &["message"]).into());
        Err(Error::Refused(head.status, reason.unwrap_or_default()))
    }

    fn head(&self, path: &str) -> Result<Request<Empty<Bytes>>, String> {
        let server = &self.access.server;
        let path = format!("{}{path}", server.path().trim_end_matches('/'));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("rutter"));
        if let Some(authorization) = self.access.authorization()? {
            headers.insert(AUTHORIZATION, authorization);
        }
        let mut parts = server.clone().into_parts();
        let path = PathAndQuery::try_from(path).map_err(|error| error.to_string())?;
        parts.path_and_query = Some(path);
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::GET;
        *request.headers_mut() = headers;
        *request.uri_mut() = Uri::from_parts(parts).map_err(|error| error.to_string())?;
        Ok(request)
    }

    /// A connection that is there and takes one more.
    fn shared(&self) -> Option<Rc<Sender>> {
        let mut shared = self.shared.borrow_mut();
        shared.retain(|sender| !sender.is_closed());
        shared.iter().find(|sender| Rc::strong_count(sender) <= SHARERS_MAX).cloned()
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
        let stream = dial(&self.net, host, port).await.map_err(|error| error.to_string())?;
        if is_plain {
            return own(stream, server.authority()).await;
        }
        let tls = self.tls.borrow_mut().configs(&self.access)?;
        let connector = tls.connector(false).map_err(|error| error.to_string())?;
        let name = tls.server_name().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).map_err(|error| error.to_string())?;
        let stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return own(stream, server.authority()).await;
        }
        let (sender, driver) = http2::Builder::new(LocalExecutor)
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        tokio::task::spawn_local(driver);
        let sender = Rc::new(sender);
        self.shared.borrow_mut().push(Rc::clone(&sender));
        Ok(Connection::Shared(sender))
    }
}

enum Connection {
    Shared(Rc<Sender>),
    Own(OwnSender),
}

/// HTTP/1 for one request.
struct OwnSender {
    sender: http1::SendRequest<Empty<Bytes>>,
    host: HeaderValue,
}

impl OwnSender {
    fn send_request(
        &mut self,
        mut head: Request<Empty<Bytes>>,
    ) -> impl Future<Output = hyper::Result<http::Response<Incoming>>> {
        head.headers_mut().insert(HOST, self.host.clone());
        let target = head.uri().path_and_query().cloned();
        *head.uri_mut() = target.map(Uri::from).unwrap_or_default();
        self.sender.send_request(head)
    }
}

async fn own(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    authority: Option<&Authority>,
) -> Result<Connection, String> {
    let host = authority.map_or("", Authority::as_str);
    let host = HeaderValue::from_str(host).map_err(|error| error.to_string())?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (sender, driver) = handshake.map_err(|error| error.to_string())?;
    tokio::task::spawn_local(driver);
    Ok(Connection::Own(OwnSender { sender, host }))
}

async fn answered(
    response: impl Future<Output = hyper::Result<http::Response<Incoming>>>,
) -> Result<http::Response<Incoming>, Error> {
    match timeout(RESPONSE_TIMEOUT, response).await {
        Ok(response) => response.map_err(|error| Error::Unreachable(error.to_string())),
        Err(_) => Err(Error::Unreachable("no answer in time".to_owned())),
    }
}

impl Answer {
    /// All of it.
    pub(super) async fn all(self) -> Result<Bytes, Error> {
        let whole = timeout(RESPONSE_TIMEOUT, self.whole(ANSWER_MAX)).await;
        whole.unwrap_or_else(|_| Err(Error::Unreachable("no whole answer in time".to_owned())))
    }

    async fn whole(mut self, max: usize) -> Result<Bytes, Error> {
        while self.more(max).await? {}
        Ok(self.read.freeze())
    }

    /// The next line, without its end; none: there are no more. Nothing is lost if it is dropped.
    pub(super) async fn line(&mut self) -> Result<Option<Bytes>, Error> {
        let mut searched = 0;
        loop {
            let rest = self.read.get(searched..).unwrap_or_default();
            if let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                let mut line = self.read.split_to(searched + at + 1);
                line.truncate(searched + at);
                return Ok(Some(line.freeze()));
            }
            searched = self.read.len();
            if !self.more(LINE_MAX).await? {
                // What is left of a line that was cut off is seen again.
                return Ok(None);
            }
        }
    }

    /// Reads on; whether there was more.
    async fn more(&mut self, max: usize) -> Result<bool, Error> {
        let Some(frame) = self.body.frame().await else { return Ok(false) };
        let frame = frame.map_err(|error| Error::Unreachable(error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            if self.read.len() + data.len() > max {
                return Err(Error::Nonsense(format!("more than {max} bytes at once")));
            }
            self.read.extend_from_slice(&data);
        }
        Ok(true)
    }
}
