//! What the black-box tests of the built `rutter` binary stand on: the process, servers for it to
//! forward to, `curl`, and raw connections where curl cannot go. Depends on none of our crates.
//!
//! Nothing sleeps for a fixed time: [`eventually`] polls against a deadline.
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

pub mod binary;
pub mod certificates;
pub mod client;
pub mod cluster;
pub mod curl;
pub mod message;
pub mod network;
pub mod process;
pub mod server;
pub mod setup;

pub use certificates::Certificates;
pub use client::Client;
pub use cluster::Cluster;
pub use curl::{Reply, curl};
pub use process::Rutter;
pub use server::{Answer, Server};
pub use setup::{Folder, Setup, routes};

/// How long anything may take before a test gives up on it; generous, for a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Polls `probe` until it yields a value.
///
/// # Panics
/// After [`PATIENCE`], naming `what` was waited for.
pub fn eventually<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, probe)
}

/// The same with another patience.
///
/// # Panics
/// After it.
pub fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut probe: impl FnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(start.elapsed() < patience, "waited {patience:?} in vain: {what}");
        thread::sleep(Duration::from_millis(3));
    }
}

/// A loopback address that nobody listens on, below the range that outgoing connections use.
///
/// # Panics
/// If there is none left.
#[must_use]
pub fn free_address() -> SocketAddr {
    const FIRST: u16 = 11_000;
    const COUNT: u16 = 18_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test binaries that run at the same time start far from one another.
    let offset = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (offset + step % COUNT) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("every port from {FIRST} on is taken");
}
