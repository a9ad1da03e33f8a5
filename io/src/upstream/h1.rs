//! An HTTP/1 connection to a server, driven by whoever uses it: it has no task of its own.
//!
//! What bytes mean is decided without them moving: `encode` makes a request, `decode` takes a
//! response's head, `body` and `chunked` find where its body ends. `sending`, `response` and this file
//! move them.
use super::{Failure, Outgoing, connect, stream::ServerStream};
use crate::{body::Broken, net::Net};
pub(crate) use buffers::Buffers;
use buffers::READ_BYTES;
use bytes::{Bytes, BytesMut};
pub(crate) use decode::Head;
use decode::{Begin, HEAD_BYTES_MAX, Malformed};
use encode::TooShort;
use http::{StatusCode, request};
use http_body::Body as _;
pub(crate) use response::Body;
use rutter_core::exchange::SendError;
use sending::Sending;
use std::{
    error, fmt,
    future::{Future, poll_fn},
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

mod body;
mod buffers;
mod case;
mod chunked;
mod decode;
mod encode;
mod response;
mod sending;

/// A body that fills one read gets twice the room for the next, up to this.
const LONG_READ_BYTES_MAX: usize = 400 << 10;

/// A connection between requests, or in the middle of one.
pub(crate) struct Connection<N: Net> {
    stream: ServerStream<N>,
    /// Read, and not looked at yet.
    read: Bytes,
    buffers: Buffers,
    /// Where a long body is read to.
    space: BytesMut,
    /// Room for the next read.
    room: usize,
    sending: Sending,
}

/// Why a response did not come, or not to its end.
#[derive(Debug)]
pub(crate) enum Error {
    /// The server closed in the middle.
    Closed,
    Io(io::Error),
    Malformed(&'static str),
    /// The client's body broke off.
    Body(Broken),
    /// The client's body was shorter than its length.
    Short,
}

impl<N: Net> Connection<N> {
    /// Prepares a fresh stream for its first request.
    pub(super) fn new(stream: ServerStream<N>, buffers: &Buffers) -> Box<Self> {
        let (read, space, sending) = (Bytes::new(), BytesMut::new(), Sending::default());
        Box::new(Self { stream, read, buffers: buffers.clone(), space, room: READ_BYTES, sending })
    }

    /// Whether a request may be sent: the server has neither closed nor said anything.
    pub(super) fn is_usable(&mut self) -> bool {
        let mut space = [MaybeUninit::uninit()];
        // Nobody waits: later wake-ups go nowhere.
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(&mut cx, &mut ReadBuf::uninit(&mut space)).is_pending()
    }

    /// Sends a request and waits for the head of its response. With `again`, a request without a body
    /// comes back as unsent, too, if the server may have seen it but said nothing.
    pub(super) async fn send(
        &mut self,
        mut outgoing: Box<Outgoing>,
        again: bool,
    ) -> Result<Head, Failure> {
        let whole = outgoing.body.is_end_stream();
        self.sending.begin(&mut outgoing, self.buffers.head());
        let mut came = Came::default();
        let result = poll_fn(|cx| self.poll_head(cx, &mut outgoing.head, &mut came)).await;
        result.map_err(|error| {
            tracing::debug!(%error, "no response");
            if whole && !came.any && (again || !self.sending.has_begun()) {
                Failure::Unsent(outgoing, error.cause())
            } else {
                Failure::Gone(error.cause())
            }
        })
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut request::Parts,
        came: &mut Came,
    ) -> Poll<Result<Head, Error>> {
        loop {
            self.poll_send(cx)?;
            while !self.read.is_empty() {
                // It came to something: nobody asks for the request again.
                match decode::head(&mut self.read, &request.method, &mut request.headers)? {
                    Begin::Partial => break,
                    Begin::Head(head) => return Poll::Ready(Ok(head)),
                    Begin::Interim(status, bytes) => {
                        came.interim_bytes += bytes;
                        if came.interim_bytes > HEAD_BYTES_MAX {
                            return Poll::Ready(Err(Error::Malformed(
                                "too many interim responses",
                            )));
                        }
                        if status == StatusCode::CONTINUE {
                            self.sending.go_on();
                            self.poll_send(cx)?;
                        }
                    }
                }
            }
            if ready!(self.poll_read(cx, Some(0)))? == 0 {
                return Poll::Ready(Err(self.closed()));
            }
            came.any = true;
        }
    }

    /// Waits until all of the request is written, as far as it can be.
    pub(super) async fn finish(&mut self) -> Result<(), SendError> {
        let Self { sending, stream, .. } = self;
        poll_fn(|cx| sending.poll(cx, stream)).await.map_err(|it| it.cause())
    }

    /// The stream and what was read ahead of it, after the server switched protocols.
    pub(super) fn into_stream(self) -> (ServerStream<N>, Bytes) {
        (self.stream, self.read)
    }

    /// Sends what can be sent now.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        match self.sending.poll(cx, &mut self.stream) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }

    /// Reads more. `left`: of a body, so many bytes are to come.
    fn poll_read(&mut self, cx: &mut Context<'_>, left: Option<u64>) -> Poll<Result<usize, Error>> {
        let left = left.and_then(|it| usize::try_from(it).ok());
        let wanted = self.room.min(left.unwrap_or(usize::MAX));
        let long = wanted > READ_BYTES;
        if long && self.space.capacity() < wanted / 2 {
            self.space.reserve(wanted);
        }
        let mut short = None;
        let space = if long { &mut self.space } else { short.insert(self.buffers.read()) };
        let room = space.capacity();
        let polled = pin!(self.stream.read_buf(space)).poll(cx);
        if let Poll::Ready(Ok(read)) = polled {
            if read == room {
                self.room = (self.room * 2).min(LONG_READ_BYTES_MAX);
            }
            let more = space.split();
            self.read = if self.read.is_empty() {
                more.freeze()
            } else {
                let mut all = BytesMut::from(std::mem::take(&mut self.read));
                all.extend_from_slice(&more);
                all.freeze()
            };
        }
        if let Some(short) = short {
            self.buffers.give_read(short);
        }
        polled.map_err(Error::Io)
    }

    /// Why a response is missing: that the request could not be written says more than its absence.
    fn closed(&mut self) -> Error {
        self.sending.failure().map_or(Error::Closed, Error::Io)
    }

    /// Between two requests there is nothing to keep. Returns whether another one may follow.
    fn rest(&mut self) -> bool {
        self.space = BytesMut::new();
        self.room = READ_BYTES;
        self.sending.rest(&self.buffers) && self.read.is_empty()
    }
}

/// What came of a response so far.
#[derive(Default)]
struct Came {
    any: bool,
    interim_bytes: usize,
}

impl Error {
    /// What the client is told. Compat: http.md "Errors produced while forwarding".
    fn cause(&self) -> SendError {
        match self {
            Self::Closed => SendError::Closed,
            Self::Io(error) => connect::cause(error),
            Self::Malformed(_) => SendError::Protocol,
            Self::Body(_) | Self::Short => SendError::ClientBody,
        }
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.0)
    }
}

impl From<TooShort> for Error {
    fn from(_: TooShort) -> Self {
        Self::Short
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the server closed the connection"),
            Self::Io(error) => write!(f, "the connection to the server: {error}"),
            Self::Malformed(what) => write!(f, "the server's response is malformed: {what}"),
            Self::Body(broken) => broken.fmt(f),
            Self::Short => f.write_str("the client's body is shorter than its length"),
        }
    }
}

impl error::Error for Error {}

#[cfg(test)]
mod tests;
