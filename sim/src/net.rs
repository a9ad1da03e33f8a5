//! The network of the shell, simulated.
use crate::witness::Witness;
use rutter::net::{Datagrams, Listener, Net, Stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::{Future, ready},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time,
};

/// After this long without an answer a connection attempt is sent again, as kernels do.
const SYN_RETRY: Duration = Duration::from_secs(1);
/// So often, then the attempt has timed out.
const SYN_ATTEMPTS: u32 = 5;

/// Which hosts there are, and between which of them packets are lost. All clones agree.
#[derive(Clone, Debug, Default)]
pub struct Topology(Arc<Mutex<Places>>);

#[derive(Debug, Default)]
struct Places {
    hosts: BTreeMap<String, IpAddr>,
    cuts: BTreeSet<(IpAddr, IpAddr)>,
}

impl Topology {
    /// Gives a name to an address.
    pub fn add(&self, host: &str, address: IpAddr) {
        self.places().hosts.insert(host.to_owned(), address);
    }

    /// The address of a host.
    #[must_use]
    pub fn address(&self, host: &str) -> Option<IpAddr> {
        self.places().hosts.get(host).copied()
    }

    /// Cuts the link between two hosts, or mends it. Connection attempts over a cut are lost, not
    /// refused.
    pub fn cut(&self, a: &str, b: &str, cut: bool) {
        let mut places = self.places();
        let (Some(&a), Some(&b)) = (places.hosts.get(a), places.hosts.get(b)) else { return };
        let link = (a.min(b), a.max(b));
        if cut {
            places.cuts.insert(link);
        } else {
            places.cuts.remove(&link);
        }
    }

    fn is_cut(&self, a: IpAddr, b: IpAddr) -> bool {
        self.places().cuts.contains(&(a.min(b), a.max(b)))
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One simulated host's network. Clones belong to the same host.
///
/// Several listeners may be bound to the same port, one a worker; the one that waits longest gets
/// the next connection. Of several sockets for datagrams the first gets all.
#[derive(Clone, Debug)]
pub struct Turmoil {
    own: IpAddr,
    topology: Topology,
    bound: Arc<Mutex<BTreeMap<u16, Weak<turmoil::net::TcpListener>>>>,
    hearing: Arc<Mutex<BTreeMap<u16, Weak<turmoil::net::UdpSocket>>>>,
}

impl Turmoil {
    /// The network of the host with this address, which has bound nothing yet.
    #[must_use]
    pub fn new(own: IpAddr, topology: Topology) -> Self {
        Self { own, topology, bound: Arc::default(), hearing: Arc::default() }
    }

    async fn attempt(&self, address: SocketAddr) -> io::Result<TurmoilStream> {
        match turmoil::net::TcpStream::connect(address).await {
            // The simulation drops the attempt at a cut, which looks like a refusal.
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionRefused
                    && self.topology.is_cut(self.own, address.ip()) =>
            {
                std::future::pending().await
            }
            result => result.map(TurmoilStream),
        }
    }
}

impl Net for Turmoil {
    type Stream = TurmoilStream;
    type Listener = TurmoilListener;
    type Datagrams = TurmoilDatagrams;
    type Observer = Witness;

    /// Listens on the host's only address, whichever address is asked for.
    async fn bind(&self, address: SocketAddr) -> io::Result<TurmoilListener> {
        let bound = || self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = bound().get(&address.port()).and_then(Weak::upgrade) {
            return Ok(TurmoilListener(shared));
        }
        let any = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
        let listener = Arc::new(turmoil::net::TcpListener::bind(any).await?);
        bound().insert(listener.local_addr()?.port(), Arc::downgrade(&listener));
        Ok(TurmoilListener(listener))
    }

    /// Connects, in at most [`SYN_ATTEMPTS`] seconds: the simulation does not repeat a lost attempt.
    async fn connect(&self, address: SocketAddr) -> io::Result<TurmoilStream> {
        for _ in 0..SYN_ATTEMPTS {
            if let Ok(result) = time::timeout(SYN_RETRY, self.attempt(address)).await {
                return result;
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("{address} does not answer")))
    }

    async fn bind_datagrams(&self, address: SocketAddr) -> io::Result<TurmoilDatagrams> {
        let hearing = || self.hearing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = hearing().get(&address.port()).and_then(Weak::upgrade) {
            return Ok(TurmoilDatagrams { socket, peer: None, hears: false });
        }
        let any = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
        let socket = Arc::new(turmoil::net::UdpSocket::bind(any).await?);
        hearing().insert(socket.local_addr()?.port(), Arc::downgrade(&socket));
        Ok(TurmoilDatagrams { socket, peer: None, hears: true })
    }

    async fn connect_datagrams(&self, address: SocketAddr) -> io::Result<TurmoilDatagrams> {
        let any = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let socket = turmoil::net::UdpSocket::bind(any).await?;
        socket.connect(address).await?;
        Ok(TurmoilDatagrams { socket: Arc::new(socket), peer: Some(address), hears: true })
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let address = host.parse().ok().or_else(|| self.topology.address(host));
        address
            .map(|address| vec![SocketAddr::new(address, port)])
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no such host: {host}")))
    }

    /// Done at once: simulated time stands still meanwhile, and another thread would have an order of
    /// its own.
    fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + 'static {
        ready(Some(work()))
    }
}

/// A bound port, possibly shared by several workers.
pub struct TurmoilListener(Arc<turmoil::net::TcpListener>);

impl fmt::Debug for TurmoilListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TurmoilListener").field(&self.0.local_addr()).finish()
    }
}

impl Listener for TurmoilListener {
    type Stream = TurmoilStream;

    async fn accept(&mut self) -> io::Result<(TurmoilStream, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((TurmoilStream(stream), peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A bound port for datagrams, possibly shared by several workers.
#[derive(Debug)]
pub struct TurmoilDatagrams {
    socket: Arc<turmoil::net::UdpSocket>,
    /// To whom it is connected.
    peer: Option<SocketAddr>,
    hears: bool,
}

impl Datagrams for TurmoilDatagrams {
    async fn readable(&self) -> io::Result<()> {
        if self.hears { self.socket.readable().await } else { std::future::pending().await }
    }

    fn try_recv_from(&self, space: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.try_recv_from(space)
    }

    fn try_send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        self.socket.try_send_to(datagram, to).map(drop)
    }

    fn try_send(&self, datagram: &[u8]) -> io::Result<()> {
        let peer = self.peer.ok_or(io::ErrorKind::NotConnected)?;
        self.try_send_to(datagram, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// A simulated TCP connection.
#[derive(Debug)]
pub struct TurmoilStream(turmoil::net::TcpStream);

impl Stream for TurmoilStream {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl AsyncRead for TurmoilStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for TurmoilStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
