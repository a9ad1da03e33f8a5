//! The compiled dynamic configuration: immutable, shared by every exchange that started under it.
//!
//! [`compile`] makes a plan from the one before and the providers' configurations; every part whose
//! definition did not change is the same `Arc`, and every cell of such a part keeps its slot and
//! generation, so that the shell carries its state over.
use crate::{
    cells::{CellId, HealthId, InFlightId},
    entry_point::{EntryPoint, EntryPointId},
    middleware::Middleware,
    router::{Route, Table},
    rule::{Rule, view::View},
    service::Instance,
};
use alloc::{boxed::Box, sync::Arc};
use parts::Parts;
use slots::Slots;

pub mod compile;
mod instances;
mod middlewares;
mod name;
mod parts;
pub mod report;
mod routers;
mod services;
pub mod slots;
mod sorted;
mod tree;

/// The most middlewares one router may have once its chains are flattened.
pub const MIDDLEWARES_MAX: usize = 255;

/// A compiled router, ready to serve.
#[derive(Debug)]
pub struct Router {
    /// Qualified name, e.g. `app@file`.
    pub name: Arc<str>,
    /// The rule.
    pub rule: Rule,
    /// Higher first; ties go to the longer rule, then to the lower name.
    pub priority: i64,
    /// Middlewares with chains flattened, outermost first; at most [`MIDDLEWARES_MAX`].
    pub middlewares: Box<[Step]>,
    /// Who answers.
    pub service: Arc<Instance>,
    /// Qualified name of the service the router refers to.
    pub service_name: Arc<str>,
}

/// A middleware at its position in one router.
#[derive(Clone, Debug)]
pub struct Step {
    /// The middleware, shared by all routers that use it.
    pub middleware: Arc<Middleware>,
    /// Its state in this router, if it has any.
    pub cell: Option<CellId>,
}

const NAME_WITH_AT: &str = "a name must not contain @: it parts the name from its provider";

/// What of the static configuration bears on plans. It does not change while the process runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The entry points, by [`EntryPointId`].
    pub entry_points: Arc<[EntryPoint]>,
    /// Whether the process answers as `ping@internal`.
    pub ping: bool,
}

/// The compiled dynamic configuration.
#[derive(Debug)]
pub struct Plan {
    /// The entry points, by [`EntryPointId`].
    pub entry_points: Arc<[EntryPoint]>,
    /// What the shell must keep cells for.
    pub cells: CellSpecs,
    /// Routers of clear-text requests, by entry point.
    plain: Box<[Table]>,
    /// Routers of TLS requests, by entry point.
    tls: Box<[Table]>,
    settings: Settings,
    parts: Parts,
}

/// What each cell starts from. A slot whose generation is unchanged keeps its state over a reload.
#[derive(Clone, Debug, Default)]
pub struct CellSpecs {
    /// Balancers, by [`crate::cells::BalancerId`].
    pub balancers: Slots<BalancerSpec>,
    /// Mirrors' shares in percent, by [`crate::cells::MirrorId`].
    pub mirrors: Slots<Arc<[u8]>>,
    /// The amounts of `inFlightReq`s, by [`InFlightId`].
    pub in_flight: Slots<u64>,
    /// The load balancers whose servers are checked, by [`HealthId`].
    pub healths: Slots<Arc<crate::service::LoadBalancer>>,
}

impl CellSpecs {
    /// Frees the cell of a middleware.
    pub fn remove(&mut self, cell: CellId) {
        match cell {
            CellId::InFlight(InFlightId(slot)) => self.in_flight.remove(slot),
        }
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

impl Plan {
    /// A plan without routers: every request is answered 404.
    #[must_use]
    pub fn empty(entry_points: Arc<[EntryPoint]>) -> Self {
        Self::new(Settings { entry_points, ping: false }, CellSpecs::default())
    }

    fn new(settings: Settings, cells: CellSpecs) -> Self {
        let tables = || settings.entry_points.iter().map(|_| Table::default()).collect();
        Self {
            plain: tables(),
            tls: tables(),
            cells,
            entry_points: settings.entry_points.clone(),
            settings,
            parts: Parts::default(),
        }
    }

    /// The same, to be changed into the next plan.
    fn successor(&self) -> Self {
        let mut cells = self.cells.clone();
        cells.balancers.settle();
        cells.mirrors.settle();
        cells.in_flight.settle();
        cells.healths.settle();
        Self {
            plain: self.plain.clone(),
            tls: self.tls.clone(),
            cells,
            entry_points: self.entry_points.clone(),
            settings: self.settings.clone(),
            parts: self.parts.clone(),
        }
    }

    /// Nothing of this plan but the generations of its cells.
    fn cleared(&self, settings: &Settings) -> Self {
        let mut cells = self.cells.clone();
        cells.balancers.clear();
        cells.mirrors.clear();
        cells.in_flight.clear();
        cells.healths.clear();
        Self::new(settings.clone(), cells)
    }

    /// Where a request on an entry point goes.
    #[must_use]
    pub fn route(&self, at: EntryPointId, tls: bool, view: &View<'_>) -> Route {
        let tables = if tls { &self.tls } else { &self.plain };
        tables.get(usize::from(at.0)).map_or(Route::NotFound, |table| table.route(view))
    }
}
