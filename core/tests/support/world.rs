//! Cells of one plan, without locks, for tests.
use rutter_core::{
    cells::{
        BalancerId, BreakerId, Cells, Decision, InFlightId, MirrorId, NoncesId, RateLimitId,
        slots::Slots,
    },
    middleware::{
        circuit_breaker::Breaker, digest_auth::Nonces, in_flight_req::InFlight, rate_limit::Buckets,
    },
    plan::Plan,
    service::{balancer::Balancer, health::Health, mirror::Mirror},
};
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

/// The cells of one plan.
pub(crate) struct World {
    balancers: RefCell<BTreeMap<u32, (Balancer, Health)>>,
    mirrors: RefCell<BTreeMap<u32, Mirror>>,
    in_flight: RefCell<BTreeMap<u32, InFlight>>,
    rate_limits: RefCell<BTreeMap<u32, Buckets>>,
    breakers: RefCell<BTreeMap<u32, Breaker>>,
    nonces: RefCell<BTreeMap<u32, Nonces>>,
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
        Self {
            balancers: RefCell::new(balancers.collect()),
            mirrors: made(&cells.mirrors, |it| Mirror::new(Arc::clone(it))),
            in_flight: made(&cells.in_flight, |it| InFlight::new(*it)),
            rate_limits: made(&cells.rate_limits, |it| Buckets::new(*it)),
            breakers: made(&cells.breakers, |it| Breaker::new(Arc::clone(it))),
            nonces: made(&cells.nonces, |()| Nonces::default()),
            terminating: false,
        }
    }

    /// Requests that hold a place.
    pub(crate) fn in_flight_total(&self) -> u64 {
        self.in_flight.borrow().values().map(InFlight::total).sum()
    }
}

fn made<S, T>(specs: &Slots<S>, make: impl Fn(&S) -> T) -> RefCell<BTreeMap<u32, T>> {
    RefCell::new(specs.iter().map(|(slot, _, spec)| (slot, make(spec))).collect())
}

fn ask<T, D>(cells: &RefCell<BTreeMap<u32, T>>, slot: u32, f: impl FnOnce(&mut T) -> D) -> D {
    f(cells.borrow_mut().get_mut(&slot).expect("a cell for every id in the plan"))
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
        ask(&self.mirrors, id.0, f)
    }

    fn in_flight<D: Decision>(&self, id: InFlightId, f: impl FnOnce(&mut InFlight) -> D) -> D {
        ask(&self.in_flight, id.0, f)
    }

    fn rate_limit<D: Decision>(&self, id: RateLimitId, f: impl FnOnce(&mut Buckets) -> D) -> D {
        ask(&self.rate_limits, id.0, f)
    }

    fn breaker<D: Decision>(&self, id: BreakerId, f: impl FnOnce(&mut Breaker) -> D) -> D {
        ask(&self.breakers, id.0, f)
    }

    fn nonces<D: Decision>(&self, id: NoncesId, f: impl FnOnce(&mut Nonces) -> D) -> D {
        ask(&self.nonces, id.0, f)
    }

    fn terminating(&self) -> bool {
        self.terminating
    }
}
