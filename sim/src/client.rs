//! Clients: they send named requests over kept-alive connections and judge the answers.
use crate::{
    http1::{Broken, Framing, Head, Pace, Wire, chunked, content},
    log::Log,
    net::{Topology, Turmoil, TurmoilStream},
    proxy,
    tls::{self, Trust},
};
use rutter::net::Net as _;
use std::{fmt, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
    time,
};

/// A client waits no longer than this for a whole answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    target: String,
    host: String,
    fields: String,
    /// Length of the body, and whether it is sent in chunks.
    body: Option<(usize, bool)>,
    write: Pace,
    read: Pace,
    leave_after: Option<usize>,
    patience: Duration,
}

impl Request {
    /// A GET of a target on a host.
    #[must_use]
    pub fn get(host: &str, target: &str) -> Self {
        Self {
            method: "GET",
            target: target.to_owned(),
            host: host.to_owned(),
            fields: String::new(),
            body: None,
            write: Pace::FULL,
            read: Pace::FULL,
            leave_after: None,
            patience: PATIENCE,
        }
    }

    /// A POST with a body of this length.
    #[must_use]
    pub fn post(host: &str, target: &str, length: usize) -> Self {
        Self { method: "POST", body: Some((length, false)), ..Self::get(host, target) }
    }

    /// With the body in chunks.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.body = self.body.map(|(length, _)| (length, true));
        self
    }

    /// With another method.
    #[must_use]
    pub fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    /// With a header field more.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields += &format!("{name}: {value}\r\n");
        self
    }

    /// Sent at this pace, head and body.
    #[must_use]
    pub fn write(self, write: Pace) -> Self {
        Self { write, ..self }
    }

    /// Its answer's body read at this pace.
    #[must_use]
    pub fn read(self, read: Pace) -> Self {
        Self { read, ..self }
    }

    /// Leaves once so many bytes are sent.
    #[must_use]
    pub fn leave_after(self, bytes: usize) -> Self {
        Self { leave_after: Some(bytes), ..self }
    }

    /// Given up after this long.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    fn bytes(&self, id: &str) -> Vec<u8> {
        let Self { method, target, host, fields, .. } = self;
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-Id: {id}\r\n{fields}");
        let mut body = Vec::new();
        match self.body {
            None => {}
            Some((length, true)) => {
                head += "Transfer-Encoding: chunked\r\n";
                body = chunked(&content(id, length), 1000);
            }
            Some((length, false)) => {
                head += &format!("Content-Length: {length}\r\n");
                body = content(id, length);
            }
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend(body);
        bytes
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The head.
    pub head: Head,
    /// How much of the body came.
    pub length: usize,
    /// Whether the body is the one that belongs to the request, and not a part of it passed for
    /// the whole.
    pub right: bool,
    /// Whether the body came whole.
    pub end: Result<(), Broken>,
    /// How long it all took.
    pub took: Duration,
}

impl Response {
    /// Whether it is a whole 200 with the right body of this length.
    #[must_use]
    pub fn is_ok(&self, length: usize) -> bool {
        self.status == 200 && self.end.is_ok() && self.right && self.length == length
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} bytes", self.status, self.length)?;
        match &self.end {
            Ok(()) => Ok(()),
            Err(broken) => write!(f, ", {broken}"),
        }
    }
}

/// A client of the proxy with at most one connection, kept alive where the server allows.
#[derive(Debug)]
pub struct Client {
    name: String,
    log: Log,
    net: Turmoil,
    topology: Topology,
    server: (String, u16),
    /// The name to ask for, and whom to believe.
    tls: Option<(String, Trust)>,
    wire: Option<Wire<Stream>>,
    /// What the server showed when the connection was made.
    shown: &'static str,
    sent: usize,
}

/// Clear text or TLS.
type Stream = Box<dyn Duplex>;

trait Duplex: AsyncRead + AsyncWrite + Unpin + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + fmt::Debug> Duplex for T {}

impl Client {
    pub(crate) fn new(name: &str, log: Log, net: Turmoil, topology: Topology) -> Self {
        let server = (proxy::HOST.to_owned(), proxy::PORT);
        Self {
            name: name.to_owned(),
            log,
            net,
            topology,
            server,
            tls: None,
            wire: None,
            shown: "",
            sent: 0,
        }
    }

    /// A client on the same host, with connections of its own.
    #[must_use]
    pub fn fork(&self, suffix: &str) -> Self {
        let name = format!("{}{suffix}", self.name);
        let mut fork = Self::new(&name, self.log.clone(), self.net.clone(), self.topology.clone());
        fork.server.clone_from(&self.server);
        fork.tls.clone_from(&self.tls);
        fork
    }

    /// A client on the same host with another name.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.fork("") }
    }

    /// Runs several clients on this host at the same time, to the end of all.
    pub async fn crowd<F: Future<Output = ()> + 'static>(
        &self,
        size: usize,
        mut run: impl FnMut(Self) -> F,
    ) {
        let mut members = JoinSet::new();
        for i in 0..size {
            members.spawn_local(run(self.fork(&format!(".{i}"))));
        }
        members.join_all().await;
    }

    /// Talks to this host and port instead of the proxy, from the next connection on.
    #[must_use]
    pub fn to(mut self, host: &str, port: u16) -> Self {
        self.server = (host.to_owned(), port);
        self
    }

    /// Speaks TLS and asks for this name, from the next connection on.
    #[must_use]
    pub fn secure(mut self, name: &str, trust: &Trust) -> Self {
        self.tls = Some((name.to_owned(), trust.clone()));
        self
    }

    /// The name of the certificate that the server showed when the connection was made.
    #[must_use]
    pub const fn shown(&self) -> &'static str {
        self.shown
    }

    /// Opens another connection, and hands it out.
    ///
    /// # Errors
    /// No connection came about.
    pub async fn dial(&self) -> Result<TurmoilStream, Broken> {
        Ok(self.net.connect(self.address()?).await?)
    }

    /// Its name, with which its requests' names begin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that the next request will have.
    #[must_use]
    pub fn next_id(&self) -> String {
        format!("{}-{}", self.name, self.sent)
    }

    /// Writes something into the event log.
    pub fn note(&self, event: impl fmt::Display) {
        self.log.note(&self.name, event);
    }

    /// Whether it holds a connection.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.wire.is_some()
    }

    /// Opens a connection if it has none.
    ///
    /// # Errors
    /// No connection came about.
    pub async fn connect(&mut self) -> Result<(), Broken> {
        if self.wire.is_none() {
            let stream = self.dial().await?;
            let stream: Stream = match &self.tls {
                None => Box::new(stream),
                Some((name, trust)) => {
                    let stream = trust.handshake(name, stream).await?;
                    self.shown = tls::shown(&stream);
                    Box::new(stream)
                }
            };
            self.wire = Some(Wire::new(stream));
        }
        Ok(())
    }

    /// Closes its connection.
    pub fn close(&mut self) {
        self.wire = None;
    }

    /// Waits until the server closes the idle connection.
    pub async fn closed(&mut self) {
        if let Some(mut wire) = self.wire.take() {
            wire.closed().await;
            self.note("connection closed by the server");
        }
    }

    /// Sends a request and reads its answer, on a new connection where it has none.
    ///
    /// # Errors
    /// No whole head came back.
    pub async fn send(&mut self, request: Request) -> Result<Response, Broken> {
        let id = self.next_id();
        self.sent += 1;
        let start = time::Instant::now();
        self.note(format_args!("{} {}{} {id}", request.method, request.host, request.target));
        let result = self.exchange(&request, &id, start + request.patience).await;
        let result = result.map(|response| Response { took: start.elapsed(), ..response });
        match &result {
            Ok(response) => self.note(format_args!("{id} -> {response}")),
            Err(broken) => self.note(format_args!("{id} -> {broken}")),
        }
        if !result.as_ref().is_ok_and(|response| response.end.is_ok() && !response.head.closes()) {
            self.wire = None;
        }
        result
    }

    async fn exchange(
        &mut self,
        request: &Request,
        id: &str,
        until: time::Instant,
    ) -> Result<Response, Broken> {
        let head = time::timeout_at(until, self.begin(request, id)).await;
        let (head, sent) = head.unwrap_or(Err(Broken::TimedOut))?;
        let Some(wire) = &mut self.wire else { return Err(Broken::Closed) };
        let framing = head.framing(Some(request.method))?;
        let mut body = Vec::new();
        let end = time::timeout_at(until, wire.body(framing, request.read, &mut body)).await;
        let end = end.unwrap_or(Err(Broken::TimedOut));
        let end = match end {
            Ok(()) if wire.has_more() => Err(Broken::Malformed("more than one answer")),
            end => end,
        };
        if framing == Framing::Close || !sent {
            self.wire = None;
        }
        let length: Option<usize> = head.field("x-length").and_then(|text| text.parse().ok());
        let short =
            end.is_ok() && request.method != "HEAD" && length.is_some_and(|n| n != body.len());
        Ok(Response {
            status: head.word(1).parse().unwrap_or(0),
            // What the proxy says on its own account has no X-Length, and no right content.
            right: length.is_none() || (!short && body == content(id, body.len())),
            length: body.len(),
            head,
            end,
            took: Duration::ZERO,
        })
    }

    /// Sends the request, as far as it is wanted, and reads the head of its answer.
    async fn begin(&mut self, request: &Request, id: &str) -> Result<(Head, bool), Broken> {
        self.connect().await?;
        let Some(wire) = &mut self.wire else { return Err(Broken::Closed) };
        let bytes = request.bytes(id);
        if let Some(after) = request.leave_after {
            wire.write(&bytes[..after.min(bytes.len())], request.write).await?;
            return Err(Broken::Cut);
        }
        // The server may answer, or close, before it has the whole request.
        let sent = wire.write(&bytes, request.write).await;
        loop {
            match wire.head().await {
                Ok(head) if head.word(1).starts_with('1') => {}
                Ok(head) => return Ok((head, sent.is_ok())),
                Err(broken) => return Err(sent.err().unwrap_or(broken)),
            }
        }
    }

    fn address(&self) -> Result<SocketAddr, Broken> {
        let (host, port) = &self.server;
        let address = self.topology.address(host).ok_or(Broken::Refused)?;
        Ok(SocketAddr::new(address, *port))
    }
}
