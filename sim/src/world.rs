//! The simulated world of one run: hosts, network, time.
use crate::{
    check::Checks,
    client::Client,
    fault::{Command, Faults},
    log::Log,
    net::{Topology, Turmoil},
    rng::Rng,
    upstream::{Reply, Seen, Upstream},
};
use std::{
    fmt,
    future::{Future, pending},
    net::IpAddr,
    time::{Duration, SystemTime},
};
use tokio::time;

/// A run that takes longer has failed, unless its scenario says otherwise.
const LIMIT: Duration = Duration::from_secs(60);
/// The longest a packet takes, unless the scenario says otherwise.
const LATENCY_MAX: Duration = Duration::from_millis(4);
/// Packets under way on one connection, and connections waiting to be accepted.
const QUEUE: usize = 512;
/// Clients begin when all hosts listen.
const START: Duration = Duration::from_millis(10);

/// The world of one run. Hosts and clients are added, then it runs to the end of all clients.
pub struct World {
    sim: turmoil::Sim<'static>,
    rng: Rng,
    log: Log,
    checks: Checks,
    faults: Faults,
    topology: Topology,
    limit: Duration,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("topology", &self.topology).finish_non_exhaustive()
    }
}

impl World {
    /// An empty world whose network draws its latencies from `rng`, and whose time passes in steps.
    #[must_use]
    pub fn new(rng: &mut Rng, tick: Duration, log: Log, checks: Checks) -> Self {
        let mut builder = turmoil::Builder::new();
        builder
            .tick_duration(tick)
            .rng_seed(rng.word())
            .epoch(SystemTime::UNIX_EPOCH)
            .simulation_duration(Duration::MAX)
            .max_message_latency(LATENCY_MAX)
            .repair_rate(0.5)
            .tcp_capacity(QUEUE)
            .enable_random_order();
        let topology = Topology::default();
        let faults = Faults {
            log: log.clone(),
            topology: topology.clone(),
            commands: std::rc::Rc::default(),
        };
        let rng = rng.fork();
        Self { sim: builder.build(), rng, log, checks, faults, topology, limit: LIMIT }
    }

    /// Adds a fake upstream that does with each request what the script says.
    pub fn upstream(
        &mut self,
        name: &str,
        script: impl FnMut(&Seen) -> Reply + 'static,
    ) -> Upstream {
        let upstream = Upstream::new(name, self.log.clone(), script);
        let served = upstream.clone();
        self.host(name, move |net| served.clone().serve(net));
        upstream
    }

    /// Adds a host on which nothing listens: it refuses every connection.
    pub fn refusing(&mut self, name: &str) {
        self.host(name, |_| pending());
    }

    /// Adds a host that runs `software`, from the start and after each bounce.
    pub fn host<F: Future<Output = turmoil::Result> + 'static>(
        &mut self,
        name: &str,
        software: impl Fn(Turmoil) -> F + 'static,
    ) {
        let net = self.place(name);
        let topology = self.topology.clone();
        // A restarted host has bound nothing: it gets a network of its own.
        self.sim.host(name, move || software(Turmoil::new(net, topology.clone())));
    }

    /// Adds a client; the run ends when all clients have.
    pub fn client<F: Future<Output = ()> + 'static>(
        &mut self,
        name: &str,
        run: impl FnOnce(Client) -> F + 'static,
    ) {
        let client = self.new_client(name);
        self.sim.client(name, async move {
            time::sleep(START).await;
            run(client).await;
            Ok(())
        });
    }

    /// Fails the run when it takes longer, in simulated time.
    pub const fn limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// The longest that a packet takes between two hosts.
    pub fn latency_max(&mut self, latency: Duration) {
        self.sim.set_max_message_latency(latency);
    }

    /// The address of a host that was added.
    ///
    /// # Panics
    /// There is none of this name: the scenario is wrong.
    #[must_use]
    pub fn address(&self, name: &str) -> IpAddr {
        self.topology.address(name).unwrap_or_else(|| panic!("no host {name}"))
    }

    /// A handle on the network's and hosts' hardship.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// A handle on the findings.
    #[must_use]
    pub fn checks(&self) -> Checks {
        self.checks.clone()
    }

    /// A handle on the event log.
    #[must_use]
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// A word of randomness.
    pub(crate) const fn word(&mut self) -> u64 {
        self.rng.word()
    }

    /// Runs until all clients have ended, then checks.
    pub fn run(mut self) {
        loop {
            match self.sim.step() {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    self.checks.fail(&format!("a host ended: {error}"));
                    break;
                }
            }
            self.log.set_now(self.sim.elapsed());
            self.obey();
            if self.sim.elapsed() > self.limit {
                self.checks.fail(&format!("not over after {:?}", self.limit));
                break;
            }
        }
        self.log.note("world", "over");
    }

    fn obey(&mut self) {
        let commands = self.faults.commands.take();
        for command in commands {
            match command {
                Command::Crash(host) => {
                    self.log.note("fault", format_args!("crash {host}"));
                    self.sim.crash(host);
                }
                Command::Bounce(host) => {
                    self.log.note("fault", format_args!("bounce {host}"));
                    self.sim.bounce(host);
                }
                Command::Loss(a, b, per_mille) => {
                    self.log.note("fault", format_args!("loss {per_mille} per mille {a} | {b}"));
                    self.sim.set_link_fail_rate(a, b, f64::from(per_mille) / 1000.0);
                }
            }
        }
    }

    fn new_client(&mut self, name: &str) -> Client {
        let net = Turmoil::new(self.place(name), self.topology.clone());
        Client::new(name, self.log.clone(), net, self.topology.clone())
    }

    fn place(&mut self, name: &str) -> IpAddr {
        assert!(self.topology.address(name).is_none(), "two hosts are called {name}");
        let address = self.sim.lookup(name);
        self.topology.add(name, address);
        address
    }
}
