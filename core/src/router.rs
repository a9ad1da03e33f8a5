//! From a request to its router: an index over rules, never a scan over all routers.
use crate::{
    plan::Router,
    rule::{Outcome, Verdict, view::View},
};
use alloc::{sync::Arc, vec::Vec};
use core::cmp::{Ordering, Reverse};

/// The routers of one entry point, indexed. Cheap to clone; a change copies only what it touches.
///
/// Names are unique within a table. Routers are tried by priority, highest first; of equal
/// priorities the longer rule comes first, then the lower name.
#[derive(Clone, Debug, Default)]
pub struct Table {
    routers: Arc<[Arc<Router>]>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub enum Route {
    /// To this router.
    Found(Arc<Router>),
    /// Nowhere, but some rule said no to the method alone: 405.
    MethodNotAllowed,
    /// Nowhere: 404.
    NotFound,
}

impl Table {
    /// The same table without `removed` and with `added`; costs what they cost, not what the table has.
    #[must_use]
    pub fn apply(&self, removed: &[Arc<Router>], added: &[Arc<Router>]) -> Self {
        let mut routers: Vec<_> = self.routers.iter().cloned().collect();
        routers.retain(|router| removed.iter().all(|gone| order(gone, router).is_ne()));
        routers.extend(added.iter().cloned());
        routers.sort_by(|a, b| order(a, b));
        Self { routers: routers.into() }
    }

    /// The first router in priority order whose rule matches.
    #[must_use]
    pub fn route(&self, view: &View<'_>) -> Route {
        let mut route = Route::NotFound;
        for router in self.routers.iter() {
            match router.rule.outcome(view) {
                Outcome::Matches => return Route::Found(router.clone()),
                Outcome::Method => route = Route::MethodNotAllowed,
                Outcome::Denied => {}
            }
        }
        route
    }

    /// What every router says of a request, in the order in which they are asked. The first that
    /// matches gets the request.
    #[must_use]
    pub fn explain(&self, view: &View<'_>) -> Vec<(Arc<Router>, Verdict)> {
        let verdicts =
            self.routers.iter().map(|router| (router.clone(), router.rule.evaluate(view)));
        verdicts.collect()
    }
}

/// The order in which routers are asked.
fn order(a: &Router, b: &Router) -> Ordering {
    let rank = |router: &Router| (Reverse(router.priority), Reverse(router.rule.text.len()));
    rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
}
