//! The shell of Rutter: sockets, clocks, threads, files. It carries out what `rutter-core` decides.
//!
//! Everything is generic over [`net::Net`], so that the simulator runs the same code.
pub mod clock;
pub mod net;
pub mod provider;
pub mod source;
