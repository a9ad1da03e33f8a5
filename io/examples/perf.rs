//! local perf
use rutter::{process::Process, settings::*};
use rutter_core::{
    config::*,
    diagnostic::Place,
    entry_point,
    provider::{Message, internal::Internal},
};
use std::{sync::Arc, time::Duration};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let core = entry_point::EntryPoint {
        name: "web".into(),
        forwarded_trust: Default::default(),
        hostname: "h".parse().unwrap(),
        raw_paths: false,
    };
    let settings = Settings {
        entry_points: vec![EntryPoint::new(core, args[1].parse().unwrap())],
        transport: Transport::default(),
        internal: Internal::default(),
        throttle: Duration::ZERO,
        seed: 7,
    };
    let log = (args.len() > 3).then(|| {
        rutter::access_log::Handle::open(rutter::access_log::Target::File(args[3].clone().into()))
            .unwrap()
    });
    let (handle, _w) = log.unzip();
    let process = Process::start(settings, handle, 1).unwrap();
    let mut c = Configuration::default();
    let d = |v| Arc::new(Defined { value: Ok(v), place: Place::default() });
    c.http.routers.insert(
        "app".into(),
        d(http::Router {
            rule: "PathPrefix(`/`)".into(),
            service: "app".into(),
            ..Default::default()
        }),
    );
    let servers = vec![http::Server { url: args[2].clone() }];
    let lb = http::LoadBalancer { servers, ..Default::default() };
    c.http.services.insert(
        "app".into(),
        Arc::new(Defined {
            value: Ok(http::Service { load_balancer: Some(lb), ..Default::default() }),
            place: Place::default(),
        }),
    );
    process
        .messages()
        .blocking_send(Message { provider: "file".into(), configuration: Arc::new(c) })
        .unwrap();
    process.wait();
}
