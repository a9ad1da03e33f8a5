//! The closed set of middlewares. Adding one: a file in `middleware/`, a line in the list below, its tests.
use alloc::string::String;
use serde::{Deserialize, Serialize};

pub mod chain;

/// A middleware as written: exactly one of its types must be there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Definition {
    /// Middlewares in order, expanded in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<chain::Chain>,
}

/// A compiled middleware.
#[derive(Debug)]
pub enum Middleware {}

impl Definition {
    /// Compiles any type but `chain`, which the plan flattens.
    pub fn compile(&self) -> Result<Middleware, String> {
        Err("not yet".into())
    }
}
