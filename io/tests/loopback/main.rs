//! The proxy on loopback sockets: what a client and a server see, byte by byte.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod forwarding;
mod proxy;
mod wire;
