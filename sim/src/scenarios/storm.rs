//! Everything at once.
use crate::{
    check::Checks,
    client::{Client, Request},
    fault::Faults,
    http1::{Broken, Pace},
    proxy::{HOST, Proxy, Setup},
    rng::Rng,
    scenario::Scenario,
    upstream::{Reply, Seen},
    world::World,
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    time::Duration,
};
use tokio::time;

/// Any fault beside any other, then calm.
pub const STORM: Scenario = Scenario::new(
    "storm",
    "whatever happens at once: no wrong body, no POST twice, an end in time, and calm after",
    build,
);

const SERVERS: [&str; 3] = ["a", "b", "c"];
const TIMEOUT: Duration = Duration::from_millis(300);
const LASTS: u64 = 1200;

fn build(world: &mut World, rng: &mut Rng) {
    let setup = Setup::new(&configuration(rng)).workers(2);
    let proxy = world.proxy(setup.dial_timeout(TIMEOUT).response_header_timeout(TIMEOUT));
    let storm = Rc::new(Cell::new(true));
    let servers = SERVERS.map(|name| {
        let (mut rng, storm) = (rng.fork(), storm.clone());
        world.upstream(
            name,
            move |seen| if storm.get() { reply(seen, &mut rng) } else { Reply::ok(9) },
        )
    });
    world.upstream("mirror", |seen| match seen.number % 3 {
        0 => Reply::never(),
        1 => Reply::nothing(),
        _ => Reply::ok(10),
    });
    let posts = Rc::new(RefCell::new(BTreeSet::new()));
    let (checks, faults, mut rng) = (world.checks(), world.faults(), rng.fork());
    world.client("client", |client| async move {
        let mut draws = rng.fork();
        let (until, crowd_checks, crowd_posts) = (storm.clone(), checks.clone(), posts.clone());
        let crowd = client.crowd(6, |client| {
            let (until, checks, posts) = (until.clone(), crowd_checks.clone(), crowd_posts.clone());
            traffic(client, checks, draws.fork(), until, posts)
        });
        let trouble = async {
            trouble(&faults, &proxy, &mut rng).await;
            storm.set(false);
        };
        tokio::join!(crowd, trouble);
        for id in posts.borrow().iter() {
            let times: usize = servers.iter().map(|server| server.hits_of(id)).sum();
            checks.that(times <= 1, || format!("POST {id} was processed {times} times"));
        }
        calm(&client, &checks).await;
    });
}

fn reply(seen: &Seen, rng: &mut Rng) -> Reply {
    let reply = Reply::ok(rng.length(0, 8000)).after(rng.millis(0, 20));
    let reply = if rng.percent(40) { reply.chunked(rng.length(1, 2000)) } else { reply };
    match rng.within(0, 19) {
        0 => Reply::never(),
        1 => Reply::nothing(),
        2 => reply.cut_after(rng.length(0, 4000)),
        3 => reply.then_close(),
        4 => reply.pace(Pace::drip(rng.length(100, 1000), rng.millis(1, 5))),
        5 => reply.read(Pace::drip(rng.length(100, 1000), rng.millis(1, 5))),
        6 if seen.number > 0 => Reply::ok(500).until_close(),
        7 => reply.status("503 Service Unavailable"),
        _ => reply,
    }
}

async fn traffic(
    mut client: Client,
    checks: Checks,
    mut rng: Rng,
    storm: Rc<Cell<bool>>,
    posts: Rc<RefCell<BTreeSet<String>>>,
) {
    while storm.get() {
        let host = *rng.one_of(&["flat", "mirrored", "retried"]);
        let length = rng.length(0, 6000);
        let kind = rng.within(0, 3);
        let mut request = match kind {
            0 | 1 => Request::get(host, "/"),
            2 => Request::post(host, "/", length),
            _ => Request::post(host, "/", length).chunked(),
        };
        let leaves = rng.percent(8);
        if leaves {
            request = request.leave_after(rng.length(1, 400));
        } else if rng.percent(10) {
            request = request.read(Pace::drip(rng.length(200, 2000), rng.millis(1, 5)));
        }
        if kind > 1 {
            posts.borrow_mut().insert(client.next_id());
        }
        let answer = client.send(request.patience(Duration::from_secs(5))).await;
        match &answer {
            _ if leaves => {}
            // The server's answer broke off before its head was on its way.
            Err(Broken::Closed) => {}
            Ok(got) => {
                let known = [200, 404, 502, 503, 504].contains(&got.status);
                checks.that(known, || format!("the answer {got}"));
                checks.that(got.right, || "a wrong body".into());
            }
            Err(broken) => checks.fail(&format!("no answer: {broken}")),
        }
        time::sleep(rng.millis(0, 10)).await;
    }
}

async fn trouble(faults: &Faults, proxy: &Proxy, rng: &mut Rng) {
    let end = time::Instant::now() + Duration::from_millis(LASTS);
    let lossy = rng.percent(30);
    if lossy {
        SERVERS.iter().for_each(|server| faults.loss(HOST, server, 2));
    }
    while time::Instant::now() < end {
        time::sleep(rng.millis(5, 60)).await;
        let server = *rng.one_of(&SERVERS);
        let lasts = rng.millis(1, 200);
        match rng.within(0, 5) {
            0 => {
                faults.partition(HOST, server);
                time::sleep(lasts).await;
                faults.repair(HOST, server);
            }
            1 => {
                faults.hold(HOST, server);
                time::sleep(lasts).await;
                faults.release(HOST, server);
            }
            2 => {
                faults.crash(server);
                time::sleep(lasts).await;
                faults.bounce(server);
            }
            _ => proxy.apply(&configuration(rng)),
        }
    }
    if lossy {
        SERVERS.iter().for_each(|server| faults.loss(HOST, server, 0));
    }
}

/// Connections that lost packets time out once each, then all is as if nothing had been.
async fn calm(client: &Client, checks: &Checks) {
    let mut client = client.fork(".calm");
    for _ in 0..50 {
        let _ = client.send(Request::get("flat", "/")).await;
    }
    time::sleep(TIMEOUT).await;
    for host in ["flat", "mirrored", "retried"] {
        checks.answered(&client.send(Request::get(host, "/")).await);
    }
}

fn configuration(rng: &mut Rng) -> String {
    let weights = [rng.within(1, 5), rng.within(0, 5), rng.within(0, 5)];
    let percent = rng.within(0, 100);
    let attempts = rng.within(1, 4);
    let [a, b, c] = weights;
    let health = match rng.percent(50) {
        true => "healthCheck: { path: /, interval: 100ms, timeout: 50ms }",
        false => "passHostHeader: true",
    };
    format!(
        "
http:
  routers:
    flat: {{ rule: Host(`flat`), service: all }}
    mirrored: {{ rule: Host(`mirrored`), service: mirrored }}
    retried: {{ rule: Host(`retried`), service: servers, middlewares: [ again ] }}
  middlewares:
    again: {{ retry: {{ attempts: {attempts} }} }}
  services:
    all: {{ weighted: {{ services: [ {{ name: a, weight: {a} }}, {{ name: b, weight: {b} }},
                                     {{ name: c, weight: {c} }} ] }} }}
    mirrored: {{ mirroring: {{ service: all, mirrors: [ {{ name: mirror, percent: {percent} }} ] }} }}
    servers: {{ loadBalancer: {{ {health},
      servers: [ {{ url: http://a }}, {{ url: http://b }}, {{ url: http://c }} ] }} }}
    a: {{ loadBalancer: {{ servers: [ {{ url: http://a }} ] }} }}
    b: {{ loadBalancer: {{ servers: [ {{ url: http://b }} ] }} }}
    c: {{ loadBalancer: {{ servers: [ {{ url: http://c }} ] }} }}
    mirror: {{ loadBalancer: {{ servers: [ {{ url: http://mirror }} ] }} }}
"
    )
}
