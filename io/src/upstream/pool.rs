//! Connections to one server, shared by all requests of a worker.
use super::h1::Connection;
use crate::{body::RequestBody, clock::Clock, net::Net};
use hyper::client::conn::http2;
use rutter_core::{service::transport::Limits, time::Instant};
use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

/// A server's connections.
pub(super) struct Host<N: Net> {
    clock: Clock,
    limits: Limits,
    /// The one used last is last.
    idle: RefCell<Vec<Idle<N>>>,
    h2: RefCell<Option<http2::SendRequest<RequestBody>>>,
    used: Cell<Instant>,
}

struct Idle<N: Net> {
    connection: Box<Connection<N>>,
    since: Instant,
}

impl<N: Net> Host<N> {
    pub(super) fn new(clock: Clock, limits: Limits) -> Self {
        Self {
            clock,
            limits,
            idle: RefCell::default(),
            h2: RefCell::default(),
            used: Cell::new(clock.now()),
        }
    }

    /// An idle connection that is still good, the one used last first.
    pub(super) fn take(&self) -> Option<Box<Connection<N>>> {
        loop {
            let mut connection = self.idle.borrow_mut().pop()?.connection;
            if connection.is_usable() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next request, if there is room.
    pub(super) fn put(&self, connection: Box<Connection<N>>) {
        let since = self.clock.now();
        self.used.set(since);
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.limits.idle_per_host_max {
            idle.push(Idle { connection, since });
        }
    }

    /// How long an idle connection is kept.
    pub(super) const fn idle_timeout(&self) -> Option<Duration> {
        self.limits.idle_timeout
    }

    /// The HTTP/2 connection, if there is one that takes requests.
    pub(super) fn http2(&self) -> Option<http2::SendRequest<RequestBody>> {
        let mut h2 = self.h2.borrow_mut();
        if h2.as_ref().is_some_and(http2::SendRequest::is_closed) {
            *h2 = None;
        }
        self.used.set(self.clock.now());
        h2.clone()
    }

    /// Shares a new HTTP/2 connection.
    pub(super) fn share(&self, sender: http2::SendRequest<RequestBody>) {
        *self.h2.borrow_mut() = Some(sender);
    }

    /// Closes what has been idle for too long or was closed by the server. Returns whether nothing
    /// is left.
    pub(super) fn reap(&self, now: Instant) -> bool {
        let over = |since: Instant| {
            self.limits.idle_timeout.is_some_and(|limit| now.since(since) >= limit)
        };
        let mut idle = self.idle.borrow_mut();
        idle.retain_mut(|it| !over(it.since) && it.connection.is_usable());
        let mut h2 = self.h2.borrow_mut();
        // A request under way has a handle of its own: it is not cut by this.
        if over(self.used.get()) || h2.as_ref().is_some_and(http2::SendRequest::is_closed) {
            *h2 = None;
        }
        idle.is_empty() && h2.is_none() && over(self.used.get())
    }
}
