//! Mirrors get their exact share and never disturb.
use crate::{
    check::Checks,
    client::{Client, Request},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::{Reply, Upstream},
    world::World,
};
use std::time::Duration;
use tokio::time;

/// Exact shares, with bodies; hanging, refusing and dying mirrors; bodies over the limit.
pub const MIRRORING: Scenario = Scenario::new(
    "mirroring",
    "50 % and 30 % are exact; mirrors that hang, refuse or die disturb nobody",
    build,
);

const CONFIGURATION: &str = "
http:
  routers:
    exact: { rule: Host(`exact`), service: exact }
    hard: { rule: Host(`hard`), service: hard }
    small: { rule: Host(`small`), service: small }
  services:
    exact: { mirroring: { service: main, mirrors: [
      { name: half, percent: 50 }, { name: third, percent: 30 }, { name: none } ] } }
    hard: { mirroring: { service: main, mirrors: [
      { name: refuses, percent: 100 }, { name: dies, percent: 100 }, { name: hangs, percent: 100 } ] } }
    small: { mirroring: { service: main, maxBodySize: 1000, mirrors: [
      { name: half, percent: 100 } ] } }
    main: { loadBalancer: { servers: [ { url: http://main } ] } }
    half: { loadBalancer: { servers: [ { url: http://half } ] } }
    third: { loadBalancer: { servers: [ { url: http://third } ] } }
    none: { loadBalancer: { servers: [ { url: http://half } ] } }
    refuses: { loadBalancer: { servers: [ { url: http://refuses } ] } }
    dies: { loadBalancer: { servers: [ { url: http://dies } ] } }
    hangs: { loadBalancer: { servers: [ { url: http://hangs } ] } }
";

const CROWD: usize = 5;
const EACH: usize = 8;
/// More than any request without a mirror takes: a few round trips.
const UNDISTURBED: Duration = Duration::from_millis(200);

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION).workers(2));
    world.refusing("refuses");
    let hangs = world.upstream("hangs", |_| Reply::never());
    let dies = world.upstream("dies", |_| Reply::ok(5000).cut_after(100));
    let [main, half, third] = ["main", "half", "third"].map(|name| {
        let mut rng = rng.fork();
        world.upstream(name, move |_| Reply::ok(rng.length(0, 500)).after(rng.millis(0, 5)))
    });
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        client.crowd(CROWD, |client| traffic(client, checks.clone(), rng.fork())).await;
        over_the_limit(client, &checks).await;
        // Copies are made in the background.
        time::sleep(Duration::from_millis(500)).await;
        let all = CROWD * EACH;
        let count = |upstream: &Upstream, host| upstream.hits_for(host);
        checks.equal("main", &count(&main, "exact"), &all);
        checks.equal("50 %", &count(&half, "exact"), &all.div_ceil(2));
        checks.equal("30 %", &count(&third, "exact"), &(all * 3).div_ceil(10));
        checks.equal("hanging", &count(&hangs, "hard"), &all);
        checks.equal("dying", &count(&dies, "hard"), &all);
        checks.equal("main beside hard mirrors", &count(&main, "hard"), &all);
        checks.equal("within the limit", &half.hits_from("limit.0"), &1);
        checks.equal("over the limit", &half.hits_from("limit.1"), &0);
        checks.equal("main over the limit", &main.hits_from("limit"), &4);
    });
}

async fn traffic(mut client: Client, checks: Checks, mut rng: Rng) {
    let mut hosts = [["exact"; EACH], ["hard"; EACH]].concat();
    while !hosts.is_empty() {
        let host = hosts.swap_remove(rng.length(0, hosts.len() - 1));
        let length = rng.length(0, 20_000);
        let request = match rng.within(0, 2) {
            0 => Request::get(host, "/"),
            1 => Request::post(host, "/", length),
            _ => Request::post(host, "/", length).chunked(),
        };
        let answer = client.send(request).await;
        checks.answered(&answer);
        let took = answer.map_or(Duration::MAX, |got| got.took);
        checks.within("a request's time", &took, &Duration::ZERO, &UNDISTURBED);
    }
}

/// A body of exactly the limit is mirrored, a longer one is not, whether or not its length is known.
async fn over_the_limit(client: Client, checks: &Checks) {
    for (name, request) in [
        ("limit.0", Request::post("small", "/", 1000)),
        ("limit.1a", Request::post("small", "/", 1001)),
        ("limit.1b", Request::post("small", "/", 1001).chunked()),
        ("limit.1c", Request::post("small", "/", 50_000).chunked()),
    ] {
        checks.answered(&client.named(name).send(request).await);
    }
}
