//! A body that comes as a test has it come.
use super::BodyError;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Sleep;

/// What happens next.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Data(Bytes),
    Pause(Duration),
    Trailers(HeaderMap),
    Error(&'static str),
}

/// Events in order, then the end.
pub(super) struct Script {
    events: VecDeque<Event>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Script {
    pub(super) fn new(events: impl IntoIterator<Item = Event>) -> Self {
        Self { events: events.into_iter().collect(), pause: None }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                match pause.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => self.pause = None,
                }
            }
            return Poll::Ready(match self.events.pop_front() {
                None => None,
                Some(Event::Data(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(Event::Trailers(map)) => Some(Ok(Frame::trailers(map))),
                Some(Event::Error(text)) => Some(Err(text.into())),
                Some(Event::Pause(time)) => {
                    self.pause = Some(Box::pin(tokio::time::sleep(time)));
                    continue;
                }
            });
        }
    }
}

pub(super) fn data(text: &str) -> Event {
    Event::Data(Bytes::copy_from_slice(text.as_bytes()))
}

pub(super) fn pause(milliseconds: u64) -> Event {
    Event::Pause(Duration::from_millis(milliseconds))
}

pub(super) fn trailers() -> Event {
    Event::Trailers(HeaderMap::from_iter([(
        http::HeaderName::from_static("x-sum"),
        http::HeaderValue::from_static("1"),
    )]))
}

/// Runs a test whose time passes only where it waits.
pub(super) fn run<F: Future>(test: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(test)
}
