//! The shell of Rutter: sockets, clocks, threads, files. It carries out what `rutter-core` decides.
//!
//! Everything is generic over [`net::Net`], so that the simulator runs the same code. Start at
//! [`proxy::Proxy`].
pub mod access_log;
mod body;
mod cells;
pub mod cli;
pub mod clock;
mod connection;
mod control;
pub mod demo;
mod entry_point;
mod exchange;
mod files;
mod live;
pub mod log;
mod mirror;
pub mod net;
pub mod process;
pub mod provider;
pub mod proxy;
mod relay;
pub mod settings;
mod shutdown;
pub mod source;
mod tls;
mod udp;
mod upgrade;
mod upstream;
mod verify;
mod wire;
mod worker;

pub use upstream::tls::TlsError;
