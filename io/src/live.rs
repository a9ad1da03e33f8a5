//! What is in force now: a plan and its cells, replaced as one.
use crate::cells::{Table, View};
use arc_swap::ArcSwap;
use rutter_core::plan::Plan;
use std::{
    cell::RefCell,
    ops::Deref,
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

/// What a worker holds of what is in force: its exchanges share it without a counter that other
/// workers touch.
#[derive(Debug)]
pub(crate) struct Held(Arc<LivePlan>);

impl Deref for Held {
    type Target = LivePlan;

    fn deref(&self) -> &LivePlan {
        &self.0
    }
}

/// One worker's latest.
pub(crate) struct Local(RefCell<Rc<Held>>);

impl Local {
    pub(crate) fn new(live: &ArcSwap<LivePlan>) -> Self {
        Self(RefCell::new(Rc::new(Held(live.load_full()))))
    }

    /// What is in force now.
    pub(crate) fn load(&self, live: &ArcSwap<LivePlan>) -> Rc<Held> {
        let mut held = self.0.borrow_mut();
        let now = live.load();
        if !Arc::ptr_eq(&now, &held.0) {
            *held = Rc::new(Held(Arc::clone(&now)));
        }
        Rc::clone(&held)
    }
}
