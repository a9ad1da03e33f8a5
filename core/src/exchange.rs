//! One request and its response, travelling through one router.
//!
//! The shell feeds an [`Input`], carries out the [`Output`] it gets, and answers with the input the
//! output names. Exactly one thing is outstanding at any moment; [`Input::Left`] may come at any time.
use crate::{
    cells::Cells,
    entry_point::{EntryPointId, Peer},
    middleware::Origin,
    plan::Plan,
    router::Router,
    service::{Instance, LoadBalancer, Server},
    time::Instant,
};
use alloc::{sync::Arc, vec::Vec};
use forward::Sealed;
use http::{HeaderValue, StatusCode, request};
use inward::Frame;
use rewind::Field;

pub use contract::{
    BufferError, Delivery, Encode, Input, Limits, Mirrored, Output, Question, SendError,
};

pub mod answer;
mod contract;
mod forward;
mod inward;
mod outward;
pub mod path;
mod resolve;
mod rewind;
pub mod sniff;
pub mod target;

/// Names for the access log and the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Labels<'a> {
    /// Qualified name of the router.
    pub router: Option<&'a str>,
    /// Qualified name of the load balancer.
    pub service: Option<&'a str>,
    /// The server's URL.
    pub server: Option<&'a str>,
    /// Who the client proved to be.
    pub user: Option<&'a str>,
}

/// What the exchange waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaiting {
    Request,
    Awake,
    Verified,
    Buffered,
    Asked,
    Response,
    Collected,
    Again,
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
    /// Set for a copy, and for a page in the place of an error: it goes straight to this service.
    instance: Option<Arc<Instance>>,
    /// The status that the page stands for.
    page: Option<StatusCode>,
    leaf: Option<Leaf>,
    /// What middlewares left behind for the way back, outermost first.
    frames: Vec<Frame>,
    /// Who made the latest response.
    origin: Origin,
    /// What happens to its body.
    delivery: Delivery,
    /// Sticky cookies to set, of the latest choice.
    cookies: Vec<HeaderValue>,
    /// Copies owed to mirrors, decided once a request.
    copies: Option<Vec<Mirrored>>,
    /// Facts of the request, once it was made fit for the next hop.
    sealed: Option<Sealed>,
    /// What went from its head then, where it may be tried again.
    before_seal: Vec<Field>,
    /// Its `Authorization` is the one that the server's URL names.
    lent_authorization: bool,
    /// The client's Host, where a server got another one.
    client_host: Option<HeaderValue>,
    /// Who the client proved to be.
    user: Option<Arc<str>>,
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
            page: None,
            leaf: None,
            frames: Vec::new(),
            origin: Origin::Proxy,
            delivery: Delivery { gunzip: false, sniff: false, encode: None },
            cookies: Vec::new(),
            copies: None,
            sealed: None,
            before_seal: Vec::new(),
            lent_authorization: false,
            client_host: None,
            user: None,
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
            user: self.user.as_deref(),
        }
    }

    /// Names of the cookies that bind clients to servers in this router.
    #[must_use]
    pub fn sticky_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        if let Some(router) = &self.router {
            router.service.sticky_names(&mut names);
            let pages = router.middlewares.iter().filter_map(|step| step.service.as_ref());
            pages.for_each(|service| service.sticky_names(&mut names));
        }
        names
    }

    /// Whether a middleware of this router has a user of this name. A name that is none may be a secret.
    #[must_use]
    pub fn knows(&self, user: &[u8]) -> bool {
        let middlewares = self.router.iter().flat_map(|router| &*router.middlewares);
        middlewares.into_iter().any(|step| step.middleware.knows(user))
    }

    /// The head that copies start from: what the main server is sent, for the client's host and
    /// without what only that server may know.
    #[must_use]
    pub fn mirrored(&self, head: &request::Parts) -> request::Parts {
        let mut copy = head.clone();
        if self.lent_authorization {
            copy.headers.remove(http::header::AUTHORIZATION);
        }
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
            (Awaiting::Response, Input::Response(head)) => self.received(now, cells, head),
            (Awaiting::End, Input::End) => self.end(now, cells, true),
            (_, Input::Left) => self.end(now, cells, false),
            (Awaiting::Response, Input::Unsent(head, error)) => {
                self.unsent(now, cells, head, error)
            }
            (Awaiting::Response, Input::Failed(error)) => {
                self.respond(now, cells, answer::status(error.status()))
            }
            (awaiting, input) => self.resume(now, cells, awaiting, input),
        };
        debug_assert!(
            !matches!(output, Output::Done { .. }) || self.frames.is_empty(),
            "an ended exchange holds nothing"
        );
        output
    }

    /// Takes the answers to what only some middlewares ask for.
    fn resume<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        awaiting: Awaiting,
        input: Input<'_>,
    ) -> Output {
        match (awaiting, input) {
            (Awaiting::Awake, Input::Awake(head)) => self.inward(now, cells, head),
            (Awaiting::Verified, Input::Verified(_, None)) => {
                self.respond(now, cells, answer::status(StatusCode::SERVICE_UNAVAILABLE))
            }
            (Awaiting::Verified, Input::Verified(head, Some(right))) => {
                self.inform(now, cells, head, |middleware, context, head| {
                    middleware.verified(context, head, right)
                })
            }
            (Awaiting::Buffered, Input::Buffered(head, read)) => {
                self.inform(now, cells, head, |middleware, context, head| {
                    middleware.buffered(context, head, read)
                })
            }
            (Awaiting::Asked, Input::Asked(head, answer)) => self.asked(now, cells, head, answer),
            (Awaiting::Collected, Input::Collected(head, read)) => {
                self.collected(now, cells, head, read)
            }
            (Awaiting::Again, Input::Again(head)) => self.again(now, cells, head),
            (awaiting, input) => {
                debug_assert!(false, "{input:?} answers nothing: awaiting {awaiting:?}");
                self.end(now, cells, false)
            }
        }
    }

    /// Gives everything back. Copies go out only for a client that stayed to the end.
    fn end<C: Cells>(&mut self, now: Instant, cells: &C, stayed: bool) -> Output {
        self.release_to(0, now, cells);
        let copies = self.copies.take().unwrap_or_default();
        Output::Done { mirrors: if stayed { copies } else { Vec::new() } }
    }
}
