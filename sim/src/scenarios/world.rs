//! The simulation itself, without a proxy.
use crate::{
    check::Checks,
    client::{Client, Request},
    http1::{Broken, Pace},
    rng::Rng,
    scenario::Scenario,
    upstream::{PORT, Reply},
    world::World,
};
use std::{cell::RefCell, time::Duration};
use tokio::time;

/// Clients and upstreams alone: every kind of reply, request and fault.
pub const WORLD: Scenario =
    Scenario::new("world", "clients and upstreams agree on what happened, without a proxy", build);

const CROWD: usize = 4;
const EACH: usize = 10;

fn build(world: &mut World, rng: &mut Rng) {
    let script = RefCell::new(rng.fork());
    let a = world.upstream("a", move |seen| {
        let mut rng = script.borrow_mut();
        let reply = Reply::ok(rng.length(0, 20_000)).after(rng.millis(0, 20));
        match seen.head.word(1) {
            "/cut" => Reply::ok(5000).cut_after(rng.length(0, 4999)),
            "/cut-chunked" => Reply::ok(5000).chunked(700).cut_after(rng.length(0, 5000)),
            "/nothing" => Reply::nothing(),
            "/never" => Reply::never(),
            "/chunked" => reply.chunked(rng.length(1, 3000)),
            "/slow" => reply.pace(Pace::drip(4000, Duration::from_millis(3))),
            _ => reply,
        }
    });
    world.refusing("refusing");
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("c", |client| async move {
        let client = client.to("a", PORT);
        client.crowd(CROWD, |client| traffic(client, checks.clone(), rng.fork())).await;
        checks.equal("requests of c", &a.hits_from("c."), &(CROWD * EACH));
    });
    hardship(world);
}

async fn traffic(mut client: Client, checks: Checks, mut rng: Rng) {
    for _ in 0..EACH {
        let target = *rng.one_of(&["/", "/chunked", "/slow", "/cut", "/cut-chunked"]);
        let length = rng.length(0, 5000);
        let request = match rng.within(0, 2) {
            0 => Request::get("a", target),
            1 => Request::post("a", target, length),
            _ => Request::post("a", target, length).chunked(),
        };
        match client.send(request).await {
            Ok(got) if target.starts_with("/cut") => {
                checks.equal("end of what was cut", &got.end, &Err(Broken::Cut));
            }
            answer => checks.answered(&answer),
        }
    }
}

/// Each fault has the effect it has in a real network.
fn hardship(world: &mut World) {
    let (checks, faults) = (world.checks(), world.faults());
    world.upstream("b", |_| Reply::ok(10));
    world.client("h", |client| async move {
        let get = || Request::get("b", "/").patience(Duration::from_secs(3));
        let client = client.to("refusing", PORT);
        let refused = client.fork(".0").send(get()).await.err();
        checks.equal("a host without listener", &refused, &Some(Broken::Refused));

        let mut client = client.to("b", PORT);
        faults.partition("h", "b");
        let lost = client.send(get()).await.err();
        checks.equal("a partition", &lost, &Some(Broken::TimedOut));
        faults.repair("h", "b");
        checks.that(client.send(get()).await.is_ok(), || "after the repair".into());

        faults.hold("h", "b");
        let release = async {
            time::sleep(Duration::from_millis(500)).await;
            faults.release("h", "b");
        };
        let (held, ()) = tokio::join!(client.send(get()), release);
        checks.that(held.is_ok_and(|got| got.took.as_millis() >= 500), || "held".into());

        faults.crash("b");
        client.closed().await;
        faults.bounce("b");
        time::sleep(Duration::from_millis(2)).await;
        checks.that(client.send(get()).await.is_ok(), || "after the bounce".into());
    });
}
