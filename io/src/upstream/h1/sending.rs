//! A request on its way: its head, and its body as it comes.
use super::{
    Buffers, Error,
    encode::{Encoder, Framing, Queue},
};
use crate::{body::RequestBody, upstream::Outgoing};
use http::{header::EXPECT, request};
use http_body::Body as _;
use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::AsyncWrite,
    time::{Sleep, sleep},
};

/// How long a body is kept back that its server was asked about. Compat: http.md "Expect-continue
/// wait 1 s".
const CONTINUE_AFTER: Duration = Duration::from_secs(1);

/// What of a request is not written yet.
#[derive(Default)]
pub(super) struct Sending {
    queue: Queue,
    body: Option<Box<Streaming>>,
    /// Some of it was written.
    begun: bool,
    unflushed: bool,
    /// Nothing more can be written; why, until somebody asks.
    failed: Option<Option<io::Error>>,
}

/// A body that is not all in the queue yet.
struct Streaming {
    body: RequestBody,
    encoder: Encoder,
    /// The server is to say first that it wants it, within this time.
    held: Option<Pin<Box<Sleep>>>,
}

impl Sending {
    /// Begins a request, whose head is put into `space`. A body is taken out of it, if it has any.
    pub(super) fn begin(&mut self, outgoing: &mut Outgoing, space: Vec<u8>) {
        let Outgoing { head, body } = outgoing;
        let framing = match body.size_hint().exact() {
            _ if body.is_end_stream() => Framing::Nothing,
            Some(length) => Framing::Length(length),
            None => Framing::Chunked,
        };
        self.begun = false;
        self.queue = Queue::new(space, head, framing);
        if framing != Framing::Nothing {
            let body = std::mem::replace(body, RequestBody::empty());
            let held = expects(head).then(|| Box::pin(sleep(CONTINUE_AFTER)));
            let encoder = Encoder::new(framing, head);
            self.body = Some(Box::new(Streaming { body, encoder, held }));
        }
    }

    /// Whether any of it was written.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the server has all of it, as far as can be known.
    pub(super) fn is_done(&self) -> bool {
        let sent = self.body.as_ref().is_none_or(|it| it.encoder.is_satisfied());
        sent && self.queue.is_empty() && !self.unflushed && self.failed.is_none()
    }

    /// The server wants the body.
    pub(super) fn go_on(&mut self) {
        if let Some(streaming) = &mut self.body {
            streaming.held = None;
        }
    }

    /// Why nothing more could be written, if so, for the first who asks.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        self.failed.as_mut().and_then(Option::take)
    }

    /// Gives back the space of the head, if the server has all of the request. Returns whether it has.
    pub(super) fn rest(&mut self, buffers: &Buffers) -> bool {
        let done = self.is_done();
        if done {
            buffers.give_head(std::mem::take(self).queue.into_space());
        }
        done
    }

    /// Writes what can be written now. A server that does not take it may have answered all the same:
    /// what it said is still to be read.
    ///
    /// # Errors
    /// The client's body broke off.
    pub(super) fn poll<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<Result<(), Error>> {
        loop {
            // Before the head is written: what there is of a body goes with it.
            let pulled = if self.queue.has_room() { self.pull(cx)? } else { Poll::Ready(()) };
            if !self.queue.is_empty() || self.unflushed {
                if let Err(error) = ready!(self.poll_write(cx, stream)) {
                    *self =
                        Self { begun: self.begun, failed: Some(Some(error)), ..Self::default() };
                }
            } else if self.body.is_none() {
                return Poll::Ready(Ok(()));
            } else {
                ready!(pulled);
            }
        }
    }

    /// Puts the next frame of the body into the queue.
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Error> {
        let Some(streaming) = &mut self.body else { return Ok(Poll::Ready(())) };
        let Streaming { body, encoder, held } = &mut **streaming;
        if let Some(timer) = held {
            if timer.as_mut().poll(cx).is_pending() {
                return Ok(Poll::Pending);
            }
            *held = None;
        }
        let ended = match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(None) => {
                encoder.end(&mut self.queue)?;
                true
            }
            Poll::Ready(Some(frame)) => {
                let ended = body.is_end_stream();
                encoder.frame(frame.map_err(Error::Body)?, ended, &mut self.queue)?;
                ended
            }
        };
        if ended {
            self.body = None;
        }
        Ok(Poll::Ready(()))
    }

    fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<()>> {
        let stream = Pin::new(stream);
        if self.queue.is_empty() {
            ready!(stream.poll_flush(cx))?;
            self.unflushed = false;
            return Poll::Ready(Ok(()));
        }
        let written = ready!(match self.queue.single() {
            Some(bytes) => stream.poll_write(cx, bytes),
            None => stream.poll_write_vectored(cx, &self.queue.slices()),
        })?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.queue.advance(written);
        self.begun = true;
        self.unflushed = true;
        Poll::Ready(Ok(()))
    }
}

/// Whether the server is asked before it gets the body.
fn expects(head: &request::Parts) -> bool {
    head.headers.get(EXPECT).is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}
