//! The compiled dynamic configuration: immutable, shared by every exchange that started under it.
//!
//! [`compile`] makes a plan from the one before and the providers' configurations; every part whose
//! definition did not change is the same `Arc`, and every cell of such a part keeps its slot and
//! generation, so that the shell carries its state over.
use crate::{
    cells::CellSpecs,
    entry_point::{EntryPoint, EntryPointId},
    persistent::sorted::Sorted,
    router::{Route, Table},
    rule::view::View,
    tcp,
    tls::{certificate::Load, options::Options, store::Store},
    udp,
};
use alloc::{boxed::Box, sync::Arc};
use parts::Parts;

pub mod compile;
mod instances;
mod middlewares;
mod name;
mod parts;
mod relays;
pub mod report;
mod routers;
mod security;
mod services;
mod tree;

const NAME_WITH_AT: &str = "a name must not contain @: it parts the name from its provider";

/// What of the static configuration bears on plans. It does not change while the process runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The entry points, by [`EntryPointId`].
    pub entry_points: Arc<[EntryPoint]>,
    /// The names of the entry points of UDP, which have numbers of their own.
    pub udp_entry_points: Arc<[Arc<str>]>,
    /// Whether the process answers as `ping@internal`.
    pub ping: bool,
    /// How certificates are made ready for use.
    pub load: Load,
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
    /// Where connections go, by entry point.
    connections: Box<[tcp::Table]>,
    /// The routers of datagrams, by entry point of UDP: the first serves.
    datagrams: Box<[Sorted<Arc<str>, Arc<udp::Router>>]>,
    /// Which certificate a client is shown.
    certificates: Store,
    /// How TLS is spoken where nobody asks for options; `None`: it is refused.
    default_options: Option<Arc<Options>>,
    /// The same where nobody wrote any.
    builtin_options: Arc<Options>,
    settings: Settings,
    parts: Parts,
}

impl Plan {
    /// A plan without routers: every request is answered 404.
    #[must_use]
    pub fn empty(entry_points: Arc<[EntryPoint]>) -> Self {
        let settings = Settings { entry_points, ..Settings::default() };
        Self::new(settings, CellSpecs::default())
    }

    fn new(settings: Settings, cells: CellSpecs) -> Self {
        let tables = || settings.entry_points.iter().map(|_| Table::default()).collect();
        let builtin_options = Arc::new(Options::builtin());
        let default_options = Some(builtin_options.clone());
        let connections = |_| tcp::Table::new(default_options.clone());
        Self {
            plain: tables(),
            tls: tables(),
            connections: settings.entry_points.iter().map(connections).collect(),
            datagrams: settings.udp_entry_points.iter().map(|_| Sorted::default()).collect(),
            certificates: Store::default(),
            default_options,
            builtin_options,
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
            connections: self.connections.clone(),
            datagrams: self.datagrams.clone(),
            certificates: self.certificates.clone(),
            default_options: self.default_options.clone(),
            builtin_options: self.builtin_options.clone(),
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

    /// Where the connections of an entry point go; `None`: there is no such entry point.
    #[must_use]
    pub fn connections(&self, at: EntryPointId) -> Option<&tcp::Table> {
        self.connections.get(usize::from(at.0))
    }

    /// Where the datagrams of an entry point of UDP go; `None`: nowhere.
    #[must_use]
    pub fn datagrams(&self, at: EntryPointId) -> Option<&Arc<udp::Router>> {
        let routers = self.datagrams.get(usize::from(at.0))?;
        routers.iter().next().map(|(_, router)| router)
    }

    /// Which certificate a client is shown.
    #[must_use]
    pub const fn certificates(&self) -> &Store {
        &self.certificates
    }
}
