//! What is in force now: a plan and its cells, replaced as one.
use crate::cells::{Table, View};
use arc_swap::ArcSwap;
use rutter_core::plan::Plan;
use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A plan and its cells.
#[derive(Debug)]
pub(crate) struct LivePlan {
    pub(crate) plan: Arc<Plan>,
    pub(crate) cells: Table,
}

impl LivePlan {
    /// A plan in the place of `previous`, with the state of all that did not change.
    pub(crate) fn after(previous: &Self, plan: Arc<Plan>) -> Self {
        Self { cells: Table::new(&previous.cells, &plan.cells), plan }
    }

    /// The first plan.
    pub(crate) fn first(plan: Plan) -> Self {
        Self { cells: Table::new(&Table::default(), &plan.cells), plan: Arc::new(plan) }
    }

    /// The cells, as an exchange sees them.
    pub(crate) fn cells(&self, terminating: &AtomicBool) -> View<'_> {
        View { table: &self.cells, terminating: terminating.load(Ordering::Relaxed) }
    }
}

/// A worker's handle on what is in force, which costs no shared counter a request.
pub(crate) struct Local(RefCell<Rc<Arc<LivePlan>>>);

impl Local {
    pub(crate) fn new(live: &ArcSwap<LivePlan>) -> Self {
        Self(RefCell::new(Rc::new(live.load_full())))
    }

    /// What is in force now.
    pub(crate) fn load(&self, live: &ArcSwap<LivePlan>) -> Rc<Arc<LivePlan>> {
        let mut cached = self.0.borrow_mut();
        let now = live.load();
        if !Arc::ptr_eq(&now, &cached) {
            *cached = Rc::new(Arc::clone(&now));
        }
        Rc::clone(&cached)
    }
}
