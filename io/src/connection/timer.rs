//! The one timer of a client's connection.
use super::Progress;
use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};
use tokio::time::Sleep;

/// Ends when the connection has passed its deadline. Deadlines that move cost it nothing: it looks
/// at them when it rings, and is set anew.
pub(super) struct Timer {
    progress: Rc<Progress>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// The timer knows whom to wake.
    polled: bool,
}

impl Timer {
    pub(super) fn new(progress: &Rc<Progress>) -> Self {
        let clock = progress.clock;
        let wake = progress.deadlines.borrow().wake(clock.now());
        let sleep = wake.map(|at| Box::pin(clock.sleep(at)));
        Self { progress: Rc::clone(progress), sleep, polled: false }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        while let Some(sleep) = &mut this.sleep {
            // Only the task of the connection polls this, so it need not be registered again.
            if this.polled && !sleep.is_elapsed() {
                return Poll::Pending;
            }
            this.polled = true;
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.polled = false;
            let clock = this.progress.clock;
            let now = clock.now();
            let deadlines = this.progress.deadlines.borrow();
            if deadlines.deadline().is_some_and(|deadline| deadline <= now) {
                return Poll::Ready(());
            }
            match deadlines.wake(now) {
                Some(at) => sleep.as_mut().reset(clock.deadline(at)),
                None => this.sleep = None,
            }
        }
        Poll::Pending
    }
}
