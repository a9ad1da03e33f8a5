//! Decodes gzip while it streams.
use super::BodyError;
use crate::{net::Net, upstream::Incoming};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body::Frame;
use std::{
    io::Write,
    task::{Context, Poll},
};

/// Compressed bytes that are decoded at once: a bomb of 1:1000 then makes a mebibyte at most.
const SLICE: usize = 1 << 10;
/// A frame is handed on when it has grown to this.
const FRAME: usize = 16 << 10;

/// A server's body, decoded.
pub(crate) struct Gunzip<N: Net> {
    incoming: Incoming<N>,
    decoder: MultiGzDecoder<Vec<u8>>,
    input: Bytes,
    trailers: Option<Frame<Bytes>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading { any: bool },
    Ended,
}

impl<N: Net> Gunzip<N> {
    pub(super) fn new(incoming: Incoming<N>) -> Self {
        let state =
            if incoming.is_end_stream() { State::Ended } else { State::Reading { any: false } };
        let decoder = MultiGzDecoder::new(Vec::new());
        Self { incoming, decoder, input: Bytes::new(), trailers: None, state }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.state == State::Ended && self.trailers.is_none()
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        while let State::Reading { any } = self.state {
            self.decode()?;
            // What there is goes on at once: the next bytes may be long in coming.
            if !self.decoder.get_ref().is_empty() {
                let bytes = std::mem::take(self.decoder.get_mut());
                return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
            }
            match self.incoming.poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => {
                        self.state = State::Reading { any: any || !bytes.is_empty() };
                        self.input = bytes;
                    }
                    Err(trailers) => self.trailers = Some(trailers),
                },
                Poll::Ready(None) => {
                    self.state = State::Ended;
                    // An empty body is not gzip, but nothing is missing either.
                    if any {
                        self.decoder.try_finish()?;
                    }
                    let rest = std::mem::take(self.decoder.get_mut());
                    if !rest.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(rest.into()))));
                    }
                }
            }
        }
        Poll::Ready(self.trailers.take().map(Ok))
    }

    fn decode(&mut self) -> std::io::Result<()> {
        while !self.input.is_empty() && self.decoder.get_ref().len() < FRAME {
            let slice = self.input.split_to(self.input.len().min(SLICE));
            self.decoder.write_all(&slice)?;
        }
        // The decoder keeps back what it has not been asked for.
        if self.input.is_empty() { self.decoder.flush() } else { Ok(()) }
    }
}
