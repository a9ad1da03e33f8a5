//! All scenarios.
use crate::scenario::Scenario;

pub mod world;

/// Every scenario, in the order in which they are listed.
pub const ALL: &[Scenario] = &[world::WORLD];

/// The scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}
