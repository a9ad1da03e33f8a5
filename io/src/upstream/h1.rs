//! An HTTP/1 connection to a server, driven by whoever uses it: it has no task of its own.
use super::{
    gate::Gate,
    pool::Host,
    stream::{Flow, ServerStream},
};
use crate::{body::RequestBody, net::Net};
use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body as _, Frame, Incoming, SizeHint},
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
};

/// A connection between requests, or in the middle of one.
pub(crate) struct Connection<N: Net> {
    sender: http1::SendRequest<RequestBody>,
    driver: Driver<N>,
    gate: Gate,
    pub(super) flow: Rc<Flow>,
}

#[allow(clippy::large_enum_variant, reason = "a connection is boxed, and open for all of its life")]
enum Driver<N: Net> {
    Open(http1::Connection<TokioIo<ServerStream<N>>, RequestBody>),
    /// Nothing more will be read or written as HTTP; after a switch of protocols this is left.
    Done(Option<http1::Parts<TokioIo<ServerStream<N>>>>),
}

impl<N: Net> Connection<N> {
    /// Prepares a fresh stream for its first request.
    pub(super) async fn open(stream: ServerStream<N>, flow: Rc<Flow>) -> hyper::Result<Box<Self>> {
        let (sender, driver) =
            http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await?;
        Ok(Box::new(Self { sender, driver: Driver::Open(driver), gate: Gate::new(), flow }))
    }

    /// Whether a request may be sent: the server has neither closed nor said anything.
    pub(super) fn is_usable(&mut self) -> bool {
        let Driver::Open(driver) = &mut self.driver else { return false };
        let open = self.gate.peek(|cx| Pin::new(driver).poll(cx)).is_pending();
        open && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its response.
    pub(super) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| self.poll(cx, |cx| answer.as_mut().poll(cx))).await
    }

    /// Waits until nothing more is read or written as HTTP.
    pub(super) async fn finish(&mut self) {
        let (gate, driver) = (&self.gate, &mut self.driver);
        poll_fn(|cx| {
            gate.poll(cx, |cx| {
                driver.poll(cx);
                if matches!(driver, Driver::Done(_)) { Poll::Ready(()) } else { Poll::Pending }
            })
        })
        .await;
    }

    /// The stream and what was read ahead of it, after the server switched protocols.
    pub(super) fn into_stream(self) -> Option<(ServerStream<N>, Bytes)> {
        let Driver::Done(Some(parts)) = self.driver else { return None };
        Some((parts.io.into_inner(), parts.read_buf))
    }

    /// Drives the connection, and asks for what comes of it.
    fn poll<T>(
        &mut self,
        cx: &Context<'_>,
        mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let driver = &mut self.driver;
        self.gate.poll(cx, |cx| {
            driver.poll(cx);
            wanted(cx)
        })
    }
}

impl<N: Net> Driver<N> {
    /// Errors are told to whoever waits for a response or a body.
    fn poll(&mut self, cx: &mut Context<'_>) {
        let Self::Open(driver) = self else { return };
        if let Poll::Ready(result) = Pin::new(driver).poll(cx) {
            // Dropping what is left inside tells of requests that were never looked at.
            let Self::Open(driver) = std::mem::replace(self, Self::Done(None)) else { return };
            let parts = driver.into_parts();
            *self = Self::Done(result.ok().map(|()| parts));
        }
    }
}

/// The body of a response; it brings the connection home when it ends.
pub(crate) struct Body<N: Net> {
    incoming: Incoming,
    connection: Option<Box<Connection<N>>>,
    home: Option<Rc<Host<N>>>,
}

impl<N: Net> Body<N> {
    pub(super) fn new(
        incoming: Incoming,
        connection: Box<Connection<N>>,
        home: Option<Rc<Host<N>>>,
    ) -> Self {
        let mut body = Self { incoming, connection: Some(connection), home };
        if body.incoming.is_end_stream() {
            body.settle();
        }
        body
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let incoming = &mut self.incoming;
        let result = match &mut self.connection {
            Some(connection) => connection.poll(cx, |cx| Pin::new(&mut *incoming).poll_frame(cx)),
            None => Pin::new(incoming).poll_frame(cx),
        };
        match &result {
            Poll::Ready(None) => self.settle(),
            Poll::Ready(Some(Ok(_))) if self.incoming.is_end_stream() => self.settle(),
            Poll::Ready(Some(Err(_))) => self.connection = None,
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        result
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }

    /// The response is over: the connection waits for the next request, if it is fit for one.
    fn settle(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let fit = connection.sender.is_ready() || connection.is_usable();
        if let Some(home) = self.home.take()
            && fit
        {
            connection.gate.park();
            home.put(connection);
        }
    }
}
