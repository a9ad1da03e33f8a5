//! The operating system's sockets for datagrams, through tokio.
use super::tcp::on_all;
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    cell::{OnceCell, RefCell},
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};
use tokio::net::UdpSocket;

/// A socket. It may move to another thread until it is first used.
#[derive(Debug)]
pub struct Datagrams {
    idle: RefCell<Option<std::net::UdpSocket>>,
    live: OnceCell<UdpSocket>,
    local: SocketAddr,
}

/// Fails if anybody, be it another process of ours, has the datagrams of `address`.
///
/// [`Datagrams::bind`] alone would share the address with them.
pub fn probe(address: SocketAddr) -> io::Result<()> {
    bound(address, false).map(drop)
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    on_all(address, |address| {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            socket.set_only_v6(false)?;
        }
        socket.set_reuse_port(shared)?;
        socket.bind(&address.into())?;
        Ok(socket)
    })
}

impl Datagrams {
    /// Hears the datagrams sent to `address`, together with all others that were bound to it this way:
    /// the system sends all of a client's to the same one.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = bound(address, true)?;
        socket.set_nonblocking(true)?;
        let socket: std::net::UdpSocket = socket.into();
        let local = socket.local_addr()?;
        Ok(Self { idle: RefCell::new(Some(socket)), live: OnceCell::new(), local })
    }

    /// Sends to `address`, and hears from nobody else. It is ready to send.
    #[allow(clippy::disallowed_methods, reason = "this is a place that opens sockets")]
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let any = match address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(address).await?;
        // Until it has heard of it once, tokio takes a socket for one without room.
        socket.writable().await?;
        let local = socket.local_addr()?;
        Ok(Self { idle: RefCell::new(None), live: OnceCell::from(socket), local })
    }

    fn live(&self) -> io::Result<&UdpSocket> {
        if self.live.get().is_none()
            && let Some(idle) = self.idle.take()
        {
            let live = UdpSocket::from_std(idle)?;
            return Ok(self.live.get_or_init(|| live));
        }
        self.live.get().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl super::Datagrams for Datagrams {
    async fn readable(&self) -> io::Result<()> {
        self.live()?.readable().await
    }

    fn try_recv_from(&self, space: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.live()?.try_recv_from(space)
    }

    fn try_send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        self.live()?.try_send_to(datagram, to).map(drop)
    }

    fn try_send(&self, datagram: &[u8]) -> io::Result<()> {
        self.live()?.try_send(datagram).map(drop)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}
