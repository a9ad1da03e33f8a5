//! Record and replay of an exchange: what happened, what cells decided, what came of it.
//!
//! A [`Trace`] holds all that an [`Exchange`] depends on besides its plan, so it replays alone,
//! without network, clock or other traffic: [`Trace::replay`]. Credentials and cookies other than
//! sticky ones are left out when it is written. The shell records through an [`Observer`]; `()` is
//! the one that does nothing and costs nothing.
use crate::{
    cells::Cells,
    entry_point::{Certificates, EntryPointId, Peer},
    exchange::{BufferError, Encode, Exchange, Input, Limits, Output, SendError},
    plan::Plan,
    time::Instant,
};
use alloc::{string::String, sync::Arc, vec::Vec};
use bytes::Bytes;
use core::net::SocketAddr;
use http::{request, response};
use serde::{Deserialize, Serialize};

mod cells;
mod head;

pub use cells::{Asked, CellKind};
pub use head::{RequestHead, ResponseHead};

/// One exchange, from its first input to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Where it came in.
    pub entry_point: u16,
    /// The client.
    pub client: SocketAddr,
    /// Our side of the connection.
    pub local: SocketAddr,
    /// Whether the connection was TLS.
    pub tls: bool,
    /// The TLS options that it was spoken under.
    #[serde(default)]
    pub tls_options: Option<String>,
    /// How many certificates the client showed. A replay has as many, empty ones: what they say decides
    /// nothing that a trace tells.
    #[serde(default)]
    pub certificates: u8,
    /// Its share of randomness, and its id.
    pub entropy: u64,
    /// What happened, in order.
    pub steps: Vec<Step>,
}

/// One input, the decisions it led to, and the output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: u64,
    /// What happened.
    pub event: Event,
    /// What cells decided, in the order they were asked.
    pub asked: Vec<Asked>,
    /// What came of it.
    pub outcome: Outcome,
}

/// An [`Input`], owned. A head that the exchange has already seen is not stored again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// See [`Input::Request`].
    Request(RequestHead),
    /// See [`Input::Awake`].
    Awake,
    /// See [`Input::Verified`].
    Verified(Option<bool>),
    /// See [`Input::Buffered`].
    Buffered(Result<u64, BufferError>),
    /// See [`Input::Asked`].
    Asked(Result<ResponseHead, SendError>),
    /// See [`Input::Collected`].
    Collected(Result<u64, BufferError>),
    /// See [`Input::Again`].
    Again,
    /// See [`Input::Response`].
    Response(ResponseHead),
    /// See [`Input::Unsent`].
    Unsent(SendError),
    /// See [`Input::Failed`].
    Failed(SendError),
    /// See [`Input::End`].
    End,
    /// See [`Input::Left`].
    Left,
}

/// An [`Output`] and the head it is about, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// See [`Output::Sleep`].
    Sleep {
        /// Until then.
        until: u64,
    },
    /// See [`Output::Verify`]: what is checked is a secret.
    Verify,
    /// See [`Output::Buffer`].
    Buffer(Limits),
    /// See [`Output::Ask`].
    Ask {
        /// The server's URL.
        server: String,
        /// The head as sent.
        head: RequestHead,
    },
    /// See [`Output::Send`].
    Send {
        /// The server's URL.
        server: String,
        /// Bytes of the body kept for mirrors.
        keep_body: Option<u64>,
        /// Whether an upgrade is asked for.
        upgrade: bool,
        /// The head as sent.
        head: RequestHead,
    },
    /// See [`Output::Collect`].
    Collect {
        /// How much.
        limits: Limits,
        /// Whether the body is decoded.
        gunzip: bool,
    },
    /// See [`Output::Again`].
    Again {
        /// The head.
        head: RequestHead,
        /// Whether it comes with the request's body.
        body: bool,
    },
    /// See [`Output::Deliver`].
    Deliver {
        /// Whether the body is decoded.
        gunzip: bool,
        /// Whether its type is sniffed.
        sniff: bool,
        /// How it is encoded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encode: Option<Encode>,
        /// The head as delivered.
        head: ResponseHead,
    },
    /// See [`Output::Respond`].
    Respond {
        /// The head.
        head: ResponseHead,
        /// The body.
        body: String,
    },
    /// See [`Output::Done`].
    Done {
        /// How many copies go to mirrors.
        mirrors: usize,
    },
}

/// Where a replay went another way than the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Index of the step.
    pub step: usize,
    /// What the trace says, and what the replay did.
    pub what: String,
}

/// Sees an exchange pass by. The shell has one for each exchange.
pub trait Observer: Default {
    /// An exchange begins, under a plan.
    fn begin(&mut self, plan: &Arc<Plan>, entry_point: EntryPointId, peer: &Peer, entropy: u64) {
        let _ = (plan, entry_point, peer, entropy);
    }

    /// Hands an input to the exchange.
    fn handle<C: Cells>(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        cells: &C,
        input: Input<'_>,
    ) -> Output {
        exchange.handle(now, cells, input)
    }
}

/// Sees nothing, costs nothing.
impl Observer for () {}

/// Writes a [`Trace`].
#[derive(Debug, Default)]
pub struct Recorder {
    trace: Option<Trace>,
}

impl Recorder {
    /// What was recorded, if an exchange began.
    #[must_use]
    pub const fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }
}

impl Observer for Recorder {
    fn begin(&mut self, _: &Arc<Plan>, entry_point: EntryPointId, peer: &Peer, entropy: u64) {
        self.trace = Some(Trace {
            entry_point: entry_point.0,
            client: peer.address,
            local: peer.local,
            tls: peer.tls,
            tls_options: peer.tls_options.as_deref().map(String::from),
            certificates: peer
                .certificates
                .as_ref()
                .map_or(0, |chain| u8::try_from(chain.iter().len()).unwrap_or(u8::MAX)),
            entropy,
            steps: Vec::new(),
        });
    }

    fn handle<C: Cells>(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        cells: &C,
        input: Input<'_>,
    ) -> Output {
        let recording = cells::Recording::new(cells);
        let (output, mut step) = step(exchange, now, &recording, input);
        step.asked = recording.into_asked();
        if let Some(trace) = &mut self.trace {
            trace.steps.push(step);
        }
        output
    }
}

impl Trace {
    /// Plays the exchange again under a plan. The same plan gives the same outcomes.
    ///
    /// # Errors
    /// The first step that went another way.
    pub fn replay(&self, plan: Arc<Plan>) -> Result<(), Divergence> {
        let mut peer = Peer::new(self.client, self.local, self.tls);
        peer.tls_options = self.tls_options.as_deref().map(Arc::from);
        peer.certificates = Certificates::new((0..self.certificates).map(|_| Bytes::new()));
        let mut exchange = Exchange::new(plan, EntryPointId(self.entry_point), peer, self.entropy);
        let mut request = request_parts();
        let mut response = response_parts();
        for (index, recorded) in self.steps.iter().enumerate() {
            let diverged = |what| Divergence { step: index, what };
            let input = match &recorded.event {
                Event::Request(head) => {
                    request = head.to_parts().map_err(diverged)?;
                    Input::Request(&mut request)
                }
                Event::Awake => Input::Awake(&mut request),
                Event::Verified(right) => Input::Verified(&mut request, *right),
                Event::Buffered(read) => Input::Buffered(&mut request, *read),
                Event::Asked(Err(error)) => Input::Asked(&mut request, Err(*error)),
                Event::Asked(Ok(head)) => {
                    response = head.to_parts().map_err(diverged)?;
                    Input::Asked(&mut request, Ok(&mut response))
                }
                Event::Collected(read) => Input::Collected(&mut response, *read),
                Event::Again => Input::Again(&mut request),
                Event::Response(head) => {
                    response = head.to_parts().map_err(diverged)?;
                    Input::Response(&mut response)
                }
                Event::Unsent(error) => Input::Unsent(&mut request, *error),
                Event::Failed(error) => Input::Failed(*error),
                Event::End => Input::End,
                Event::Left => Input::Left,
            };
            let replaying = cells::Replaying::new(&recorded.asked);
            let (output, step) = step(&mut exchange, Instant(recorded.at), &replaying, input);
            replaying.finish().map_err(diverged)?;
            if step.outcome != recorded.outcome {
                let what = alloc::format!("{:?} became {:?}", recorded.outcome, step.outcome);
                return Err(diverged(what));
            }
            if let Output::Again { head, .. } = output {
                request = *head;
            }
        }
        Ok(())
    }
}

/// Hands an input on and notes it and what came of it.
fn step<C: Cells>(
    exchange: &mut Exchange,
    now: Instant,
    cells: &C,
    input: Input<'_>,
) -> (Output, Step) {
    let mut ours = None;
    let mut theirs = None;
    let (output, mut event) = match input {
        Input::Request(head) => {
            let event = Event::Request(RequestHead::of(head));
            let output = exchange.handle(now, cells, Input::Request(head));
            ours = Some(RequestHead::of(head));
            (output, event)
        }
        Input::Awake(head) => {
            let output = exchange.handle(now, cells, Input::Awake(head));
            ours = Some(RequestHead::of(head));
            (output, Event::Awake)
        }
        Input::Verified(head, right) => {
            let output = exchange.handle(now, cells, Input::Verified(head, right));
            ours = Some(RequestHead::of(head));
            (output, Event::Verified(right))
        }
        Input::Buffered(head, read) => {
            let output = exchange.handle(now, cells, Input::Buffered(head, read));
            ours = Some(RequestHead::of(head));
            (output, Event::Buffered(read))
        }
        Input::Asked(head, Err(error)) => {
            let output = exchange.handle(now, cells, Input::Asked(head, Err(error)));
            ours = Some(RequestHead::of(head));
            (output, Event::Asked(Err(error)))
        }
        Input::Asked(head, Ok(answer)) => {
            let event = Event::Asked(Ok(ResponseHead::of(answer)));
            let output = exchange.handle(now, cells, Input::Asked(head, Ok(answer)));
            ours = Some(RequestHead::of(head));
            theirs = Some(ResponseHead::of(answer));
            (output, event)
        }
        Input::Again(head) => {
            let output = exchange.handle(now, cells, Input::Again(head));
            ours = Some(RequestHead::of(head));
            (output, Event::Again)
        }
        Input::Unsent(head, error) => {
            let output = exchange.handle(now, cells, Input::Unsent(head, error));
            ours = Some(RequestHead::of(head));
            (output, Event::Unsent(error))
        }
        Input::Response(head) => {
            let event = Event::Response(ResponseHead::of(head));
            let output = exchange.handle(now, cells, Input::Response(head));
            theirs = Some(ResponseHead::of(head));
            (output, event)
        }
        Input::Collected(head, read) => {
            let output = exchange.handle(now, cells, Input::Collected(head, read));
            theirs = Some(ResponseHead::of(head));
            (output, Event::Collected(read))
        }
        Input::Failed(error) => {
            (exchange.handle(now, cells, Input::Failed(error)), Event::Failed(error))
        }
        Input::End => (exchange.handle(now, cells, Input::End), Event::End),
        Input::Left => (exchange.handle(now, cells, Input::Left), Event::Left),
    };
    let mut outcome = outcome(exchange, &output, ours, theirs);
    redact(exchange, &mut event, &mut outcome);
    (output, Step { at: now.0, event, asked: Vec::new(), outcome })
}

fn outcome(
    exchange: &Exchange,
    output: &Output,
    request: Option<RequestHead>,
    response: Option<ResponseHead>,
) -> Outcome {
    match output {
        Output::Sleep { until } => Outcome::Sleep { until: until.0 },
        Output::Verify(_) => Outcome::Verify,
        Output::Buffer(limits) => Outcome::Buffer(*limits),
        Output::Ask(question) => Outcome::Ask {
            server: String::from(&*question.server.url),
            head: RequestHead::of(&question.head),
        },
        Output::Collect { limits, gunzip } => Outcome::Collect { limits: *limits, gunzip: *gunzip },
        Output::Again { head, body } => Outcome::Again { head: RequestHead::of(head), body: *body },
        Output::Send { keep_body, upgrade } => Outcome::Send {
            server: exchange.labels().server.unwrap_or("").into(),
            keep_body: *keep_body,
            upgrade: *upgrade,
            head: request.unwrap_or_default(),
        },
        Output::Deliver(delivery) => Outcome::Deliver {
            gunzip: delivery.gunzip,
            sniff: delivery.sniff,
            encode: delivery.encode,
            head: response.unwrap_or_default(),
        },
        Output::Respond(response) => Outcome::Respond {
            head: ResponseHead::of_response(response),
            body: String::from_utf8_lossy(response.body()).into_owned(),
        },
        Output::Done { mirrors } => Outcome::Done { mirrors: mirrors.len() },
    }
}

/// Takes credentials out, and cookies but for those that decide about servers.
fn redact(exchange: &Exchange, event: &mut Event, outcome: &mut Outcome) {
    let is_user = |name: &[u8]| exchange.knows(name);
    let public = head::Public { cookies: exchange.sticky_names(), is_user: &is_user };
    match event {
        Event::Request(head) => head.redact(&public),
        Event::Response(head) | Event::Asked(Ok(head)) => head.redact(&public),
        Event::Awake
        | Event::Verified(_)
        | Event::Buffered(_)
        | Event::Asked(Err(_))
        | Event::Collected(_)
        | Event::Again
        | Event::Unsent(_)
        | Event::Failed(_)
        | Event::End
        | Event::Left => {}
    }
    match outcome {
        Outcome::Send { head, .. } | Outcome::Ask { head, .. } | Outcome::Again { head, .. } => {
            head.redact(&public);
        }
        Outcome::Deliver { head, .. } | Outcome::Respond { head, .. } => head.redact(&public),
        Outcome::Sleep { .. }
        | Outcome::Verify
        | Outcome::Buffer(_)
        | Outcome::Collect { .. }
        | Outcome::Done { .. } => {}
    }
}

fn request_parts() -> request::Parts {
    http::Request::new(()).into_parts().0
}

fn response_parts() -> response::Parts {
    http::Response::new(()).into_parts().0
}
