//! Every exchange of a run is recorded, and replayed when the run is over.
use rutter_core::{
    cells::Cells,
    entry_point::{EntryPointId, Peer},
    exchange::{Exchange, Input, Output},
    plan::Plan,
    time::Instant,
    trace::{Observer, Recorder, Trace},
};
use std::{cell::RefCell, sync::Arc};

thread_local! {
    /// A run has a thread to itself, and the shell makes its observers out of nothing.
    static SEEN: RefCell<Vec<Recorded>> = const { RefCell::new(Vec::new()) };
}

/// An exchange and the plan that it followed.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The plan.
    pub plan: Arc<Plan>,
    /// What happened.
    pub trace: Trace,
}

/// Records one exchange.
#[derive(Debug, Default)]
pub struct Witness {
    recorder: Recorder,
    plan: Option<Arc<Plan>>,
}

impl Observer for Witness {
    fn begin(&mut self, plan: &Arc<Plan>, entry_point: EntryPointId, peer: &Peer, entropy: u64) {
        self.plan = Some(Arc::clone(plan));
        self.recorder.begin(plan, entry_point, peer, entropy);
    }

    fn handle<C: Cells>(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        cells: &C,
        input: Input<'_>,
    ) -> Output {
        self.recorder.handle(exchange, now, cells, input)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let plan = self.plan.take();
        if let (Some(plan), Some(trace)) = (plan, self.recorder.trace()) {
            let recorded = Recorded { plan, trace: trace.clone() };
            SEEN.with_borrow_mut(|seen| seen.push(recorded));
        }
    }
}

/// What was recorded on this thread since the last time, in the order in which it ended.
#[must_use]
pub fn take() -> Vec<Recorded> {
    SEEN.take()
}
