//! One request and its response, travelling through one router.
//!
//! The shell feeds an [`Input`], carries out the [`Output`] it gets, and answers with the input the
//! output names. Exactly one thing is outstanding at any moment; [`Input::Left`] may come at any time.
use crate::{
    cells::Cells,
    entry_point::{EntryPointId, Peer},
    plan::Plan,
    router::Router,
    service::{Instance, LoadBalancer, Server},
    time::Instant,
};
use alloc::{sync::Arc, vec::Vec};
use bytes::Bytes;
use forward::Sealed;
use http::{HeaderValue, Response, StatusCode, request, response};
use inward::Frame;
use serde::{Deserialize, Serialize};

pub mod answer;
mod forward;
mod inward;
mod resolve;
pub mod sniff;
pub mod target;

/// What happened. A variant carries exactly what the shell holds at that moment.
#[derive(Debug)]
pub enum Input<'a> {
    /// First, once: a request's head, edited in place.
    Request(&'a mut request::Parts),
    /// Answers [`Output::Sleep`].
    Awake(&'a mut request::Parts),
    /// Answers [`Output::Send`] with a head, edited in place.
    Response(&'a mut response::Parts),
    /// Answers [`Output::Send`]: the server provably processed nothing, so here is the request back.
    Unsent(&'a mut request::Parts, SendError),
    /// Answers [`Output::Send`]: the request is gone and no response will come.
    Failed(SendError),
    /// Answers [`Output::Deliver`] and [`Output::Respond`]: the response is with the client, whole.
    End,
    /// The client left, or the response could not be delivered whole. Comes unasked.
    Left,
}

/// What to do next: one thing, answered by the input it names.
#[must_use]
#[derive(Debug)]
pub enum Output {
    /// Wait; answered by [`Input::Awake`].
    Sleep {
        /// Until then.
        until: Instant,
    },
    /// Send the head as edited to [`Exchange::server`], with the request's body.
    Send {
        /// Keep a copy of the body up to this many bytes: it will be mirrored.
        keep_body: Option<u64>,
        /// The request asks for an upgrade: it needs an HTTP/1.1 connection of its own.
        upgrade: bool,
    },
    /// Stream the latest response to the client, with the head as edited.
    Deliver(Delivery),
    /// Answer without a server.
    Respond(Response<Bytes>),
    /// Nothing follows but copies of the request for these mirrors (see [`Exchange::mirrored`]).
    Done {
        /// Who gets a copy, in order.
        mirrors: Vec<Mirrored>,
    },
}

/// A copy of a request that is owed to a mirror.
#[derive(Clone, Debug)]
pub struct Mirrored {
    /// The mirror's service.
    pub instance: Arc<Instance>,
    /// A longer request body is not mirrored: this copy is dropped.
    pub body_bytes_max: u64,
}

/// What happens to a response's body on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// We asked for gzip on our own account and got it: decode it.
    pub gunzip: bool,
    /// No Content-Type: find one in the first 512 bytes (compat: http.md "sniffed").
    pub sniff: bool,
}

/// Why no response came. Compat: http.md "Errors produced while forwarding".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SendError {
    /// Name resolution, refused or reset connection, other network errors: 502.
    Network,
    /// The server closed without an answer: 502.
    Closed,
    /// Dial, TLS handshake or response header timeout: 504.
    Timeout,
    /// TLS verification, malformed response, unsupported scheme: 500.
    Protocol,
    /// The client's body broke off: 400, seen in logs only.
    ClientBody,
}

impl SendError {
    /// The status the client gets.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Network | Self::Closed => StatusCode::BAD_GATEWAY,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Protocol => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ClientBody => StatusCode::BAD_REQUEST,
        }
    }
}

/// Names for the access log and the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Labels<'a> {
    /// Qualified name of the router.
    pub router: Option<&'a str>,
    /// Qualified name of the load balancer.
    pub service: Option<&'a str>,
    /// The server's URL.
    pub server: Option<&'a str>,
}

/// What the exchange waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaiting {
    Request,
    Awake,
    Response,
    End,
    Nothing,
}

/// The server a request goes to.
#[derive(Debug)]
struct Leaf {
    service: Arc<LoadBalancer>,
    balancer: crate::cells::BalancerId,
    server: u32,
    /// Servers of this load balancer tried so far, for one request that none has seen.
    tries: u32,
    /// Picked for this request, not named by its cookie.
    fresh: bool,
}

/// One request and its response, travelling through one router.
#[derive(Debug)]
pub struct Exchange {
    plan: Arc<Plan>,
    entry_point: EntryPointId,
    peer: Peer,
    entropy: u64,
    awaiting: Awaiting,
    /// How many middlewares the request is inside of.
    depth: usize,
    router: Option<Arc<Router>>,
    /// Set for a copy: it goes straight to this service.
    instance: Option<Arc<Instance>>,
    leaf: Option<Leaf>,
    /// What middlewares left behind for the way back, outermost first.
    frames: Vec<Frame>,
    /// Sticky cookies to set, of the latest choice.
    cookies: Vec<HeaderValue>,
    /// Copies owed to mirrors, decided once a request.
    copies: Option<Vec<Mirrored>>,
    /// Facts of the request, once it was made fit for the next hop.
    sealed: Option<Sealed>,
    /// The client's Host, where a server got another one.
    client_host: Option<HeaderValue>,
}

impl Exchange {
    /// A request that came in on an entry point. `entropy` is its share of randomness and its id.
    #[must_use]
    pub const fn new(plan: Arc<Plan>, entry_point: EntryPointId, peer: Peer, entropy: u64) -> Self {
        Self {
            plan,
            entry_point,
            peer,
            entropy,
            awaiting: Awaiting::Request,
            depth: 0,
            router: None,
            instance: None,
            leaf: None,
            frames: Vec::new(),
            cookies: Vec::new(),
            copies: None,
            sealed: None,
            client_host: None,
        }
    }

    /// A copy of a request, for a mirror. Its first input is the head that [`Exchange::mirrored`] gave.
    #[must_use]
    pub fn mirror(
        plan: Arc<Plan>,
        entry_point: EntryPointId,
        peer: Peer,
        entropy: u64,
        instance: Arc<Instance>,
    ) -> Self {
        let mut exchange = Self::new(plan, entry_point, peer, entropy);
        exchange.instance = Some(instance);
        exchange
    }

    /// The id given at the start.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.entropy
    }

    /// The server that [`Output::Send`] is for.
    #[must_use]
    pub fn server(&self) -> Option<&Server> {
        let leaf = self.leaf.as_ref()?;
        leaf.service.servers.get(usize::try_from(leaf.server).ok()?)
    }

    /// Names for the access log and the metrics.
    #[must_use]
    pub fn labels(&self) -> Labels<'_> {
        Labels {
            router: self.router.as_ref().map(|router| &*router.name),
            service: self.leaf.as_ref().map(|leaf| &*leaf.service.name),
            server: self.server().map(|server| &*server.url),
        }
    }

    /// Names of the cookies that bind clients to servers in this router.
    #[must_use]
    pub fn sticky_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        if let Some(router) = &self.router {
            router.service.sticky_names(&mut names);
        }
        names
    }

    /// The head that copies start from: what the main server is sent, for the client's host.
    #[must_use]
    pub fn mirrored(&self, head: &request::Parts) -> request::Parts {
        let mut copy = head.clone();
        if let Some(host) = &self.client_host {
            copy.headers.insert(http::header::HOST, host.clone());
        }
        copy
    }

    /// Takes what happened and says what to do next.
    pub fn handle<C: Cells>(&mut self, now: Instant, cells: &C, input: Input<'_>) -> Output {
        let awaiting = core::mem::replace(&mut self.awaiting, Awaiting::Nothing);
        let output = match (awaiting, input) {
            (Awaiting::Request, Input::Request(head)) => self.enter(now, cells, head),
            (Awaiting::Awake, Input::Awake(head)) => self.inward(now, cells, head),
            (Awaiting::Response, Input::Response(head)) => self.outward(now, head),
            (Awaiting::Response, Input::Unsent(head, error)) => {
                self.unsent(now, cells, head, error)
            }
            (Awaiting::Response, Input::Failed(error)) => {
                self.respond(answer::status(error.status()))
            }
            (Awaiting::End, Input::End) => self.end(cells, true),
            (_, Input::Left) => self.end(cells, false),
            (awaiting, input) => {
                debug_assert!(false, "{input:?} answers nothing: awaiting {awaiting:?}");
                self.end(cells, false)
            }
        };
        debug_assert!(
            !matches!(output, Output::Done { .. }) || self.frames.is_empty(),
            "an ended exchange holds nothing"
        );
        output
    }

    /// Walks outwards with a server's response.
    fn outward(&mut self, now: Instant, head: &mut response::Parts) -> Output {
        let delivery = forward::open(self.sealed.unwrap_or_default(), head);
        for cookie in self.cookies.drain(..) {
            head.headers.append(http::header::SET_COOKIE, cookie);
        }
        if let Some(router) = &self.router {
            for step in router.middlewares.iter().take(self.depth).rev() {
                let context = inward::context(&self.plan, self.entry_point, &self.peer, now, step);
                step.middleware.outward(&context, head);
            }
        }
        self.awaiting = Awaiting::End;
        Output::Deliver(delivery)
    }

    /// Answers on our own account: middlewares edit servers' responses only.
    fn respond(&mut self, response: Response<Bytes>) -> Output {
        self.awaiting = Awaiting::End;
        Output::Respond(response)
    }

    /// Gives everything back. Copies go out only for a client that stayed to the end.
    fn end<C: Cells>(&mut self, cells: &C, stayed: bool) -> Output {
        self.release_to(0, cells);
        let copies = self.copies.take().unwrap_or_default();
        Output::Done { mirrors: if stayed { copies } else { Vec::new() } }
    }
}
