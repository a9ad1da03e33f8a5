//! The Rutter shell on a simulated network: seeded scenarios, faults and checks.
//!
//! A [`scenario`] builds a [`world`] — upstreams, proxies, clients, faults — from a seed; the world
//! runs on simulated time and leaves an event [`log`]. The same seed gives the same log, byte for
//! byte, in every process. Nothing here reads a clock or draws randomness but from the seed.
#[cfg(not(any(tokio_unstable, doc, doctest)))]
compile_error!(
    "rutter-sim needs `--cfg tokio_unstable`, which .cargo/config.toml sets: without it `select!` \
     is not seeded and the same seed diverges. Unset RUSTFLAGS, or add the flag to it."
);

pub mod check;
pub mod client;
pub mod digest;
pub mod fault;
pub mod http1;
pub mod kubernetes;
pub mod log;
pub mod net;
pub mod proxy;
pub mod rng;
pub mod scenario;
pub mod scenarios;
pub mod tls;
pub mod upstream;
pub mod witness;
pub mod world;
