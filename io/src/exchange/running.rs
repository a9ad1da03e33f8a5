//! The loop around an exchange: outputs are carried out, and what came of them is told.
use super::errand::Errands;
use crate::{
    body::{ResponseSource, Tee},
    live::Held,
    net::Net,
    upstream::{Failure, Incoming, Outgoing, ServerStream, Upgrade},
    worker::Worker,
};
use bytes::Bytes;
use http::{Response, request, response};
use rutter_core::{
    entry_point::{EntryPointId, Peer},
    exchange::{Delivery, Exchange, Input, Mirrored, Output, SendError, answer},
    time::Instant,
    trace::Observer as _,
};
use std::rc::Rc;

/// What a client is to be answered.
pub(crate) enum Answer<N: Net> {
    Own(Response<Bytes>),
    Server(response::Parts, ResponseSource<N>, Delivery),
    /// 101: the connection becomes a tunnel to this stream.
    Switched(response::Parts, ServerStream<N>, Bytes),
}

impl<N: Net> Answer<N> {
    /// The shell did not get what it should have: only a fault of ours leads here.
    fn fault() -> Self {
        debug_assert!(false, "an output that nothing asked for");
        Self::Own(answer::status(SendError::Protocol.status()))
    }
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

/// What a send led to.
enum Sent<N: Net> {
    /// The client's answer.
    Settled(Answer<N>),
    /// Something else is to be done. The response is kept for it, if there is one.
    Further(Output, Option<Box<(response::Parts, ResponseSource<N>)>>),
}

impl<N: Net> Running<N> {
    pub(crate) fn new(worker: Rc<Worker<N>>, live: Rc<Held>, exchange: Exchange) -> Self {
        Self { worker, live, exchange, observer: N::Observer::default(), ended: false }
    }

    /// Has the exchange recorded, where anything records.
    pub(super) fn observe(&mut self, entry_point: EntryPointId, peer: &Peer, entropy: u64) {
        self.observer.begin(&self.live.plan, entry_point, peer, entropy);
    }

    pub(super) fn handle(&mut self, input: Input<'_>) -> Output {
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
        let output = self.handle_at(now, Input::End);
        if let Output::Done { mirrors } = output { mirrors } else { Vec::new() }
    }

    /// From the request to what the client is to be answered.
    pub(crate) async fn run(
        &mut self,
        now: Instant,
        mut outgoing: Box<Outgoing>,
        copy: &mut Option<Copy>,
    ) -> Answer<N> {
        let mut output = self.handle_at(now, Input::Request(&mut outgoing.head));
        let mut request = Some(outgoing);
        let mut errands = None;
        loop {
            output = match output {
                Output::Respond(response) => return Answer::Own(response),
                Output::Send { keep_body, upgrade } => {
                    let Some(mut outgoing) = request.take() else { return Answer::fault() };
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
                        Ok(Sent::Settled(answer)) => return answer,
                        Ok(Sent::Further(next, response)) => {
                            Errands::response(&mut errands, response);
                            next
                        }
                        Err(Failure::Unsent(back, error)) => {
                            let outgoing = request.insert(back);
                            self.handle(Input::Unsent(&mut outgoing.head, error))
                        }
                        Err(Failure::Gone(error)) => self.handle(Input::Failed(error)),
                    }
                }
                Output::Deliver(delivery) => {
                    let Some((head, source)) = Errands::take_response(&mut errands) else {
                        return Answer::fault();
                    };
                    return Answer::Server(head, source.decoded(delivery.gunzip), delivery);
                }
                Output::Done { .. } => return Answer::fault(),
                errand @ (Output::Sleep { .. }
                | Output::Verify(_)
                | Output::Buffer(_)
                | Output::Ask(_)
                | Output::Collect { .. }
                | Output::Again { .. }) => {
                    let errands = errands.get_or_insert_with(Box::default);
                    match Box::pin(errands.run(self, errand, &mut request)).await {
                        Some(next) => next,
                        None => return Answer::fault(),
                    }
                }
            };
        }
    }

    async fn send(&mut self, outgoing: Box<Outgoing>) -> Result<Sent<N>, Failure> {
        let Some(server) = self.exchange.server() else {
            return Err(Failure::Gone(SendError::Protocol));
        };
        let (head, incoming) = self.worker.upstreams.send(server, outgoing).await?;
        Ok(self.received(head, incoming))
    }

    async fn upgrade(&mut self, outgoing: Box<Outgoing>) -> Result<Sent<N>, Failure> {
        let Some(server) = self.exchange.server() else {
            return Err(Failure::Gone(SendError::Protocol));
        };
        match self.worker.upstreams.upgrade(server, outgoing).await? {
            Upgrade::Refused((head, incoming)) => Ok(self.received(head, incoming)),
            Upgrade::Switched(mut head, stream, early) => {
                let output = self.handle(Input::Response(&mut head));
                if matches!(output, Output::Deliver(_)) {
                    return Ok(Sent::Settled(Answer::Switched(head, stream, early)));
                }
                // Whatever stands in its place, the stream is of no more use.
                Ok(Sent::Further(output, None))
            }
        }
    }

    fn received(&mut self, mut head: response::Parts, incoming: Incoming<N>) -> Sent<N> {
        let output = self.handle(Input::Response(&mut head));
        if let Output::Deliver(delivery) = output {
            let source = ResponseSource::new(incoming, delivery.gunzip);
            return Sent::Settled(Answer::Server(head, source, delivery));
        }
        let source = ResponseSource::new(incoming, false);
        Sent::Further(output, Some(Box::new((head, source))))
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
