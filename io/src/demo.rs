//! `rutter demo`: the proxy with something to route to, for a first look.
pub mod whoami;
