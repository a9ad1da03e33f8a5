//! Providers: who told us what, under which name, and when it is applied.
use crate::config::Configuration;
use alloc::{collections::BTreeMap, sync::Arc};

pub mod aggregator;
pub mod internal;
pub mod kubernetes;

/// The complete configuration of every provider by provider name; objects are called `name@provider`.
pub type Configurations = BTreeMap<Arc<str>, Arc<Configuration>>;

/// A provider's complete configuration; it replaces the provider's previous one.
#[derive(Clone, Debug)]
pub struct Message {
    /// The provider's name, e.g. `file`.
    pub provider: Arc<str>,
    /// All of its objects.
    pub configuration: Arc<Configuration>,
}
