//! An upstream that dies in the middle of an answer.
use crate::{
    check::Checks,
    client::{Client, Request},
    http1::{Broken, Pace},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use std::time::Duration;
use tokio::time;

/// A broken answer reaches the client as a broken answer; nobody else notices.
pub const UPSTREAM_CRASH: Scenario = Scenario::new(
    "upstream-crash",
    "a body that broke off is never passed for a whole one; other requests go on",
    build,
);

const CONFIGURATION: &str = "
http:
  routers:
    frail: { rule: Host(`frail`), service: frail }
    sound: { rule: Host(`sound`), service: sound }
  services:
    frail: { loadBalancer: { servers: [ { url: http://frail } ] } }
    sound: { loadBalancer: { servers: [ { url: http://sound } ] } }
";

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION));
    let mut script = rng.fork();
    world.upstream("frail", move |seen| {
        let reply = Reply::ok(6000).pace(Pace::drip(600, Duration::from_millis(1)));
        match seen.head.word(1) {
            "/length" => reply.cut_after(script.length(0, 5999)),
            "/chunks" => reply.chunked(500).cut_after(script.length(0, 6000)),
            "/head" => Reply::nothing(),
            "/long" => Reply::ok(60_000).pace(Pace::drip(200, Duration::from_millis(1))),
            _ => reply,
        }
    });
    let mut script = rng.fork();
    world.upstream("sound", move |_| {
        Reply::ok(3000).pace(Pace::drip(500, script.millis(0, 2))).after(script.millis(0, 9))
    });
    let (checks, faults) = (world.checks(), world.faults());
    let mut draws = rng.fork();
    world.client("others", {
        let (checks, mut rng) = (checks.clone(), rng.fork());
        |client| async move {
            client.crowd(3, |client| undisturbed(client, checks.clone(), rng.fork())).await;
        }
    });
    world.client("client", |client| async move {
        client.crowd(3, |client| broken(client, checks.clone(), draws.fork())).await;
        // The whole host dies while it answers, and comes back.
        let mut long = client.fork(".long");
        let crash = async {
            time::sleep(draws.millis(20, 200)).await;
            faults.crash("frail");
        };
        let (answer, ()) = tokio::join!(long.send(Request::get("frail", "/long")), crash);
        let end = answer.map(|got| got.end);
        checks
            .that(matches!(end, Ok(Err(_))), || format!("the host died, and the answer: {end:?}"));
        faults.bounce("frail");
        time::sleep(Duration::from_millis(20)).await;
        checks.answered(&client.fork(".after").send(Request::get("frail", "/whole")).await);
    });
}

async fn broken(mut client: Client, checks: Checks, mut rng: Rng) {
    for _ in 0..6 {
        let target = *rng.one_of(&["/length", "/chunks", "/head", "/whole"]);
        let answer = client.send(Request::get("frail", target)).await;
        match (target, &answer) {
            ("/whole", answer) => checks.answered(answer),
            ("/head", answer) => {
                let status = answer.as_ref().map_or(0, |got| got.status);
                checks.equal("the status when no answer came", &status, &502);
            }
            (_, Ok(got)) => {
                checks.that(got.right, || "a wrong body".into());
                checks.equal("the end of an answer that broke off", &got.end, &Err(Broken::Cut));
            }
            // It broke off before the head was on its way.
            (_, Err(Broken::Closed)) => {}
            (_, Err(broken)) => checks.fail(&format!("{target} got no answer: {broken}")),
        }
    }
}

async fn undisturbed(mut client: Client, checks: Checks, mut rng: Rng) {
    for _ in 0..15 {
        checks.answered(&client.send(Request::get("sound", "/")).await);
        checks.that(client.is_connected(), || "a connection was dropped".into());
        time::sleep(rng.millis(0, 5)).await;
    }
}
