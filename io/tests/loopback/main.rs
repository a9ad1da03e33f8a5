//! The proxy on loopback sockets: what a client and a server see, byte by byte.
mod forwarding;
mod proxy;
mod wire;
