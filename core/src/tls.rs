//! TLS towards clients: which certificate, and how it is spoken. Compat: tls.md.

pub mod certificate;
pub mod handshakes;
pub mod hosts;
pub mod options;
pub mod store;
