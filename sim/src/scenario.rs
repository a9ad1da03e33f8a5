//! Scenarios: a name, and what happens in a world drawn from a seed.
use crate::{
    check::Checks,
    log::{Log, tail},
    rng::Rng,
    witness::{self, Recorded},
    world::World,
};
use std::{
    env,
    fmt::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

/// So many seeds each scenario is tried with, unless `RUTTER_SIM_SEEDS` says otherwise.
const SEEDS: u64 = 64;
/// So many lines of the event log are shown with a failure.
const TAIL: usize = 60;
/// The step of time, unless a scenario says otherwise.
const TICK: Duration = Duration::from_millis(1);

/// Something that must go well whatever the seed.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows, one line.
    pub about: &'static str,
    build: fn(&mut World, &mut Rng),
    tick: Duration,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The event log.
    pub log: String,
    /// What did not hold; empty: all went well.
    pub failures: Vec<String>,
    /// Every exchange of the proxy.
    pub exchanges: Vec<Recorded>,
}

impl Scenario {
    /// A scenario; `build` adds hosts, clients, faults and checks to an empty world.
    #[must_use]
    pub const fn new(
        name: &'static str,
        about: &'static str,
        build: fn(&mut World, &mut Rng),
    ) -> Self {
        Self { name, about, build, tick: TICK }
    }

    /// Time passes in steps of this: for worlds in which little happens for long.
    #[must_use]
    pub const fn tick(self, tick: Duration) -> Self {
        Self { tick, ..self }
    }

    /// Runs it with one seed.
    #[must_use]
    pub fn run(&self, seed: u64) -> Outcome {
        let log = Log::default();
        let checks = Checks::new(log.clone());
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let mut rng = Rng::new(seed);
            let mut world = World::new(&mut rng, self.tick, log.clone(), checks.clone());
            (self.build)(&mut world, &mut rng);
            world.run();
        }));
        if ran.is_err() {
            checks.fail("something panicked; its message stands above");
        }
        let exchanges = witness::take();
        let mut traces = String::new();
        for Recorded { plan, trace } in &exchanges {
            // Writing to a String cannot fail.
            let _ = writeln!(traces, "{trace:?}");
            if let Err(divergence) = trace.replay(Arc::clone(plan)) {
                checks.fail(&format!("an exchange does not replay: {divergence:?}"));
            }
        }
        // Stands for all that the log does not tell of them, when two logs are compared.
        let (count, digest) = (exchanges.len(), Rng::of(&traces).word());
        log.note("world", format_args!("{count} exchanges recorded, digest {digest:#018x}"));
        Outcome { log: log.text(), failures: checks.failures(), exchanges }
    }

    /// What a person needs to see of a failed run.
    #[must_use]
    pub fn report(&self, seed: u64, outcome: &Outcome) -> String {
        let name = self.name;
        format!(
            "{name} failed with seed {seed:#x}; to run it again:\n  \
             cargo run --profile sim -p rutter-sim -- --seed {seed:#x} {name}\n\
             the end of its event log:\n{}{}",
            tail(&outcome.log, TAIL),
            outcome.failures.iter().map(|failure| format!("* {failure}\n")).collect::<String>(),
        )
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The seeds to try: one by `RUTTER_SIM_SEED`, so many by `RUTTER_SIM_SEEDS`, else 64.
#[must_use]
pub fn seeds() -> Vec<u64> {
    let number = |name| env::var(name).ok().and_then(|text| parse_seed(&text));
    match number("RUTTER_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("RUTTER_SIM_SEEDS").unwrap_or(SEEDS)).collect(),
    }
}

/// A number as written on a command line: decimal, or hexadecimal after `0x`.
#[must_use]
pub fn parse_seed(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Tries a scenario with every seed and panics with a report at the first that fails.
pub fn sweep(scenario: &Scenario) {
    for seed in seeds() {
        let outcome = scenario.run(seed);
        assert!(outcome.failures.is_empty(), "{}", scenario.report(seed, &outcome));
    }
}
