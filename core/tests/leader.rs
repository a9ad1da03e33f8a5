//! Replicas that want to lead, and a world in which everything can go wrong: no two ever do at a time.
#![allow(clippy::unwrap_used, reason = "a test panics on what should not be")]
use rutter_core::{
    leader::{Election, Input, Lease, Output, Times},
    machine::Machine,
    time::Instant,
};
use std::{collections::BTreeMap, time::Duration};

const SECOND: u64 = 1_000_000_000;
const SEEDS: u64 = 100;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn in_a_hundred(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A replica, whose clock is none of the others' business.
struct Replica {
    election: Election,
    identity: String,
    offset: u64,
    /// Thousandths of a true second that pass on its clock in a second.
    rate: u64,
    /// It does not run until then: the true time.
    paused_until: u64,
    /// The server does not hear of it until then.
    cut_until: u64,
    /// How often in a hundred a message of it is lost.
    loss: u64,
    /// How often in a hundred one is late.
    lateness: u64,
    /// Which question is under way, and since when.
    asked: Option<(u64, u64)>,
}

impl Replica {
    fn clock(&self, now: u64) -> Instant {
        Instant(self.offset + now / 1000 * self.rate)
    }
}

enum Event {
    /// A question reaches the server.
    Arrives { replica: usize, question: u64, output: Output },
    /// An answer reaches the replica.
    Answered { replica: usize, question: u64, input: Input },
}

struct World {
    random: Random,
    now: u64,
    replicas: Vec<Replica>,
    /// By true time.
    events: BTreeMap<(u64, u64), Event>,
    count: u64,
    lease: Option<Lease>,
    version: u64,
    times: Times,
    /// The longest way of a message that is not late.
    latency: u64,
    /// Nothing goes wrong any more.
    is_calm: bool,
    /// How often anybody has begun to lead.
    terms: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let retry_period = Duration::from_millis(100 + random.below(3_000));
        let times = Times { retry_period, ..Times::default() };
        let replicas = (0..3).map(|number| {
            let offset = random.below(1_000 * SECOND);
            let identity = format!("replica-{number}");
            let election = Election::new(&identity, times, Instant(offset), random.next()).unwrap();
            let rate = 950 + random.below(101);
            Replica {
                election,
                identity,
                offset,
                rate,
                paused_until: 0,
                cut_until: 0,
                loss: 0,
                lateness: 0,
                asked: None,
            }
        });
        let replicas = replicas.collect();
        let latency = SECOND / 100 + random.below(SECOND / 2);
        Self {
            random,
            now: 0,
            replicas,
            events: BTreeMap::new(),
            count: 0,
            lease: None,
            version: 0,
            is_calm: false,
            times,
            latency,
            terms: 0,
        }
    }

    fn send(&mut self, event: Event) {
        let (Event::Arrives { replica, .. } | Event::Answered { replica, .. }) = event;
        let Replica { cut_until, loss, lateness, .. } = self.replicas[replica];
        if cut_until > self.now || self.random.in_a_hundred(loss) {
            return;
        }
        // Most are fast; some come when nobody waits for them any more.
        let is_late = !self.is_calm && self.random.in_a_hundred(lateness);
        let late = [10 * SECOND, 20 * SECOND][self.random.below(2) as usize];
        let slow = if is_late { late } else { self.latency };
        let at = self.now + 1 + self.random.below(slow);
        self.count += 1;
        self.events.insert((at, self.count), event);
    }

    /// A hundredth of a second.
    fn step(&mut self) {
        self.now += SECOND / 100;
        while let Some(first) = self.events.first_entry() {
            if first.key().0 > self.now {
                break;
            }
            match first.remove() {
                Event::Arrives { replica, question, output } => {
                    let input = self.serve(replica, output);
                    self.send(Event::Answered { replica, question, input });
                }
                Event::Answered { replica, question, input } => {
                    let it = &mut self.replicas[replica];
                    let waits = it.asked.is_some_and(|(asked, _)| asked == question);
                    if waits && it.paused_until <= self.now {
                        it.asked = None;
                        let now = it.clock(self.now);
                        it.election.handle(now, input);
                    }
                }
            }
        }
        for replica in 0..self.replicas.len() {
            self.run(replica);
        }
        let leaders = self.replicas.iter().filter(|it| it.election.leads(it.clock(self.now)));
        let leaders: Vec<_> = leaders.map(|it| &*it.identity).collect();
        assert!(leaders.len() < 2, "{leaders:?} lead at {} ms", self.now / 1_000_000);
    }

    /// What the shell of a replica does.
    fn run(&mut self, number: usize) {
        let replica = &mut self.replicas[number];
        if replica.paused_until > self.now {
            return;
        }
        let now = replica.clock(self.now);
        if let Some((_, since)) = replica.asked
            && self.now - since > 10 * SECOND
        {
            replica.asked = None;
            // It says the one or the other, depending on what was asked; the other is not heard.
            replica.election.handle(now, Input::ReadFailed);
            replica.election.handle(now, Input::WriteFailed);
        }
        if replica.election.poll_timeout().is_some_and(|at| at <= now) {
            replica.election.handle_timeout(now);
            assert!(replica.election.poll_timeout().is_none_or(|at| at > now));
        }
        while let Some(output) = self.replicas[number].election.poll_output() {
            match output {
                Output::Lead => self.terms += 1,
                Output::StepDown => {}
                Output::Read | Output::Create | Output::Update { .. } | Output::Release { .. } => {
                    self.count += 1;
                    let question = self.count;
                    self.replicas[number].asked = Some((question, self.now));
                    self.send(Event::Arrives { replica: number, question, output });
                }
            }
        }
    }

    /// What the API server does.
    fn serve(&mut self, replica: usize, output: Output) -> Input {
        let holder = if matches!(output, Output::Release { .. }) {
            "".into()
        } else {
            self.replicas[replica].identity.as_str().into()
        };
        let is_free = match &output {
            Output::Read => return Input::Read(self.lease.clone()),
            Output::Create => self.lease.is_none(),
            Output::Update { version, .. } | Output::Release { version } => {
                self.lease.as_ref().is_some_and(|lease| lease.version == *version)
            }
            Output::Lead | Output::StepDown => unreachable!("nobody sends that"),
        };
        if !is_free {
            return Input::Conflict;
        }
        self.version += 1;
        let version: Box<str> = self.version.to_string().into();
        self.lease = Some(Lease { holder, version: version.clone() });
        Input::Written { version }
    }

    fn calm(&mut self) {
        self.is_calm = true;
        self.replicas.iter_mut().for_each(|it| it.loss = 0);
    }

    fn disturb(&mut self) {
        let number = self.random.below(3) as usize;
        match self.random.below(5) {
            0 => self.replicas[number].paused_until = self.now + self.random.below(40 * SECOND),
            1 => {
                let worst = [0, 20, 90][self.random.below(3) as usize];
                let replica = &mut self.replicas[number];
                replica.loss = self.random.below(worst + 1);
                replica.lateness = self.random.below(worst + 1);
            }
            2 => {
                let replica = &mut self.replicas[number];
                let (identity, now) = (format!("{}+", replica.identity), replica.clock(self.now));
                let election =
                    Election::new(&identity, self.times, now, self.random.next()).unwrap();
                *replica = Replica { election, identity, asked: None, ..*replica };
            }
            3 => self.replicas[number].cut_until = self.now + self.random.below(40 * SECOND),
            _ => {}
        }
    }
}

#[test]
fn never_do_two_lead_and_one_does_in_the_end() {
    let mut terms = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for second in 0..240 {
            if second % 7 == 0 {
                world.disturb();
            }
            (0..100).for_each(|_| world.step());
        }
        world.calm();
        (0..12_000).for_each(|_| world.step());
        let leads = |it: &Replica| it.election.leads(it.clock(world.now));
        assert!(world.replicas.iter().any(leads), "seed {seed}: nobody leads");
        terms += world.terms;
    }
    assert!(terms > SEEDS * 2, "only {terms} terms: the world is too quiet");
}

#[test]
fn a_leader_that_stops_is_followed_at_once() {
    let mut world = World::new(1);
    world.calm();
    (0..6_000).for_each(|_| world.step());
    let leader = world.replicas.iter().position(|it| it.election.leads(it.clock(world.now)));
    let leader = leader.unwrap();
    let now = world.replicas[leader].clock(world.now);
    world.replicas[leader].election.handle(now, Input::Stop);
    (0..800).for_each(|_| world.step());
    let next = world.replicas.iter().position(|it| it.election.leads(it.clock(world.now)));
    assert!(next.is_some_and(|next| next != leader));
}
