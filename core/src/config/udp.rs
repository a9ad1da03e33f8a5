//! UDP routers and services as written, as later versions have them.
pub use super::tcp::{Server, Weighted};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A UDP router: there is nothing to match, so that an entry point has one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Router {
    /// Entry points it is attached to; empty: all of UDP.
    pub entry_points: Vec<String>,
    /// The service that datagrams go to.
    pub service: String,
}

/// A UDP service: exactly one of the two must be there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Service {
    /// Servers behind a balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,
    /// Services by weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted: Option<Weighted>,
}

/// Servers taken in turn.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct LoadBalancer {
    /// The servers.
    pub servers: Vec<Server>,
}
