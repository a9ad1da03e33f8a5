//! `chain`: middlewares under one name, expanded in place when the plan is compiled.
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The options of `chain`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Chain {
    /// Names of the members, outermost first; without `@` they are of the chain's provider.
    pub middlewares: Vec<String>,
}
