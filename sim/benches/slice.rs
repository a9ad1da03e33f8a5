//! One changed EndpointSlice among 10,000 IngressRoutes, end to end: the simulated API server, kube's client,
//! the provider, the plan, and a request that the new pod answers.
//!
//! `cargo bench -p rutter-sim --bench slice`
//!
//! Simulated time says how soon the change is live, real time what it costs the one thread that does everything:
//! the API server and the simulated network too, less what they cost while nothing changes.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark prints real time"
)]
use rutter_core::provider::kubernetes::Provider;
use rutter_sim::{
    check::Checks,
    client::Request,
    kubernetes::{manifests, replica::options},
    log::Log,
    proxy::Setup,
    rng::Rng,
    upstream::{Reply, Upstream},
    world::World,
};
use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::time;

const ROUTES: usize = 10_000;
const CHANGES: usize = 50;
/// The bound: by then it is live.
const LIVE: Duration = Duration::from_millis(50);

fn main() {
    if std::env::args().any(|it| it == "--test") {
        return;
    }
    let (log, mut rng) = (Log::default(), Rng::new(1));
    let checks = Checks::new(log.clone());
    let mut world = World::new(&mut rng, Duration::from_millis(1), log, checks.clone());
    world.limit(Duration::from_secs(600));
    let kubernetes = world.kubernetes();
    world.proxy(Setup::of_cluster(options(Provider::Crd)));
    let pod = |world: &mut World, name: &str| {
        let upstream = world.upstream(name, |_| Reply::ok(0));
        (upstream, world.address(name))
    };
    let pods: [(Upstream, _); 2] = ["one", "two"].map(|name| pod(&mut world, name));
    for name in ["app", "other"] {
        kubernetes.apply(manifests::service(name));
        kubernetes.apply(manifests::slice(name, name, &[manifests::ready(pods[0].1)]));
    }
    kubernetes.apply(manifests::route("app", "Host(`app`)", "app"));
    for n in 1..ROUTES {
        kubernetes.apply(manifests::route(&format!("r{n}"), &format!("Host(`h{n}`)"), "other"));
    }
    let costs = Rc::new(RefCell::new(Vec::new()));
    let found = Rc::clone(&costs);
    world.client("editor", move |mut client| async move {
        while !client.send(Request::get("app", "/")).await.is_ok_and(|it| it.is_ok(0)) {
            time::sleep(Duration::from_millis(100)).await;
        }
        for change in 1..=CHANGES {
            // Past every pause, so that nothing but this change is due.
            time::sleep(Duration::from_secs(1)).await;
            let start = Instant::now();
            time::sleep(LIVE).await;
            let idle = start.elapsed();
            let (pod, address) = &pods[change % 2];
            let start = Instant::now();
            kubernetes.apply(manifests::slice("app", "app", &[manifests::ready(*address)]));
            time::sleep(LIVE).await;
            found.borrow_mut().push(start.elapsed().saturating_sub(idle));
            let before = pod.hits();
            let answer = client.send(Request::get("app", "/")).await;
            assert!(answer.is_ok_and(|it| it.is_ok(0)) && pod.hits() == before + 1, "not live yet");
        }
    });
    world.run();
    assert_eq!(checks.failures(), [""; 0]);
    let mut costs = costs.take();
    costs.sort();
    println!(
        "one slice among {ROUTES} IngressRoutes: live within {LIVE:?} each of {} times; fastest {:?}, \
         median {:?}, slowest {:?}",
        costs.len(),
        costs[0],
        costs[costs.len() / 2],
        costs[costs.len() - 1],
    );
}
