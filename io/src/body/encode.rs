//! Encodes a body while it streams.
use super::{BodyError, ResponseSource};
use crate::net::Net;
use bytes::Bytes;
use codec::Codec;
use http_body::Frame;
use rutter_core::middleware::compress::Encoding;
use std::task::{Context, Poll};

mod codec;
#[cfg(test)]
mod tests;

/// Bytes that are encoded at once.
const SLICE: usize = 4 << 10;
/// A frame is handed on when it has grown to this.
const FRAME: usize = 16 << 10;
/// Bytes that are encoded before others get their turn, where next to nothing comes of them.
const TURN: usize = 256 << 10;

/// A body, encoded.
pub(crate) struct Encoded<N: Net> {
    source: ResponseSource<N>,
    encoder: Encoder,
}

impl<N: Net> Encoded<N> {
    pub(super) fn new(source: ResponseSource<N>, encoder: Encoder) -> Self {
        Self { source, encoder }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.encoder.is_done()
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.encoder.poll_frame(cx, |cx| self.source.poll_frame(cx))
    }
}

/// Takes frames and gives frames of their encoding. What it keeps does not grow with the body.
pub(super) struct Encoder {
    /// `None`: the body has ended, and all of it was given.
    codec: Option<Codec>,
    input: Bytes,
    /// Something was written that a decoder cannot see yet.
    held_back: bool,
    trailers: Option<Frame<Bytes>>,
}

impl Encoder {
    /// # Errors
    /// There is no memory for it.
    pub(super) fn new(encoding: Encoding) -> std::io::Result<Self> {
        let codec = Some(Codec::new(encoding)?);
        Ok(Self { codec, input: Bytes::new(), held_back: false, trailers: None })
    }

    const fn is_done(&self) -> bool {
        self.codec.is_none() && self.trailers.is_none()
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        mut source: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut turn = TURN;
        while let Some(codec) = &mut self.codec {
            while !self.input.is_empty() && codec.made() < FRAME && turn > 0 {
                let slice = self.input.split_to(self.input.len().min(SLICE));
                codec.write(&slice)?;
                self.held_back = true;
                turn = turn.saturating_sub(SLICE);
            }
            if codec.made() >= FRAME {
                return Poll::Ready(Some(Ok(Frame::data(codec.take().into()))));
            }
            if turn == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match source(cx) {
                Poll::Pending => {
                    // What there is goes on at once: the next bytes may be long in coming.
                    if std::mem::take(&mut self.held_back) {
                        codec.flush()?;
                    }
                    return match codec.made() {
                        0 => Poll::Pending,
                        _ => Poll::Ready(Some(Ok(Frame::data(codec.take().into())))),
                    };
                }
                Poll::Ready(Some(Err(error))) => {
                    self.codec = None;
                    self.trailers = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => self.input = bytes,
                    Err(trailers) => self.trailers = Some(trailers),
                },
                Poll::Ready(None) => {
                    let rest = self.codec.take().map_or_else(|| Ok(Vec::new()), Codec::finish)?;
                    return Poll::Ready(Some(Ok(Frame::data(rest.into()))));
                }
            }
        }
        Poll::Ready(self.trailers.take().map(Ok))
    }
}
