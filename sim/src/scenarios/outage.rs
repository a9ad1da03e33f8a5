//! Without an API server, what was read last stays in force.
use crate::{
    check::Checks,
    client::{Client, Request},
    fault::Faults,
    kubernetes::{HOST as API, manifests, replica::options},
    proxy::{HOST, Setup},
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use rutter::provider::kubernetes::Times;
use rutter_core::provider::kubernetes::Provider;
use std::time::Duration;
use tokio::time::{self, Instant};

/// The API server is away for an hour.
pub const OUTAGE: Scenario = Scenario::new(
    "outage",
    "an hour without an API server changes nothing, and afterwards all is read again",
    build,
)
.tick(Duration::from_secs(1));

const HOUR: Duration = Duration::from_secs(3600);
/// After the server's return: the longest pause, and what it takes to connect and read.
const REFUSED: Duration = Duration::from_secs(75);
/// A watch that was cut off hears nothing of it: it gives up when it should have been over.
const CUT: Duration = Duration::from_secs(390);

/// How the server goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outage {
    /// Its connections end, and others are refused.
    Refused,
    /// Nothing comes back.
    Cut,
}

impl Outage {
    fn begin(self, faults: &Faults) {
        match self {
            Self::Refused => faults.crash(API),
            Self::Cut => faults.partition(HOST, API),
        }
    }

    fn end(self, faults: &Faults) {
        match self {
            Self::Refused => faults.bounce(API),
            Self::Cut => faults.repair(HOST, API),
        }
    }

    /// The most that it takes to be served again.
    const fn patience(self) -> Duration {
        match self {
            Self::Refused => REFUSED,
            Self::Cut => CUT,
        }
    }
}

fn build(world: &mut World, rng: &mut Rng) {
    world.limit(HOUR * 2);
    let kubernetes = world.kubernetes();
    let mut options = options(Provider::Crd);
    options.times = Times::default();
    world.proxy(Setup::of_cluster(options));
    world.upstream("pod", |_| Reply::ok(10));
    let address = world.address("pod");
    kubernetes.apply(manifests::service("app"));
    kubernetes.apply(manifests::slice("app-1", "app", &[manifests::ready(address)]));
    kubernetes.apply(manifests::route("old", "Host(`old`)", "app"));
    let outage = if rng.percent(50) { Outage::Refused } else { Outage::Cut };
    let from_start = rng.percent(30);
    let (checks, faults, mut rng) = (world.checks(), world.faults(), rng.fork());
    world.client("client", move |mut client| async move {
        if !from_start {
            served(&mut client, &checks, "old", outage.patience()).await;
            time::sleep(rng.millis(0, 10_000)).await;
        }
        outage.begin(&faults);
        let (start, change) = (Instant::now(), rng.millis(1000, 3_000_000));
        let mut is_changed = false;
        while start.elapsed() < HOUR {
            time::sleep(rng.millis(1000, 300_000)).await;
            if start.elapsed() >= change && !is_changed {
                is_changed = true;
                kubernetes.delete("traefik.io/v1alpha1", "IngressRoute", "default", "old");
                kubernetes.apply(manifests::route("new", "Host(`new`)", "app"));
            }
            let expected = if from_start { [404, 404] } else { [200, 404] };
            let got = [status(&mut client, "old").await, status(&mut client, "new").await];
            checks.equal("while the API server is away", &got, &expected);
        }
        outage.end(&faults);
        served(&mut client, &checks, "new", outage.patience()).await;
        checks.equal("what is no more", &status(&mut client, "old").await, &404);
    });
}

async fn status(client: &mut Client, host: &str) -> u16 {
    // The one before may have been idle for too long.
    client.close();
    client.send(Request::get(host, "/")).await.map_or(0, |got| got.status)
}

async fn served(client: &mut Client, checks: &Checks, host: &str, patience: Duration) {
    let start = Instant::now();
    while status(client, host).await != 200 && start.elapsed() < patience {
        time::sleep(Duration::from_secs(1)).await;
    }
    client.note(format_args!("{host} is served after {:?}", start.elapsed()));
    checks.within("time until it is served", &start.elapsed(), &Duration::ZERO, &patience);
}
