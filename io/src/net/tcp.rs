//! The operating system's network, through tokio.
use super::{Listener, Net, Stream, resolve::Resolver, udp};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 4096;
/// Compat: http.md "TCP accept (keep-alive 3 min)".
const CLIENT_KEEPALIVE: Duration = Duration::from_secs(180);
/// Compat: http.md "Dial 30 s + keep-alive 30 s".
const SERVER_KEEPALIVE: Duration = Duration::from_secs(30);

/// The operating system's network. One for each worker: clones share a name cache.
#[derive(Clone, Debug, Default)]
pub struct Tcp {
    resolver: Rc<Resolver>,
}

impl Net for Tcp {
    type Stream = TcpStream;
    type Listener = Bound;
    type Datagrams = udp::Datagrams;
    type Observer = ();

    async fn bind(&self, address: SocketAddr) -> io::Result<Bound> {
        Bound::new(address)
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that opens sockets")]
    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        keep_alive(&stream, SERVER_KEEPALIVE);
        Ok(stream)
    }

    async fn bind_datagrams(&self, address: SocketAddr) -> io::Result<udp::Datagrams> {
        udp::Datagrams::bind(address)
    }

    async fn connect_datagrams(&self, address: SocketAddr) -> io::Result<udp::Datagrams> {
        udp::Datagrams::connect(address).await
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.resolver.resolve(host, port).await
    }

    fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + 'static {
        let work = tokio::task::spawn_blocking(work);
        async { work.await.ok() }
    }
}

/// Fails if anybody, be it another process of ours, listens on `address`.
///
/// [`Tcp::bind`] alone would share the address with them.
pub fn probe(address: SocketAddr) -> io::Result<()> {
    listening(address, false, 1).map(drop)
}

fn listening(address: SocketAddr, shared: bool, backlog: i32) -> io::Result<Socket> {
    on_all(address, |address| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            socket.set_only_v6(false)?;
        }
        // Without this, connections of an earlier process that are still closing would be in the way.
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(shared)?;
        socket.bind(&address.into())?;
        socket.listen(backlog)?;
        Ok(socket)
    })
}

/// Opens a socket. `:80` means all addresses: those of IPv4 alone where there is no IPv6.
pub(super) fn on_all(
    address: SocketAddr,
    open: impl Fn(SocketAddr) -> io::Result<Socket>,
) -> io::Result<Socket> {
    match open(address) {
        Err(error)
            if address.is_ipv6()
                && address.ip().is_unspecified()
                && !matches!(
                    error.kind(),
                    io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
                ) =>
        {
            open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        }
        result => result,
    }
}

fn keep_alive(stream: &TcpStream, every: Duration) {
    let options = TcpKeepalive::new().with_time(every).with_interval(every);
    // A system without these options still serves.
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&options);
}

/// A bound address. It may move to another thread until it first accepts.
#[derive(Debug)]
pub struct Bound(State);

#[derive(Debug)]
enum State {
    Idle(Option<std::net::TcpListener>),
    Accepting(TcpListener),
}

impl Bound {
    /// Listens on `address`, together with all others that were bound to it this way.
    pub fn new(address: SocketAddr) -> io::Result<Self> {
        let socket = listening(address, true, BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self(State::Idle(Some(socket.into()))))
    }
}

impl Listener for Bound {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        if let State::Idle(listener) = &mut self.0
            && let Some(listener) = listener.take()
        {
            self.0 = State::Accepting(TcpListener::from_std(listener)?);
        }
        let State::Accepting(listener) = &self.0 else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let (stream, peer) = listener.accept().await?;
        // The client may be gone already: reading will tell.
        let _ = stream.set_nodelay(true);
        keep_alive(&stream, CLIENT_KEEPALIVE);
        Ok((stream, peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            State::Idle(Some(listener)) => listener.local_addr(),
            State::Idle(None) => Err(io::ErrorKind::NotConnected.into()),
            State::Accepting(listener) => listener.local_addr(),
        }
    }
}

impl Stream for TcpStream {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }

    fn socket(&self) -> Option<&Self> {
        Some(self)
    }
}
