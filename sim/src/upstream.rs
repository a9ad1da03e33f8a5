//! Fake upstreams: servers that do what a script says with each request, and keep a ledger.
use crate::{
    http1::{Broken, Head, Pace, Wire, chunked, content},
    log::Log,
    net::{Turmoil, TurmoilStream},
};
use rutter::net::{Listener as _, Net as _};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};
use tokio::{task, time};

/// The port that every upstream listens on.
pub const PORT: u16 = 80;

/// A request as the upstream saw it, when its head had come.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which request of this upstream it is, from 0.
    pub number: usize,
    /// Which connection of this upstream it came on, from 0.
    pub connection: usize,
    /// The client's name for it (header `X-Id`).
    pub id: String,
    /// The head.
    pub head: Head,
}

/// What an upstream does with one request.
#[derive(Clone, Debug)]
pub struct Reply {
    head: Option<&'static str>,
    fields: String,
    read: Pace,
    delay: Duration,
    length: usize,
    chunks: Option<usize>,
    pace: Pace,
    cut_after: Option<usize>,
    until_close: bool,
    close: bool,
    unread: bool,
}

impl Reply {
    /// The request's own content, this long, with status 200.
    #[must_use]
    pub const fn ok(length: usize) -> Self {
        Self {
            head: Some("200 OK"),
            fields: String::new(),
            read: Pace::FULL,
            delay: Duration::ZERO,
            length,
            chunks: None,
            pace: Pace::FULL,
            cut_after: None,
            until_close: false,
            close: false,
            unread: false,
        }
    }

    /// No answer: the connection stays open, and silent.
    #[must_use]
    pub fn never() -> Self {
        Self { head: None, ..Self::ok(0) }
    }

    /// No answer: the connection is closed once the request is read.
    #[must_use]
    pub fn nothing() -> Self {
        Self { head: None, close: true, ..Self::ok(0) }
    }

    /// With another status.
    #[must_use]
    pub fn status(self, status: &'static str) -> Self {
        Self { head: Some(status), ..self }
    }

    /// With a header field more.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields += &format!("{name}: {value}\r\n");
        self
    }

    /// Reads the request's body at this pace.
    #[must_use]
    pub fn read(self, read: Pace) -> Self {
        Self { read, ..self }
    }

    /// At once, without the request's body, which it reads afterwards and throws away.
    #[must_use]
    pub fn unread(self) -> Self {
        Self { unread: true, ..self }
    }

    /// So long after the request.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// In chunks of this size, without a Content-Length.
    #[must_use]
    pub fn chunked(self, size: usize) -> Self {
        Self { chunks: Some(size), ..self }
    }

    /// The body at this pace.
    #[must_use]
    pub fn pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Dies after so many bytes of the body as sent.
    #[must_use]
    pub fn cut_after(self, bytes: usize) -> Self {
        Self { cut_after: Some(bytes), close: true, ..self }
    }

    /// Closes the connection afterwards, without having said so.
    #[must_use]
    pub fn then_close(self) -> Self {
        Self { close: true, ..self }
    }

    /// Without a length: the end of the connection ends the body.
    #[must_use]
    pub fn until_close(self) -> Self {
        Self { until_close: true, close: true, ..self }
    }

    /// The head and the body as sent; the head names the upstream.
    fn bytes(&self, upstream: &str, id: &str, method: &str) -> (Vec<u8>, Vec<u8>) {
        let status = self.head.unwrap_or_default();
        let body = content(id, self.length);
        // Its true length goes beside the framing, for the client to compare.
        let framing = match self.chunks {
            // Nobody can tell whether a body that only the end of the connection ends is whole.
            _ if self.until_close => "Connection: close".to_owned(),
            Some(_) => format!("X-Length: {}\r\nTransfer-Encoding: chunked", body.len()),
            None => format!("X-Length: {0}\r\nContent-Length: {0}", body.len()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\n\
             X-Upstream: {upstream}\r\n{}{framing}\r\n\r\n",
            self.fields
        );
        let mut sent = match self.chunks {
            _ if method == "HEAD" => Vec::new(),
            Some(size) => chunked(&body, size),
            None => body,
        };
        if let Some(after) = self.cut_after {
            sent.truncate(after);
        }
        (head.into_bytes(), sent)
    }
}

/// What an upstream has been asked, by the clients' names of requests.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// How often each request came, whole.
    pub whole: BTreeMap<String, usize>,
    /// How many heads came.
    pub heads: usize,
    /// How many connections came.
    pub connections: usize,
    /// Each request's head and the length of its body, in the order they were whole.
    pub requests: Vec<(Seen, usize)>,
}

/// A fake upstream in the simulation. Clones are the same one.
#[derive(Clone)]
pub struct Upstream {
    name: Rc<str>,
    log: Log,
    ledger: Rc<RefCell<Ledger>>,
    script: Rc<RefCell<Script>>,
}

type Script = Box<dyn FnMut(&Seen) -> Reply>;

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Upstream {
    pub(crate) fn new(name: &str, log: Log, script: impl FnMut(&Seen) -> Reply + 'static) -> Self {
        let script: Script = Box::new(script);
        Self {
            name: name.into(),
            log,
            ledger: Rc::default(),
            script: Rc::new(RefCell::new(script)),
        }
    }

    /// Its host name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many requests came whole, of whatever name.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.ledger.borrow().whole.values().sum()
    }

    /// How often the request of this name came whole.
    #[must_use]
    pub fn hits_of(&self, id: &str) -> usize {
        self.ledger.borrow().whole.get(id).copied().unwrap_or(0)
    }

    /// How many requests came whole for a host.
    #[must_use]
    pub fn hits_for(&self, host: &str) -> usize {
        let ledger = self.ledger.borrow();
        ledger.requests.iter().filter(|(seen, _)| seen.head.field("host") == Some(host)).count()
    }

    /// How many requests came whole from clients whose names begin so.
    #[must_use]
    pub fn hits_from(&self, client: &str) -> usize {
        let ledger = self.ledger.borrow();
        ledger.whole.iter().filter(|(id, _)| id.starts_with(client)).map(|(_, n)| n).sum()
    }

    /// What it has been asked so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger.borrow().clone()
    }

    /// Serves until the host ends.
    pub(crate) async fn serve(self, net: Turmoil) -> turmoil::Result {
        let mut listener = net.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT))).await?;
        self.log.note(&self.name, "listens");
        loop {
            let (stream, _) = listener.accept().await?;
            let number = {
                let mut ledger = self.ledger.borrow_mut();
                ledger.connections += 1;
                ledger.connections - 1
            };
            self.log.note(&self.name, format_args!("#{number} accepted"));
            task::spawn_local(self.clone().connection(stream, number));
        }
    }

    async fn connection(self, stream: TurmoilStream, number: usize) {
        let mut wire = Wire::new(stream);
        let end = loop {
            match self.request(&mut wire, number).await {
                Ok(true) => {}
                Ok(false) => break Broken::Closed,
                Err(broken) => break broken,
            }
        };
        self.log.note(&self.name, format_args!("#{number} ends: {end}"));
    }

    /// One request; false where the connection ends after it.
    async fn request(
        &self,
        wire: &mut Wire<TurmoilStream>,
        connection: usize,
    ) -> Result<bool, Broken> {
        let head = wire.head().await?;
        let id = head.field("x-id").unwrap_or("-").to_owned();
        let number = {
            let mut ledger = self.ledger.borrow_mut();
            ledger.heads += 1;
            ledger.heads - 1
        };
        let framing = head.framing(None)?;
        let seen = Seen { number, connection, id, head };
        let reply = (self.script.borrow_mut())(&seen);
        if reply.unread {
            self.log.note(&self.name, format_args!("#{connection} {} is answered early", seen.id));
            self.reply(wire, &seen, &reply).await?;
        }
        let mut body = Vec::new();
        let whole = wire.body(framing, reply.read, &mut body).await;
        let note = format_args!("#{connection} {} {}", seen.head.start, seen.id).to_string();
        if let Err(broken) = whole {
            self.log.note(&self.name, format_args!("{note} broke off: {broken}"));
            return Err(broken);
        }
        self.log.note(&self.name, format_args!("{note} {} bytes", body.len()));
        self.enter(&seen, &body);
        if reply.unread { Ok(true) } else { self.reply(wire, &seen, &reply).await }
    }

    fn enter(&self, seen: &Seen, body: &[u8]) {
        if body != content(&seen.id, body.len()) {
            self.log.note(&self.name, format_args!("{} has a wrong body", seen.id));
            return;
        }
        let mut ledger = self.ledger.borrow_mut();
        *ledger.whole.entry(seen.id.clone()).or_insert(0) += 1;
        ledger.requests.push((seen.clone(), body.len()));
    }

    async fn reply(
        &self,
        wire: &mut Wire<TurmoilStream>,
        seen: &Seen,
        reply: &Reply,
    ) -> Result<bool, Broken> {
        time::sleep(reply.delay).await;
        if reply.head.is_none() {
            if !reply.close {
                wire.closed().await;
            }
            return Ok(false);
        }
        let (mut head, body) = reply.bytes(&self.name, &seen.id, seen.head.word(0));
        if reply.pace == Pace::FULL {
            head.extend(body);
            wire.write(&head, Pace::FULL).await?;
        } else {
            wire.write(&head, Pace::FULL).await?;
            wire.write(&body, reply.pace).await?;
        }
        if let Some(after) = reply.cut_after {
            self.log.note(&self.name, format_args!("{} cut after {after} bytes", seen.id));
        }
        Ok(!reply.close)
    }
}
