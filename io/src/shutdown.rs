//! The end of connections: all of one entry point can be told to finish, or be cut.
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::sync::Notify;

/// How long an idle connection stays open when the end has begun: a request may be on its way.
pub(crate) const LAST_CALL: Duration = Duration::from_millis(100);

/// How long a connection may go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// As long as it likes.
    #[default]
    Open,
    /// Until what is in flight is done.
    Closing,
    /// Not at all.
    Cut,
}

/// The connections of one entry point on one worker.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    stage: Cell<Stage>,
    next: Cell<u64>,
    connections: RefCell<BTreeMap<u64, Rc<Signal>>>,
    changed: Notify,
}

/// What one connection is told.
#[derive(Debug, Default)]
struct Signal {
    stage: Cell<Stage>,
    waker: RefCell<Option<Waker>>,
}

/// A connection's place in the registry, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    registry: Rc<Registry>,
    id: u64,
    signal: Rc<Signal>,
}

impl Registry {
    /// Takes a connection in.
    pub(crate) fn register(self: &Rc<Self>) -> Registered {
        let id = self.next.get();
        self.next.set(id + 1);
        let signal = Rc::new(Signal::default());
        signal.stage.set(self.stage.get());
        self.connections.borrow_mut().insert(id, Rc::clone(&signal));
        Registered { registry: Rc::clone(self), id, signal }
    }

    /// Tells all connections, those to come as well.
    pub(crate) fn tell(&self, stage: Stage) {
        self.stage.set(stage);
        for signal in self.connections.borrow().values() {
            signal.stage.set(stage);
            if let Some(waker) = signal.waker.take() {
                waker.wake();
            }
        }
    }

    /// Waits until no connection is left.
    pub(crate) async fn empty(&self) {
        while !self.connections.borrow().is_empty() {
            self.changed.notified().await;
        }
    }
}

impl Registered {
    /// The connection's stage; the task is woken when it changes.
    pub(crate) fn poll_stage(&self, cx: &Context<'_>) -> Stage {
        let mut waker = self.signal.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        self.signal.stage.get()
    }

    /// Waits until the connection has come to `stage`.
    pub(crate) async fn reached(&self, stage: Stage) {
        poll_fn(|cx| if self.poll_stage(cx) >= stage { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut connections = self.registry.connections.borrow_mut();
        connections.remove(&self.id);
        if connections.is_empty() {
            self.registry.changed.notify_one();
        }
    }
}
