//! The only seam that simulation replaces: binding, connecting, name resolution, and what goes on
//! beside the event loop.
use rutter_core::trace::Observer;
use std::{future::Future, io, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

mod resolve;
pub mod tcp;

/// A network.
pub trait Net: Clone + 'static {
    /// A byte stream.
    type Stream: Stream;
    /// A bound address.
    type Listener: Listener<Stream = Self::Stream>;
    /// What sees the exchanges pass by: `()`, which costs nothing, or a recorder.
    type Observer: Observer + Unpin + 'static;

    /// Listens on `address`. Several workers may listen on the same one.
    fn bind(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>>;

    /// Connects to `address`.
    fn connect(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>>;

    /// The addresses of a host name, in the order to try them.
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>>;

    /// Does work that takes long or blocks, beside the event loop. `None`: it panicked.
    fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + 'static;
}

/// A bound address.
pub trait Listener: 'static {
    /// What it accepts.
    type Stream;

    /// The next connection and its client.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>>;

    /// The address it is bound to.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// A byte stream between two addresses.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Our side's address.
    fn local_addr(&self) -> io::Result<SocketAddr>;

    /// The system's socket, where the bytes are what goes over it: they may be moved without this
    /// stream's help.
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}
