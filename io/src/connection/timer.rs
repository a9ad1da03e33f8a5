//! The one timer of a client's connection.
use crate::clock::Clock;
use rutter_core::entry_point::connection::Deadlines;
use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};
use tokio::time::Sleep;

/// Ends when the connection has passed its deadline. Deadlines that move cost it nothing: it looks
/// at them when it rings, and is set anew.
pub(super) struct Timer {
    clock: Clock,
    deadlines: Rc<RefCell<Deadlines>>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    pub(super) fn new(clock: Clock, deadlines: &Rc<RefCell<Deadlines>>) -> Self {
        let sleep = deadlines.borrow().wake(clock.now()).map(|at| Box::pin(clock.sleep(at)));
        Self { clock, deadlines: Rc::clone(deadlines), sleep }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        while let Some(sleep) = &mut this.sleep {
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = this.clock.now();
            let deadlines = this.deadlines.borrow();
            if deadlines.deadline().is_some_and(|deadline| deadline <= now) {
                return Poll::Ready(());
            }
            match deadlines.wake(now) {
                Some(at) => sleep.as_mut().reset(this.clock.deadline(at)),
                None => this.sleep = None,
            }
        }
        Poll::Pending
    }
}
