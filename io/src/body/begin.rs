//! What is looked at of a response's body before its head goes out: what it is, and whether it is long
//! enough to be encoded.
use super::{
    BodyError, ResponseSource,
    encode::{Encoded, Encoder},
};
use crate::{clock::Clock, net::Net};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, header::CONTENT_TYPE, response};
use http_body::{Frame, SizeHint};
use rutter_core::exchange::{Delivery, Encode, sniff};
use std::{
    future::{Future, poll_fn},
    mem,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

#[cfg(test)]
mod tests;

/// A body of unknown length that does not grow to the shortest that is encoded within this time from
/// its first byte on is one that streams: it counts as long.
const PATIENCE: Duration = Duration::from_millis(20);
/// Bytes that are waited for at most, whatever the shortest length is.
const BYTES_MAX: u64 = 64 << 10;

impl<N: Net> ResponseSource<N> {
    /// Finds the type of a body and encodes it, as far as that is to be, and has the head say so.
    pub(crate) async fn begin(
        mut self,
        head: &mut response::Parts,
        delivery: Delivery,
        clock: Clock,
    ) -> Self {
        if self.is_end_stream() || (!delivery.sniff && delivery.encode.is_none()) {
            return self;
        }
        let bytes_min = delivery.encode.map_or(0, |encode| encode.bytes_min);
        let wanted = bytes_min.min(BYTES_MAX).max(u64::from(delivery.sniff));
        let mut begun = Begun::default();
        begun.read(wanted, clock, |cx| self.poll_frame(cx)).await;
        let kind = delivery.sniff.then(|| begun.find_type(head)).flatten();
        let fits = |encode: &Encode| kind.is_none_or(|kind| encode.kinds.contain(kind));
        let encode = delivery.encode.filter(fits).filter(|_| begun.goes_on());
        let encoder = encode.and_then(|encode| Some((encode, Encoder::new(encode.encoding).ok()?)));
        let untouched = begun.front.is_empty() && begun.goes_on();
        let source = if untouched { self } else { Self::Begun(Box::new((begun, self))) };
        let Some((encode, encoder)) = encoder else { return source };
        encode.encoding.apply(&mut head.headers);
        Self::Encoded(Box::new(Encoded::new(source, encoder)))
    }
}

/// The beginning of a body, and what came after it.
#[derive(Default)]
pub(crate) struct Begun {
    front: Bytes,
    after: After,
}

#[derive(Default)]
enum After {
    #[default]
    More,
    Trailers(Frame<Bytes>),
    Broken(BodyError),
    End,
}

impl Begun {
    /// Reads until there are so many bytes, or no more come in time.
    async fn read(
        &mut self,
        wanted: u64,
        clock: Clock,
        mut source: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>>,
    ) {
        let mut rest = BytesMut::new();
        let mut timer = pin!(None);
        self.after = poll_fn(|cx| {
            loop {
                if (self.front.len() + rest.len()) as u64 >= wanted {
                    return Poll::Ready(After::More);
                }
                match source(cx) {
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(bytes) if self.front.is_empty() => self.front = bytes,
                        Ok(bytes) => rest.extend_from_slice(&bytes),
                        Err(trailers) => return Poll::Ready(After::Trailers(trailers)),
                    },
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(After::Broken(error)),
                    Poll::Ready(None) => return Poll::Ready(After::End),
                    Poll::Pending if self.front.is_empty() => return Poll::Pending,
                    Poll::Pending => {
                        if timer.is_none() {
                            timer.set(Some(clock.sleep(clock.now() + PATIENCE)));
                        }
                        let rings = timer.as_mut().as_pin_mut();
                        return rings
                            .map_or(Poll::Pending, |timer| timer.poll(cx))
                            .map(|()| After::More);
                    }
                }
            }
        })
        .await;
        if !rest.is_empty() {
            let mut all = BytesMut::with_capacity(self.front.len() + rest.len());
            all.extend_from_slice(&self.front);
            all.extend_from_slice(&rest);
            self.front = all.freeze();
        }
    }

    /// Says what the body is that begins so.
    fn find_type(&self, head: &mut response::Parts) -> Option<&'static str> {
        if self.front.is_empty() {
            return None;
        }
        let kind = sniff::detect(&self.front);
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Some(kind)
    }

    const fn goes_on(&self) -> bool {
        matches!(self.after, After::More)
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        source: impl FnOnce(&mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if !self.front.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut self.front)))));
        }
        if self.goes_on() {
            return source(cx);
        }
        match mem::replace(&mut self.after, After::End) {
            After::Trailers(frame) => Poll::Ready(Some(Ok(frame))),
            After::Broken(error) => Poll::Ready(Some(Err(error))),
            After::End | After::More => Poll::Ready(None),
        }
    }

    /// `rest`: whether the source is at its end.
    pub(super) const fn is_end_stream(&self, rest: bool) -> bool {
        self.front.is_empty()
            && match self.after {
                After::More => rest,
                After::Trailers(_) | After::Broken(_) => false,
                After::End => true,
            }
    }

    /// `rest`: what the source says.
    pub(super) fn size_hint(&self, rest: &SizeHint) -> SizeHint {
        let rest = match self.after {
            After::More => rest.exact(),
            After::Trailers(_) | After::Broken(_) => None,
            After::End => Some(0),
        };
        let front = self.front.len() as u64;
        rest.map_or_else(SizeHint::default, |rest| SizeHint::with_exact(front.saturating_add(rest)))
    }
}
