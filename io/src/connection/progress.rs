//! How far a client's connection has come: what its bodies, responses and stream tell.
use crate::clock::Clock;
use rutter_core::{
    entry_point::connection::{Deadlines, Timeouts},
    time::Instant,
};
use std::cell::{Cell, RefCell};

/// Shared by everything that happens on one connection.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(super) clock: Clock,
    pub(super) deadlines: RefCell<Deadlines>,
    /// A request's body was not read to its end: the client may still be sending.
    abandoned: Cell<bool>,
}

impl Progress {
    pub(super) const fn new(clock: Clock, started: Instant, timeouts: Timeouts) -> Self {
        let deadlines = RefCell::new(Deadlines::new(started, timeouts));
        Self { clock, deadlines, abandoned: Cell::new(false) }
    }

    /// Bytes came in.
    pub(super) fn received(&self) {
        let mut deadlines = self.deadlines.borrow_mut();
        if deadlines.is_idle() {
            deadlines.received(self.clock.now());
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.deadlines.borrow().is_idle()
    }

    /// A request's head is complete.
    pub(crate) fn request(&self, now: Instant, body_follows: bool) {
        self.deadlines.borrow_mut().request(now, body_follows);
    }

    /// A request's body is complete, or abandoned.
    pub(crate) fn body(&self, whole: bool) {
        self.deadlines.borrow_mut().body(self.clock.now());
        if !whole {
            self.abandoned.set(true);
        }
    }

    /// A response is complete, or given up.
    pub(crate) fn response(&self, now: Instant) {
        self.deadlines.borrow_mut().response(now);
    }

    /// The connection became a tunnel.
    pub(crate) fn upgrade(&self) {
        self.deadlines.borrow_mut().upgrade();
    }

    pub(super) const fn is_abandoned(&self) -> bool {
        self.abandoned.get()
    }
}
