//! The contract between an exchange and its shell: what happens, and what is to be done.
use super::sniff::Kinds;
use crate::{
    middleware::{compress::Encoding, credentials::Credentials},
    service::{Instance, Server},
    time::Instant,
};
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use bytes::Bytes;
use core::time::Duration;
use http::{Response, StatusCode, request, response};
use serde::{Deserialize, Serialize};

/// What happened. A variant carries exactly what the shell holds at that moment.
#[derive(Debug)]
pub enum Input<'a> {
    /// First, once: a request's head, edited in place.
    Request(&'a mut request::Parts),
    /// Answers [`Output::Sleep`].
    Awake(&'a mut request::Parts),
    /// Answers [`Output::Verify`]: whether the password is the user's; `None`: too many are checked
    /// already.
    Verified(&'a mut request::Parts, Option<bool>),
    /// Answers [`Output::Buffer`]: how many bytes the body has.
    Buffered(&'a mut request::Parts, Result<u64, BufferError>),
    /// Answers [`Output::Ask`]: the response, edited in place where it is delivered.
    Asked(&'a mut request::Parts, Result<&'a mut response::Parts, SendError>),
    /// Answers [`Output::Send`] with a head, edited in place.
    Response(&'a mut response::Parts),
    /// Answers [`Output::Collect`]: how many bytes the body has.
    Collected(&'a mut response::Parts, Result<u64, BufferError>),
    /// Answers [`Output::Again`] with the head that it gave.
    Again(&'a mut request::Parts),
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
    /// Check a password, off the event loop; answered by [`Input::Verified`].
    Verify(Box<Credentials>),
    /// Read the request's body to its end, for as many sends as may come; answered by
    /// [`Input::Buffered`].
    Buffer(Limits),
    /// Send a request of the proxy's own, without a body; answered by [`Input::Asked`].
    Ask(Box<Question>),
    /// Send the head as edited to [`Exchange::server`](super::Exchange::server), with the request's body.
    Send {
        /// Keep a copy of the body up to this many bytes: it will be mirrored.
        keep_body: Option<u64>,
        /// The request asks for an upgrade: it needs an HTTP/1.1 connection of its own.
        upgrade: bool,
    },
    /// Read the latest response's body to its end; answered by [`Input::Collected`].
    Collect {
        /// How much of it.
        limits: Limits,
        /// We asked for gzip on our own account and got it: decode it first.
        gunzip: bool,
    },
    /// Drop the latest response, and be ready to send this head; answered by [`Input::Again`].
    Again {
        /// In the place of the client's.
        head: Box<request::Parts>,
        /// With the body that was read for [`Output::Buffer`], or with none.
        body: bool,
    },
    /// Stream the latest response to the client, with the head as edited.
    Deliver(Delivery),
    /// Answer without a server.
    Respond(Response<Bytes>),
    /// Nothing follows but copies of the request for these mirrors (see
    /// [`Exchange::mirrored`](super::Exchange::mirrored)).
    Done {
        /// Who gets a copy, in order.
        mirrors: Vec<Mirrored>,
    },
}

/// How much of a body is read before it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// A longer one is an error; `None`: any length.
    pub bytes_max: Option<u64>,
    /// What is beyond goes to a temporary file.
    pub memory_bytes_max: u64,
}

/// Why a body could not be read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BufferError {
    /// It is longer than allowed.
    TooLong,
    /// Its sender broke off.
    Broken,
    /// There is no room for it.
    Storage,
}

/// A request of the proxy's own, on behalf of a client's.
#[derive(Debug)]
pub struct Question {
    /// Who is asked.
    pub server: Arc<Server>,
    /// The request; it has no body.
    pub head: request::Parts,
    /// For the head of the response, the connection included. A later one is [`SendError::Timeout`].
    pub timeout: Duration,
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
    /// Encode it, after all else.
    pub encode: Option<Encode>,
}

/// How a response's body is encoded, if it turns out to be fit for it; the head is then edited by
/// [`Encoding::apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encode {
    /// The coding.
    pub encoding: Encoding,
    /// A shorter body goes as it is. 0: it is known to be long enough.
    pub bytes_min: u64,
    /// One whose type was found by looking goes as it is unless its type is one of these.
    pub kinds: Kinds,
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
