//! The proxy under test: the shell's own code on a simulated host.
use crate::{fault::Faults, log::Log, net::Turmoil, world::World};
use rutter::{
    clock::Clock,
    provider::kubernetes::{self, Surroundings},
    settings, source,
};
use rutter_core::{
    config,
    entry_point::{EntryPoint, Trust},
    provider::{Message, internal::Internal},
    time::UnixTime,
};
use std::{
    cell::{Cell, RefCell},
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::{self, JoinSet},
    time,
};

/// The proxy's host name.
pub const HOST: &str = "proxy";
/// The port of its entry point.
pub const PORT: u16 = 80;

/// The port of its entry point of UDP.
pub const UDP_PORT: u16 = 53;

/// The proxy starts when its servers listen.
const START: Duration = Duration::from_millis(5);
/// Configurations that come faster are gathered.
const THROTTLE: Duration = Duration::from_millis(2);
/// Messages of providers that wait for the proxy.
const INBOX: usize = 64;

/// What a proxy starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    dynamic: String,
    cluster: Option<kubernetes::Options>,
    workers: usize,
    dial_timeout: Option<Duration>,
    response_header_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    accept_grace: Option<Duration>,
    grace: Option<Duration>,
    udp_timeout: Option<Duration>,
}

macro_rules! options { ($($(#[$doc:meta])* $name:ident;)*) => { $(
    $(#[$doc])*
    #[must_use]
    pub const fn $name(mut self, time: Duration) -> Self {
        self.$name = Some(time);
        self
    })* }
}

impl Setup {
    /// One worker, every option at its default, and this dynamic configuration in YAML.
    #[must_use]
    pub fn new(dynamic: &str) -> Self {
        Self {
            dynamic: dynamic.to_owned(),
            cluster: None,
            workers: 1,
            dial_timeout: None,
            response_header_timeout: None,
            read_timeout: None,
            idle_timeout: None,
            accept_grace: None,
            grace: None,
            udp_timeout: None,
        }
    }

    /// The same, with the objects of a cluster instead of a configuration.
    #[must_use]
    pub fn of_cluster(options: kubernetes::Options) -> Self {
        Self { cluster: Some(options), ..Self::new("") }
    }

    /// So many workers.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    fn settings(&self, seed: u64) -> settings::Settings {
        let core = EntryPoint {
            name: "web".into(),
            forwarded_trust: Trust::default(),
            hostname: http::HeaderValue::from_static(HOST),
            raw_paths: false,
        };
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
        let mut entry_point = settings::EntryPoint::new(core, address);
        entry_point.timeouts.read = self.read_timeout.or(entry_point.timeouts.read);
        entry_point.timeouts.idle = self.idle_timeout.or(entry_point.timeouts.idle);
        entry_point.accept_grace = self.accept_grace.unwrap_or(entry_point.accept_grace);
        entry_point.grace = self.grace.unwrap_or(entry_point.grace);
        let udp = self.udp_timeout.map(|timeout| settings::UdpEntryPoint {
            timeout,
            grace: entry_point.grace,
            ..settings::UdpEntryPoint::new("dns".into(), (address.ip(), UDP_PORT).into())
        });
        let mut transport = settings::Transport::default();
        transport.dial_timeout = self.dial_timeout.or(transport.dial_timeout);
        transport.response_header_timeout = self.response_header_timeout;
        settings::Settings {
            entry_points: vec![entry_point],
            udp_entry_points: udp.into_iter().collect(),
            transport,
            internal: Internal::default(),
            throttle: THROTTLE,
            seed,
        }
    }

    options! {
        /// Option `serversTransport.forwardingTimeouts.dialTimeout`.
        dial_timeout;
        /// Option `serversTransport.forwardingTimeouts.responseHeaderTimeout`.
        response_header_timeout;
        /// Option `transport.respondingTimeouts.readTimeout`.
        read_timeout;
        /// Option `transport.respondingTimeouts.idleTimeout`.
        idle_timeout;
        /// Option `transport.lifeCycle.requestAcceptGraceTimeout`.
        accept_grace;
        /// Option `transport.lifeCycle.graceTimeOut`.
        grace;
        /// Option `udp.timeout` of an entry point `dns`, which is there with it.
        udp_timeout;
    }
}

/// The proxy of a world. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Proxy(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    setup: Setup,
    log: Log,
    faults: Faults,
    seed: u64,
    /// Set while its process runs.
    running: RefCell<Option<Running>>,
    ended: Cell<bool>,
}

#[derive(Debug)]
struct Running {
    proxy: Arc<rutter::proxy::Proxy>,
    messages: mpsc::Sender<Message>,
}

impl Proxy {
    /// Replaces the whole dynamic configuration, as a provider does.
    pub fn apply(&self, dynamic: &str) {
        self.0.log.note(HOST, "a provider has a new configuration");
        if let Some(running) = &*self.0.running.borrow() {
            // A process that is ending takes no messages.
            let _ = running.messages.try_send(message(dynamic));
        }
    }

    /// Begins the shutdown, as SIGTERM does.
    pub fn terminate(&self) {
        self.0.log.note(HOST, "is told to terminate");
        if let Some(running) = &*self.0.running.borrow() {
            running.proxy.terminate();
        }
    }

    /// How many sessions of UDP there are.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        let running = self.0.running.borrow();
        running.as_ref().map_or(0, |it| it.proxy.counters().sessions.load(Ordering::Relaxed))
    }

    /// Whether the process has ended by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.0.ended.get()
    }

    /// Waits for the end of the process.
    pub async fn ended(&self) {
        while !self.has_ended() {
            time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl World {
    /// Adds the proxy.
    pub fn proxy(&mut self, setup: Setup) -> Proxy {
        let proxy = Proxy(Rc::new(Shared {
            setup,
            log: self.log(),
            faults: self.faults(),
            seed: self.word(),
            running: RefCell::default(),
            ended: Cell::default(),
        }));
        let shared = Rc::clone(&proxy.0);
        self.host(HOST, move |net| process(Rc::clone(&shared), net));
        proxy
    }
}

/// The process: what `main` does, without files and signals.
async fn process(shared: Rc<Shared>, net: Turmoil) -> turmoil::Result {
    time::sleep(START).await;
    let clock = Clock::simulated(UnixTime(0));
    let proxy = rutter::proxy::Proxy::new(shared.setup.settings(shared.seed), None, clock)?;
    let lists = proxy.bind(&net, shared.setup.workers).await?;
    let (messages, inbox) = mpsc::channel(INBOX);
    match &shared.setup.cluster {
        None => messages.send(message(&shared.setup.dynamic)).await?,
        Some(options) => {
            let surroundings =
                Surroundings { environment: |_: &str| None, clock, seed: shared.seed };
            let (options, net, messages) = (options.clone(), net.clone(), messages.clone());
            let provider = kubernetes::run(options, net, surroundings, messages, proxy.findings());
            task::spawn_local(provider);
        }
    }
    *shared.running.borrow_mut() = Some(Running { proxy: Arc::clone(&proxy), messages });
    task::spawn_local(Arc::clone(&proxy).control(net.clone(), clock, inbox));
    shared.log.note(HOST, "listens");
    let mut workers = JoinSet::new();
    for (index, list) in lists.into_iter().enumerate() {
        workers.spawn_local(Arc::clone(&proxy).serve(net.clone(), clock, index, list));
    }
    workers.join_all().await;
    shared.log.note(HOST, "has ended");
    shared.ended.set(true);
    // A process that ends takes its sockets with it.
    shared.faults.crash(HOST);
    pending().await
}

/// # Panics
/// The text is no YAML: the scenario is wrong.
fn message(dynamic: &str) -> Message {
    let document = source::parse(Path::new("sim.yaml"), dynamic);
    let document = document.unwrap_or_else(|error| panic!("{error}"));
    let (configuration, _) = config::read::read(&document);
    Message { provider: "file".into(), configuration: Arc::new(configuration) }
}
