//! Clients that take their time.
use crate::{
    check::Checks,
    client::{Client, Request},
    http1::Pace,
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use std::time::Duration;
use tokio::time;

/// Slow readers and drippers beside quick clients.
pub const SLOW_CLIENT: Scenario = Scenario::new(
    "slow-client",
    "slow readers get their body, drippers are cut off in time, nobody else waits",
    build,
);

const CONFIGURATION: &str = "
http:
  routers: { app: { rule: Host(`app`), service: app } }
  services: { app: { loadBalancer: { servers: [ { url: http://app } ] } } }
";

const READ_TIMEOUT: Duration = Duration::from_millis(400);
const IDLE_TIMEOUT: Duration = Duration::from_millis(600);
/// A few round trips.
const SLACK: Duration = Duration::from_millis(100);
const LONG_BODY: usize = 200_000;

fn build(world: &mut World, rng: &mut Rng) {
    let setup = Setup::new(CONFIGURATION).read_timeout(READ_TIMEOUT).idle_timeout(IDLE_TIMEOUT);
    world.proxy(setup);
    world.upstream("app", |seen| match seen.head.word(1) {
        "/long" => Reply::ok(LONG_BODY),
        _ => Reply::ok(300),
    });
    let (checks, mut draws) = (world.checks(), rng.fork());
    world.client("quick", |client| async move {
        let quick = |client| quick(client, checks.clone(), draws.fork());
        client.crowd(3, quick).await;
    });
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("slow", |client| async move {
        let (reader, head, body, patient, idle) = (
            client.fork(".read"),
            client.fork(".head"),
            client.fork(".body"),
            client.fork(".patient"),
            client.fork(".idle"),
        );
        tokio::join!(
            reads(reader, &checks, rng.fork()),
            drips(head, &checks, Request::get("app", "/"), rng.fork()),
            drips(body, &checks, Request::post("app", "/", 100_000), rng.fork()),
            in_time(patient, &checks, rng.fork()),
            idles(idle, &checks),
        );
    });
}

/// Reading slowly is no fault: the whole body comes, however long it takes.
async fn reads(mut client: Client, checks: &Checks, mut rng: Rng) {
    let pace = Pace::drip(rng.length(2000, 8000), rng.millis(10, 30));
    let answer = client.send(Request::get("app", "/long").read(pace)).await;
    checks.answered(&answer);
    checks.equal("the long body", &answer.map_or(0, |got| got.length), &LONG_BODY);
}

/// Who drips longer than the read timeout gets no 200 and is cut off when it is over.
async fn drips(mut client: Client, checks: &Checks, request: Request, mut rng: Rng) {
    let start = time::Instant::now();
    let request = request.write(Pace::drip(1, rng.millis(10, 20)));
    let answer = client.send(request.patience(Duration::from_secs(10))).await;
    let status = answer.map_or(0, |got| got.status);
    checks.that([0, 400, 408].contains(&status), || format!("a dripped request got {status}"));
    client.closed().await;
    let took = start.elapsed();
    // It notices with the next byte it writes.
    checks.within("a dripped request's time", &took, &READ_TIMEOUT, &(READ_TIMEOUT + SLACK));
}

/// A slow request that is whole in time is answered.
async fn in_time(mut client: Client, checks: &Checks, mut rng: Rng) {
    for _ in 0..3 {
        let pace = Pace::drip(1000, rng.millis(10, 20));
        let request = Request::post("app", "/", rng.length(1000, 15_000));
        checks.answered(&client.send(request.write(pace)).await);
        // The time between two requests does not count.
        time::sleep(READ_TIMEOUT).await;
    }
}

/// A connection without a request is closed when its time is over.
async fn idles(mut client: Client, checks: &Checks) {
    checks.answered(&client.send(Request::get("app", "/")).await);
    let start = time::Instant::now();
    client.closed().await;
    checks.within("idle time", &start.elapsed(), &(IDLE_TIMEOUT - SLACK), &(IDLE_TIMEOUT + SLACK));
}

async fn quick(mut client: Client, checks: Checks, mut rng: Rng) {
    for _ in 0..30 {
        let answer = client.send(Request::get("app", "/")).await;
        checks.answered(&answer);
        let took = answer.map_or(Duration::MAX, |got| got.took);
        checks.within("a quick request's time", &took, &Duration::ZERO, &SLACK);
        time::sleep(rng.millis(0, 30)).await;
    }
}
