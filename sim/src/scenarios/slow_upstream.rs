//! Servers that take too long to begin an answer.
use crate::{
    check::Checks,
    client::{Client, Request},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use std::time::Duration;
use tokio::time;

/// Late response heads and a response header timeout.
pub const SLOW_UPSTREAM: Scenario = Scenario::new(
    "slow-upstream",
    "a late head is answered 504 in time, and its connection is never used again",
    build,
);

const CONFIGURATION: &str = "
http:
  routers: { app: { rule: Host(`app`), service: app } }
  services: { app: { loadBalancer: { servers: [ { url: http://app } ] } } }
";

const TIMEOUT: Duration = Duration::from_millis(100);
const EARLY: Duration = Duration::from_millis(70);
const LATE: Duration = Duration::from_millis(130);
const CROWD: usize = 4;
const EACH: usize = 12;

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION).response_header_timeout(TIMEOUT));
    let mut script = rng.fork();
    let app = world.upstream("app", move |seen| {
        let reply = Reply::ok(script.length(0, 2000));
        match seen.head.word(1) {
            "/late" => reply.after(LATE + script.millis(0, 200)),
            // The timeout is for the head: a slow body has all the time it needs.
            "/body" => reply.pace(crate::http1::Pace::drip(100, Duration::from_millis(12))),
            _ => reply.after(script.millis(0, 70).min(EARLY)),
        }
    });
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        client.crowd(CROWD, |client| traffic(client, checks.clone(), rng.fork())).await;
        let ledger = app.ledger();
        let mut late = std::collections::BTreeSet::new();
        for (seen, _) in &ledger.requests {
            checks.that(!late.contains(&seen.connection), || {
                format!("{} came on a connection that had timed out", seen.id)
            });
            if seen.head.word(1) == "/late" {
                late.insert(seen.connection);
            }
        }
        let whole = ledger.whole.values().filter(|times| **times == 1).count();
        checks.equal("requests that came exactly once", &whole, &(CROWD * EACH));
    });
}

async fn traffic(mut client: Client, checks: Checks, mut rng: Rng) {
    for _ in 0..EACH {
        let target = *rng.one_of(&["/", "/late", "/body"]);
        let request = match rng.percent(50) {
            true => Request::get("app", target),
            false => Request::post("app", target, rng.length(0, 3000)),
        };
        let answer = client.send(request).await;
        if target == "/late" {
            let (status, took) = answer.map_or((0, LATE), |got| (got.status, got.took));
            checks.equal("the status of a late answer", &status, &504);
            checks.within("its time", &took, &TIMEOUT, &LATE);
        } else {
            checks.answered(&answer);
        }
        checks.that(client.is_connected(), || "the client's connection was dropped".into());
        time::sleep(rng.millis(0, 20)).await;
    }
}
