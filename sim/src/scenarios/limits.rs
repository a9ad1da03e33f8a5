//! Middlewares that limit how much passes.
use crate::{
    check::Checks,
    client::{Client, Request},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use std::{cell::Cell, rc::Rc, time::Duration};
use tokio::time::{self, Instant};

/// Rates, places and breakers hold over connections and workers.
pub const LIMITS: Scenario = Scenario::new(
    "limits",
    "no more passes than may, and all of it again when its time has come",
    build,
);

const CONFIGURATION: &str = "
http:
  routers:
    rate: { rule: Host(`rate`), service: app, middlewares: [ rate ] }
    places: { rule: Host(`places`), service: app, middlewares: [ places ] }
    breaker: { rule: Host(`breaker`), service: app, middlewares: [ breaker ] }
  middlewares:
    rate: { rateLimit: { average: 10, burst: 5 } }
    places: { inFlightReq: { amount: 2 } }
    breaker: { circuitBreaker: { expression: 'ResponseCodeRatio(500, 600, 0, 600) > 0.5' } }
  services: { app: { loadBalancer: { servers: [ { url: http://app } ] } } }
";

const CROWD: usize = 5;
const EACH: usize = 30;
/// What the network adds at most between two requests as sent and as they come.
const JITTER: f64 = 0.25;

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION).workers(2));
    let failing = Rc::new(Cell::new(false));
    let (fails, mut script) = (Rc::clone(&failing), rng.fork());
    let app = world.upstream("app", move |seen| match seen.head.field("host") {
        Some("places") => Reply::ok(10).after(Duration::from_millis(200)),
        Some("breaker") if fails.get() => Reply::ok(0).status("500 Internal Server Error"),
        _ => Reply::ok(script.length(0, 100)),
    });
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        rate(&client, &checks, &mut rng).await;
        places(&client, &checks).await;
        let mut client = client.named("breaker");
        breaker(&mut client, &checks, &failing, || app.hits_from("breaker")).await;
    });
}

/// At no time more than the burst and what came since.
async fn rate(client: &Client, checks: &Checks, rng: &mut Rng) {
    let (start, passed) = (Instant::now(), Rc::new(Cell::new(0_u32)));
    client
        .crowd(CROWD, |mut client| {
            let (checks, passed, mut rng) = (checks.clone(), Rc::clone(&passed), rng.fork());
            async move {
                for _ in 0..EACH {
                    let answer = client.send(Request::get("rate", "/")).await;
                    let status = answer.as_ref().map_or(0, |got| got.status);
                    if status == 200 {
                        passed.set(passed.get() + 1);
                    } else {
                        checks.equal("the status of what is too much", &status, &429);
                        let says_when =
                            answer.is_ok_and(|got| got.head.field("retry-after").is_some());
                        checks.that(says_when, || "no word of when to come again".into());
                    }
                    let most = 5.0 + 10.0 * (start.elapsed().as_secs_f64() + JITTER) + 1.0;
                    checks.within("what passed", &f64::from(passed.get()), &0.0, &most);
                    time::sleep(rng.millis(0, 150)).await;
                }
            }
        })
        .await;
    let least = 5.0 + 10.0 * (start.elapsed().as_secs_f64() - 1.0);
    checks.within("what passed in the end", &f64::from(passed.get()), &least, &f64::MAX);
    // Who was modest for a while has all of the burst again.
    time::sleep(Duration::from_secs(1)).await;
    let mut client = client.named("burst");
    for _ in 0..5 {
        checks.answered(&client.send(Request::get("rate", "/")).await);
    }
}

/// Two at a time; a client that leaves gives its place back.
async fn places(client: &Client, checks: &Checks) {
    for round in 0..2 {
        let passed = Rc::new(Cell::new(0));
        client
            .crowd(CROWD, |mut client| {
                let (checks, passed) = (checks.clone(), Rc::clone(&passed));
                async move {
                    let answer = client.send(Request::get("places", "/")).await;
                    match answer.as_ref().map_or(0, |got| got.status) {
                        200 => passed.set(passed.get() + 1),
                        status => checks.equal("the status of one too many", &status, &429),
                    }
                }
            })
            .await;
        checks.equal(&format!("how many passed in round {round}"), &passed.get(), &2);
        let mut leaver = client.named("leaver");
        let left = Request::get("places", "/").patience(Duration::from_millis(50));
        checks.that(leaver.send(left).await.is_err(), || "the leaver was answered".into());
        time::sleep(Duration::from_millis(300)).await;
    }
}

/// It trips while the server fails, asks nobody for ten seconds, and lets a growing share pass after.
async fn breaker(
    client: &mut Client,
    checks: &Checks,
    failing: &Cell<bool>,
    hits: impl Fn() -> usize,
) {
    let ask = || Request::get("breaker", "/");
    for _ in 0..5 {
        checks.answered(&client.send(ask()).await);
        time::sleep(Duration::from_millis(50)).await;
    }
    failing.set(true);
    let mut tries = 0;
    while client.send(ask()).await.is_ok_and(|got| got.status == 500) && tries < 50 {
        tries += 1;
        time::sleep(Duration::from_millis(50)).await;
    }
    checks.within("how many failed before it tripped", &tries, &5, &40);
    failing.set(false);
    let before = hits();
    for _ in 0..9 {
        time::sleep(Duration::from_secs(1)).await;
        let answer = client.send(ask()).await;
        checks.equal("the status while it is tripped", &answer.map_or(0, |it| it.status), &503);
    }
    checks.equal("what reached the server meanwhile", &hits(), &before);
    time::sleep(Duration::from_secs(2)).await;
    // The first request after that begins the recovery.
    let answer = client.send(ask()).await;
    checks.equal("the status as it begins to recover", &answer.map_or(0, |it| it.status), &503);
    time::sleep(Duration::from_secs(5)).await;
    let mut passed = 0;
    for _ in 0..40 {
        passed += usize::from(client.send(ask()).await.is_ok_and(|got| got.status == 200));
    }
    checks.within("what passed half-way through the recovery", &passed, &8, &11);
    time::sleep(Duration::from_secs(6)).await;
    for _ in 0..10 {
        checks.answered(&client.send(ask()).await);
    }
}
