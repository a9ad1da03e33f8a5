//! The compiled dynamic configuration: immutable, shared by every exchange that started under it.
//!
//! [`compile`] makes a plan from the one before and the providers' configurations; every part whose
//! definition did not change is the same `Arc`, and every cell of such a part keeps its slot and
//! generation, so that the shell carries its state over.
use crate::{
    cells::CellSpecs,
    entry_point::{EntryPoint, EntryPointId},
    router::{Route, Table},
    rule::view::View,
};
use alloc::{boxed::Box, sync::Arc};
use parts::Parts;

pub mod compile;
mod instances;
mod middlewares;
mod name;
mod parts;
pub mod report;
mod routers;
mod services;
mod tree;

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
        cells.settle();
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
        cells.clear();
        Self::new(settings.clone(), cells)
    }

    /// Where a request on an entry point goes.
    #[must_use]
    pub fn route(&self, at: EntryPointId, tls: bool, view: &View<'_>) -> Route {
        let tables = if tls { &self.tls } else { &self.plain };
        tables.get(usize::from(at.0)).map_or(Route::NotFound, |table| table.route(view))
    }
}
