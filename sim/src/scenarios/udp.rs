//! Datagrams, lost ones among them.
use crate::{
    check::Checks,
    fault::Faults,
    log::Log,
    proxy::{HOST, Proxy, Setup, UDP_PORT},
    rng::Rng,
    scenario::Scenario,
    world::World,
};
use std::time::Duration;
use tokio::{task::JoinSet, time};
use turmoil::net::UdpSocket;

/// Sessions of UDP under loss, partition, reload and shutdown.
pub const UDP: Scenario = Scenario::new(
    "udp",
    "a client keeps its server while its session lasts, and hears only what is meant for it",
    build,
);

const BOTH: &str = "
udp:
  routers: { dns: { entryPoints: [ dns ], service: both } }
  services:
    both: { weighted: { services: [ { name: a, weight: 2 }, { name: b } ] } }
    a: { loadBalancer: { servers: [ { address: 'a:53' } ] } }
    b: { loadBalancer: { servers: [ { address: 'b:53' } ] } }
";
const ONLY_B: &str = "
udp:
  routers: { dns: { entryPoints: [ dns ], service: b } }
  services: { b: { loadBalancer: { servers: [ { address: 'b:53' } ] } } }
";

/// Of a session in silence.
const TIMEOUT: Duration = Duration::from_millis(200);
/// Longer than a packet takes, there and back, over two links.
const AGAIN: Duration = Duration::from_millis(20);
/// Clocks of hosts that differ by a step, and the longest that a packet takes.
const SLACK: Duration = Duration::from_millis(6);
const CROWD: usize = 8;
const QUESTIONS: usize = 12;

fn build(world: &mut World, rng: &mut Rng) {
    let proxy = world.proxy(Setup::new(BOTH).workers(2).udp_timeout(TIMEOUT));
    for name in ["a", "b"] {
        let log = world.log();
        world.host(name, move |_| serve(name, log.clone()));
    }
    let (checks, faults, log, mut rng) = (world.checks(), world.faults(), world.log(), rng.fork());
    world.client("client", |_| async move {
        order(&checks, &log).await;
        silence(&checks, &proxy).await;
        crowd(&checks, &faults, &log, &mut rng).await;
        let mut stays = Asker::new("stays", &checks, &log).await;
        stays.ask(1).await;
        proxy.apply(ONLY_B);
        time::sleep(AGAIN).await;
        stays.moved = true;
        checks.equal("server after the reload", &stays.ask(2).await.as_str(), &"b");
        proxy.terminate();
        checks.equal("server while it ends", &stays.ask(3).await.as_str(), &"b");
        proxy.ended().await;
        checks.equal("sessions left", &proxy.sessions(), &0);
    });
}

/// Answers every datagram with its name before it.
async fn serve(name: &'static str, log: Log) -> turmoil::Result {
    let socket = UdpSocket::bind(("0.0.0.0", 53)).await?;
    let mut space = [0; 1 << 16];
    loop {
        let (length, from) = socket.recv_from(&mut space).await?;
        log.note(name, format_args!("hears {length} bytes from port {}", from.port()));
        let answer = [name.as_bytes(), b" ", &space[..length]].concat();
        socket.send_to(&answer, from).await?;
    }
}

/// New sessions go round by weight.
async fn order(checks: &Checks, log: &Log) {
    let mut got = String::new();
    for n in 0..6 {
        got += &Asker::new(&format!("order{n}"), checks, log).await.ask(0).await;
    }
    checks.equal("order", &got.as_str(), &"aabaab");
}

/// Sessions end when nobody says anything, and not before.
async fn silence(checks: &Checks, proxy: &Proxy) {
    checks.equal("sessions", &proxy.sessions(), &6);
    time::sleep(TIMEOUT / 4).await;
    checks.equal("sessions a little later", &proxy.sessions(), &6);
    time::sleep(TIMEOUT).await;
    checks.equal("sessions after the silence", &proxy.sessions(), &0);
}

async fn crowd(checks: &Checks, faults: &Faults, log: &Log, rng: &mut Rng) {
    faults.loss("client", HOST, 30);
    faults.loss(HOST, "a", 30);
    let mut crowd = JoinSet::new();
    for n in 0..CROWD {
        let (checks, log, mut rng) = (checks.clone(), log.clone(), rng.fork());
        crowd.spawn_local(async move {
            let mut asker = Asker::new(&format!("crowd{n}"), &checks, &log).await;
            for question in 0..QUESTIONS {
                asker.ask(question).await;
                time::sleep(rng.millis(0, 40)).await;
                if rng.percent(10) {
                    time::sleep(TIMEOUT).await;
                }
            }
        });
    }
    time::sleep(rng.millis(20, 200)).await;
    faults.partition(HOST, "b");
    time::sleep(rng.millis(50, 300)).await;
    faults.repair(HOST, "b");
    crowd.join_all().await;
    faults.loss("client", HOST, 0);
    faults.loss(HOST, "a", 0);
    // What broke heals by itself within a few packets.
    time::sleep(TIMEOUT).await;
}

/// A client with a socket of its own, which asks until it is answered.
struct Asker {
    name: String,
    socket: UdpSocket,
    checks: Checks,
    log: Log,
    /// Who answered last, and when.
    last: Option<(String, time::Instant)>,
    /// Whether another server may answer at once.
    moved: bool,
}

impl Asker {
    async fn new(name: &str, checks: &Checks, log: &Log) -> Self {
        let socket = UdpSocket::bind(("0.0.0.0", 0)).await;
        let socket = socket.unwrap_or_else(|error| panic!("a host has ports: {error}"));
        let (checks, log) = (checks.clone(), log.clone());
        Self { name: name.to_owned(), socket, checks, log, last: None, moved: false }
    }

    /// Asks, again and again, until the answer is there. Returns who gave it.
    async fn ask(&mut self, question: usize) -> String {
        let question = format!("{} {question}", self.name);
        loop {
            let sent = self.socket.send_to(question.as_bytes(), (HOST, UDP_PORT)).await;
            self.checks.that(sent.is_ok(), || format!("cannot send: {sent:?}"));
            if let Ok(server) = time::timeout(AGAIN, self.answer(&question)).await {
                self.log.note("client", format_args!("{question}: {server}"));
                return server;
            }
        }
    }

    /// Waits for the answer, past late ones to earlier questions.
    async fn answer(&mut self, question: &str) -> String {
        let mut space = [0; 256];
        loop {
            let Ok((length, _)) = self.socket.recv_from(&mut space).await else { continue };
            let answer = String::from_utf8_lossy(&space[..length]).into_owned();
            let (server, asked) = answer.split_once(' ').unwrap_or((&answer, ""));
            let own = asked.split(' ').next() == Some(&*self.name);
            self.checks.that(own, || format!("{} hears {answer:?}", self.name));
            self.heard(server);
            if asked == question {
                return server.to_owned();
            }
        }
    }

    fn heard(&mut self, server: &str) {
        let now = time::Instant::now();
        if let Some((last, at)) = &self.last
            && last != server
        {
            let silence = now - *at;
            let may = self.moved || silence + SLACK >= TIMEOUT;
            self.checks.that(may, || {
                format!("{} went from {last} to {server} after {silence:?}", self.name)
            });
        }
        self.last = Some((server.to_owned(), now));
    }
}
