//! TCP below HTTP: what a connection says first, and where it goes. Compat: tls.md "TCP / HTTP(S)
//! demultiplexing per entry point".
use crate::{relay::Instance, tls::options::Options};
use alloc::sync::Arc;
use rule::Rule;

pub mod arrival;
pub mod client_hello;
pub mod rule;
pub mod table;

pub use table::Table;

/// A compiled TCP router, ready to serve.
#[derive(Debug)]
pub struct Router {
    /// Qualified name, e.g. `db@file`.
    pub name: Arc<str>,
    /// The rule.
    pub rule: Rule,
    /// Higher first; ties go to the longer rule, then to the lower name.
    pub priority: i64,
    /// Present: takes TLS connections only.
    pub tls: Option<Tls>,
    /// Who answers.
    pub service: Arc<Instance>,
}

/// What becomes of a router's TLS connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// They go on as they came, still encrypted.
    Passthrough,
    /// TLS ends here, spoken under these options; `None`: under those of whoever asks for none.
    Terminate(Option<Arc<Options>>),
}
