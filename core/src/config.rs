//! The dynamic configuration as written: routers, services, middlewares of one provider.
//!
//! Decoded from a [`crate::tree`]; nothing is resolved or checked beyond types. A definition that
//! does not decode stays in the map with its reason, so that what refers to it can say so.
use crate::diagnostic::Place;
use alloc::{collections::BTreeMap, string::String, sync::Arc};

pub mod file;
pub mod http;
pub mod read;
pub mod scalar;

/// The complete dynamic configuration of one provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// HTTP routers, services and middlewares by unqualified name.
    pub http: Http,
}

/// Objects by unqualified name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Http {
    /// Routers.
    pub routers: Definitions<http::Router>,
    /// Services.
    pub services: Definitions<http::Service>,
    /// Middlewares.
    pub middlewares: Definitions<crate::middleware::Definition>,
}

/// Definitions by name. Shared, so that a message that changes one object shares all the others.
pub type Definitions<T> = BTreeMap<Arc<str>, Arc<Defined<T>>>;

/// A definition, or why it could not be read, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Defined<T> {
    /// The object as written, or what is wrong with it.
    pub value: Result<T, String>,
    /// Where it was written.
    pub place: Place,
}
