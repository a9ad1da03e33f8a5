//! How long a client's connection may take for what: a machine without a timer of its own.
//!
//! Compat: static-config.md "respondingTimeouts".
use crate::time::Instant;
use core::time::Duration;

/// The limits of an entry point's connections; `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// For a request, its body included, from its first byte (of the first one: from accept).
    pub read: Option<Duration>,
    /// For a response, from the end of the request's head.
    pub write: Option<Duration>,
    /// Between a response and the next request.
    pub idle: Option<Duration>,
}

/// When a connection must be closed unless it gets on.
///
/// Its owner keeps one timer, set to [`Deadlines::wake`], and closes the connection if the deadline
/// has come when it rings. Moving a deadline never touches the timer.
#[derive(Clone, Debug)]
pub struct Deadlines {
    timeouts: Timeouts,
    /// The request being read began then.
    reading: Option<Instant>,
    /// The oldest response that is owed began then.
    writing: Option<Instant>,
    /// Nothing has come since then.
    idle: Option<Instant>,
    /// Requests not yet answered: more than one on HTTP/2 only.
    open: u32,
    /// Tunnels have no deadlines.
    upgraded: bool,
}

impl Deadlines {
    /// A connection accepted now, whose first request is awaited.
    #[must_use]
    pub const fn new(now: Instant, timeouts: Timeouts) -> Self {
        // Without a limit for requests, one that never begins is bounded as any idle connection.
        let (reading, idle) =
            if timeouts.read.is_some() { (Some(now), None) } else { (None, Some(now)) };
        Self { timeouts, reading, writing: None, idle, open: 0, upgraded: false }
    }

    /// Whether nothing is under way.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.idle.is_some()
    }

    /// Bytes came in.
    pub const fn received(&mut self, now: Instant) {
        if self.idle.is_some() && self.open == 0 {
            self.idle = None;
            self.reading = Some(now);
        }
    }

    /// The head of a request is complete; a body may follow.
    pub const fn request(&mut self, now: Instant, body_follows: bool) {
        self.idle = None;
        self.open += 1;
        self.writing = Some(now);
        if !body_follows {
            self.reading = None;
        } else if self.reading.is_none() {
            self.reading = Some(now);
        }
    }

    /// The body of a request is complete, or nobody wants the rest of it.
    pub const fn body(&mut self, now: Instant) {
        self.reading = None;
        self.rest(now);
    }

    /// A response is complete.
    pub const fn response(&mut self, now: Instant) {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 {
            self.writing = None;
        }
        self.rest(now);
    }

    /// The connection became a tunnel: it may stay as long as it likes.
    pub const fn upgrade(&mut self) {
        self.upgraded = true;
    }

    /// When the connection must be closed.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.upgraded {
            return None;
        }
        let after = |since: Option<Instant>, timeout: Option<Duration>| Some(since? + timeout?);
        [
            after(self.reading, self.timeouts.read),
            after(self.writing, self.timeouts.write),
            after(self.idle, self.timeouts.idle),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// When to look at the deadline next: no deadline can come earlier, whatever happens until then.
    #[must_use]
    pub fn wake(&self, now: Instant) -> Option<Instant> {
        if self.upgraded {
            return None;
        }
        let Timeouts { read, write, idle } = self.timeouts;
        let shortest = [read, write, idle].into_iter().flatten().min()?;
        let latest = now + shortest;
        Some(self.deadline().map_or(latest, |deadline| deadline.min(latest)))
    }

    const fn rest(&mut self, now: Instant) {
        if self.open == 0 && self.reading.is_none() && self.idle.is_none() {
            self.idle = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const fn at(seconds: u64) -> Instant {
        Instant(seconds * 1_000_000_000)
    }

    fn timeouts(read: u64, write: u64, idle: u64) -> Timeouts {
        let seconds = |s: u64| (s > 0).then(|| Duration::from_secs(s));
        Timeouts { read: seconds(read), write: seconds(write), idle: seconds(idle) }
    }

    #[test]
    fn a_first_request_has_the_read_timeout_from_accept_on() {
        let mut it = Deadlines::new(at(0), timeouts(60, 0, 180));
        it.received(at(50));
        assert_eq!(it.deadline(), Some(at(60)));
    }

    #[test]
    fn without_a_read_timeout_a_silent_connection_is_idle() {
        let mut it = Deadlines::new(at(0), timeouts(0, 0, 180));
        assert_eq!(it.deadline(), Some(at(180)));
        it.received(at(50));
        assert_eq!(it.deadline(), None);
    }

    #[test]
    fn a_later_request_has_the_read_timeout_from_its_first_byte_on() {
        let mut it = Deadlines::new(at(0), timeouts(60, 0, 180));
        it.request(at(1), false);
        assert_eq!(it.deadline(), None);
        it.response(at(2));
        assert_eq!(it.deadline(), Some(at(182)));
        it.received(at(100));
        it.received(at(101));
        assert_eq!(it.deadline(), Some(at(160)));
    }

    #[test]
    fn a_body_has_what_is_left_of_the_read_timeout() {
        let mut it = Deadlines::new(at(0), timeouts(60, 0, 180));
        it.request(at(10), true);
        assert_eq!(it.deadline(), Some(at(60)));
        it.body(at(20));
        assert_eq!(it.deadline(), None);
    }

    #[test]
    fn a_response_has_the_write_timeout_from_the_end_of_the_head_on() {
        let mut it = Deadlines::new(at(0), timeouts(0, 30, 180));
        it.request(at(10), true);
        it.body(at(20));
        assert_eq!(it.deadline(), Some(at(40)));
        it.response(at(25));
        assert_eq!(it.deadline(), Some(at(205)));
    }

    #[test]
    fn an_early_response_leaves_the_connection_busy_until_the_body_is_in() {
        let mut it = Deadlines::new(at(0), timeouts(60, 30, 180));
        it.request(at(0), true);
        it.response(at(1));
        assert_eq!(it.deadline(), Some(at(60)));
        it.body(at(2));
        assert_eq!(it.deadline(), Some(at(182)));
    }

    #[test]
    fn a_connection_with_an_open_stream_is_not_idle() {
        let mut it = Deadlines::new(at(0), timeouts(60, 0, 180));
        it.request(at(1), false);
        it.request(at(2), false);
        it.response(at(3));
        assert_eq!(it.deadline(), None);
        it.response(at(4));
        assert_eq!(it.deadline(), Some(at(184)));
    }

    #[test]
    fn a_tunnel_has_no_deadline() {
        let mut it = Deadlines::new(at(0), timeouts(60, 30, 180));
        it.request(at(0), false);
        it.upgrade();
        assert_eq!((it.deadline(), it.wake(at(1))), (None, None));
    }

    proptest! {
        #[test]
        fn a_timer_set_to_wake_never_rings_after_a_deadline(
            limits in (0u64..9, 0u64..9, 0u64..9),
            steps in proptest::collection::vec((0u8..5, 0u64..4), 1..40),
        ) {
            let mut now = 0;
            let mut it = Deadlines::new(at(0), timeouts(limits.0, limits.1, limits.2));
            let mut timer = it.wake(at(0));
            for (step, wait) in steps {
                now += wait;
                while let Some(rings) = timer.filter(|rings| *rings <= at(now)) {
                    if it.deadline().is_some_and(|deadline| deadline <= rings) {
                        prop_assert_eq!(it.deadline(), Some(rings));
                        return Ok(());
                    }
                    timer = it.wake(rings);
                }
                prop_assert!(it.deadline().is_none_or(|deadline| deadline > at(now)));
                let steps: Vec<fn(&mut Deadlines, Instant)> = std::vec![
                    Deadlines::received,
                    |it, now| it.request(now, false),
                    |it, now| it.request(now, true),
                    Deadlines::body,
                    Deadlines::response,
                ];
                steps[usize::from(step)](&mut it, at(now));
            }
        }
    }
}
