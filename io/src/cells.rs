//! The cells behind their locks: state that exchanges share, on every thread.
use rutter_core::{
    cells::{
        BalancerId, BreakerId, Cells, Decision, HealthId, InFlightId, MirrorId, NoncesId,
        RateLimitId,
    },
    cells::{CellSpecs, slots::Slots},
    middleware::{
        circuit_breaker::Breaker, digest_auth::Nonces, in_flight_req::InFlight, rate_limit::Buckets,
    },
    service::{balancer::Balancer, health::Health, health_check::Target, mirror::Mirror},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

static ALL_UP: Health = Health::ALL_UP;

/// Cells by slot. A table made from another shares every cell whose generation is the same.
#[derive(Debug, Default)]
pub(crate) struct Table {
    balancers: Column<Mutex<Balancer>>,
    /// The health that each balancer picks by, where anything checks.
    checked: Box<[Option<Arc<RwLock<Health>>>]>,
    mirrors: Column<Mutex<Mirror>>,
    in_flight: Column<Mutex<InFlight>>,
    rate_limits: Column<Mutex<Buckets>>,
    breakers: Column<Mutex<Breaker>>,
    nonces: Column<Mutex<Nonces>>,
    healths: Column<RwLock<Health>>,
}

impl Table {
    /// The cells that a plan needs: the previous ones as far as they are the same.
    pub(crate) fn new(previous: &Self, specs: &CellSpecs) -> Self {
        let healths = previous.healths.next(&specs.healths, |_| RwLock::new(Health::default()));
        let balancers = previous
            .balancers
            .next(&specs.balancers, |it| Mutex::new(Balancer::new(Arc::clone(&it.weights))));
        let checked = |slot| {
            let (_, spec) = specs.balancers.get(u32::try_from(slot).ok()?)?;
            spec.health.and_then(|HealthId(slot)| healths.get(slot).cloned())
        };
        let checked = (0..specs.balancers.len()).map(checked).collect();
        let mirrors =
            previous.mirrors.next(&specs.mirrors, |it| Mutex::new(Mirror::new(Arc::clone(it))));
        let in_flight =
            previous.in_flight.next(&specs.in_flight, |amount| Mutex::new(InFlight::new(*amount)));
        let rate_limits =
            previous.rate_limits.next(&specs.rate_limits, |rate| Mutex::new(Buckets::new(*rate)));
        let breakers = previous
            .breakers
            .next(&specs.breakers, |policy| Mutex::new(Breaker::new(Arc::clone(policy))));
        let nonces = previous.nonces.next(&specs.nonces, |()| Mutex::new(Nonces::default()));
        Self { balancers, checked, mirrors, in_flight, rate_limits, breakers, nonces, healths }
    }

    /// Notes whether a server answers its checks, if the cell still is of this generation.
    pub(crate) fn set_health(&self, target: Target, up: bool) {
        let HealthId(slot) = target.health;
        if let Some((generation, health)) = self.healths.entry(slot)
            && *generation == target.generation
        {
            health.write().unwrap_or_else(PoisonError::into_inner).set(target.server, up);
        }
    }
}

/// Cells of one kind, each with its generation.
#[derive(Debug)]
struct Column<T>(Box<[Option<Cell<T>>]>);

/// A cell and its generation.
type Cell<T> = (u64, Arc<T>);

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T> Column<T> {
    fn next<S>(&self, specs: &Slots<S>, make: impl Fn(&S) -> T) -> Self {
        let cell = |slot: usize| {
            let (generation, spec) = specs.get(u32::try_from(slot).ok()?)?;
            match self.0.get(slot) {
                Some(Some((same, cell))) if *same == generation => {
                    Some((generation, Arc::clone(cell)))
                }
                _ => Some((generation, Arc::new(make(spec)))),
            }
        };
        Self((0..specs.len()).map(cell).collect())
    }

    fn entry(&self, slot: u32) -> Option<&Cell<T>> {
        self.0.get(usize::try_from(slot).ok()?)?.as_ref()
    }

    fn get(&self, slot: u32) -> Option<&Arc<T>> {
        self.entry(slot).map(|(_, cell)| cell)
    }
}

/// A panic while a cell was locked leaves plain numbers behind, which stay usable.
fn lock<T>(cell: &Mutex<T>) -> MutexGuard<'_, T> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The cells as an exchange sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'t> {
    pub(crate) table: &'t Table,
    pub(crate) terminating: bool,
}

impl Cells for View<'_> {
    fn balancer<D: Decision>(
        &self,
        BalancerId(slot): BalancerId,
        f: impl FnOnce(&mut Balancer, &Health) -> D,
    ) -> D {
        let Some(cell) = self.table.balancers.get(slot) else {
            debug_assert!(false, "no balancer {slot}: the table is that of the exchange's plan");
            return f(&mut Balancer::new(Arc::default()), &ALL_UP);
        };
        let mut balancer = lock(cell);
        match self.table.checked.get(slot as usize).and_then(Option::as_ref) {
            None => f(&mut balancer, &ALL_UP),
            Some(health) => {
                f(&mut balancer, &health.read().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    fn mirror<D: Decision>(&self, MirrorId(slot): MirrorId, f: impl FnOnce(&mut Mirror) -> D) -> D {
        match self.table.mirrors.get(slot) {
            Some(cell) => f(&mut lock(cell)),
            None => {
                debug_assert!(false, "no mirror {slot}: the table is that of the exchange's plan");
                f(&mut Mirror::new(Arc::default()))
            }
        }
    }

    fn in_flight<D: Decision>(
        &self,
        InFlightId(slot): InFlightId,
        f: impl FnOnce(&mut InFlight) -> D,
    ) -> D {
        match self.table.in_flight.get(slot) {
            Some(cell) => f(&mut lock(cell)),
            None => {
                debug_assert!(false, "no in-flight counter {slot}: the table is the plan's");
                f(&mut InFlight::new(u64::MAX))
            }
        }
    }

    fn rate_limit<D: Decision>(
        &self,
        RateLimitId(slot): RateLimitId,
        f: impl FnOnce(&mut Buckets) -> D,
    ) -> D {
        match self.table.rate_limits.get(slot) {
            Some(cell) => f(&mut lock(cell)),
            None => {
                debug_assert!(false, "no buckets {slot}: the table is that of the exchange's plan");
                f(&mut Buckets::default())
            }
        }
    }

    fn breaker<D: Decision>(
        &self,
        BreakerId(slot): BreakerId,
        f: impl FnOnce(&mut Breaker) -> D,
    ) -> D {
        match self.table.breakers.get(slot) {
            Some(cell) => f(&mut lock(cell)),
            None => {
                debug_assert!(false, "no breaker {slot}: the table is that of the exchange's plan");
                f(&mut Breaker::default())
            }
        }
    }

    fn nonces<D: Decision>(&self, NoncesId(slot): NoncesId, f: impl FnOnce(&mut Nonces) -> D) -> D {
        match self.table.nonces.get(slot) {
            Some(cell) => f(&mut lock(cell)),
            None => {
                debug_assert!(false, "no nonces {slot}: the table is that of the exchange's plan");
                f(&mut Nonces::default())
            }
        }
    }

    fn terminating(&self) -> bool {
        self.terminating
    }
}
