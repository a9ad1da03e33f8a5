//! What was provably not processed goes to another server; nothing else is sent twice.
use crate::{
    check::Checks,
    client::{Client, Request},
    proxy::{HOST, Setup},
    rng::Rng,
    scenario::Scenario,
    upstream::{Reply, Upstream},
    world::World,
};
use std::{cell::RefCell, rc::Rc, time::Duration};
use tokio::time;

/// Dead servers, and connections closed under a request.
pub const FAILOVER: Scenario = Scenario::new(
    "failover",
    "a request that no server has seen goes to another; no POST is processed twice",
    build,
);

const CONFIGURATION: &str = "
http:
  routers:
    dead: { rule: Host(`dead`), service: dead }
    closing: { rule: Host(`closing`), service: closing }
    mute: { rule: Host(`mute`), service: mute, middlewares: [ again ] }
    moody: { rule: Host(`moody`), service: moody, middlewares: [ again ] }
    silent: { rule: Host(`silent`), service: silent }
  middlewares:
    again: { retry: { attempts: 4 } }
  services:
    dead: { loadBalancer: { servers: [ { url: http://d }, { url: http://a }, { url: http://b } ] } }
    closing: { loadBalancer: { servers: [ { url: http://closing } ] } }
    mute: { loadBalancer: { servers: [ { url: http://mute }, { url: http://mute2 } ] } }
    moody: { loadBalancer: { servers: [ { url: http://moody } ] } }
    silent: { loadBalancer: { servers: [ { url: http://silent }, { url: http://a } ] } }
";

/// A connection attempt is given up after this long; far beyond the time for a response's head.
const DIAL_TIMEOUT: Duration = Duration::from_millis(400);
const HEADER_TIMEOUT: Duration = Duration::from_millis(100);

fn build(world: &mut World, rng: &mut Rng) {
    let setup = Setup::new(CONFIGURATION).workers(2);
    world.proxy(setup.dial_timeout(DIAL_TIMEOUT).response_header_timeout(HEADER_TIMEOUT));
    world.refusing("d");
    world.upstream("silent", |_| Reply::ok(50));
    let sound = ["a", "b"].map(|name| world.upstream(name, |_| Reply::ok(50)));
    let mut script = rng.fork();
    // Keeps a connection open for one request or several, then closes it without a word.
    let closing = world.upstream("closing", move |_| match script.percent(50) {
        true => Reply::ok(50).then_close(),
        false => Reply::ok(50),
    });
    let mut script = rng.fork();
    // Processes every request, but answers not every one.
    let moody = world.upstream("moody", move |_| match script.percent(40) {
        true => Reply::nothing(),
        false => Reply::ok(50),
    });
    let mute = ["mute", "mute2"].map(|name| world.upstream(name, |_| Reply::nothing()));
    let (checks, faults, mut rng) = (world.checks(), world.faults(), rng.fork());
    world.client("client", |client| async move {
        let posts = Rc::new(RefCell::new(Vec::new()));
        let traffic = |client| traffic(client, checks.clone(), rng.fork(), posts.clone());
        client.crowd(4, traffic).await;
        let all: Vec<&Upstream> = sound.iter().chain([&closing, &moody]).chain(&mute).collect();
        for id in posts.borrow().iter() {
            let times: usize = all.iter().map(|upstream| upstream.hits_of(id)).sum();
            checks.that(times <= 1, || format!("POST {id} was processed {times} times"));
        }
        faults.partition(HOST, "silent");
        unreachable(client, &checks).await;
    });
}

async fn traffic(
    mut client: Client,
    checks: Checks,
    mut rng: Rng,
    posts: Rc<RefCell<Vec<String>>>,
) {
    for _ in 0..25 {
        let host = *rng.one_of(&["dead", "closing", "mute", "moody"]);
        let post = rng.percent(50);
        let length = if rng.percent(50) { 0 } else { rng.length(1, 3000) };
        let request = match post {
            false => Request::get(host, "/"),
            true if rng.percent(50) => Request::post(host, "/", length),
            true => Request::post(host, "/", length).chunked(),
        };
        if post {
            posts.borrow_mut().push(client.next_id());
        }
        let answer = client.send(request).await;
        let status = answer.as_ref().map_or(0, |got| got.status);
        match (host, post) {
            // A POST may be on its way when the connection closes: then nobody knows, and it is 502.
            ("closing", true) | ("moody", _) if status == 502 => {}
            ("mute", _) => checks.equal("no answer", &status, &502),
            _ => checks.answered(&answer),
        }
        checks.that(client.is_connected(), || "the client's connection was dropped".into());
        time::sleep(Duration::from_millis(rng.within(0, 10))).await;
    }
}

/// A server that never answers a connection attempt is passed over when the time to connect is
/// over, not when a response would be late: nothing was sent yet.
async fn unreachable(mut client: Client, checks: &Checks) {
    for request in [Request::get("silent", "/"), Request::post("silent", "/", 2000)] {
        let answer = client.send(request).await;
        checks.answered(&answer);
        let from = answer.as_ref().ok().and_then(|got| got.head.field("x-upstream"));
        checks.equal("who answered", &from, &Some("a"));
    }
}
