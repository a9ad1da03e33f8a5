//! Every decision of Rutter: pure, deterministic, without I/O.
//!
//! The shell (`rutter`) feeds inputs — heads, results, time, one word of randomness a request — and
//! carries out what comes back. Data flows one way:
//! `provider → configuration → plan → exchange → output → shell`.
//!
//! **Invariants.** Nothing here blocks, reads a clock, draws randomness, opens a socket or file, or
//! starts a thread (`no_std` makes most of that impossible to write). No map has a random iteration
//! order. Nothing panics on bytes from the network. A broken object yields a [`diagnostic`] and takes
//! only itself out.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod access_log;
pub mod cells;
pub mod config;
pub mod diagnostic;
pub mod entry_point;
pub mod exchange;
pub mod leader;
mod lexer;
pub mod machine;
pub mod middleware;
mod persistent;
pub mod plan;
pub mod provider;
mod regexp;
pub mod relay;
pub mod router;
pub mod rule;
pub mod service;
pub mod static_config;
pub mod tcp;
pub mod time;
pub mod tls;
pub mod trace;
pub mod tree;
pub mod udp;
mod x509;
