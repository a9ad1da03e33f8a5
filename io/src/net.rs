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
pub mod udp;

/// A network.
pub trait Net: Clone + 'static {
    /// A byte stream.
    type Stream: Stream;
    /// A bound address.
    type Listener: Listener<Stream = Self::Stream>;
    /// A socket for datagrams.
    type Datagrams: Datagrams;
    /// What sees the exchanges pass by: `()`, which costs nothing, or a recorder.
    type Observer: Observer + Unpin + 'static;

    /// Listens on `address`. Several workers may listen on the same one.
    fn bind(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>>;

    /// Connects to `address`.
    fn connect(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>>;

    /// A socket for the datagrams that are sent to `address`. Several workers may have one for the same
    /// address; each hears all datagrams of a client, or none.
    fn bind_datagrams(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::Datagrams>>;

    /// A socket for datagrams to and from `address` alone.
    fn connect_datagrams(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::Datagrams>>;

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

/// A socket for datagrams. Nothing but [`Self::readable`] ever waits.
pub trait Datagrams: 'static {
    /// Waits until a datagram or an error may be there.
    fn readable(&self) -> impl Future<Output = io::Result<()>>;

    /// The next datagram's length and sender; what does not fit into `space` is cut off.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`]: there is none. Of a connected socket, the server's refusal too.
    fn try_recv_from(&self, space: &mut [u8]) -> io::Result<(usize, SocketAddr)>;

    /// Sends a datagram.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`]: there is no room for it.
    fn try_send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()>;

    /// Sends a datagram to whom the socket is connected to.
    ///
    /// # Errors
    /// Those of [`Self::try_send_to`], and the server's refusal of an earlier datagram.
    fn try_send(&self, datagram: &[u8]) -> io::Result<()>;

    /// Our side's address.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}
