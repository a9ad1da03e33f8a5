//! One exchange: asks the core, does what it says, tells it what came of it.
use crate::{
    access_log::Record,
    body::{BodyError, RequestBody, ResponseBody, ResponseSource, Tee},
    connection::Connection,
    live::Held,
    mirror,
    net::Net,
    upgrade::Tunnel,
    upstream::{Failure, Incoming, Outgoing, ServerStream, Upgrade},
    worker::Worker,
};
use bytes::Bytes;
use http::{Extensions, HeaderValue, Request, Response, header::CONTENT_TYPE, request, response};
use http_body::Frame;
use rutter_core::{
    exchange::{Delivery, Exchange, Input, Mirrored, Output, SendError, answer, sniff},
    time::Instant,
    trace::Observer as _,
};
use std::{convert::Infallible, future::poll_fn, rc::Rc, sync::Arc};

/// Bytes of a body that are looked at to find its type.
const SNIFF_BYTES: usize = 512;

/// Answers a client's request.
pub(crate) async fn serve<N: Net>(
    connection: Rc<Connection<N>>,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<ResponseBody<N>>, Infallible> {
    let mut outgoing = receive(request, &connection);
    // hyper's handle for upgrades: the connection sees to them itself.
    outgoing.head.extensions = Extensions::new();
    let now = connection.worker.clock.now();
    connection.progress.request(now, outgoing.body.is_under_way());
    let mut guard = Guard::new(&connection, &outgoing.head, now);
    let answer = guard.running.run(now, outgoing, &mut guard.copy).await;
    Ok(match answer {
        Answer::Own(response) => own(guard, response),
        Answer::Server(mut head, incoming, delivery) => {
            guard.status(head.status);
            let mut source = ResponseSource::new(incoming, delivery.gunzip);
            let mut first = None;
            if delivery.sniff && !source.is_end_stream() {
                first = poll_fn(|cx| source.poll_frame(cx)).await;
                find_type(&mut head, first.as_ref());
            }
            Response::from_parts(head, ResponseBody::new(first, source, guard))
        }
        Answer::Switched(head, stream, early) => {
            guard.status(head.status);
            *connection.tunnel.borrow_mut() = Some(Tunnel { stream, early, guard });
            Response::from_parts(head, ResponseBody::empty())
        }
    })
}

fn receive<N: Net>(
    request: Request<hyper::body::Incoming>,
    connection: &Connection<N>,
) -> Box<Outgoing> {
    let (head, incoming) = request.into_parts();
    let body = match connection.streams {
        None => RequestBody::client(incoming, &head, &connection.progress),
        Some(limits) => RequestBody::stream(incoming, limits.read),
    };
    Box::new(Outgoing { head, body })
}

fn own<N: Net>(mut guard: Guard<N>, response: Response<Bytes>) -> Response<ResponseBody<N>> {
    guard.status(response.status());
    let (head, body) = response.into_parts();
    Response::from_parts(head, ResponseBody::new(None, ResponseSource::Own(Some(body)), guard))
}

/// Says what a body is that begins with this frame.
fn find_type(head: &mut response::Parts, first: Option<&Result<Frame<Bytes>, BodyError>>) {
    if let Some(Ok(frame)) = first
        && let Some(bytes) = frame.data_ref()
    {
        let kind = sniff::detect(&bytes[..bytes.len().min(SNIFF_BYTES)]);
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
}

/// What a client is to be answered.
pub(crate) enum Answer<N: Net> {
    Own(Response<Bytes>),
    Server(response::Parts, Incoming<N>, Delivery),
    /// 101: the connection becomes a tunnel to this stream.
    Switched(response::Parts, ServerStream<N>, Bytes),
}

/// A request as it was sent to the main server, for mirrors.
pub(crate) struct Copy {
    pub(crate) head: Box<request::Parts>,
    pub(crate) body: Tee,
}

/// An exchange and what it began with. Dropped before its end, it tells the core so.
pub(crate) struct Running<N: Net> {
    pub(crate) worker: Rc<Worker<N>>,
    pub(crate) live: Rc<Held>,
    pub(crate) exchange: Exchange,
    observer: N::Observer,
    ended: bool,
}

impl<N: Net> Running<N> {
    pub(crate) fn new(worker: Rc<Worker<N>>, live: Rc<Held>, exchange: Exchange) -> Self {
        Self { worker, live, exchange, observer: N::Observer::default(), ended: false }
    }

    fn handle(&mut self, input: Input<'_>) -> Output {
        self.handle_at(self.worker.clock.now(), input)
    }

    fn handle_at(&mut self, now: Instant, input: Input<'_>) -> Output {
        let cells = self.live.cells(&self.worker.proxy.terminating);
        self.observer.handle(&mut self.exchange, now, &cells, input)
    }

    /// The response was delivered whole. Returns the copies that are owed.
    pub(crate) fn end(&mut self, now: Instant) -> Vec<Mirrored> {
        if std::mem::replace(&mut self.ended, true) {
            return Vec::new();
        }
        match self.handle_at(now, Input::End) {
            Output::Done { mirrors } => mirrors,
            Output::Sleep { .. }
            | Output::Send { .. }
            | Output::Deliver(_)
            | Output::Respond(_) => Vec::new(),
        }
    }

    /// From the request to what the client is to be answered.
    pub(crate) async fn run(
        &mut self,
        now: Instant,
        mut outgoing: Box<Outgoing>,
        copy: &mut Option<Copy>,
    ) -> Answer<N> {
        let mut output = self.handle_at(now, Input::Request(&mut outgoing.head));
        loop {
            output = match output {
                Output::Sleep { until } => {
                    self.worker.clock.sleep_until(until).await;
                    self.handle(Input::Awake(&mut outgoing.head))
                }
                Output::Respond(response) => return Answer::Own(response),
                // Neither answers anything that was asked here.
                Output::Deliver(_) | Output::Done { .. } => {
                    return Answer::Own(answer::status(SendError::Protocol.status()));
                }
                Output::Send { keep_body, upgrade } => {
                    if let Some(bytes_max) = keep_body {
                        let head = Box::new(self.exchange.mirrored(&outgoing.head));
                        *copy = Some(Copy { head, body: outgoing.body.keep(bytes_max) });
                    }
                    let sent = if upgrade {
                        self.upgrade(outgoing).await
                    } else {
                        self.send(outgoing).await
                    };
                    match sent {
                        Ok(answer) => return answer,
                        Err(Failure::Unsent(back, error)) => {
                            outgoing = back;
                            self.handle(Input::Unsent(&mut outgoing.head, error))
                        }
                        Err(Failure::Gone(error)) => match self.handle(Input::Failed(error)) {
                            Output::Respond(response) => return Answer::Own(response),
                            Output::Sleep { .. }
                            | Output::Send { .. }
                            | Output::Deliver(_)
                            | Output::Done { .. } => {
                                return Answer::Own(answer::status(error.status()));
                            }
                        },
                    }
                }
            };
        }
    }

    async fn send(&mut self, outgoing: Box<Outgoing>) -> Result<Answer<N>, Failure> {
        let Some(server) = self.exchange.server() else {
            return Err(Failure::Gone(SendError::Protocol));
        };
        let (head, incoming) = self.worker.upstreams.send(server, outgoing).await?;
        Ok(self.received(head, incoming))
    }

    async fn upgrade(&mut self, outgoing: Box<Outgoing>) -> Result<Answer<N>, Failure> {
        let Some(server) = self.exchange.server() else {
            return Err(Failure::Gone(SendError::Protocol));
        };
        match self.worker.upstreams.upgrade(server, outgoing).await? {
            Upgrade::Refused((head, incoming)) => Ok(self.received(head, incoming)),
            Upgrade::Switched(mut head, stream, early) => {
                match self.handle(Input::Response(&mut head)) {
                    Output::Deliver(_) => Ok(Answer::Switched(head, stream, early)),
                    Output::Respond(response) => Ok(Answer::Own(response)),
                    Output::Sleep { .. } | Output::Send { .. } | Output::Done { .. } => {
                        Ok(Answer::Own(answer::status(SendError::Protocol.status())))
                    }
                }
            }
        }
    }

    fn received(&mut self, mut head: response::Parts, incoming: Incoming<N>) -> Answer<N> {
        match self.handle(Input::Response(&mut head)) {
            Output::Deliver(delivery) => Answer::Server(head, incoming, delivery),
            Output::Respond(response) => Answer::Own(response),
            Output::Sleep { .. } | Output::Send { .. } | Output::Done { .. } => {
                Answer::Own(answer::status(SendError::Protocol.status()))
            }
        }
    }
}

impl<N: Net> Drop for Running<N> {
    fn drop(&mut self) {
        if !self.ended {
            self.ended = true;
            let _ = self.handle(Input::Left);
        }
    }
}

/// A client's exchange: whatever becomes of it, its connection and the access log hear of it.
pub(crate) struct Guard<N: Net> {
    running: Running<N>,
    connection: Rc<Connection<N>>,
    copy: Option<Copy>,
    record: Option<Box<Record>>,
    closed: bool,
}

impl<N: Net> Guard<N> {
    fn new(connection: &Rc<Connection<N>>, head: &request::Parts, now: Instant) -> Self {
        let worker = &connection.worker;
        let live = worker.live();
        let record = worker.log.as_ref().map(|_| Box::new(Record::new(connection, head, now)));
        let (entry_point, peer, entropy) =
            (connection.entry_point, &connection.peer, worker.entropy());
        let plan = Arc::clone(&live.plan);
        let exchange = Exchange::new(plan, entry_point, peer.clone(), entropy);
        let mut running = Running::new(Rc::clone(worker), live, exchange);
        running.observer.begin(&running.live.plan, entry_point, peer, entropy);
        let connection = Rc::clone(connection);
        Self { running, connection, copy: None, record, closed: false }
    }

    fn status(&mut self, status: http::StatusCode) {
        if let Some(record) = &mut self.record {
            record.status = status.as_u16();
        }
    }

    /// Bytes of the response's body went out.
    pub(crate) fn count(&mut self, bytes: u64) {
        if let Some(record) = &mut self.record {
            record.content_bytes += bytes;
        }
    }

    /// The response is whole: the client has it, as far as can be known.
    pub(crate) fn end(mut self) {
        let now = self.running.worker.clock.now();
        let mirrors = self.running.end(now);
        if let (false, Some(copy)) = (mirrors.is_empty(), self.copy.take()) {
            mirror::spawn(&self.running, &self.connection, copy, mirrors);
        }
        self.close(now);
    }

    fn close(&mut self, now: Instant) {
        self.closed = true;
        self.connection.progress.response(now);
        if let (Some(log), Some(record)) = (&self.running.worker.log, self.record.take()) {
            log.write(&record, self.running.exchange.labels(), now);
        }
    }

    /// The connection's deadlines no longer hold: it is a tunnel.
    pub(crate) fn upgraded(&self) {
        self.connection.progress.upgrade();
    }
}

impl<N: Net> Drop for Guard<N> {
    fn drop(&mut self) {
        if !self.closed {
            self.close(self.running.worker.clock.now());
        }
    }
}
