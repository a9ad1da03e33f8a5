//! Bodies of requests, on their way to servers.
use super::{
    Tee,
    whole::{Lost, Reading, Whole},
};
use crate::{clock::Clock, connection::Progress};
use bytes::Bytes;
use http::{header::EXPECT, request};
use http_body::{Body, Frame, SizeHint};
use rutter_core::time::Instant;
use std::{
    cell::Cell,
    error::Error,
    fmt,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Sleep, timeout};

/// What is read of a request's body after its answer, and for how long: beyond that the connection
/// is closed.
const DRAIN_BYTES_MAX: usize = 256 << 10;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);

/// A request's body.
pub(crate) struct RequestBody {
    source: Source,
    tee: Option<Tee>,
    /// The client's connection, which waits for the rest of the body.
    waiting: Option<Rc<Progress>>,
    /// Is told when the body was sent.
    sent: Option<(Rc<Cell<Option<Instant>>>, Clock)>,
}

enum Source {
    Empty,
    Client {
        incoming: hyper::body::Incoming,
        /// Whether what nobody read of it stands in the way of the connection's next request.
        blocks: bool,
    },
    Stream(Box<Stream>),
    Copy(Option<Bytes>),
    Whole(Box<Reading>),
}

impl RequestBody {
    /// No body.
    pub(crate) const fn empty() -> Self {
        Self { source: Source::Empty, tee: None, waiting: None, sent: None }
    }

    /// A client's body.
    pub(crate) fn client(
        incoming: hyper::body::Incoming,
        head: &request::Parts,
        progress: &Rc<Progress>,
    ) -> Self {
        if incoming.is_end_stream() {
            return Self::empty();
        }
        let waiting = Some(Rc::clone(progress));
        // A client that asked whether to send it has not sent it.
        let blocks = !head.headers.contains_key(EXPECT);
        Self { source: Source::Client { incoming, blocks }, tee: None, waiting, sent: None }
    }

    /// A client's body that shares its connection with others, and has this long to come.
    pub(crate) fn stream(incoming: hyper::body::Incoming, limit: Option<Duration>) -> Self {
        if incoming.is_end_stream() {
            return Self::empty();
        }
        let source = Source::Stream(Box::new(Stream { incoming, limit, timer: None }));
        Self { source, tee: None, waiting: None, sent: None }
    }

    /// A copy of a body.
    pub(crate) fn copy(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::empty();
        }
        Self { source: Source::Copy(Some(bytes)), tee: None, waiting: None, sent: None }
    }

    /// A body that was read whole, from its start.
    pub(crate) fn whole(whole: &Whole) -> Self {
        let source = Source::Whole(Box::new(whole.reading()));
        Self { source, tee: None, waiting: None, sent: None }
    }

    /// The next frame.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        Pin::new(self).poll_frame(cx)
    }

    /// Whether some of it is still to come from the client.
    pub(crate) const fn is_under_way(&self) -> bool {
        self.waiting.is_some()
    }

    /// Has a copy kept of what passes from now on.
    pub(crate) fn keep(&mut self, bytes_max: u64) -> Tee {
        let tee = Tee::new(bytes_max, self.is_end_stream());
        self.tee = Some(tee.clone());
        tee
    }

    /// Has the time noted when the body was sent.
    pub(crate) fn tell(&mut self, sent: Rc<Cell<Option<Instant>>>, clock: Clock) {
        self.sent = Some((sent, clock));
    }

    fn end(&mut self, whole: bool) {
        if let Some(progress) = self.waiting.take() {
            progress.body(whole);
        }
        if let Some((sent, clock)) = self.sent.take() {
            sent.set(Some(clock.now()));
        }
        if whole && let Some(tee) = &self.tee {
            tee.end();
        }
    }
}

/// A body among others on one connection.
struct Stream {
    incoming: hyper::body::Incoming,
    limit: Option<Duration>,
    /// Set when the body first has to be waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            return Poll::Ready(frame.map(|it| it.map_err(Broken::Client)));
        }
        let Some(limit) = self.limit else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        timer.as_mut().poll(cx).map(|()| Some(Err(Broken::TooLate)))
    }
}

/// Why a client's body broke off.
#[derive(Debug)]
pub(crate) enum Broken {
    Client(hyper::Error),
    TooLate,
    Lost(Lost),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(error) => write!(f, "the client's body broke off: {error}"),
            Self::TooLate => f.write_str("the client's body took too long"),
            Self::Lost(error) => error.fmt(f),
        }
    }
}

impl Error for Broken {}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        let result = match &mut this.source {
            Source::Empty => Poll::Ready(None),
            Source::Client { incoming, .. } => {
                Pin::new(incoming).poll_frame(cx).map_err(Broken::Client)
            }
            Source::Stream(stream) => stream.poll_frame(cx),
            Source::Copy(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Source::Whole(reading) => reading.poll_frame(cx).map_err(Broken::Lost),
        };
        if let Poll::Ready(Some(Ok(frame))) = &result
            && let (Some(tee), Some(bytes)) = (&this.tee, frame.data_ref())
        {
            tee.pass(bytes);
        }
        match &result {
            Poll::Ready(None) => this.end(true),
            Poll::Ready(Some(Ok(_))) if this.is_end_stream() => this.end(true),
            Poll::Ready(Some(Err(_))) => this.end(false),
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        result
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Client { incoming, .. } => incoming.is_end_stream(),
            Source::Stream(stream) => stream.incoming.is_end_stream(),
            Source::Copy(bytes) => bytes.is_none(),
            Source::Whole(reading) => reading.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Client { incoming, .. } => incoming.size_hint(),
            Source::Stream(stream) => stream.incoming.size_hint(),
            Source::Copy(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Source::Whole(reading) => reading.size_hint(),
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let source = std::mem::replace(&mut self.source, Source::Empty);
        if let Source::Client { incoming, blocks: true } = source
            && let Some(progress) = self.waiting.take()
        {
            tokio::task::spawn_local(drain(incoming, progress));
        }
        self.end(false);
    }
}

/// Reads the rest of a body that nobody wants, if it is short, so that its connection can go on.
async fn drain(mut incoming: hyper::body::Incoming, progress: Rc<Progress>) {
    let mut bytes = 0;
    let whole = async {
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
            let Ok(frame) = frame else { return false };
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > DRAIN_BYTES_MAX {
                return false;
            }
        }
        true
    };
    let whole = timeout(DRAIN_TIME_MAX, whole).await.unwrap_or(false);
    progress.body(whole);
}
