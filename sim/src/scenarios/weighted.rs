//! Weighted round robin is exact.
use crate::{
    check::Checks,
    client::{Client, Request},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use tokio::time;

/// Exact shares and order, flat and nested, over many connections and two workers.
pub const WEIGHTED: Scenario = Scenario::new(
    "weighted",
    "3:1 and nested weights are exact over many connections and two workers",
    build,
);

const CONFIGURATION: &str = "
http:
  routers:
    flat: { rule: Host(`flat`), service: flat }
    nested: { rule: Host(`nested`), service: nested }
  services:
    flat: { weighted: { services: [ { name: a, weight: 3 }, { name: b, weight: 1 } ] } }
    nested: { weighted: { services: [ { name: inner, weight: 2 }, { name: pair } ] } }
    inner: { weighted: { services: [ { name: a }, { name: b } ] } }
    a: { loadBalancer: { servers: [ { url: http://a } ] } }
    b: { loadBalancer: { servers: [ { url: http://b } ] } }
    pair: { loadBalancer: { servers: [ { url: http://c }, { url: http://d } ] } }
";

/// Members of the crowd, and how often each asks each router: together whole cycles of both.
const CROWD: usize = 6;
const EACH: usize = 8;

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION).workers(2));
    let upstreams = ["a", "b", "c", "d"].map(|name| {
        let mut rng = rng.fork();
        world.upstream(name, move |_| Reply::ok(rng.length(0, 500)).after(rng.millis(0, 3)))
    });
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        order(&client, &checks, "flat", "aaabaaab").await;
        order(&client, &checks, "nested", "abcabdabcabd").await;
        client.crowd(CROWD, |client| mixed(client, checks.clone(), rng.fork())).await;
        // 8 + 48 requests by 3:1; 12 + 48 by 2:1, then by 1:1 each.
        for (host, expected) in [("flat", [42, 14, 0, 0]), ("nested", [20, 20, 10, 10])] {
            let got = upstreams.each_ref().map(|upstream| upstream.hits_for(host));
            checks.equal(host, &got, &expected);
        }
    });
}

/// One request after the other, each on a connection of its own, goes round in this order.
async fn order(client: &Client, checks: &Checks, host: &str, order: &str) {
    let mut got = String::new();
    for n in 0..order.len() {
        let mut client = client.fork(&format!(".{host}{n}"));
        let answer = client.send(Request::get(host, "/")).await;
        got += answer.as_ref().map_or("?", |got| got.head.field("x-upstream").unwrap_or("?"));
    }
    checks.equal(host, &got.as_str(), &order);
}

async fn mixed(mut client: Client, checks: Checks, mut rng: Rng) {
    let mut hosts = [["flat"; EACH], ["nested"; EACH]].concat();
    while !hosts.is_empty() {
        let host = hosts.swap_remove(rng.length(0, hosts.len() - 1));
        checks.answered(&client.send(Request::get(host, "/")).await);
        if rng.percent(20) {
            client.close();
        }
        time::sleep(rng.millis(0, 4)).await;
    }
}
