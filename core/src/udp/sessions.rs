//! Who talks to whom: a client's datagrams go to one server as long as either of them says something.
//!
//! A machine without socket or timer. A session costs its owner a socket, so there is a most of them; a
//! client that comes when there are so many is not heard, and those who are, go on.
use crate::time::Instant;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::{net::SocketAddr, time::Duration};

/// The sessions of one entry point.
#[derive(Debug)]
pub struct Sessions {
    /// How long a session lasts in silence.
    timeout: Duration,
    sessions_max: usize,
    by_client: BTreeMap<SocketAddr, SessionId>,
    by_id: BTreeMap<SessionId, Session>,
    /// When to look at which session. Datagrams do not touch it: what turns out to have had some is
    /// looked at again later.
    checks: BTreeSet<(Instant, SessionId)>,
    next: u64,
}

/// A session; no two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(u64);

#[derive(Debug)]
struct Session {
    client: SocketAddr,
    /// The last datagram, of either side.
    heard: Instant,
    /// When it is looked at next.
    check: Instant,
}

/// What to do with a client's datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Pick a server, open a socket to it, and send it there.
    New(SessionId),
    /// Send it by the socket of the session.
    Known(SessionId),
    /// Drop it: there are as many sessions as there may be.
    Full,
}

impl Sessions {
    /// No session yet.
    #[must_use]
    pub const fn new(timeout: Duration, sessions_max: usize) -> Self {
        Self {
            timeout,
            sessions_max,
            by_client: BTreeMap::new(),
            by_id: BTreeMap::new(),
            checks: BTreeSet::new(),
            next: 0,
        }
    }

    /// A client sent a datagram.
    pub fn from_client(&mut self, now: Instant, client: SocketAddr) -> Heard {
        if let Some(id) = self.by_client.get(&client).copied() {
            self.from_server(now, id);
            return Heard::Known(id);
        }
        if self.by_id.len() >= self.sessions_max {
            return Heard::Full;
        }
        let id = SessionId(self.next);
        self.next += 1;
        self.by_client.insert(client, id);
        let check = now + self.timeout;
        self.by_id.insert(id, Session { client, heard: now, check });
        self.checks.insert((check, id));
        Heard::New(id)
    }

    /// The server of a session sent a datagram: to whom it goes. `None`: the session is over.
    pub fn from_server(&mut self, now: Instant, id: SessionId) -> Option<SocketAddr> {
        let session = self.by_id.get_mut(&id)?;
        session.heard = now;
        Some(session.client)
    }

    /// Ends a session whose server is not to be had.
    pub fn close(&mut self, id: SessionId) {
        if let Some(session) = self.by_id.remove(&id) {
            self.by_client.remove(&session.client);
            self.checks.remove(&(session.check, id));
        }
    }

    /// Hears only those who have a session, from now on.
    pub const fn let_nobody_in(&mut self) {
        self.sessions_max = 0;
    }

    /// Ends the sessions in which nobody said anything for too long: their sockets are to be closed.
    /// Afterwards [`Self::poll_timeout`] is later than `now`.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<SessionId> {
        let mut over = Vec::new();
        while let Some(&(at, id)) = self.checks.first().filter(|(at, _)| *at <= now) {
            self.checks.remove(&(at, id));
            let Some(session) = self.by_id.get_mut(&id) else { continue };
            let end = session.heard + self.timeout;
            if end > now {
                session.check = end;
                self.checks.insert((end, id));
            } else {
                self.close(id);
                over.push(id);
            }
        }
        over
    }

    /// When [`Self::handle_timeout`] is due next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.checks.first().map(|(at, _)| *at)
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    const TIMEOUT: Duration = Duration::from_nanos(10);

    fn client(n: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], n))
    }

    #[test]
    fn a_session_lasts_as_long_as_either_side_speaks() {
        let mut sessions = Sessions::new(TIMEOUT, 9);
        let Heard::New(id) = sessions.from_client(Instant(0), client(1)) else { panic!("not new") };
        assert_eq!(sessions.from_client(Instant(5), client(1)), Heard::Known(id));
        assert!(sessions.handle_timeout(Instant(10)).is_empty());
        assert_eq!(sessions.from_server(Instant(14), id), Some(client(1)));
        assert!(sessions.handle_timeout(Instant(23)).is_empty());
        assert_eq!(sessions.handle_timeout(Instant(24)), [id]);
        assert_eq!(sessions.from_server(Instant(24), id), None);
        assert_ne!(sessions.from_client(Instant(25), client(1)), Heard::Known(id));
    }

    #[test]
    fn who_comes_too_late_is_not_heard() {
        let mut sessions = Sessions::new(TIMEOUT, 1);
        let Heard::New(id) = sessions.from_client(Instant(0), client(1)) else { panic!("not new") };
        assert_eq!(sessions.from_client(Instant(1), client(2)), Heard::Full);
        sessions.close(id);
        assert!(matches!(sessions.from_client(Instant(2), client(2)), Heard::New(_)));
    }

    #[test]
    fn who_is_in_goes_on_when_nobody_is_let_in() {
        let mut sessions = Sessions::new(TIMEOUT, 9);
        let Heard::New(id) = sessions.from_client(Instant(0), client(1)) else { panic!("not new") };
        sessions.let_nobody_in();
        assert_eq!(sessions.from_client(Instant(1), client(2)), Heard::Full);
        assert_eq!(sessions.from_client(Instant(1), client(1)), Heard::Known(id));
    }

    proptest! {
        #[test]
        fn sessions_are_those_that_spoke_lately(
            steps in vec((0_u64..8, 0_u16..6, 0_u8..4), 1..80),
        ) {
            let mut sessions = Sessions::new(TIMEOUT, 4);
            let mut model: BTreeMap<u16, (SessionId, u64)> = BTreeMap::new();
            let mut now = 0;
            for (wait, n, what) in steps {
                now += wait;
                let over = sessions.handle_timeout(Instant(now));
                prop_assert!(sessions.poll_timeout().is_none_or(|at| at > Instant(now)));
                let (ended, left) = model.into_iter().partition(|(_, (_, heard))| heard + 10 <= now);
                let ended: BTreeMap<u16, (SessionId, u64)> = ended;
                model = left;
                let expected: BTreeSet<_> = ended.values().map(|(id, _)| *id).collect();
                prop_assert_eq!(over.into_iter().collect::<BTreeSet<_>>(), expected);
                let known = model.get(&n).map(|(id, _)| *id);
                match (what, known) {
                    (0 | 1, _) => match (sessions.from_client(Instant(now), client(n)), known) {
                        (Heard::Known(id), Some(known)) => {
                            prop_assert_eq!(id, known);
                            model.insert(n, (id, now));
                        }
                        (Heard::New(id), None) => drop(model.insert(n, (id, now))),
                        (heard, known) => {
                            prop_assert_eq!((heard, known, model.len()), (Heard::Full, None, 4));
                        }
                    },
                    (2, Some(id)) => {
                        prop_assert_eq!(sessions.from_server(Instant(now), id), Some(client(n)));
                        model.insert(n, (id, now));
                    }
                    (3, Some(id)) => {
                        sessions.close(id);
                        model.remove(&n);
                    }
                    _ => {}
                }
                prop_assert_eq!(sessions.len(), model.len());
                prop_assert_eq!(sessions.checks.len(), model.len());
            }
        }
    }
}
