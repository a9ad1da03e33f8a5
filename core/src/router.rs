//! From a request to its router: an index over rules, never a scan over all routers.
use crate::{plan::Router, rule::view::View};
use alloc::sync::Arc;

/// The routers of one entry point, indexed. Cheap to clone; a change copies only what it touches.
#[derive(Clone, Debug, Default)]
pub struct Table {}

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
    pub fn apply(&self, _removed: &[Arc<Router>], _added: &[Arc<Router>]) -> Self {
        self.clone()
    }

    /// The first router in priority order whose rule matches.
    #[must_use]
    pub fn route(&self, _view: &View<'_>) -> Route {
        Route::NotFound
    }
}
