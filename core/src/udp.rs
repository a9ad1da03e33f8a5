//! UDP: an entry point's datagrams go to one service, whatever they say.
use crate::relay::Instance;
use alloc::sync::Arc;

pub mod sessions;

/// A compiled UDP router, ready to serve.
#[derive(Debug)]
pub struct Router {
    /// Qualified name, e.g. `dns@file`.
    pub name: Arc<str>,
    /// Who answers.
    pub service: Arc<Instance>,
}
