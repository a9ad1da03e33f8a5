//! One client's datagrams: a socket of their own to one server.
use super::{BATCH, Point, WAITING_MAX};
use crate::net::{Datagrams, Net};
use rutter_core::{
    relay::Server,
    udp::{Router, sessions::SessionId},
};
use std::{cell::RefCell, io, mem, rc::Rc, sync::Arc};

/// What a datagram that waits costs besides its bytes.
const OVERHEAD: usize = 64;

/// A client's way to its server.
pub(super) struct Session<N: Net> {
    server: Arc<Server>,
    /// The one that had this server when it was looked for last.
    router: RefCell<Arc<Router>>,
    way: RefCell<Way<N>>,
}

enum Way<N: Net> {
    /// Datagrams wait for the socket.
    Opening(Vec<Box<[u8]>>),
    Open(Rc<N::Datagrams>),
}

/// The server is not to be had.
pub(super) struct Refused;

impl<N: Net> Session<N> {
    pub(super) const fn new(router: Arc<Router>, server: Arc<Server>) -> Self {
        let way = RefCell::new(Way::Opening(Vec::new()));
        Self { server, router: RefCell::new(router), way }
    }

    /// Whether it goes on under the router that is in force: it still has the server.
    pub(super) fn stays(&self, now: &Arc<Router>) -> bool {
        let mut router = self.router.borrow_mut();
        if Arc::ptr_eq(now, &router) {
            return true;
        }
        let stays = now.service.has(&self.server);
        if stays {
            *router = Arc::clone(now);
        }
        stays
    }

    /// Sends a datagram to the server, or keeps it until there is a socket.
    pub(super) fn send(&self, point: &Point<N>, datagram: &[u8]) -> Result<(), Refused> {
        match &mut *self.way.borrow_mut() {
            Way::Open(socket) => match socket.try_send(datagram) {
                Ok(()) => {}
                Err(error) if is_refusal(&error) => return Err(Refused),
                Err(error) => {
                    tracing::debug!(server = %self.server, %error, "datagram is lost");
                    point.lost();
                }
            },
            Way::Opening(waiting) => {
                let bytes = point.waiting.get() + datagram.len() + OVERHEAD;
                if bytes <= WAITING_MAX {
                    point.waiting.set(bytes);
                    waiting.push(datagram.into());
                } else {
                    point.dropped("too many datagrams wait for their servers' addresses");
                }
            }
        }
        Ok(())
    }

    /// Forgets what waits for the socket, and says how many bytes that were.
    pub(super) fn forget(&self) -> usize {
        match &mut *self.way.borrow_mut() {
            Way::Opening(waiting) => size(&mem::take(waiting)),
            Way::Open(_) => 0,
        }
    }
}

fn size(waiting: &[Box<[u8]>]) -> usize {
    waiting.iter().map(|datagram| datagram.len() + OVERHEAD).sum()
}

/// Whether an error is about the server, not about one datagram.
fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, NotConnected};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | NotConnected)
}

/// Opens the way to the server, and carries back what it says, until the session ends.
pub(super) async fn run<N: Net>(point: Rc<Point<N>>, id: SessionId, session: Rc<Session<N>>) {
    match connect(point.worker.upstreams.net(), &session.server).await {
        Ok(socket) => {
            let socket = Rc::new(socket);
            let before = session.way.replace(Way::Open(Rc::clone(&socket)));
            if let Way::Opening(waiting) = before {
                point.waiting.set(point.waiting.get() - size(&waiting));
                for datagram in waiting {
                    // A refusal of one is told by the next.
                    let _ = session.send(&point, &datagram);
                }
            }
            let end = carry_back(&point, id, &session, &socket).await;
            tracing::debug!(server = %session.server, error = ?end.err(), "UDP session ends");
        }
        Err(error) => {
            tracing::warn!(server = %session.server, %error, "no socket for a UDP session");
        }
    }
    point.close(id);
}

/// A socket to the first address of a server that can be had.
async fn connect<N: Net>(net: &N, server: &Server) -> io::Result<N::Datagrams> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in net.resolve(&server.host, server.port).await? {
        match net.connect_datagrams(address).await {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Ends when the server is not to be had, or not the router's any more.
async fn carry_back<N: Net>(
    point: &Point<N>,
    id: SessionId,
    session: &Session<N>,
    socket: &N::Datagrams,
) -> io::Result<()> {
    loop {
        socket.readable().await?;
        let mut space = point.space.borrow_mut();
        for _ in 0..BATCH {
            let length = match socket.try_recv_from(&mut space) {
                Ok((length, _)) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            if !point.still_serves(session) {
                return Ok(());
            }
            let now = point.worker.clock.now();
            let Some(client) = point.sessions.borrow_mut().from_server(now, id) else {
                return Ok(());
            };
            if let Err(error) = point.socket.try_send_to(&space[..length], client) {
                tracing::debug!(%client, %error, "datagram is lost");
                point.lost();
            }
        }
    }
}
