//! One request and its response, travelling through one router.
//!
//! The shell feeds an [`Input`], carries out the [`Output`] it gets, and answers with the input the
//! output names. Exactly one thing is outstanding at any moment; [`Input::Left`] may come at any time.
use crate::{service::Instance, time::Instant};
use alloc::{sync::Arc, vec::Vec};
use bytes::Bytes;
use http::{Response, StatusCode, request, response};

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
        /// Who gets a copy.
        mirrors: Vec<Arc<Instance>>,
    },
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
