//! Which of several replicas does what only one may do: the policy of a lease in Kubernetes.
//!
//! The replica that holds the lease writes it again and again; another one takes it over when it has
//! seen no write for the lease's whole duration. No two clocks are ever compared: a holder counts from
//! before it sent the write that succeeded, the others from after they read what it wrote. Since a
//! holder gives up earlier than others take over, there are never two, as long as clocks run equally
//! fast and what reads and writes the lease answers them in order.
use crate::{machine::Machine, time::Instant};
use alloc::{boxed::Box, collections::VecDeque};
use core::time::Duration;

/// How long a lease is good for; how long its holder may believe so; how often anybody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// How long others wait after the last write they saw.
    pub lease: Duration,
    /// How long after the start of its last good write a holder leads; less than `lease`.
    pub renew_deadline: Duration,
    /// The pause between two tries; less than `renew_deadline`.
    pub retry_period: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

/// What is in a Lease object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it; empty: nobody.
    pub holder: Box<str>,
    /// How often it was written or taken over; whatever changes at every write will do.
    pub version: Box<str>,
}

/// What the world tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// What was read; none: there is no such object.
    Read(Option<Lease>),
    /// A read that came to nothing.
    ReadFailed,
    /// The lease was written, and has this version now.
    Written {
        /// `metadata.resourceVersion`
        version: Box<str>,
    },
    /// Somebody else wrote it first.
    Conflict,
    /// A write of which nobody knows whether it took place: an error or no answer in time.
    WriteFailed,
    /// The process ends: the lease is given back, if it is held.
    Stop,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Read the lease.
    Read,
    /// Make the lease, held by this replica.
    Create,
    /// Write the lease with a new time, held by this replica, if it is still of this version.
    Update {
        /// `metadata.resourceVersion`
        version: Box<str>,
        /// Whether the holder is another one from now on.
        takes_over: bool,
    },
    /// Write that nobody holds the lease, if it is still of this version.
    Release {
        /// `metadata.resourceVersion`
        version: Box<str>,
    },
    /// This replica leads from now on.
    Lead,
    /// It does not any more, at once.
    StepDown,
}

/// One replica's part in it. There is at most one read or write at a time; the shell ends one that
/// takes longer than [`Times::renew_deadline`] and says that it failed.
#[derive(Debug)]
pub struct Election {
    identity: Box<str>,
    times: Times,
    state: State,
    /// What was seen of the lease, and since when it has been so.
    seen: Option<(Lease, Instant)>,
    /// Until when it leads, if it does.
    leads_until: Option<Instant>,
    is_stopping: bool,
    outputs: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Until the next try.
    Waiting {
        until: Instant,
    },
    Reading,
    /// A write is under way since then.
    Writing {
        since: Instant,
    },
    Releasing,
    Over,
}

impl Election {
    /// A replica called `identity`, which no other replica is. `entropy` spreads the first tries.
    ///
    /// # Errors
    /// Times under which two could lead, or none for long; one line.
    pub fn new(
        identity: &str,
        times: Times,
        now: Instant,
        entropy: u64,
    ) -> Result<Self, &'static str> {
        if times.renew_deadline >= times.lease {
            return Err("the renew deadline must be shorter than the lease");
        }
        if times.retry_period.is_zero() || times.retry_period >= times.renew_deadline {
            return Err("the retry period must be positive, and shorter than the renew deadline");
        }
        let spread = u64::try_from(times.retry_period.as_nanos()).unwrap_or(u64::MAX).max(1);
        let first = now + Duration::from_nanos(entropy % spread);
        Ok(Self {
            identity: identity.into(),
            times,
            state: State::Waiting { until: first },
            seen: None,
            leads_until: None,
            is_stopping: false,
            outputs: VecDeque::new(),
        })
    }

    /// Whether this replica leads now, even if nobody has told it the time for long.
    #[must_use]
    pub fn leads(&self, now: Instant) -> bool {
        self.leads_until.is_some_and(|until| now < until)
    }

    /// The next try.
    fn try_now(&mut self, now: Instant) {
        if self.is_stopping {
            self.give_back();
            return;
        }
        match (&self.seen, self.leads_until.is_some()) {
            (Some((lease, _)), true) => {
                let version = lease.version.clone();
                self.write(now, Output::Update { version, takes_over: false });
            }
            (_, false) | (None, true) => {
                self.state = State::Reading;
                self.outputs.push_back(Output::Read);
            }
        }
    }

    fn write(&mut self, now: Instant, output: Output) {
        self.state = State::Writing { since: now };
        self.outputs.push_back(output);
    }

    fn wait(&mut self, now: Instant) {
        self.state = State::Waiting { until: now + self.times.retry_period };
        if self.is_stopping {
            self.give_back();
        }
    }

    fn read(&mut self, now: Instant, lease: Option<Lease>) {
        if self.is_stopping {
            self.give_back();
            return;
        }
        let Some(lease) = lease else {
            self.step_down();
            self.seen = None;
            return self.write(now, Output::Create);
        };
        let since = match &self.seen {
            Some((seen, since)) if *seen == lease => *since,
            Some(_) | None => now,
        };
        let is_free = lease.holder.is_empty();
        // One of its own of an earlier life is nobody else's.
        let is_own = lease.holder == self.identity;
        if !is_own {
            self.step_down();
        }
        let is_over = now.since(since) >= self.times.lease;
        let version = lease.version.clone();
        self.seen = Some((lease, since));
        if is_free || is_own || is_over {
            self.write(now, Output::Update { version, takes_over: !is_own });
        } else {
            self.wait(now);
        }
    }

    fn written(&mut self, now: Instant, since: Instant, version: Box<str>) {
        let holder = self.identity.clone();
        self.seen = Some((Lease { holder, version }, now));
        let until = since + self.times.renew_deadline;
        if until <= now {
            // The answer took so long that it says nothing any more.
            self.step_down();
        } else if !self.is_stopping && self.leads_until.replace(until).is_none() {
            self.outputs.push_back(Output::Lead);
        }
        self.wait(now);
    }

    fn step_down(&mut self) {
        if self.leads_until.take().is_some() {
            self.outputs.push_back(Output::StepDown);
        }
    }

    /// Tells the others that they need not wait, once it does not lead any more.
    fn give_back(&mut self) {
        self.step_down();
        let own = self.seen.take().filter(|(lease, _)| lease.holder == self.identity);
        self.state = match own {
            Some((lease, _)) => {
                self.outputs.push_back(Output::Release { version: lease.version });
                State::Releasing
            }
            None => State::Over,
        };
    }
}

impl Machine for Election {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Instant, input: Input) {
        if self.leads_until.is_some_and(|until| until <= now) {
            self.step_down();
        }
        match (input, self.state) {
            (Input::Stop, state) => {
                self.is_stopping = true;
                self.step_down();
                if matches!(state, State::Waiting { .. }) {
                    self.give_back();
                }
            }
            (Input::Read(lease), State::Reading) => self.read(now, lease),
            (Input::ReadFailed, State::Reading) => self.wait(now),
            (Input::Written { version }, State::Writing { since }) => {
                self.written(now, since, version);
            }
            (Input::Conflict, State::Writing { .. }) => {
                // A leader may be in conflict with itself, after a write of which it heard nothing; it
                // leads for as long as it may, and looks.
                self.seen = None;
                if self.leads_until.is_some() && !self.is_stopping {
                    self.try_now(now);
                } else {
                    self.wait(now);
                }
            }
            (Input::WriteFailed, State::Writing { .. }) => self.wait(now),
            (_, State::Releasing) => self.state = State::Over,
            // An answer to a question that was not asked.
            (_, State::Waiting { .. } | State::Reading | State::Writing { .. } | State::Over) => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.leads_until.is_some_and(|until| until <= now) {
            self.step_down();
        }
        if let State::Waiting { until } = self.state
            && until <= now
        {
            self.try_now(now);
        }
        debug_assert!(self.poll_timeout().is_none_or(|at| at > now), "it would not wait");
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let next = match self.state {
            State::Waiting { until } => Some(until),
            State::Reading | State::Writing { .. } | State::Releasing | State::Over => None,
        };
        [next, self.leads_until].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String, vec::Vec};

    const SECOND: u64 = 1_000_000_000;

    fn at(seconds: u64) -> Instant {
        Instant(seconds * SECOND)
    }

    fn election() -> Election {
        Election::new("me", Times::default(), at(0), 0).unwrap()
    }

    fn told(election: &mut Election) -> String {
        let outputs = core::iter::from_fn(|| election.poll_output());
        outputs.map(|it| format!("{it:?}")).collect::<Vec<_>>().join(", ")
    }

    fn lease(holder: &str, version: &str) -> Input {
        Input::Read(Some(Lease { holder: holder.into(), version: version.into() }))
    }

    fn written(version: &str) -> Input {
        Input::Written { version: version.into() }
    }

    /// One that leads since second 0, by version 1.
    fn leader() -> Election {
        let mut election = election();
        election.handle_timeout(at(0));
        election.handle(at(0), Input::Read(None));
        election.handle(at(0), written("1"));
        assert_eq!(told(&mut election), "Read, Create, Lead");
        election
    }

    #[test]
    fn who_makes_the_lease_leads_and_writes_it_again_and_again() {
        let mut election = leader();
        assert_eq!(election.poll_timeout(), Some(at(2)));
        election.handle_timeout(at(2));
        assert_eq!(told(&mut election), r#"Update { version: "1", takes_over: false }"#);
        election.handle(at(3), written("2"));
        assert_eq!(told(&mut election), "");
        assert!(election.leads(at(11)) && !election.leads(at(12)));
    }

    #[test]
    fn a_leader_that_cannot_write_gives_up_before_the_lease_is_over() {
        let mut election = leader();
        let mut now = 0;
        while election.leads(at(now)) {
            now += 1;
            election.handle_timeout(at(now));
            if told(&mut election).starts_with("Update") {
                election.handle(at(now), Input::WriteFailed);
            }
        }
        assert_eq!(now, 10);
    }

    #[test]
    fn a_lease_is_taken_over_when_nobody_has_written_it_for_its_whole_duration() {
        let mut election = election();
        for now in (0..=20).step_by(2) {
            election.handle_timeout(at(now));
            assert_eq!(told(&mut election), "Read", "{now}");
            // Written last in second 4.
            election.handle(at(now), lease("other", if now < 4 { "7" } else { "8" }));
            if now < 19 {
                assert_eq!(told(&mut election), "", "{now}");
            }
        }
        assert_eq!(told(&mut election), r#"Update { version: "8", takes_over: true }"#);
        election.handle(at(20), Input::Conflict);
        assert_eq!(told(&mut election), "");
        assert!(!election.leads(at(20)));
    }

    #[test]
    fn a_leader_in_conflict_with_itself_goes_on() {
        let mut election = leader();
        election.handle_timeout(at(2));
        election.handle(at(3), Input::WriteFailed);
        election.handle_timeout(at(5));
        told(&mut election);
        election.handle(at(5), Input::Conflict);
        assert_eq!(told(&mut election), "Read");
        election.handle(at(5), lease("me", "2"));
        assert_eq!(told(&mut election), r#"Update { version: "2", takes_over: false }"#);
        election.handle(at(5), written("3"));
        assert_eq!(told(&mut election), "");
        assert!(election.leads(at(14)));
    }

    #[test]
    fn a_leader_that_finds_another_steps_down() {
        let mut election = leader();
        election.handle_timeout(at(2));
        told(&mut election);
        election.handle(at(2), Input::Conflict);
        election.handle(at(2), lease("other", "2"));
        assert_eq!(told(&mut election), "Read, StepDown");
    }

    #[test]
    fn who_stops_gives_the_lease_back_once_it_does_not_lead() {
        let mut election = leader();
        election.handle(at(1), Input::Stop);
        assert_eq!(told(&mut election), r#"StepDown, Release { version: "1" }"#);
        election.handle(at(1), written("2"));
        assert_eq!(election.poll_timeout(), None);
        let mut other = self::election();
        other.handle_timeout(at(1));
        other.handle(at(1), lease("", "2"));
        assert_eq!(told(&mut other), r#"Read, Update { version: "2", takes_over: true }"#);
    }

    #[test]
    fn times_under_which_two_could_lead_are_refused() {
        let times = |lease, renew, retry| Times {
            lease: Duration::from_secs(lease),
            renew_deadline: Duration::from_secs(renew),
            retry_period: Duration::from_secs(retry),
        };
        for wrong in [times(10, 10, 2), times(10, 5, 5), times(10, 5, 0)] {
            assert!(Election::new("me", wrong, at(0), 0).is_err());
        }
    }
}
