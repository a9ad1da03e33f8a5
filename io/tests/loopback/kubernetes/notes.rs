//! What the replica that leads writes: Events, and the status of Ingresses.
use super::{Provided, ROUTES, api::Api, fill, options, route, service, slice};
use crate::proxy::run;
use rutter_core::{
    diagnostic::{Diagnostic, Kind, Place, Severity},
    provider::kubernetes::{Address, IngressEndpoint, Provider},
};
use serde_json::{Value, json};

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/rutter-kubernetescrd";

/// On which object it is, and what it says.
fn said(event: &Value) -> String {
    let object = &event["involvedObject"];
    let [kind, name, message] = [&object["kind"], &object["name"], &event["message"]];
    format!("{} {}: {}", kind.as_str().unwrap(), name.as_str().unwrap(), message.as_str().unwrap())
}

fn wrong_route(name: &str) -> Value {
    let mut wrong = route(name, "Path(`/wrong`)");
    wrong["spec"]["routes"][0]["services"][0]["name"] = "nobody".into();
    wrong
}

fn ingress() -> Value {
    let service = json!({"name": "app", "port": {"number": 80}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": {"service": service}});
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"namespace": "default", "name": "web", "uid": "web"},
        "spec": {"rules": [{"host": "a.test", "http": {"paths": [path]}}]},
    })
}

#[test]
fn what_is_wrong_is_an_event_on_its_object_once() {
    run(async {
        let (api, url) = Api::start().await;
        fill(&api);
        api.put(wrong_route("wrong"));
        let mut provided = Provided::by(options(&url));
        provided.next().await;
        let events = api.wait_written("Event", 1).await;
        let want = "IngressRoute wrong: spec.routes[0].services[0]: Service default/nobody";
        assert!(said(&events[0]).starts_with(want), "{}", said(&events[0]));
        // It is translated again, and says nothing new; the next one does.
        api.put(route("a", "Path(`/b`)"));
        provided.next().await;
        api.put(wrong_route("more"));
        let events = api.wait_written("Event", 2).await;
        assert_eq!(events.len(), 2);
        assert!(said(&events[1]).starts_with("IngressRoute more: "), "{}", said(&events[1]));
    });
}

#[test]
fn what_the_plan_finds_is_an_event_on_the_object_that_says_it() {
    run(async {
        let (api, url) = Api::start().await;
        fill(&api);
        let mut provided = Provided::by(options(&url));
        let message = provided.messages.recv().await.unwrap();
        let router = message.configuration.http.routers.keys().next().unwrap().clone();
        let of = |object: String, message: &str| Diagnostic {
            severity: Severity::Error,
            kind: Kind::Router,
            object: object.into(),
            path: "http.routers".to_owned(),
            place: Place::default(),
            message: message.to_owned(),
        };
        let ours = of(format!("{router}@kubernetescrd"), "middleware `x` is missing");
        let other = of(format!("{router}@file"), "none of ours");
        provided.plan.send_replace([other, ours.clone()].into());
        let events = api.wait_written("Event", 1).await;
        assert_eq!(said(&events[0]), "IngressRoute a: middleware `x` is missing");
        // The same once more, and another one.
        let more = of(format!("{router}@kubernetescrd"), "another");
        provided.plan.send_replace([ours, more].into());
        let events = api.wait_written("Event", 2).await;
        assert_eq!(said(&events[1]), "IngressRoute a: another");
    });
}

#[test]
fn an_ingress_says_where_it_is_reached() {
    run(async {
        let (api, url) = Api::start().await;
        api.put(service());
        api.put(slice(&["10.0.0.1"]));
        api.put(ingress());
        let mut options = options(&url);
        options.provider = Provider::Ingress;
        let address = Address { ip: "192.0.2.1".to_owned(), hostname: String::new() };
        options.translation.ingress_endpoint = Some(IngressEndpoint::Address(address));
        let mut provided = Provided::by(options);
        provided.next().await;
        let status = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
        assert_eq!(api.wait_written("Ingress", 1).await[0]["status"], status);
        // Somebody takes it away.
        api.put(ingress());
        let written = api.wait_written("Ingress", 2).await;
        assert_eq!((written.len(), &written[1]["status"]), (2, &status));
    });
}

#[test]
fn a_replica_that_does_not_lead_writes_nothing_until_it_does() {
    run(async {
        let (api, url) = Api::start().await;
        let lease = |holder: &str| {
            json!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": "rutter-kubernetescrd", "resourceVersion": "1"},
                "spec": {"holderIdentity": holder},
            })
        };
        api.keep(LEASE, lease("other"));
        fill(&api);
        api.put(wrong_route("wrong"));
        let mut provided = Provided::by(options(&url));
        provided.next().await;
        api.wait_asked(LEASE, 5).await;
        assert_eq!(api.written("Event"), [Value::Null; 0]);
        // The other one gives it back.
        api.keep(LEASE, lease(""));
        let leases = api.wait_written("Lease", 1).await;
        assert_ne!(leases[0]["spec"]["holderIdentity"], "");
        assert_eq!(leases[0]["spec"]["leaseTransitions"], 0);
        assert_eq!(api.wait_written("Event", 1).await.len(), 1);
        drop(provided);
        let released = loop {
            let leases = api.written("Lease");
            if leases.last().unwrap()["spec"]["holderIdentity"] == "" {
                break leases.len();
            }
            api.wait_written("Lease", leases.len() + 1).await;
        };
        assert!(released > 1);
    });
}

#[test]
fn what_cannot_be_written_does_not_hold_up_what_is_served() {
    run(async {
        let (api, url) = Api::start().await;
        api.refuse("documents", 403);
        fill(&api);
        api.put(wrong_route("wrong"));
        let mut provided = Provided::by(options(&url));
        provided.next().await;
        api.wait_asked(LEASE, 3).await;
        api.put(route("a", "Path(`/b`)"));
        provided.until("Path(`/b`) http://10.0.0.1:8080").await;
        assert!(api.asked(ROUTES).len() > 1);
    });
}
