//! Cells that remember what they decided, and cells that say it again.
use crate::{
    cells::{BalancerId, BreakerId, Cells, Decision, InFlightId, MirrorId, NoncesId, RateLimitId},
    middleware::{
        circuit_breaker::Breaker, digest_auth::Nonces, in_flight_req::InFlight, rate_limit::Buckets,
    },
    service::{balancer::Balancer, health::Health, mirror::Mirror},
};
use alloc::{format, string::String, vec::Vec};
use core::cell::{Cell, RefCell};
use serde::{Deserialize, Serialize};

/// A kind of cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CellKind {
    /// See [`Cells::balancer`].
    Balancer,
    /// See [`Cells::mirror`].
    Mirror,
    /// See [`Cells::in_flight`].
    InFlight,
    /// See [`Cells::rate_limit`].
    RateLimit,
    /// See [`Cells::breaker`].
    Breaker,
    /// See [`Cells::nonces`].
    Nonces,
    /// See [`Cells::terminating`].
    Terminating,
}

/// A question to a cell and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which kind.
    pub kind: CellKind,
    /// Which one.
    pub id: u32,
    /// The answer.
    pub word: u64,
}

/// Asks the cells within, and writes down what they say.
pub(super) struct Recording<'a, C> {
    live: &'a C,
    asked: RefCell<Vec<Asked>>,
}

impl<'a, C> Recording<'a, C> {
    pub(super) const fn new(live: &'a C) -> Self {
        Self { live, asked: RefCell::new(Vec::new()) }
    }

    pub(super) fn into_asked(self) -> Vec<Asked> {
        self.asked.into_inner()
    }

    fn note<D: Decision>(&self, kind: CellKind, id: u32, decision: D) -> D {
        self.asked.borrow_mut().push(Asked { kind, id, word: decision.to_word() });
        decision
    }
}

impl<C: Cells> Cells for Recording<'_, C> {
    fn balancer<D: Decision>(
        &self,
        id: BalancerId,
        f: impl FnOnce(&mut Balancer, &Health) -> D,
    ) -> D {
        self.note(CellKind::Balancer, id.0, self.live.balancer(id, f))
    }

    fn mirror<D: Decision>(&self, id: MirrorId, f: impl FnOnce(&mut Mirror) -> D) -> D {
        self.note(CellKind::Mirror, id.0, self.live.mirror(id, f))
    }

    fn in_flight<D: Decision>(&self, id: InFlightId, f: impl FnOnce(&mut InFlight) -> D) -> D {
        self.note(CellKind::InFlight, id.0, self.live.in_flight(id, f))
    }

    fn rate_limit<D: Decision>(&self, id: RateLimitId, f: impl FnOnce(&mut Buckets) -> D) -> D {
        self.note(CellKind::RateLimit, id.0, self.live.rate_limit(id, f))
    }

    fn breaker<D: Decision>(&self, id: BreakerId, f: impl FnOnce(&mut Breaker) -> D) -> D {
        self.note(CellKind::Breaker, id.0, self.live.breaker(id, f))
    }

    fn nonces<D: Decision>(&self, id: NoncesId, f: impl FnOnce(&mut Nonces) -> D) -> D {
        self.note(CellKind::Nonces, id.0, self.live.nonces(id, f))
    }

    fn terminating(&self) -> bool {
        self.note(CellKind::Terminating, 0, self.live.terminating())
    }
}

/// Says again what was recorded. There are no cells behind it.
pub(super) struct Replaying<'a> {
    asked: &'a [Asked],
    at: Cell<usize>,
    diverged: RefCell<Option<String>>,
}

impl<'a> Replaying<'a> {
    pub(super) const fn new(asked: &'a [Asked]) -> Self {
        Self { asked, at: Cell::new(0), diverged: RefCell::new(None) }
    }

    /// Whether exactly the recorded questions were asked.
    pub(super) fn finish(self) -> Result<(), String> {
        if let Some(what) = self.diverged.into_inner() {
            return Err(what);
        }
        match self.asked.get(self.at.get()) {
            None => Ok(()),
            Some(asked) => Err(format!("{asked:?} was not asked")),
        }
    }

    fn next<D: Decision>(&self, kind: CellKind, id: u32) -> D {
        let at = self.at.replace(self.at.get() + 1);
        match self.asked.get(at) {
            Some(asked) if asked.kind == kind && asked.id == id => D::from_word(asked.word),
            other => {
                let what = || format!("{kind:?} {id} was asked, the trace has {other:?}");
                self.diverged.borrow_mut().get_or_insert_with(what);
                D::from_word(0)
            }
        }
    }
}

impl Cells for Replaying<'_> {
    fn balancer<D: Decision>(
        &self,
        id: BalancerId,
        _: impl FnOnce(&mut Balancer, &Health) -> D,
    ) -> D {
        self.next(CellKind::Balancer, id.0)
    }

    fn mirror<D: Decision>(&self, id: MirrorId, _: impl FnOnce(&mut Mirror) -> D) -> D {
        self.next(CellKind::Mirror, id.0)
    }

    fn in_flight<D: Decision>(&self, id: InFlightId, _: impl FnOnce(&mut InFlight) -> D) -> D {
        self.next(CellKind::InFlight, id.0)
    }

    fn rate_limit<D: Decision>(&self, id: RateLimitId, _: impl FnOnce(&mut Buckets) -> D) -> D {
        self.next(CellKind::RateLimit, id.0)
    }

    fn breaker<D: Decision>(&self, id: BreakerId, _: impl FnOnce(&mut Breaker) -> D) -> D {
        self.next(CellKind::Breaker, id.0)
    }

    fn nonces<D: Decision>(&self, id: NoncesId, _: impl FnOnce(&mut Nonces) -> D) -> D {
        self.next(CellKind::Nonces, id.0)
    }

    fn terminating(&self) -> bool {
        self.next(CellKind::Terminating, 0)
    }
}
