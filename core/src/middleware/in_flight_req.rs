//! `inFlightReq`: at most so many requests at once from one source. Compat: middlewares.md "inFlightReq".
use super::{Context, Edits, Kept, Options, Verdict, Walk, source::{Key, Source, SourceCriterion}};
use crate::{
    cells::{CellId, Cells, InFlightId},
    cells::CellSpecs,
};
use alloc::{collections::{BTreeMap, btree_map::Entry}, format, string::String};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE, request};
use serde::{Deserialize, Serialize};

/// The options of `inFlightReq`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InFlightReq {
    /// Requests at once; 0 refuses all.
    pub amount: i64,
    /// What counts as one source; absent: the requested host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_criterion: Option<SourceCriterion>,
}

/// Compiled `inFlightReq`.
#[derive(Debug)]
pub struct Limit {
    amount: u64,
    source: Source,
}

impl Options for InFlightReq {
    type Middleware = Limit;

    fn compile(&self) -> Result<Limit, String> {
        let amount = u64::try_from(self.amount)
            .map_err(|_| format!("amount must not be negative ({})", self.amount))?;
        let source = match &self.source_criterion {
            Some(criterion) => criterion.compile()?,
            None => Source::RequestHost,
        };
        Ok(Limit { amount, source })
    }
}

impl Walk for Limit {
    fn inward<C: Cells>(
        &self,
        context: &Context<'_>,
        cells: &C,
        head: &mut request::Parts,
    ) -> Verdict {
        let Some(CellId::InFlight(id)) = context.cell else {
            debug_assert!(false, "inFlightReq without its cell");
            return Verdict::Continue;
        };
        let source = Key::new(&self.source.of(context, head));
        if cells.in_flight(id, |cell| cell.enter(source)) {
            return Verdict::Keep(Kept::InFlight(source));
        }
        let body = Bytes::from(format!("max connections reached: {}", self.amount));
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        Verdict::Respond(response)
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }

    fn cell(&self, specs: &mut CellSpecs) -> Option<CellId> {
        Some(CellId::InFlight(InFlightId(specs.in_flight.insert(self.amount))))
    }
}

/// The cell: requests in flight by source. It has an entry only for sources with one in flight, of a
/// size that does not depend on what a client sends.
#[derive(Clone, Debug)]
pub struct InFlight {
    amount: u64,
    live: BTreeMap<Key, u64>,
}

impl InFlight {
    /// No request in flight.
    #[must_use]
    pub const fn new(amount: u64) -> Self {
        Self { amount, live: BTreeMap::new() }
    }

    /// Takes a place, if there is one.
    pub fn enter(&mut self, source: Key) -> bool {
        match self.live.entry(source) {
            Entry::Occupied(mut count) if *count.get() < self.amount => *count.get_mut() += 1,
            Entry::Vacant(entry) if 0 < self.amount => drop(entry.insert(1)),
            Entry::Occupied(_) | Entry::Vacant(_) => return false,
        }
        true
    }

    /// Gives a place back.
    pub fn leave(&mut self, source: Key) {
        if let Entry::Occupied(mut count) = self.live.entry(source) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// Requests in flight from all sources.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.live.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_its_places_and_gets_them_back() {
        let mut cell = InFlight::new(2);
        let (a, b) = (Key::new("a"), Key::new(&"b".repeat(100_000)));
        assert!(cell.enter(a) && cell.enter(a) && !cell.enter(a) && cell.enter(b));
        cell.leave(a);
        assert!(cell.enter(a) && !cell.enter(a));
        for source in [a, a, b, Key::new("nobody")] {
            cell.leave(source);
        }
        assert_eq!(cell.total(), 0);
        assert!(cell.live.is_empty(), "no entry stays for a source that left");
    }

    #[test]
    fn amount_zero_refuses_all_and_a_negative_one_is_an_error() {
        assert!(!InFlight::new(0).enter(Key::new("a")));
        let options = InFlightReq { amount: -1, source_criterion: None };
        assert_eq!(options.compile().unwrap_err(), "amount must not be negative (-1)");
    }
}
