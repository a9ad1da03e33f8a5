//! State shared between exchanges: plain `&mut self` machines, without lock or atomic.
//!
//! The shell owns the cells and their locks; the core reaches them through [`Cells`], asks one
//! question at a time, and gets an answer that fits in a word, so that it can be recorded.
use crate::{
    middleware::{
        circuit_breaker::{Breaker, Policy},
        digest_auth::Nonces,
        in_flight_req::InFlight,
        rate_limit::{Buckets, Rate},
    },
    service::{LoadBalancer, balancer::Balancer, health::Health, mirror::Mirror},
};
use alloc::sync::Arc;
use slots::Slots;

pub mod slots;

/// Slot of a balancer cell: the position of a load balancer or weighted service in one router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BalancerId(pub u32);

/// Slot of a mirror cell: the counters of a mirroring service in one router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MirrorId(pub u32);

/// Slot of a health cell: which servers of a load balancer are up, shared by all its routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HealthId(pub u32);

/// Slot of an in-flight cell: the counters of one `inFlightReq` in one router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InFlightId(pub u32);

/// Slot of a rate limit cell: the buckets of one `rateLimit` in one router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateLimitId(pub u32);

/// Slot of a breaker cell: the state of one `circuitBreaker` in one router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BreakerId(pub u32);

/// Slot of a nonces cell: what one `digestAuth` gave out in one router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoncesId(pub u32);

/// The cell of a middleware with state, of whatever kind. One per router and position
/// (compat: middlewares.md "One instance per (router, position)").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CellId {
    /// Of `inFlightReq`.
    InFlight(InFlightId),
    /// Of `rateLimit`.
    RateLimit(RateLimitId),
    /// Of `circuitBreaker`.
    Breaker(BreakerId),
    /// Of `digestAuth`.
    Nonces(NoncesId),
}

/// What each cell starts from. A slot whose generation is unchanged keeps its state over a reload.
#[derive(Clone, Debug, Default)]
pub struct CellSpecs {
    /// Balancers, by [`BalancerId`].
    pub balancers: Slots<BalancerSpec>,
    /// Mirrors' shares in percent, by [`MirrorId`].
    pub mirrors: Slots<Arc<[u8]>>,
    /// The amounts of `inFlightReq`s, by [`InFlightId`].
    pub in_flight: Slots<u64>,
    /// The rates of `rateLimit`s, by [`RateLimitId`].
    pub rate_limits: Slots<Rate>,
    /// When `circuitBreaker`s trip, by [`BreakerId`].
    pub breakers: Slots<Arc<Policy>>,
    /// The `digestAuth`s, by [`NoncesId`].
    pub nonces: Slots<()>,
    /// The load balancers whose servers are checked, by [`HealthId`].
    pub healths: Slots<Arc<LoadBalancer>>,
}

impl CellSpecs {
    /// Frees the cell of a middleware.
    pub fn remove(&mut self, cell: CellId) {
        match cell {
            CellId::InFlight(InFlightId(slot)) => self.in_flight.remove(slot),
            CellId::RateLimit(RateLimitId(slot)) => self.rate_limits.remove(slot),
            CellId::Breaker(BreakerId(slot)) => self.breakers.remove(slot),
            CellId::Nonces(NoncesId(slot)) => self.nonces.remove(slot),
        }
    }

    /// Lets the slots freed so far be taken again: once for every new plan, before its changes.
    pub fn settle(&mut self) {
        let Self { balancers, mirrors, in_flight, rate_limits, breakers, nonces, healths } = self;
        balancers.settle();
        mirrors.settle();
        in_flight.settle();
        rate_limits.settle();
        breakers.settle();
        nonces.settle();
        healths.settle();
    }

    /// Frees every slot; generations go on, so that nothing is taken for what it was.
    pub fn clear(&mut self) {
        let Self { balancers, mirrors, in_flight, rate_limits, breakers, nonces, healths } = self;
        balancers.clear();
        mirrors.clear();
        in_flight.clear();
        rate_limits.clear();
        breakers.clear();
        nonces.clear();
        healths.clear();
    }
}

/// What a balancer starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct BalancerSpec {
    /// Weights, in the order of servers or children.
    pub weights: Arc<[u32]>,
    /// The health of the servers, where they are checked.
    pub health: Option<HealthId>,
}

/// An answer a cell gave. Fits in a word, so a recorder never allocates.
pub trait Decision: Copy {
    /// The answer as a word.
    fn to_word(self) -> u64;
    /// The answer back from its word.
    fn from_word(word: u64) -> Self;
}

impl Decision for () {
    fn to_word(self) -> u64 {
        0
    }
    fn from_word(_: u64) {}
}

impl Decision for bool {
    fn to_word(self) -> u64 {
        u64::from(self)
    }
    fn from_word(word: u64) -> Self {
        word != 0
    }
}

impl Decision for u64 {
    fn to_word(self) -> u64 {
        self
    }
    fn from_word(word: u64) -> Self {
        word
    }
}

/// An index picked from a list, or none.
impl Decision for Option<u32> {
    fn to_word(self) -> u64 {
        self.map_or(u64::MAX, u64::from)
    }
    fn from_word(word: u64) -> Self {
        u32::try_from(word).ok()
    }
}

/// The only way to the shared state: one method per kind of cell.
pub trait Cells {
    /// Asks a balancer, with the health of the servers it picks from (all up where nothing checks).
    fn balancer<D: Decision>(
        &self,
        id: BalancerId,
        f: impl FnOnce(&mut Balancer, &Health) -> D,
    ) -> D;

    /// Asks a mirror's counters.
    fn mirror<D: Decision>(&self, id: MirrorId, f: impl FnOnce(&mut Mirror) -> D) -> D;

    /// Asks the counters of an `inFlightReq`.
    fn in_flight<D: Decision>(&self, id: InFlightId, f: impl FnOnce(&mut InFlight) -> D) -> D;

    /// Asks the buckets of a `rateLimit`.
    fn rate_limit<D: Decision>(&self, id: RateLimitId, f: impl FnOnce(&mut Buckets) -> D) -> D;

    /// Asks a circuit breaker.
    fn breaker<D: Decision>(&self, id: BreakerId, f: impl FnOnce(&mut Breaker) -> D) -> D;

    /// Asks the nonces of a `digestAuth`.
    fn nonces<D: Decision>(&self, id: NoncesId, f: impl FnOnce(&mut Nonces) -> D) -> D;

    /// Whether the process is shutting down: ping then answers 503.
    fn terminating(&self) -> bool;
}
