//! One exchange: asks the core, does what it says, tells it what came of it.
use crate::{
    access_log::Record,
    body::{RequestBody, ResponseBody, ResponseSource},
    connection::Connection,
    mirror,
    net::Net,
    upgrade::Tunnel,
    upstream::Outgoing,
};
use bytes::Bytes;
use http::{Extensions, Request, Response, request};
pub(crate) use running::{Answer, Copy, Running};
use rutter_core::{exchange::Exchange, time::Instant};
use std::{convert::Infallible, rc::Rc, sync::Arc};

mod errand;
mod running;

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
        Answer::Server(mut head, source, delivery) => {
            guard.status(head.status);
            let source = source.begin(&mut head, delivery, connection.worker.clock).await;
            Response::from_parts(head, ResponseBody::new(source, guard))
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
    Response::from_parts(head, ResponseBody::new(ResponseSource::Own(Some(body)), guard))
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
        running.observe(entry_point, peer, entropy);
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
