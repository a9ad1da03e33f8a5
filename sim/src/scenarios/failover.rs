//! What was provably not processed goes to another server; nothing else is sent twice.
use crate::{
    check::Checks,
    client::{Client, Request},
    proxy::Setup,
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
  middlewares:
    again: { retry: { attempts: 4 } }
  services:
    dead: { loadBalancer: { servers: [ { url: http://d }, { url: http://a }, { url: http://b } ] } }
    closing: { loadBalancer: { servers: [ { url: http://closing } ] } }
    mute: { loadBalancer: { servers: [ { url: http://mute }, { url: http://mute2 } ] } }
";

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION).workers(2));
    world.refusing("d");
    let sound = ["a", "b"].map(|name| world.upstream(name, |_| Reply::ok(50)));
    let mut script = rng.fork();
    // Keeps a connection open for one request or several, then closes it without a word.
    let closing = world.upstream("closing", move |_| match script.percent(50) {
        true => Reply::ok(50).then_close(),
        false => Reply::ok(50),
    });
    let mute = ["mute", "mute2"].map(|name| world.upstream(name, |_| Reply::nothing()));
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        let posts = Rc::new(RefCell::new(Vec::new()));
        let traffic = |client| traffic(client, checks.clone(), rng.fork(), posts.clone());
        client.crowd(4, traffic).await;
        let all: Vec<&Upstream> = sound.iter().chain([&closing]).chain(&mute).collect();
        for id in posts.borrow().iter() {
            let times: usize = all.iter().map(|upstream| upstream.hits_of(id)).sum();
            checks.that(times <= 1, || format!("POST {id} was processed {times} times"));
        }
    });
}

async fn traffic(
    mut client: Client,
    checks: Checks,
    mut rng: Rng,
    posts: Rc<RefCell<Vec<String>>>,
) {
    for _ in 0..20 {
        let host = *rng.one_of(&["dead", "closing", "mute"]);
        let post = rng.percent(50);
        let length = rng.length(1, 3000);
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
            // A body may be on its way when the connection closes: then nobody knows, and it is 502.
            ("closing", true) if status == 502 => {}
            ("mute", _) => checks.equal("no answer", &status, &502),
            _ => checks.answered(&answer),
        }
        checks.that(client.is_connected(), || "the client's connection was dropped".into());
        time::sleep(Duration::from_millis(rng.within(0, 10))).await;
    }
}
