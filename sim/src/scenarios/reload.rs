//! A new configuration every few milliseconds costs nobody anything.
use crate::{
    check::Checks,
    client::{Client, Request},
    http1::Pace,
    proxy::{Proxy, Setup},
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use std::{cell::Cell, fmt::Write as _, rc::Rc, time::Duration};
use tokio::time;

/// Reloads under load.
pub const RELOAD: Scenario = Scenario::new(
    "reload",
    "reloads under load lose no request and no connection, and reset nothing unchanged",
    build,
);

const CROWD: usize = 5;
const FIXED: usize = 12;
const RELOADS: u64 = 40;
const SERVERS: [&str; 3] = ["a", "b", "c"];

fn build(world: &mut World, rng: &mut Rng) {
    let proxy = world.proxy(Setup::new(&configuration(0, rng)).workers(2));
    for name in SERVERS {
        let mut rng = rng.fork();
        // It says under which plan the request was sent, so that it shows whether its answer
        // comes out under the same one.
        world.upstream(name, move |seen| {
            let plan = seen.head.field("x-plan").unwrap_or("none").to_owned();
            let reply = Reply::ok(rng.length(0, 9000)).field("X-Sent-Under", &plan);
            match seen.head.word(1) {
                "/slow" => reply.pace(Pace::drip(700, Duration::from_millis(2))),
                "/late" => reply.chunked(1000).after(rng.millis(5, 40)),
                _ => reply,
            }
        });
    }
    let checks = world.checks();
    let done = Rc::new(Cell::new(false));
    let mut draws = rng.fork();
    let (load_checks, load_done) = (checks.clone(), done.clone());
    world.client("client", |client| async move {
        let load = client.crowd(CROWD, |client| {
            load(client, load_checks.clone(), draws.fork(), load_done.clone())
        });
        load.await;
    });
    let (fixed_checks, fixed_rng) = (checks.clone(), rng.fork());
    world.client("f", |client| fixed(client, fixed_checks, fixed_rng));
    let mut rng = rng.fork();
    world.client("operator", |client| async move {
        for plan in 1..=RELOADS {
            time::sleep(rng.millis(2, 9)).await;
            proxy.apply(&configuration(plan, &mut rng));
        }
        time::sleep(Duration::from_millis(20)).await;
        done.set(true);
        settled(client, &checks, &proxy, &mut rng).await;
    });
}

/// One connection each, all the time; every answer comes out under the plan it was sent under.
async fn load(mut client: Client, checks: Checks, mut rng: Rng, done: Rc<Cell<bool>>) {
    checks.that(client.connect().await.is_ok(), || "no connection".into());
    while !done.get() {
        let target = *rng.one_of(&["/", "/slow", "/late"]);
        let request = match rng.percent(70) {
            true => Request::get("app", target),
            false => Request::post("app", target, rng.length(0, 9000)),
        };
        let answer = client.send(request).await;
        checks.answered(&answer);
        if let Ok(got) = answer {
            let under = got.head.field("x-sent-under");
            checks.equal("the plan of an answer", &got.head.field("x-plan"), &under);
        }
        checks.that(client.is_connected(), || "a connection was dropped".into());
    }
}

/// A service that no reload touches goes on where it was.
async fn fixed(mut client: Client, checks: Checks, mut rng: Rng) {
    let mut got = String::new();
    for _ in 0..FIXED {
        let answer = client.send(Request::get("fixed", "/")).await;
        got += answer.as_ref().map_or("?", |got| got.head.field("x-upstream").unwrap_or("?"));
        time::sleep(rng.millis(5, 20)).await;
    }
    checks.equal("the order of an unchanged service", &got.as_str(), &"aaabaaabaaab");
}

/// The last configuration is the one that counts.
async fn settled(mut client: Client, checks: &Checks, proxy: &Proxy, rng: &mut Rng) {
    let broken = "http: { routers: {
        good: { rule: Host(`good`), service: s }, bad: { rule: Host(, service: s } },
        services: { s: { loadBalancer: { servers: [ { url: http://a } ] } } } }";
    for (configuration, expected) in [
        (configuration(RELOADS + 1, rng), [200, 404, 404]),
        (broken.to_owned(), [404, 200, 404]),
        (String::new(), [404, 404, 404]),
    ] {
        proxy.apply(&configuration);
        time::sleep(Duration::from_millis(50)).await;
        let mut got = [0; 3];
        for (status, host) in got.iter_mut().zip(["app", "good", "bad"]) {
            *status = client.send(Request::get(host, "/")).await.map_or(0, |got| got.status);
        }
        checks.equal("after the reload", &got, &expected);
    }
}

/// A configuration that differs from the one before in everything but `fixed`.
fn configuration(plan: u64, rng: &mut Rng) -> String {
    let mut routers = String::new();
    for n in 0..rng.within(0, 20) {
        let priority = rng.within(1, 100);
        let _ = writeln!(
            routers,
            "    r{n}: {{ rule: Host(`r{n}`) && PathPrefix(`/{priority}`), service: app, \
             priority: {priority} }}"
        );
    }
    let servers: String =
        SERVERS[..rng.length(1, 3)].iter().map(|s| format!("{{ url: http://{s} }}, ")).collect();
    let weight = rng.within(0, 5);
    format!(
        "
http:
  routers:
    app: {{ rule: Host(`app`), service: app, middlewares: [ mark ] }}
    fixed: {{ rule: Host(`fixed`), service: fixed }}
{routers}
  middlewares:
    mark: {{ headers: {{ customRequestHeaders: {{ X-Plan: '{plan}' }},
                         customResponseHeaders: {{ X-Plan: '{plan}' }} }} }}
  services:
    app: {{ weighted: {{ services: [ {{ name: many, weight: {weight} }}, {{ name: b, weight: 2 }} ] }} }}
    many: {{ loadBalancer: {{ servers: [ {servers} ] }} }}
    fixed: {{ weighted: {{ services: [ {{ name: a, weight: 3 }}, {{ name: b, weight: 1 }} ] }} }}
    a: {{ loadBalancer: {{ servers: [ {{ url: http://a }} ] }} }}
    b: {{ loadBalancer: {{ servers: [ {{ url: http://b }} ] }} }}
"
    )
}
