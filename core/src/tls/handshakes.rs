//! How many handshakes go on at once: each holds memory that nobody has paid for yet.
//!
//! When there are as many as there may be, newcomers wait. An honest handshake takes a few round trips;
//! one that has taken longer than [`PATIENCE`] gives its place to who waits, so that slow clients cannot
//! keep others out.
use crate::time::Instant;
use alloc::collections::BTreeMap;
use core::time::Duration;

/// Handshakes under way at once, on one worker.
pub const HANDSHAKES_MAX: usize = 1024;
/// How long one may take while others wait.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How long one may take in any case.
pub const DURATION_MAX: Duration = Duration::from_secs(10);

/// One handshake; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// The handshakes under way.
#[derive(Debug)]
pub struct Handshakes {
    max: usize,
    next: u64,
    /// When each began, in order.
    under_way: BTreeMap<Ticket, Instant>,
}

/// What becomes of a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enter {
    /// It may begin.
    Begin(Ticket),
    /// It may begin, in the place of one that is to be cut.
    Instead {
        /// Its own.
        ticket: Ticket,
        /// The one to cut; it has left already.
        cut: Ticket,
    },
    /// It asks again when one has left, or at this time.
    Wait(Instant),
}

impl Default for Handshakes {
    fn default() -> Self {
        Self::new(HANDSHAKES_MAX)
    }
}

impl Handshakes {
    /// Room for so many, at least one.
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self { max, next: 0, under_way: BTreeMap::new() }
    }

    /// A newcomer asks to begin.
    pub fn enter(&mut self, now: Instant) -> Enter {
        let oldest = self.under_way.first_key_value().map(|(ticket, began)| (*ticket, *began));
        match oldest {
            Some((cut, began)) if self.under_way.len() >= self.max => {
                let until = began + PATIENCE;
                if now < until {
                    return Enter::Wait(until);
                }
                self.under_way.remove(&cut);
                Enter::Instead { ticket: self.begin(now), cut }
            }
            _ => Enter::Begin(self.begin(now)),
        }
    }

    /// A handshake is over; nothing happens if it was cut.
    pub fn leave(&mut self, ticket: Ticket) {
        self.under_way.remove(&ticket);
    }

    fn begin(&mut self, now: Instant) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.under_way.insert(ticket, now);
        ticket
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::{collection::vec, prelude::*};

    const fn at(millis: u64) -> Instant {
        Instant(millis * 1_000_000)
    }

    #[test]
    fn newcomers_wait_for_the_oldest_and_take_its_place_when_it_is_slow() {
        let mut it = Handshakes::new(2);
        assert_eq!(it.enter(at(0)), Enter::Begin(Ticket(0)));
        assert_eq!(it.enter(at(10)), Enter::Begin(Ticket(1)));
        assert_eq!(it.enter(at(20)), Enter::Wait(at(1000)));
        it.leave(Ticket(0));
        assert_eq!(it.enter(at(30)), Enter::Begin(Ticket(2)));
        assert_eq!(it.enter(at(1009)), Enter::Wait(at(1010)));
        assert_eq!(it.enter(at(1010)), Enter::Instead { ticket: Ticket(3), cut: Ticket(1) });
        it.leave(Ticket(1));
        assert_eq!(it.enter(at(1011)), Enter::Wait(at(1030)));
    }

    proptest! {
        #[test]
        fn there_are_never_more_than_there_may_be_and_none_is_cut_early(
            max in 1usize..5,
            steps in vec((0u64..800, any::<bool>()), 0..60),
        ) {
            let mut it = Handshakes::new(max);
            let (mut now, mut began) = (0, Vec::new());
            for (wait, enters) in steps {
                now += wait;
                if !enters {
                    if let Some((ticket, _)) = began.pop() {
                        it.leave(ticket);
                    }
                    continue;
                }
                match it.enter(at(now)) {
                    Enter::Begin(ticket) => began.push((ticket, now)),
                    Enter::Instead { ticket, cut } => {
                        let place = began.iter().position(|(it, _)| *it == cut).unwrap();
                        prop_assert!(began.remove(place).1 + 1000 <= now);
                        began.push((ticket, now));
                    }
                    Enter::Wait(until) => {
                        prop_assert_eq!(began.len(), max);
                        prop_assert!(until > at(now));
                    }
                }
                prop_assert!(began.len() <= max);
            }
        }
    }
}
