//! A server that nobody reaches, for a while.
use crate::{
    check::Checks,
    client::{Client, Request},
    fault::Faults,
    proxy::{HOST, Setup},
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use std::{cell::Cell, rc::Rc, time::Duration};
use tokio::time;

/// Partitions and held links between the proxy and a server.
pub const PARTITION: Scenario = Scenario::new(
    "partition",
    "502 or 504 in time while a server is cut off; the health check takes it out and back",
    build,
);

const CONFIGURATION: &str = "
http:
  routers:
    checked: { rule: Host(`checked`), service: checked }
    lone: { rule: Host(`lone`), service: lone }
  services:
    checked: { loadBalancer: {
      servers: [ { url: http://a }, { url: http://b } ],
      healthCheck: { path: /health, interval: 200ms, timeout: 100ms } } }
    lone: { loadBalancer: { servers: [ { url: http://a } ] } }
";

const TIMEOUT: Duration = Duration::from_millis(300);
/// Two rounds of health checks and some round trips.
const NOTICED: Duration = Duration::from_millis(550);

/// How the network is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Anything may happen: the network has just changed, or the check has not yet noticed.
    Changing,
    /// One server is cut off, and that is known.
    Cut,
    /// All is well, and known to be.
    Well,
    Over,
}

fn build(world: &mut World, rng: &mut Rng) {
    let setup = Setup::new(CONFIGURATION).workers(2);
    world.proxy(setup.dial_timeout(TIMEOUT).response_header_timeout(TIMEOUT));
    let [a, b] = ["a", "b"].map(|name| world.upstream(name, |_| Reply::ok(100)));
    let phase = Rc::new(Cell::new(Phase::Well));
    let (checks, mut draws) = (world.checks(), rng.fork());
    let seen = phase.clone();
    world.client("client", |client| async move {
        let traffic = |client| traffic(client, checks.clone(), draws.fork(), seen.clone());
        client.crowd(4, traffic).await;
    });
    let (checks, faults, mut rng) = (world.checks(), world.faults(), rng.fork());
    world.client("hand", |client| async move {
        for round in 0..2 {
            time::sleep(rng.millis(50, 250)).await;
            let hits = a.hits_for("checked");
            cut(&faults, &mut rng, &phase).await;
            time::sleep(rng.millis(100, 400)).await;
            let known = b.hits_for("checked");
            mend(&faults, &phase).await;
            time::sleep(Duration::from_millis(100)).await;
            checks.that(hits > 0 && known > 0, || format!("no traffic in round {round}"));
        }
        let before = a.hits_for("checked");
        time::sleep(Duration::from_millis(100)).await;
        checks.that(a.hits_for("checked") > before, || "the server did not come back".into());
        phase.set(Phase::Over);
        checks.answered(&client.fork(".end").send(Request::get("lone", "/")).await);
    });
}

async fn cut(faults: &Faults, rng: &mut Rng, phase: &Cell<Phase>) {
    phase.set(Phase::Changing);
    if rng.percent(70) {
        faults.partition(HOST, "a");
    } else {
        faults.hold(HOST, "a");
    }
    time::sleep(NOTICED).await;
    phase.set(Phase::Cut);
}

async fn mend(faults: &Faults, phase: &Cell<Phase>) {
    phase.set(Phase::Changing);
    faults.repair(HOST, "a");
    faults.release(HOST, "a");
    // What was sent into the gap is lost, and such connections with it: their requests time out.
    time::sleep(NOTICED + TIMEOUT).await;
    phase.set(Phase::Well);
}

async fn traffic(mut client: Client, checks: Checks, mut rng: Rng, phase: Rc<Cell<Phase>>) {
    let limit = TIMEOUT * 2 + Duration::from_millis(100);
    while phase.get() != Phase::Over {
        let host = *rng.one_of(&["checked", "checked", "lone"]);
        let began = phase.get();
        let answer = client.send(Request::get(host, "/")).await;
        let (status, took) = answer.as_ref().map_or((0, limit), |got| (got.status, got.took));
        let fact = |what: &str| format!("{host} {what}: {status} after {took:?}");
        checks.that([200, 502, 504].contains(&status) && took < limit, || fact("in any case"));
        if began == phase.get() {
            let expected = match (began, host) {
                (Phase::Well, _) => status == 200,
                // Taken out: nobody waits for it any more.
                (Phase::Cut, "checked") => status == 200 && took < TIMEOUT,
                (Phase::Cut, _) => status != 200,
                (Phase::Changing | Phase::Over, _) => true,
            };
            checks.that(expected, || fact(&format!("while {began:?}")));
        }
        time::sleep(rng.millis(1, 30)).await;
    }
}
