//! The body of a response as it comes.
use super::{
    Connection, Error,
    body::{Decoder, Step},
    decode::Head,
};
use crate::{net::Net, upstream::pool::Host};
use bytes::Bytes;
use http::response;
use http_body::{Frame, SizeHint};
use std::{
    rc::Rc,
    task::{Context, Poll, ready},
};

/// The body of a response; it brings the connection home when it ends.
pub(crate) struct Body<N: Net> {
    decoder: Decoder,
    connection: Option<Box<Connection<N>>>,
    /// Where the connection is kept, if it may carry another request.
    home: Option<Rc<Host<N>>>,
}

impl<N: Net> Body<N> {
    /// The body that follows a head on its connection.
    pub(in crate::upstream) fn new(
        head: Head,
        connection: Box<Connection<N>>,
        home: Option<Rc<Host<N>>>,
    ) -> (response::Parts, Self) {
        let Head { parts, framing, keep_alive } = head;
        let home = home.filter(|_| keep_alive);
        let mut body = Self { decoder: Decoder::new(framing), connection: Some(connection), home };
        if body.is_end_stream() {
            body.settle();
        }
        (parts, body)
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let result = ready!(self.poll_step(cx));
        if result.is_err() {
            self.connection = None;
        } else if self.decoder.is_ended() {
            self.settle();
        }
        Poll::Ready(result.transpose())
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Error>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(Ok(None)) };
        if !connection.sending.is_done() {
            connection.poll_send(cx)?;
        }
        loop {
            match self.decoder.decode(&mut connection.read)? {
                Step::Data(data) => return Poll::Ready(Ok(Some(Frame::data(data)))),
                Step::Trailers(trailers) => {
                    return Poll::Ready(Ok(Some(Frame::trailers(trailers))));
                }
                Step::End => return Poll::Ready(Ok(None)),
                Step::More => {}
            }
            if ready!(connection.poll_read(cx, self.decoder.left()))? == 0 && !self.decoder.close()
            {
                return Poll::Ready(Err(connection.closed()));
            }
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.decoder.is_ended()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.decoder.left().map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    /// The response is over: the connection waits for the next request, if it is fit for one.
    fn settle(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && let Some(home) = self.home.take()
            && connection.rest()
        {
            home.put(connection);
        }
    }
}
