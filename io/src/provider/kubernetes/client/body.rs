//! The body of a watch: it has no end, but its lines have.
use super::Sender;
use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// The most bytes of one line: an object cannot be that large.
const LINE_MAX: usize = 16 << 20;

/// What a watch tells, line by line.
pub(super) struct Watched {
    body: Incoming,
    /// The length of the line that has begun.
    line: usize,
    /// So that it counts as one that shares the connection.
    _connection: Option<Arc<Sender>>,
}

impl Watched {
    pub(super) const fn new(body: Incoming, connection: Option<Arc<Sender>>) -> Self {
        Self { body, line: 0, _connection: connection }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = tower::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            let last = data.iter().rev().position(|byte| *byte == b'\n');
            self.line = last.unwrap_or_else(|| self.line.saturating_add(data.len()));
            if self.line > LINE_MAX {
                let error = format!("a line of more than {LINE_MAX} bytes");
                return Poll::Ready(Some(Err(error.into())));
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }
}
