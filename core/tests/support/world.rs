//! Cells of one plan, without locks, for tests.
use rutter_core::{
    cells::{BalancerId, Cells, Decision, InFlightId, MirrorId},
    middleware::in_flight_req::InFlight,
    plan::Plan,
    service::{balancer::Balancer, health::Health, mirror::Mirror},
};
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

/// The cells of one plan.
pub(crate) struct World {
    balancers: RefCell<BTreeMap<u32, (Balancer, Health)>>,
    mirrors: RefCell<BTreeMap<u32, Mirror>>,
    in_flight: RefCell<BTreeMap<u32, InFlight>>,
    pub(crate) terminating: bool,
}

impl World {
    /// Cells for a plan; `is_down` says which servers of which balancer are.
    pub(crate) fn new(plan: &Plan, mut is_down: impl FnMut(u32) -> bool) -> Self {
        let cells = &plan.cells;
        let slots = |len: usize| 0..u32::try_from(len).unwrap();
        let balancers = slots(cells.balancers.len()).filter_map(|slot| {
            let (_, spec) = cells.balancers.get(slot)?;
            let mut health = Health::default();
            for server in slots(spec.weights.len()) {
                if spec.health.is_some() && is_down(server) {
                    health.set(server, false);
                }
            }
            Some((slot, (Balancer::new(Arc::clone(&spec.weights)), health)))
        });
        let mirrors = slots(cells.mirrors.len())
            .filter_map(|slot| Some((slot, Mirror::new(Arc::clone(cells.mirrors.get(slot)?.1)))));
        let in_flight = slots(cells.in_flight.len())
            .filter_map(|slot| Some((slot, InFlight::new(*cells.in_flight.get(slot)?.1))));
        Self {
            balancers: RefCell::new(balancers.collect()),
            mirrors: RefCell::new(mirrors.collect()),
            in_flight: RefCell::new(in_flight.collect()),
            terminating: false,
        }
    }

    /// Requests that hold a place.
    pub(crate) fn in_flight_total(&self) -> u64 {
        self.in_flight.borrow().values().map(InFlight::total).sum()
    }
}

impl Cells for World {
    fn balancer<D: Decision>(
        &self,
        id: BalancerId,
        f: impl FnOnce(&mut Balancer, &Health) -> D,
    ) -> D {
        let mut cells = self.balancers.borrow_mut();
        let (balancer, health) = cells.get_mut(&id.0).expect("a cell for every id in the plan");
        f(balancer, health)
    }

    fn mirror<D: Decision>(&self, id: MirrorId, f: impl FnOnce(&mut Mirror) -> D) -> D {
        f(self.mirrors.borrow_mut().get_mut(&id.0).expect("a cell for every id in the plan"))
    }

    fn in_flight<D: Decision>(&self, id: InFlightId, f: impl FnOnce(&mut InFlight) -> D) -> D {
        f(self.in_flight.borrow_mut().get_mut(&id.0).expect("a cell for every id in the plan"))
    }

    fn terminating(&self) -> bool {
        self.terminating
    }
}
