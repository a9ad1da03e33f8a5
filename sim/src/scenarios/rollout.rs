//! A Deployment gets a new version, pod by pod, and no client notices.
use crate::{
    check::Checks,
    client::{Client, Request},
    fault::Faults,
    kubernetes::{Kubernetes, Mischief, manifests, replica::options},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::{Reply, Upstream},
    world::World,
};
use rutter_core::provider::kubernetes::Provider;
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    rc::Rc,
    time::Duration,
};
use tokio::{task::JoinSet, time};

/// Three pods are replaced under load.
pub const ROLLOUT: Scenario = Scenario::new(
    "rollout",
    "a rolling update of three pods under load, with late events, costs no request",
    build,
)
.tick(Duration::from_millis(10));

const REPLICAS: usize = 3;
const CROWD: usize = 4;
/// From when a pod is told to terminate until it is gone.
const GRACE: Duration = Duration::from_millis(2500);
/// By then the proxy knows, whatever the API server does.
const KNOWN: Duration = Duration::from_millis(2000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Ready,
    Terminating,
    Gone,
}

struct Pod {
    upstream: Upstream,
    address: IpAddr,
    phase: Cell<Phase>,
}

/// What Kubernetes' controllers do.
#[derive(Clone)]
struct Controller {
    kubernetes: Kubernetes,
    pods: Rc<[Pod]>,
    /// How many slices the Service has.
    slices: usize,
    checks: Checks,
    faults: Faults,
    rng: Rc<RefCell<Rng>>,
}

fn build(world: &mut World, rng: &mut Rng) {
    let kubernetes = world.kubernetes();
    world.proxy(Setup::of_cluster(options(Provider::Crd)).workers(2));
    let pod = |n: usize| {
        let mut rng = rng.fork();
        let name = format!("pod{n}");
        let upstream =
            world.upstream(&name, move |_| Reply::ok(rng.length(0, 3000)).after(rng.millis(0, 60)));
        let phase = if n < REPLICAS { Phase::Ready } else { Phase::Starting };
        Pod { upstream, address: world.address(&name), phase: Cell::new(phase) }
    };
    let pods: Rc<[Pod]> = (0..2 * REPLICAS).map(pod).collect();
    kubernetes.apply(manifests::service("app"));
    kubernetes.apply(manifests::route("app", "PathPrefix(`/`)", "app"));
    let controller = Controller {
        kubernetes,
        pods,
        slices: rng.length(1, 3),
        checks: world.checks(),
        faults: world.faults(),
        rng: Rc::new(RefCell::new(rng.fork())),
    };
    controller.publish();
    let (served, done) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let (checks, mut draws) = (world.checks(), rng.fork());
    let (is_served, is_done) = (served.clone(), done.clone());
    world.client("client", |client| async move {
        let load = client.crowd(CROWD, |client| {
            load(client, checks.clone(), draws.fork(), is_served.clone(), is_done.clone())
        });
        load.await;
    });
    world.client("rollout", |_| async move {
        while !served.get() {
            time::sleep(Duration::from_millis(20)).await;
        }
        controller.roll_out().await;
        done.set(true);
    });
}

async fn load(
    mut client: Client,
    checks: Checks,
    mut rng: Rng,
    served: Rc<Cell<bool>>,
    done: Rc<Cell<bool>>,
) {
    let is_ok = |status: u16| (200..300).contains(&status);
    while !client.send(Request::get("app", "/")).await.is_ok_and(|got| is_ok(got.status)) {
        time::sleep(Duration::from_millis(20)).await;
    }
    served.set(true);
    while !done.get() {
        let request = match rng.percent(60) {
            true => Request::get("app", "/"),
            false => Request::post("app", "/", rng.length(0, 3000)),
        };
        checks.answered(&client.send(request).await);
        time::sleep(rng.millis(0, 60)).await;
    }
}

impl Controller {
    async fn roll_out(self) {
        let mischief = Mischief {
            break_after: self.rng.borrow_mut().within(400, 2000),
            late: 300,
            refuse: 5,
            slow: 50,
            forget: 2,
            twice: 10,
            conflict: 0,
        };
        self.kubernetes.mischief(mischief);
        let mut ends = JoinSet::new();
        for n in 0..REPLICAS {
            let pause = self.rng.borrow_mut().millis(0, 700);
            time::sleep(pause).await;
            let new = &self.pods[REPLICAS + n];
            self.checks.equal("requests of a pod that is not ready", &new.upstream.hits(), &0);
            self.enter(REPLICAS + n, Phase::Ready);
            let pause = self.rng.borrow_mut().millis(0, 200);
            time::sleep(pause).await;
            ends.spawn_local(self.clone().end(n));
        }
        ends.join_all().await;
        for n in REPLICAS..2 * REPLICAS {
            let hits = self.pods[n].upstream.hits();
            self.checks.that(hits > 0, || format!("pod {n} is ready and gets nothing"));
        }
    }

    /// A pod terminates, serves until its grace is over, and is gone.
    async fn end(self, n: usize) {
        let pod = &self.pods[n];
        self.enter(n, Phase::Terminating);
        time::sleep(KNOWN).await;
        let hits = pod.upstream.ledger().heads;
        time::sleep(GRACE.saturating_sub(KNOWN)).await;
        let late = pod.upstream.ledger().heads - hits;
        self.checks.equal("late requests of a pod that terminates", &late, &0);
        self.faults.crash(pod.upstream.name());
        let pause = self.rng.borrow_mut().millis(0, 100);
        time::sleep(pause).await;
        self.enter(n, Phase::Gone);
    }

    fn enter(&self, n: usize, phase: Phase) {
        self.pods[n].phase.set(phase);
        self.publish();
    }

    fn publish(&self) {
        for slice in 0..self.slices {
            let pods = self.pods.iter().skip(slice).step_by(self.slices);
            let endpoints: Vec<Value> = pods.filter_map(Pod::endpoint).collect();
            self.kubernetes.apply(manifests::slice(&format!("app-{slice}"), "app", &endpoints));
        }
    }
}

impl Pod {
    fn endpoint(&self) -> Option<Value> {
        let phase = self.phase.get();
        let is_terminating = phase == Phase::Terminating;
        let conditions = json!({"ready": phase == Phase::Ready, "terminating": is_terminating,
            "serving": is_terminating || phase == Phase::Ready});
        let addresses = [self.address.to_string()];
        (phase != Phase::Gone).then(|| json!({"addresses": addresses, "conditions": conditions}))
    }
}
