//! Watches that break all the time cost no change and no request, and ask for little.
use crate::{
    check::Checks,
    client::{Client, Request},
    kubernetes::{Kubernetes, Mischief, manifests, replica::options},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use rutter::provider::kubernetes::Times;
use rutter_core::provider::kubernetes::Provider;
use std::time::Duration;
use tokio::time::{self, Instant};

/// Watches that live for a few hundred milliseconds.
pub const FLAPPING: Scenario = Scenario::new(
    "flapping",
    "watches that break every few hundred milliseconds lose no change and ask for little",
    build,
)
.tick(Duration::from_millis(10));

const CHANGES: u64 = 6;
/// What the provider watches: two built-in kinds less than are there, ours in two groups.
const WATCHES: usize = 21;
/// A watch follows the one before it no sooner.
const INTERVAL: Duration = Duration::from_secs(1);
/// From a change until it is served: two watches that break before they tell it, and the pause.
const KNOWN: Duration = Duration::from_secs(12);

fn build(world: &mut World, rng: &mut Rng) {
    let kubernetes = world.kubernetes();
    let mut options = options(Provider::Crd);
    options.times = Times::default();
    world.proxy(Setup::of_cluster(options));
    world.upstream("pod", |_| Reply::ok(100));
    let address = world.address("pod");
    kubernetes.apply(manifests::service("app"));
    kubernetes.apply(manifests::slice("app-1", "app", &[manifests::ready(address)]));
    kubernetes.apply(manifests::route("app", "Host(`app`)", "app"));
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |mut client| async move {
        while !client.send(Request::get("app", "/")).await.is_ok_and(|got| got.status == 200) {
            time::sleep(Duration::from_millis(20)).await;
        }
        let break_after = rng.within(200, 800);
        kubernetes.mischief(Mischief { break_after, twice: 20, ..Mischief::NONE });
        let asked = || (kubernetes.asked("watch"), kubernetes.asked("list"));
        let (start, before) = (Instant::now(), asked());
        for n in 0..CHANGES {
            change(&mut client, &kubernetes, &checks, n).await;
            time::sleep(rng.millis(0, 1500)).await;
        }
        let (watches, lists) = (asked().0 - before.0, asked().1 - before.1);
        let intervals = start.elapsed().as_millis() / INTERVAL.as_millis();
        let most = WATCHES * (usize::try_from(intervals).unwrap_or(0) + 2);
        client.note(format_args!("{watches} watches, {lists} lists in {:?}", start.elapsed()));
        checks.within("watches", &watches, &(CHANGES as usize), &most);
        checks.equal("lists", &lists, &0);
    });
}

/// A route gets another host; meanwhile another one goes on.
async fn change(client: &mut Client, kubernetes: &Kubernetes, checks: &Checks, n: u64) {
    let (host, before) = (format!("host{n}"), format!("host{}", n.wrapping_sub(1)));
    kubernetes.apply(manifests::route("changing", &format!("Host(`{host}`)"), "app"));
    let start = Instant::now();
    loop {
        checks.answered(&client.send(Request::get("app", "/")).await);
        let status = client.send(Request::get(&host, "/")).await.map_or(0, |got| got.status);
        if status == 200 || start.elapsed() > KNOWN {
            checks.equal("a change", &status, &200);
            break;
        }
        time::sleep(Duration::from_millis(50)).await;
    }
    let status = client.send(Request::get(&before, "/")).await.map_or(0, |got| got.status);
    checks.equal("what was before it", &status, &404);
}
