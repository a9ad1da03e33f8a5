//! Of two replicas one writes to the cluster, whatever becomes of the network.
use crate::{
    check::Checks,
    fault::Faults,
    kubernetes::{HOST as API, Kubernetes, Mischief, Write, replica::options},
    rng::Rng,
    scenario::Scenario,
    world::World,
};
use rutter::provider::kubernetes::Options;
use rutter_core::provider::kubernetes::{Address, IngressEndpoint, Provider};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tokio::time;

/// Two replicas, partitions and conflicts.
pub const LEADERS: Scenario = Scenario::new(
    "leaders",
    "of two replicas one writes at a time, and in the end all is written once",
    build,
)
.tick(Duration::from_millis(50));

const REPLICAS: [&str; 2] = ["one", "two"];
const INGRESSES: u64 = 4;
/// What others have written may wait for a lease that runs out, and for the pauses of the next leader; a watch
/// whose connection died in a partition unseen is given up after 295 s.
const SETTLED: Duration = Duration::from_secs(360);
/// What is written may be under way for so long: a connection is given up after it.
const UNDER_WAY: Duration = Duration::from_secs(10);

fn build(world: &mut World, rng: &mut Rng) {
    world.limit(Duration::from_secs(1000));
    let kubernetes = world.kubernetes();
    for host in REPLICAS {
        let address = Address { ip: "192.0.2.1".into(), hostname: String::new() };
        let mut options: Options = options(Provider::Ingress);
        options.translation.ingress_endpoint = Some(IngressEndpoint::Address(address));
        world.replica(host, vec![options]);
    }
    let (checks, faults, mut rng) = (world.checks(), world.faults(), rng.fork());
    kubernetes.apply(ingress(0, "/0"));
    kubernetes.mischief(Mischief { break_after: 0, ..Mischief::all(&mut rng) });
    world.client("editor", |client| async move {
        for n in 1..INGRESSES {
            hardship(&faults, &mut rng).await;
            kubernetes.apply(ingress(n, &format!("/{n}")));
        }
        kubernetes.mischief(Mischief::NONE);
        let mut waited = Duration::ZERO;
        while !is_written(&kubernetes) && waited < SETTLED {
            waited += Duration::from_secs(1);
            time::sleep(Duration::from_secs(1)).await;
        }
        client.note(format_args!("all is written after {waited:?}"));
        let wanted = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
        for ingress in kubernetes.list("networking.k8s.io/v1", "Ingress") {
            checks.equal("a status", &ingress["status"], &wanted);
        }
        // One for each Ingress: its Service is missing.
        let events = kubernetes.list("v1", "Event");
        let of = |event: &Value| event["involvedObject"]["name"].to_string();
        let objects: BTreeSet<String> = events.iter().map(of).collect();
        checks.equal("objects with Events", &objects.len(), &(INGRESSES as usize));
        checks.equal("Events", &events.len(), &(INGRESSES as usize));
        one_at_a_time(&kubernetes, &checks);
        let leases = kubernetes.list("coordination.k8s.io/v1", "Lease");
        checks.equal("leases", &leases.len(), &1);
    });
}

/// Who writes holds the lease, or did when it began to.
fn one_at_a_time(kubernetes: &Kubernetes, checks: &Checks) {
    let mut holder = None;
    for Write { at, by, what } in kubernetes.writes() {
        match holder {
            Some((holder, _)) if holder == by => {}
            _ if what.contains("/leases ") => holder = Some((by, at)),
            Some((_, since)) if at - since <= UNDER_WAY => {}
            _ => checks.fail(&format!("{by} does not lead, and at {at:?} it did {what}")),
        }
    }
}

/// One replica loses the API server for a while, or both do.
async fn hardship(faults: &Faults, rng: &mut Rng) {
    time::sleep(rng.millis(0, 8000)).await;
    let lost = match rng.within(0, 3) {
        0 => &REPLICAS[..1],
        1 => &REPLICAS[1..],
        2 => &REPLICAS[..],
        _ => &[],
    };
    lost.iter().for_each(|host| faults.partition(host, API));
    time::sleep(rng.millis(0, 30_000)).await;
    lost.iter().for_each(|host| faults.repair(host, API));
    // Simulated TCP does not go on after a partition as TCP does: what is dead has to end.
    faults.crash(API);
    time::sleep(rng.millis(100, 500)).await;
    faults.bounce(API);
}

fn is_written(kubernetes: &Kubernetes) -> bool {
    let ingresses = kubernetes.list("networking.k8s.io/v1", "Ingress");
    ingresses.iter().all(|it| !it["status"].is_null())
        && kubernetes.list("v1", "Event").len() >= ingresses.len()
}

fn ingress(n: u64, path: &str) -> Value {
    let backend = json!({"service": {"name": "missing", "port": {"number": 80}}});
    let path = json!({"path": path, "pathType": "Prefix", "backend": backend});
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"namespace": "default", "name": format!("ingress{n}")},
        "spec": {"rules": [{"host": "x", "http": {"paths": [path]}}]}})
}
