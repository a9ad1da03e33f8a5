//! The dynamic configuration as written: routers, services, middlewares of one provider.
//!
//! Decoded from a [`crate::tree`]; nothing is resolved or checked beyond types. A definition that
//! does not decode stays in the map with its reason, so that what refers to it can say so.
use crate::diagnostic::Place;
use alloc::string::String;

pub use definitions::Definitions;

mod definitions;
pub mod file;
pub mod http;
pub mod read;
pub mod scalar;
mod sections;
pub mod tcp;
pub mod tls;
pub mod transport;
pub mod udp;

/// The complete dynamic configuration of one provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// What is routed request by request.
    pub http: Http,
    /// What is routed connection by connection.
    pub tcp: Tcp,
    /// What is routed datagram by datagram.
    pub udp: Udp,
    /// Certificates, and how TLS is spoken.
    pub tls: Tls,
}

/// HTTP objects by unqualified name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Http {
    /// Routers.
    pub routers: Definitions<http::Router>,
    /// Services.
    pub services: Definitions<http::Service>,
    /// Middlewares.
    pub middlewares: Definitions<crate::middleware::Definition>,
    /// How servers are reached.
    pub servers_transports: Definitions<transport::ServersTransport>,
}

/// TCP objects by unqualified name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tcp {
    /// Routers.
    pub routers: Definitions<tcp::Router>,
    /// Services.
    pub services: Definitions<tcp::Service>,
}

/// UDP objects by unqualified name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Udp {
    /// Routers.
    pub routers: Definitions<udp::Router>,
    /// Services.
    pub services: Definitions<udp::Service>,
}

/// TLS objects by unqualified name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    /// Certificates have no names: they go by that of their file, or by a fingerprint of their text.
    pub certificates: Definitions<tls::Certificate>,
    /// How TLS is spoken.
    pub options: Definitions<tls::Options>,
    /// Stores of certificates.
    pub stores: Definitions<tls::Store>,
}

/// A definition, or why it could not be read, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Defined<T> {
    /// The object as written, or what is wrong with it.
    pub value: Result<T, String>,
    /// Where it was written.
    pub place: Place,
}
