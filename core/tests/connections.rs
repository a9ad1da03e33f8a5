//! From the first bytes of a connection to the server that it is carried to: documents, plans, hellos
//! of real clients, and balancers in cells.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use http::HeaderValue;
use rutter_core::{
    config::{Configuration, Defined, Definitions},
    diagnostic::Place,
    entry_point::{EntryPoint, EntryPointId, Trust, connection::Timeouts},
    plan::{Plan, Settings, compile::compile},
    tcp::arrival::{Arrival, Step},
    time::Instant,
};
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, sync::Arc};
use support::world::World;

mod support {
    #[allow(dead_code, reason = "connections ask for balancers alone")]
    pub(crate) mod world;
}

/// OpenSSL's, for `app.example.com`, over seven records.
const HELLO: &str = include_str!("../src/tcp/client_hello/hellos/openssl_fragmented.hex");

fn plan(routers: &str) -> Plan {
    fn read<T: DeserializeOwned>(json: &str) -> Definitions<T> {
        let all: BTreeMap<String, T> = serde_json::from_str(json).unwrap();
        let define = |(name, value): (String, T)| {
            (name.into(), Arc::new(Defined { value: Ok(value), place: Place::default() }))
        };
        all.into_iter().map(define).collect()
    }
    let mut configuration = Configuration::default();
    configuration.tcp.routers = read(routers);
    configuration.tcp.services = read(
        r#"{
            "all": {"weighted": {"services": [{"name": "a", "weight": 3}, {"name": "b", "weight": 1}]}},
            "a": {"loadBalancer": {"servers": [{"address": "a1:1"}, {"address": "a2:1"}]}},
            "b": {"loadBalancer": {"servers": [{"address": "b:1"}]}},
            "empty": {"loadBalancer": {}},
            "zero": {"weighted": {"services": [{"name": "a", "weight": 0}]}}}"#,
    );
    let entry_point = EntryPoint {
        name: "tcp".into(),
        forwarded_trust: Trust::default(),
        hostname: HeaderValue::from_static("test"),
        raw_paths: false,
    };
    let settings = Settings { entry_points: [entry_point].into(), ..Settings::default() };
    let configurations = BTreeMap::from([("file".into(), Arc::new(configuration))]);
    let (plan, diagnostics) = compile(None, &settings, &configurations);
    assert!(diagnostics.iter().all(|it| it.message.contains("weights are 0")), "{diagnostics:?}");
    plan
}

fn hello() -> Vec<u8> {
    let digits: Vec<char> = HELLO.chars().filter(char::is_ascii_hexdigit).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The servers of so many connections that begin with these bytes.
fn servers(plan: &Plan, bytes: &[u8], count: usize) -> Vec<String> {
    let world = World::new(plan, |_| false);
    let table = plan.connections(EntryPointId(0)).unwrap();
    let connection = |_| {
        let mut arrival = Arrival::new(Instant(0), Timeouts::default());
        let mut step = arrival.start(table);
        for piece in bytes.chunks(100) {
            if matches!(step, Step::Wait { .. }) {
                step = arrival.read(table, piece);
            }
        }
        match step {
            Step::Tcp(router) | Step::Tls { to: Some(router), .. } => {
                let picked = router.service.pick(&world);
                picked.map_or_else(|| "nobody".into(), |picked| picked.server.to_string())
            }
            other @ (Step::Wait { .. } | Step::Http { .. } | Step::Tls { .. } | Step::Close(_)) => {
                format!("{other:?}")
            }
        }
    };
    (0..count).map(connection).collect()
}

#[test]
fn connections_are_shared_out_exactly_by_weight() {
    let plan = plan(
        r#"{"app": {"rule": "HostSNI(`app.example.com`)", "service": "all", "tls": {"passthrough": true}}}"#,
    );
    let cycle = ["a1:1", "a2:1", "a1:1", "b:1", "a2:1", "a1:1", "a2:1", "b:1"];
    assert_eq!(servers(&plan, &hello(), 16), [cycle, cycle].concat());
}

#[test]
fn servers_that_speak_first_are_reached_without_a_byte() {
    let plan = plan(r#"{"all": {"rule": "HostSNI(`*`)", "service": "b"}}"#);
    assert_eq!(servers(&plan, b"", 2), ["b:1", "b:1"]);
}

#[test]
fn a_service_without_servers_takes_nobody() {
    for service in ["empty", "zero"] {
        let router = format!(r#"{{"all": {{"rule": "HostSNI(`*`)", "service": "{service}"}}}}"#);
        assert_eq!(servers(&plan(&router), b"x", 1), ["nobody"]);
    }
}
