//! The end of the process.
use crate::{
    check::Checks,
    client::{Client, Request},
    http1::{Broken, Pace},
    proxy::{Proxy, Setup},
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use std::{cell::Cell, rc::Rc, time::Duration};
use tokio::time;

/// A graceful shutdown under load.
pub const SHUTDOWN: Scenario = Scenario::new(
    "shutdown",
    "what has begun is finished, idle connections are closed, new ones refused, all in time",
    build,
);

const CONFIGURATION: &str = "
http:
  routers: { app: { rule: Host(`app`), service: app } }
  services: { app: { loadBalancer: { servers: [ { url: http://app } ] } } }
";

/// Still accepting, for load balancers in front that have not noticed.
const ACCEPT_GRACE: Duration = Duration::from_millis(100);
const GRACE: Duration = Duration::from_millis(500);
const SLACK: Duration = Duration::from_millis(50);

fn build(world: &mut World, rng: &mut Rng) {
    let setup = Setup::new(CONFIGURATION).workers(2).accept_grace(ACCEPT_GRACE).grace(GRACE);
    let proxy = world.proxy(setup);
    let mut script = rng.fork();
    let app = world.upstream("app", move |seen| match seen.head.word(1) {
        "/slow" => Reply::ok(9000).pace(Pace::drip(script.length(300, 900), script.millis(5, 10))),
        "/late" => Reply::ok(100).chunked(10).after(script.millis(50, 200)),
        "/endless" => Reply::ok(100_000).pace(Pace::drip(100, Duration::from_millis(5))),
        _ => Reply::ok(200),
    });
    let stopping = Rc::new(Cell::new(Stage::Running));
    let (checks, mut draws) = (world.checks(), rng.fork());
    let stage = stopping.clone();
    world.client("client", |client| async move {
        let load = |client| load(client, checks.clone(), draws.fork(), stage.clone());
        client.crowd(6, load).await;
    });
    let checks = world.checks();
    world.client("idle", |mut client| async move {
        checks.answered(&client.send(Request::get("app", "/")).await);
        client.closed().await;
    });
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("hand", |client| async move {
        time::sleep(rng.millis(20, 120)).await;
        stop(client, &checks, &proxy, &stopping).await;
        checks.that(app.hits() > 6, || "there was no load".into());
    });
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Told to stop, still accepting.
    Advertised,
    /// No new connections.
    Closed,
}

async fn stop(client: Client, checks: &Checks, proxy: &Proxy, stage: &Cell<Stage>) {
    let mut endless = client.fork(".endless");
    let endless = endless.send(Request::get("app", "/endless"));
    let steps = async {
        time::sleep(Duration::from_millis(30)).await;
        let told = time::Instant::now();
        stage.set(Stage::Advertised);
        proxy.terminate();
        time::sleep(ACCEPT_GRACE / 2).await;
        checks.answered(&client.fork(".grace").send(Request::get("app", "/")).await);
        // Hosts run one after the other: a client's clock may be a millisecond ahead of ours.
        time::sleep_until(told + ACCEPT_GRACE - Duration::from_millis(1)).await;
        stage.set(Stage::Closed);
        time::sleep(SLACK).await;
        let late = client.fork(".refused").send(Request::get("app", "/")).await;
        checks.equal("a new connection", &late.err(), &Some(Broken::Refused));
        checks.that(!proxy.has_ended(), || "ended before its requests".into());
        proxy.ended().await;
        let (took, longest) = (told.elapsed(), ACCEPT_GRACE + GRACE + SLACK);
        checks.within("time to end", &took, &(ACCEPT_GRACE + GRACE - SLACK), &longest);
    };
    let (endless, ()) = tokio::join!(endless, steps);
    let end = endless.map(|got| got.end);
    checks.that(matches!(end, Ok(Err(_))), || format!("beyond the grace: {end:?}"));
}

/// Goes on until it is turned away. What was begun in time is answered, whole.
async fn load(mut client: Client, checks: Checks, mut rng: Rng, stage: Rc<Cell<Stage>>) {
    loop {
        let (began, reused) = (stage.get(), client.is_connected());
        let target = *rng.one_of(&["/", "/slow", "/late"]);
        let answer = client.send(Request::get("app", target)).await;
        match answer {
            // An idle connection may be closed in the moment in which it is used again.
            Err(Broken::Closed | Broken::Reset) if reused && stage.get() == Stage::Closed => {}
            Err(Broken::Refused) if stage.get() == Stage::Closed => return,
            _ if began == Stage::Closed && answer.is_err() => return,
            answer => checks.answered(&answer),
        }
        time::sleep(rng.millis(0, 10)).await;
    }
}
