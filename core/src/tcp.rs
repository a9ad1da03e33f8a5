//! TCP below HTTP: what a connection says first.

pub mod client_hello;
