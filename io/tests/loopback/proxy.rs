//! A proxy in this thread, and what it is configured with.
use rutter::{
    access_log,
    clock::Clock,
    net::{Datagrams as _, Listener, tcp::Tcp},
    provider::file::{Options, Source, load},
    proxy::Proxy,
    settings::{EntryPoint, Settings, Transport},
};
use rutter_core::{
    config::{Configuration, Defined, Definitions, http},
    diagnostic::{Diagnostic, Place},
    entry_point::{self, Trust},
    middleware::Definition,
    plan::{self, compile::compile},
    provider::internal::Internal,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::{JoinHandle, LocalSet};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy that serves on this thread.
pub(crate) struct Served {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) address: SocketAddr,
    /// Of the entry points of UDP.
    pub(crate) udp: Vec<SocketAddr>,
    pub(crate) task: JoinHandle<()>,
    pub(crate) log: Arc<Mutex<Vec<u8>>>,
}

/// Runs a test on one thread, within its time.
pub(crate) fn run<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        tokio::time::timeout(PATIENCE, test).await.expect("the test ends in time");
    });
}

/// One entry point, `web`, on a free port.
pub(crate) fn settings() -> Settings {
    let core = entry_point::EntryPoint {
        name: "web".into(),
        forwarded_trust: Trust::default(),
        hostname: "test".parse().unwrap(),
        raw_paths: false,
    };
    Settings {
        entry_points: vec![EntryPoint::new(core, "127.0.0.1:0".parse().unwrap())],
        udp_entry_points: Vec::new(),
        transport: Transport::default(),
        internal: Internal::default(),
        throttle: Duration::ZERO,
        seed: 7,
    }
}

/// Objects by name.
pub(crate) fn configuration(
    routers: Vec<(&str, http::Router)>,
    services: Vec<(&str, http::Service)>,
) -> Configuration {
    fn defined<T>(objects: Vec<(&str, T)>) -> Definitions<T> {
        let defined = |value| Arc::new(Defined { value: Ok(value), place: Place::default() });
        objects.into_iter().map(|(name, value)| (name.into(), defined(value))).collect()
    }
    let mut configuration = Configuration::default();
    configuration.http.routers = defined(routers);
    configuration.http.services = defined(services);
    configuration
}

/// A router for everything.
pub(crate) fn everything(service: &str) -> http::Router {
    http::Router {
        rule: "PathPrefix(`/`)".into(),
        service: service.into(),
        ..http::Router::default()
    }
}

/// A load balancer over these servers.
pub(crate) fn servers(urls: &[String]) -> http::Service {
    let servers = urls.iter().map(|url| http::Server { url: url.clone() }).collect();
    http::Service {
        load_balancer: Some(http::LoadBalancer { servers, ..http::LoadBalancer::default() }),
        ..http::Service::default()
    }
}

/// Everything goes to one server.
pub(crate) fn to(url: impl Into<String>) -> Configuration {
    configuration(vec![("app", everything("app"))], vec![("app", servers(&[url.into()]))])
}

/// Everything goes to one server, past a middleware.
pub(crate) fn past(url: &str, middleware: Definition) -> Configuration {
    let mut router = everything("app");
    router.middlewares = vec!["m".into()];
    let services = vec![("app", servers(&[url.to_owned()]))];
    let mut configuration = configuration(vec![("app", router)], services);
    let defined = Arc::new(Defined { value: Ok(middleware), place: Place::default() });
    configuration.http.middlewares.insert("m".into(), defined);
    configuration
}

/// Starts a proxy.
pub(crate) async fn serve(settings: Settings, configuration: Configuration) -> Served {
    let served = serve_anyway(settings).await;
    publish(&served.proxy, configuration);
    served
}

/// Starts a proxy for which nothing is configured yet.
pub(crate) async fn serve_anyway(settings: Settings) -> Served {
    let log = Arc::new(Mutex::new(Vec::new()));
    let clock = Clock::start();
    let log_to = access_log::Handle::inline(log.clone());
    let proxy = Proxy::new(settings, Some(log_to), clock).unwrap();
    let net = Tcp::default();
    let sockets = proxy.bind(&net, 1).await.unwrap().remove(0);
    let address = sockets.listeners[0].local_addr().unwrap();
    let udp = sockets.datagrams.iter().map(|it| it.socket.local_addr().unwrap()).collect();
    let serving = Arc::clone(&proxy).serve(net, clock, 0, sockets);
    Served { proxy, address, udp, task: tokio::task::spawn_local(serving), log }
}

/// What the file provider makes of a YAML text.
pub(crate) fn written(yaml: &str) -> Configuration {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dynamic.yaml");
    std::fs::write(&file, yaml).unwrap();
    let source = Source::File(file);
    let options = Options { source, watch: false, debug_log_generated_template: false };
    let loaded = load(&options).unwrap_or_else(|error| panic!("{error}: {yaml}"));
    assert!(loaded.diagnostics.is_empty(), "{:?}: {yaml}", loaded.diagnostics);
    Configuration::clone(&loaded.configuration)
}

/// Replaces what is configured.
pub(crate) fn publish(proxy: &Proxy, configuration: Configuration) {
    assert_eq!(publish_anyway(proxy, configuration), Vec::<Diagnostic>::new());
}

/// Replaces what is configured, whatever is wrong with it.
pub(crate) fn publish_anyway(proxy: &Proxy, configuration: Configuration) -> Vec<Diagnostic> {
    let previous = proxy.plan();
    let settings = plan::Settings { ping: true, ..proxy.plan_settings() };
    let configurations = BTreeMap::from([("file".into(), Arc::new(configuration))]);
    let (plan, diagnostics) = compile(Some(&previous), &settings, &configurations);
    proxy.publish(Arc::new(plan));
    diagnostics
}
