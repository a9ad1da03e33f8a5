//! A waker for futures that are polled inside another task's future.
use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, RawWakerVTable, Wake, Waker},
};

/// Nobody polls; a wake-up goes to the task that polled last.
const PARKED: u8 = 0;
/// Being polled; a wake-up only asks for another round.
const RUNNING: u8 = 1;
/// Woken.
const WOKEN: u8 = 2;

/// Rounds before the task gives way to others.
const ROUNDS_MAX: u32 = 8;

/// Passes wake-ups on to whoever polls at the time.
///
/// A connection and its reader run inside the task of one request. When one wakes the other in the
/// middle of a poll, another round in the same poll serves it, and the task is not scheduled again.
#[derive(Debug)]
pub(super) struct Gate {
    shared: Arc<Shared>,
    waker: Waker,
    /// Which waker `shared` holds: it need not be locked to find that it is the same one.
    parent: Cell<Option<Identity>>,
}

/// A waker's data and vtable.
type Identity = (*const (), *const RawWakerVTable);

fn identity(waker: &Waker) -> Identity {
    (waker.data(), waker.vtable())
}

#[derive(Debug)]
struct Shared {
    state: AtomicU8,
    parent: Mutex<Option<Waker>>,
}

impl Gate {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared { state: AtomicU8::new(PARKED), parent: Mutex::new(None) });
        Self { waker: Waker::from(Arc::clone(&shared)), shared, parent: Cell::new(None) }
    }

    /// Polls `round` until it is ready, or nothing it polls has woken anything since.
    pub(super) fn poll<T>(
        &self,
        cx: &Context<'_>,
        mut round: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let same = Some(identity(cx.waker()));
        if self.parent.replace(same) != same {
            self.shared.follow(Some(cx.waker()));
        }
        let mut inner = Context::from_waker(&self.waker);
        for _ in 0..ROUNDS_MAX {
            self.shared.state.store(RUNNING, Ordering::Release);
            let result = round(&mut inner);
            let woken = self.shared.state.swap(PARKED, Ordering::AcqRel) == WOKEN;
            if result.is_ready() || !woken {
                return result;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Lets go of the task that polled last: later wake-ups go nowhere.
    pub(super) fn park(&self) {
        if self.parent.take().is_some() {
            self.shared.follow(None);
        }
    }

    /// Polls once for a caller that does not wait: later wake-ups go nowhere.
    pub(super) fn peek<T>(&self, round: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.park();
        round(&mut Context::from_waker(&self.waker))
    }
}

impl Shared {
    fn follow(&self, waker: Option<&Waker>) {
        let waker = waker.cloned();
        let mut parent = self.parent.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *parent, waker);
        // It may be the last that is left of a task, which is not dropped under a lock.
        drop(parent);
        drop(before);
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == PARKED {
            let parent = self.parent.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(parent) = &*parent {
                parent.wake_by_ref();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn a_wake_up_in_the_middle_is_another_round_and_not_a_wake_up_of_the_task() {
        let (count, waker) = task();
        let gate = Gate::new();
        let mut rounds = 0;
        let result = gate.poll(&Context::from_waker(&waker), |cx| {
            rounds += 1;
            cx.waker().wake_by_ref();
            if rounds == 3 { Poll::Ready(()) } else { Poll::Pending }
        });
        assert!(result.is_ready());
        assert_eq!((rounds, count.0.load(Ordering::Relaxed)), (3, 0));
    }

    #[test]
    fn a_wake_up_between_polls_wakes_the_task_that_polled_last() {
        let ((first, first_waker), (second, second_waker)) = (task(), task());
        let gate = Gate::new();
        let mut inner = None;
        for waker in [&first_waker, &second_waker] {
            let pending = gate.poll(&Context::from_waker(waker), |cx| {
                inner = Some(cx.waker().clone());
                Poll::<()>::Pending
            });
            assert!(pending.is_pending());
        }
        inner.unwrap().wake();
        assert_eq!(first.0.load(Ordering::Relaxed), 0);
        assert_eq!(second.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_wakes_itself_for_ever_gives_way() {
        let (count, waker) = task();
        let result = Gate::new().poll(&Context::from_waker(&waker), |cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert!(result.is_pending());
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn nobody_is_woken_for_what_nobody_waits_for() {
        let (count, waker) = task();
        let gate = Gate::new();
        let _ = gate.poll(&Context::from_waker(&waker), |_| Poll::<()>::Pending);
        let inner = gate.peek(|cx| cx.waker().clone());
        inner.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
    }
}
