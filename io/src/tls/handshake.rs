//! One handshake, within its limits.
use crate::clock::Clock;
use rustls::ServerConfig;
use rutter_core::{
    time::Instant,
    tls::handshakes::{self, DURATION_MAX, Enter, Ticket},
};
use std::{cell::RefCell, collections::HashMap, io, rc::Rc, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::timeout_at,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The handshakes under way on one worker.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    places: RefCell<handshakes::Handshakes>,
    /// How each is told that it is cut.
    cuts: RefCell<HashMap<Ticket, Rc<Notify>>>,
    /// One has left.
    left: Notify,
}

/// Shakes hands before `deadline`.
pub(crate) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    handshakes: &Handshakes,
    clock: Clock,
    deadline: Instant,
    config: Arc<ServerConfig>,
    stream: S,
) -> io::Result<TlsStream<S>> {
    let timed_out = |_| io::Error::from(io::ErrorKind::TimedOut);
    let enter = handshakes.enter(clock);
    let place = timeout_at(clock.deadline(deadline), enter).await.map_err(timed_out)?;
    let until = deadline.min(clock.now() + DURATION_MAX);
    let accept = TlsAcceptor::from(config).accept(stream);
    tokio::select! {
        biased;
        () = place.cut.notified() => {
            Err(io::Error::new(io::ErrorKind::TimedOut, "others waited for the handshake"))
        }
        accepted = timeout_at(clock.deadline(until), accept) => accepted.map_err(timed_out)?,
    }
}

/// The place of a handshake, given back when it is dropped.
struct Place<'a> {
    of: &'a Handshakes,
    ticket: Ticket,
    cut: Rc<Notify>,
}

impl Handshakes {
    async fn enter(&self, clock: Clock) -> Place<'_> {
        loop {
            let entered = self.places.borrow_mut().enter(clock.now());
            let ticket = match entered {
                Enter::Begin(ticket) => ticket,
                Enter::Instead { ticket, cut } => {
                    if let Some(cut) = self.cuts.borrow_mut().remove(&cut) {
                        cut.notify_one();
                    }
                    ticket
                }
                Enter::Wait(until) => {
                    tokio::select! {
                        () = self.left.notified() => {}
                        () = clock.sleep_until(until) => {}
                    }
                    continue;
                }
            };
            let cut = Rc::new(Notify::new());
            self.cuts.borrow_mut().insert(ticket, Rc::clone(&cut));
            return Place { of: self, ticket, cut };
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.of.cuts.borrow_mut().remove(&self.ticket);
        self.of.places.borrow_mut().leave(self.ticket);
        self.of.left.notify_one();
    }
}

#[cfg(test)]
mod tests;
