//! Whatever happens on the way, in the end a cluster's routing is what its objects say.
use crate::{
    kubernetes::{
        HOST, Kubernetes, Mischief,
        replica::{Replica, options},
    },
    rng::Rng,
    scenario::Scenario,
    world::World,
};
use rutter_core::provider::kubernetes::Provider;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{self, Instant};

/// Objects that come, change and go under mischief.
pub const CONVERGENCE: Scenario = Scenario::new(
    "convergence",
    "any interleaving of object events, broken watches and refusals ends in the routing of the last list",
    build,
)
.tick(Duration::from_millis(5));

const CHANGES: u64 = 60;
/// When the API server does what it is asked to, all is right after this.
const CALM: Duration = Duration::from_secs(5);
const BUILTIN: [(&str, &str); 4] = [
    ("v1", "Service"),
    ("v1", "Secret"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("networking.k8s.io/v1", "Ingress"),
];
const CUSTOM: [&str; 3] = ["IngressRoute", "Middleware", "TraefikService"];
const GROUPS: [&str; 2] = ["traefik.io/v1alpha1", "traefik.containo.us/v1alpha1"];

fn build(world: &mut World, rng: &mut Rng) {
    let kubernetes = world.kubernetes();
    let providers = [options(Provider::Crd), options(Provider::Ingress)];
    let replica = world.replica("replica", providers.to_vec());
    let (checks, faults, mut rng) = (world.checks(), world.faults(), rng.fork());
    for _ in 0..rng.within(0, 20) {
        change(&kubernetes, &mut rng);
    }
    kubernetes.mischief(Mischief::all(&mut rng));
    world.client("editor", |client| async move {
        for _ in 0..CHANGES {
            change(&kubernetes, &mut rng);
            if rng.percent(3) {
                faults.crash(HOST);
                time::sleep(rng.millis(10, 500)).await;
                faults.bounce(HOST);
            }
            if rng.percent(60) {
                time::sleep(rng.millis(0, 100)).await;
            }
        }
        kubernetes.mischief(Mischief::NONE);
        let start = Instant::now();
        let is_right = |replica: &Replica| {
            providers.iter().all(|options| {
                replica.latest(options.provider) == Some(kubernetes.expected(options))
            })
        };
        while !is_right(&replica) && start.elapsed() < CALM {
            time::sleep(Duration::from_millis(50)).await;
        }
        client.note(format_args!("calm after {:?}", start.elapsed()));
        // It stays so: nobody pauses for longer.
        time::sleep(Duration::from_secs(1)).await;
        for options in &providers {
            let (got, expected) = (replica.latest(options.provider), kubernetes.expected(options));
            checks.equal(options.provider.name(), &got, &Some(expected));
        }
    });
}

fn change(kubernetes: &Kubernetes, rng: &mut Rng) {
    let (api_version, kind) = match rng.percent(50) {
        true => *rng.one_of(&BUILTIN),
        false => (*rng.one_of(&GROUPS), *rng.one_of(&CUSTOM)),
    };
    let namespace = *rng.one_of(&["default", "default", "other"]);
    let name = *rng.one_of(&["a", "b", "c"]);
    if rng.percent(25) {
        return kubernetes.delete(api_version, kind, namespace, name);
    }
    let mut object = body(kind, rng);
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object["metadata"]["namespace"] = namespace.into();
    object["metadata"]["name"] = name.into();
    kubernetes.apply(object);
}

/// Names refer to each other, and not all of them are there.
fn body(kind: &str, rng: &mut Rng) -> Value {
    let name = *rng.one_of(&["a", "b", "c"]);
    let number = rng.within(1, 9);
    let kinds = ["Service", "TraefikService"];
    match kind {
        "Service" => json!({"spec": {"ports": [{"name": "web", "port": rng.within(80, 81)}]}}),
        "EndpointSlice" => {
            let conditions =
                json!({"ready": rng.percent(70), "serving": true, "terminating": false});
            let endpoint =
                json!({"addresses": [format!("10.0.0.{number}")], "conditions": conditions});
            json!({"metadata": {"labels": {"kubernetes.io/service-name": name}}, "addressType": "IPv4",
                "ports": [{"name": "web", "port": 8080}], "endpoints": [endpoint]})
        }
        "Secret" => json!({"data": {"users": "YTpi"}}),
        "Middleware" => match rng.percent(50) {
            true => json!({"spec": {"stripPrefix": {"prefixes": [format!("/{number}")]}}}),
            false => json!({"spec": {"basicAuth": {"secret": name}}}),
        },
        "TraefikService" => {
            let service =
                json!({"name": name, "kind": *rng.one_of(&kinds), "port": 80, "weight": number});
            json!({"spec": {"weighted": {"services": [service]}}})
        }
        "Ingress" => {
            let service = json!({"name": name, "port": {"number": 80}});
            let path = json!({"path": format!("/{number}"), "pathType": "Prefix", "backend": {"service": service}});
            json!({"spec": {"rules": [{"host": "x", "http": {"paths": [path]}}]}})
        }
        _ => {
            let rule =
                if rng.percent(5) { "Path(".to_owned() } else { format!("Path(`/{number}`)") };
            let service = json!({"name": name, "kind": *rng.one_of(&kinds), "port": 80});
            json!({"spec": {"routes": [{"kind": "Rule", "match": rule, "services": [service],
                "middlewares": [{"name": *rng.one_of(&["a", "b", "c"])}]}]}})
        }
    }
}
