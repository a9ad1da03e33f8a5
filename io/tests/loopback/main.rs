//! The proxy on loopback sockets: what a client and a server see, byte by byte.
#![allow(clippy::disallowed_methods, reason = "clients and servers open sockets of their own")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access_log;
mod answers;
mod auth;
mod bodies;
mod buffering;
mod compress;
mod control;
mod errors;
mod examples;
mod forwarding;
mod http2;
mod https;
mod kubernetes;
mod limits;
mod mirrors;
mod process;
mod proxy;
mod proxy_protocol;
mod replay;
mod shutdown;
mod tcp;
mod tls;
mod transports;
mod udp;
mod upgrade;
mod wire;
