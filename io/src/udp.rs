//! The datagrams of one entry point on one worker.
//!
//! Every worker has a socket for them, and the system gives all datagrams of a client to the same one:
//! so sessions belong to one worker, and need no lock. Nothing waits for a socket that has no room:
//! what cannot be sent at once is lost, as datagrams may be.
use crate::{
    net::{Datagrams as _, Net},
    proxy::Datagrams,
    worker::Worker,
};
use rutter_core::{
    entry_point::EntryPointId,
    relay::Picked,
    time::Instant,
    udp::{
        Router,
        sessions::{Heard, SessionId, Sessions},
    },
};
use session::Session;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::{Future, pending},
    io,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    task::AbortHandle,
    time::{sleep, timeout},
};

mod session;

/// More than any datagram has: 65,507 bytes over IPv4, 65,527 over IPv6.
const SPACE: usize = 1 << 16;
/// Datagrams taken from a socket before others have their turn.
const BATCH: usize = 32;
/// Bytes that may wait for sockets to servers, over all sessions.
const WAITING_MAX: usize = 1 << 20;
/// What is wrong with every datagram is told so often.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// After a failure of the socket.
const PAUSE: Duration = Duration::from_millis(5);

/// A session and its task.
type Open<N> = (Rc<Session<N>>, AbortHandle);

/// What the sessions of one entry point and worker share.
struct Point<N: Net> {
    worker: Rc<Worker<N>>,
    id: EntryPointId,
    socket: N::Datagrams,
    sessions: RefCell<Sessions>,
    open: RefCell<BTreeMap<SessionId, Open<N>>>,
    /// Where datagrams are for as long as it takes to send them on.
    space: RefCell<Box<[u8]>>,
    /// Bytes that wait for sockets to servers.
    waiting: Cell<usize>,
    told: Cell<Option<Instant>>,
}

/// Serves until the proxy was told to terminate and all sessions are over, or out of time.
pub(crate) async fn run<N: Net>(worker: Rc<Worker<N>>, id: EntryPointId, own: Datagrams<N>) {
    let Datagrams { socket, end } = own;
    let options = &worker.proxy.settings.udp_entry_points[usize::from(id.0)];
    let (accept_grace, grace) = (options.accept_grace, options.grace);
    let sessions = Sessions::new(options.timeout, options.sessions_max);
    let point = Rc::new(Point {
        worker: Rc::clone(&worker),
        id,
        socket,
        sessions: RefCell::new(sessions),
        open: RefCell::default(),
        space: RefCell::new(vec![0; SPACE].into()),
        waiting: Cell::new(0),
        told: Cell::new(None),
    });
    let mut stop = worker.proxy.stop.subscribe();
    let stop = async move {
        // The sender is part of the proxy, which outlives this.
        let _ = stop.wait_for(|stop| *stop).await;
        if !accept_grace.is_zero() {
            sleep(accept_grace).await;
        }
    };
    point.serve(stop, || false).await;
    point.sessions.borrow_mut().let_nobody_in();
    let finish = async {
        point.serve(pending(), || point.sessions.borrow().is_empty()).await;
        // Clients are spread over the sockets that are there: none is closed before the others.
        end.wait().await;
    };
    if timeout(grace, finish).await.is_err() {
        point.tell("sessions are cut: the grace timeout is over");
    }
    let left: Vec<SessionId> = point.open.borrow().keys().copied().collect();
    left.into_iter().for_each(|id| point.close(id));
}

impl<N: Net> Point<N> {
    /// Serves until `stop`, or until `done` says so after something has happened.
    async fn serve(self: &Rc<Self>, stop: impl Future<Output = ()>, done: impl Fn() -> bool) {
        let clock = self.worker.clock;
        let mut stop = pin!(stop);
        while !done() {
            let due = self.sessions.borrow().poll_timeout();
            let alarm = async {
                match due {
                    Some(due) => clock.sleep_until(due).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = alarm => self.expire(),
                readable = self.socket.readable() => {
                    if let Err(error) = readable.and_then(|()| self.receive()) {
                        tracing::debug!(%error, "cannot receive datagrams");
                        sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    fn receive(self: &Rc<Self>) -> io::Result<()> {
        let mut space = self.space.borrow_mut();
        for _ in 0..BATCH {
            match self.socket.try_recv_from(&mut space) {
                Ok((length, client)) => self.from_client(&space[..length], client),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn from_client(self: &Rc<Self>, datagram: &[u8], client: SocketAddr) {
        let now = self.worker.clock.now();
        let hear = || self.sessions.borrow_mut().from_client(now, client);
        let mut heard = hear();
        if let Heard::Known(id) = heard {
            if self.pass_on(id, datagram) {
                return;
            }
            // The client gets another server at once.
            self.close(id);
            heard = hear();
        }
        if let Heard::New(id) = heard {
            self.begin(id, datagram);
        } else {
            self.dropped("there are as many clients as there may be: others are not heard");
        }
    }

    /// False: the session is over.
    fn pass_on(&self, id: SessionId, datagram: &[u8]) -> bool {
        let open = self.open.borrow();
        open.get(&id).is_some_and(|(session, _)| {
            self.still_serves(session) && session.send(self, datagram).is_ok()
        })
    }

    fn begin(self: &Rc<Self>, id: SessionId, first: &[u8]) {
        let Some((router, picked)) = self.pick() else {
            self.sessions.borrow_mut().close(id);
            self.dropped("no router and server for datagrams");
            return;
        };
        self.worker.proxy.counters.sessions.fetch_add(1, Ordering::Relaxed);
        let session = Rc::new(Session::new(router, picked.server));
        // It waits for its socket: this cannot be refused.
        let _ = session.send(self, first);
        let task = session::run(Rc::clone(self), id, Rc::clone(&session));
        let task = tokio::task::spawn_local(task).abort_handle();
        self.open.borrow_mut().insert(id, (session, task));
    }

    fn pick(&self) -> Option<(Arc<Router>, Picked)> {
        let live = self.worker.live();
        let router = live.plan.datagrams(self.id)?;
        let picked = router.service.pick(&live.cells(&self.worker.proxy.terminating))?;
        Some((Arc::clone(router), picked))
    }

    /// Whether the entry point's router still has the server of a session.
    fn still_serves(&self, session: &Session<N>) -> bool {
        let live = self.worker.live();
        live.plan.datagrams(self.id).is_some_and(|router| session.stays(router))
    }

    fn expire(&self) {
        let over = self.sessions.borrow_mut().handle_timeout(self.worker.clock.now());
        over.into_iter().for_each(|id| self.close(id));
    }

    fn close(&self, id: SessionId) {
        self.sessions.borrow_mut().close(id);
        let closed = self.open.borrow_mut().remove(&id);
        if let Some((session, task)) = closed {
            self.worker.proxy.counters.sessions.fetch_sub(1, Ordering::Relaxed);
            self.waiting.set(self.waiting.get() - session.forget());
            task.abort();
        }
    }

    /// Counts a datagram for which there is no room on its way.
    fn lost(&self) {
        self.worker.proxy.counters.datagrams_dropped.fetch_add(1, Ordering::Relaxed);
    }

    fn dropped(&self, why: &str) {
        self.lost();
        if self.worker.proxy.terminating.load(Ordering::Relaxed) {
            return;
        }
        let now = self.worker.clock.now();
        if self.told.get().is_none_or(|told| now.since(told) >= TELL_EVERY) {
            self.told.set(Some(now));
            self.tell(why);
        }
    }

    fn tell(&self, what: &str) {
        let options = &self.worker.proxy.settings.udp_entry_points[usize::from(self.id.0)];
        tracing::warn!(entry_point = &*options.name, "{what}");
    }
}
