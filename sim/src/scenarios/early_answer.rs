//! Answers that come before the request has been read.
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

/// Nobody waits for a body that nobody wants, and the answer gets through all the same.
pub const EARLY_ANSWER: Scenario = Scenario::new(
    "early-answer",
    "an answer that comes before the request's body was read gets through whole",
    build,
);

const CONFIGURATION: &str = "
http:
  routers:
    app: { rule: Host(`app`), service: app }
    dead: { rule: Host(`dead`), service: dead }
    away: { rule: Host(`away`), service: app, middlewares: [ away ] }
  middlewares:
    away: { redirectScheme: { scheme: https } }
  services:
    app: { loadBalancer: { servers: [ { url: http://app } ] } }
    dead: { loadBalancer: { servers: [ { url: http://d } ] } }
";

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION));
    world.refusing("d");
    world.upstream("app", |seen| match seen.head.word(1) {
        "/early" => Reply::ok(100).unread(),
        _ => Reply::ok(100),
    });
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        client.crowd(4, |client| traffic(client, checks.clone(), rng.fork())).await;
    });
}

async fn traffic(mut client: Client, checks: Checks, mut rng: Rng) {
    for _ in 0..10 {
        let (host, target, expected) = *rng.one_of(&[
            ("nobody", "/", 404),
            ("dead", "/", 502),
            ("away", "/", 307),
            ("app", "/early", 200),
        ]);
        let length = *rng.one_of(&[0, 10, 3000, 100_000]);
        let mut request = Request::post(host, target, length);
        if rng.percent(50) {
            request = request.chunked();
        }
        if rng.percent(30) {
            request = request.write(Pace::drip(2000, Duration::from_millis(2)));
        }
        let answer = client.send(request).await;
        let fact = || match &answer {
            Ok(got) => format!("{host}{target} with {length} bytes: {got}"),
            Err(broken) => format!("{host}{target} with {length} bytes: {broken}"),
        };
        let got = answer.as_ref().ok().filter(|got| got.end.is_ok());
        checks.that(got.is_some_and(|got| got.status == expected), fact);
        // A body of this size is read to its end, so the connection can go on.
        checks.that(client.is_connected(), || "the connection was dropped".into());
        checks.answered(&client.send(Request::get("app", "/")).await);
    }
}
