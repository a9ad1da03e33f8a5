//! Objects that several scenarios have.
use crate::upstream::PORT;
use serde_json::{Value, json};

/// A Service in `default` with the port `web`, 80.
#[must_use]
pub fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "default", "name": name},
        "spec": {"ports": [{"name": "web", "port": 80}]}})
}

/// An IngressRoute in `default` to such a Service.
#[must_use]
pub fn route(name: &str, rule: &str, service: &str) -> Value {
    let service = json!({"name": service, "port": 80});
    json!({"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute",
        "metadata": {"namespace": "default", "name": name},
        "spec": {"routes": [{"kind": "Rule", "match": rule, "services": [service]}]}})
}

/// Some of a Service's endpoints, which listen where upstreams do.
#[must_use]
pub fn slice(name: &str, service: &str, endpoints: &[Value]) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": "default", "name": name,
            "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4", "ports": [{"name": "web", "port": PORT}], "endpoints": endpoints})
}

/// An endpoint that is ready.
#[must_use]
pub fn ready(address: std::net::IpAddr) -> Value {
    json!({"addresses": [address.to_string()],
        "conditions": {"ready": true, "serving": true, "terminating": false}})
}
