//! Bodies of responses, and who looks after their end.
use super::{
    BodyError,
    begin::Begun,
    encode::Encoded,
    gunzip::Gunzip,
    whole::{Reading, Whole},
};
use crate::{exchange::Guard, net::Net, upstream::Incoming};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// Where a response's body comes from.
pub(crate) enum ResponseSource<N: Net> {
    /// Ours.
    Own(Option<Bytes>),
    /// A server's.
    Server(Incoming<N>),
    /// A server's, decoded.
    Gunzip(Box<Gunzip<N>>),
    /// A server's, read whole before.
    Whole(Box<Reading>),
    /// Another, whose beginning was read before.
    Begun(Box<(Begun, Self)>),
    /// Another, encoded.
    Encoded(Box<Encoded<N>>),
}

impl<N: Net> ResponseSource<N> {
    /// A server's body, decoded if that is to be.
    pub(crate) fn new(incoming: Incoming<N>, gunzip: bool) -> Self {
        if gunzip { Self::Gunzip(Box::new(Gunzip::new(incoming))) } else { Self::Server(incoming) }
    }

    /// A body that was read whole.
    pub(crate) fn whole(whole: &Whole) -> Self {
        Self::Whole(Box::new(whole.reading()))
    }

    /// The same, decoded if that is to be.
    pub(crate) fn decoded(self, gunzip: bool) -> Self {
        match self {
            Self::Server(incoming) => Self::new(incoming, gunzip),
            source @ (Self::Own(_)
            | Self::Gunzip(_)
            | Self::Whole(_)
            | Self::Begun(_)
            | Self::Encoded(_)) => source,
        }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Server(incoming) => incoming.poll_frame(cx),
            Self::Gunzip(gunzip) => gunzip.poll_frame(cx),
            Self::Whole(reading) => reading.poll_frame(cx).map_err(Into::into),
            Self::Begun(pair) => {
                let (begun, source) = &mut **pair;
                begun.poll_frame(cx, |cx| source.poll_frame(cx))
            }
            Self::Encoded(encoded) => encoded.poll_frame(cx),
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Server(incoming) => incoming.is_end_stream(),
            Self::Gunzip(gunzip) => gunzip.is_end_stream(),
            Self::Whole(reading) => reading.is_end_stream(),
            Self::Begun(pair) => pair.0.is_end_stream(pair.1.is_end_stream()),
            Self::Encoded(encoded) => encoded.is_end_stream(),
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Server(incoming) => incoming.size_hint(),
            Self::Gunzip(_) | Self::Encoded(_) => SizeHint::default(),
            Self::Whole(reading) => reading.size_hint(),
            Self::Begun(pair) => pair.0.size_hint(&pair.1.size_hint()),
        }
    }
}

/// The body of a response on its way to a client.
pub(crate) struct ResponseBody<N: Net> {
    source: ResponseSource<N>,
    guard: Option<Guard<N>>,
}

impl<N: Net> ResponseBody<N> {
    /// No body, and nobody who waits for its end.
    pub(crate) const fn empty() -> Self {
        Self { source: ResponseSource::Own(None), guard: None }
    }

    /// A body, and who waits for its end.
    pub(crate) fn new(source: ResponseSource<N>, guard: Guard<N>) -> Self {
        let mut body = Self { source, guard: Some(guard) };
        if body.is_end_stream() {
            // hyper never asks for a frame of such a body.
            body.end();
        }
        body
    }

    fn end(&mut self) {
        if let Some(guard) = self.guard.take() {
            guard.end();
        }
    }
}

impl<N: Net> Body for ResponseBody<N> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let result = this.source.poll_frame(cx);
        if let (Poll::Ready(Some(Ok(frame))), Some(guard)) = (&result, &mut this.guard) {
            guard.count(frame.data_ref().map_or(0, |bytes| bytes.len() as u64));
        }
        match &result {
            Poll::Ready(None) => this.end(),
            Poll::Ready(Some(Ok(_))) if this.is_end_stream() => this.end(),
            // Dropped without its end: the client did not get it whole.
            Poll::Ready(Some(Err(_))) => this.guard = None,
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        result
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.source.size_hint()
    }
}
