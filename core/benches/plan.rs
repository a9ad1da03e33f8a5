//! Compiling plans, and picking servers.
fn main() {}
