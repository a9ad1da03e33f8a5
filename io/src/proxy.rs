//! The proxy: what all its workers share, and the calls that run it.
//!
//! ```text
//! let proxy = Proxy::new(settings, access_log, clock)?;
//! let sockets = proxy.bind(&net, workers).await?;         // those of each worker
//! spawn(proxy.clone().control(net, clock, messages));     // provider messages → plans
//! spawn(proxy.clone().serve(net, clock, index, its));     // one for each worker
//! proxy.terminate();                                      // `serve` and `control` then end
//! ```
//! All of it runs on current-thread runtimes inside a `LocalSet` (or a `LocalRuntime`).
use crate::{
    access_log,
    clock::Clock,
    control,
    live::LivePlan,
    net::{Datagrams as _, Listener, Net},
    settings::Settings,
    tls::{Acceptors, LOAD},
    upstream::tls::{self, TlsError},
    worker,
};
use arc_swap::ArcSwap;
use rutter_core::{
    diagnostic::Diagnostic,
    entry_point::EntryPointId,
    plan::{self, Plan},
    provider::Message,
};
use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::{Barrier, mpsc, watch};

/// What all workers of one proxy share.
pub struct Proxy {
    pub(crate) settings: Settings,
    pub(crate) live: Arc<ArcSwap<LivePlan>>,
    /// Tells that another plan is in force.
    pub(crate) published: watch::Sender<()>,
    pub(crate) terminating: AtomicBool,
    pub(crate) stop: watch::Sender<bool>,
    /// What is wrong with the plan in force.
    pub(crate) findings: watch::Sender<Arc<[Diagnostic]>>,
    pub(crate) counters: Counters,
    pub(crate) access_log: Option<access_log::Handle>,
    /// Towards servers.
    pub(crate) tls: Arc<tls::Configs>,
    /// Towards clients.
    pub(crate) acceptors: Acceptors,
}

/// What one worker listens on.
#[allow(missing_debug_implementations, reason = "sockets of a network need not have any")]
pub struct Sockets<N: Net> {
    /// One for each entry point.
    pub listeners: Vec<N::Listener>,
    /// One for each entry point of UDP.
    pub datagrams: Vec<Datagrams<N>>,
}

/// One worker's share of an entry point's datagrams.
#[allow(missing_debug_implementations, reason = "sockets of a network need not have any")]
pub struct Datagrams<N: Net> {
    /// Where they come in.
    pub socket: N::Datagrams,
    /// Where the workers meet when all of them are done.
    pub(crate) end: Arc<Barrier>,
}

/// What happened so far, over all workers.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that have, or will have, a line in the access log.
    pub logged: AtomicU64,
    /// Client connections accepted.
    pub connections: AtomicU64,
    /// Sessions of UDP that there are now.
    pub sessions: AtomicU64,
    /// Datagrams that went nowhere: too many sessions, no server, no room.
    pub datagrams_dropped: AtomicU64,
    /// Plans that were put in force by [`Proxy::control`].
    pub plans: AtomicU64,
    /// Copies that were sent to mirrors and answered.
    pub mirrored: AtomicU64,
    /// Copies for mirrors that were dropped: too long a body, too many at once, no answer in time.
    pub mirrors_dropped: AtomicU64,
}

/// Why a proxy could not start.
#[derive(Debug)]
pub enum StartError {
    /// An entry point's address cannot be listened on.
    Bind {
        /// The entry point's name.
        entry_point: Arc<str>,
        /// Its address.
        address: SocketAddr,
        /// The system's reason.
        error: io::Error,
    },
    /// `serversTransport` cannot be used.
    Tls(TlsError),
    /// The certificate of the process cannot be made.
    Certificate(rcgen::Error),
    /// The system gives no thread, or none that can wait for sockets.
    Thread(io::Error),
}

impl StartError {
    pub(crate) fn bind(entry_point: &Arc<str>, address: SocketAddr, error: io::Error) -> Self {
        Self::Bind { entry_point: Arc::clone(entry_point), address, error }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { entry_point, address, error } => {
                write!(f, "entryPoints.{entry_point}.address: cannot listen on {address}: {error}")
            }
            Self::Certificate(error) => {
                write!(f, "cannot make the default certificate: {error}")
            }
            Self::Tls(error) => write!(f, "serversTransport.{error}"),
            Self::Thread(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl Proxy {
    /// A proxy without a route, which answers 404 until its first plan.
    pub fn new(
        settings: Settings,
        access_log: Option<access_log::Handle>,
        clock: Clock,
    ) -> Result<Arc<Self>, StartError> {
        let entry_points = settings.entry_points.iter().map(|it| it.core.clone()).collect();
        let tls = tls::Configs::new(&settings.transport).map_err(StartError::Tls)?;
        let live = LivePlan::first(Plan::empty(entry_points));
        let live = Arc::new(ArcSwap::from_pointee(live));
        let acceptors =
            Acceptors::new(Arc::clone(&live), clock).map_err(StartError::Certificate)?;
        Ok(Arc::new(Self {
            live,
            published: watch::Sender::new(()),
            acceptors,
            terminating: AtomicBool::new(false),
            stop: watch::Sender::new(false),
            findings: watch::Sender::new([].into()),
            counters: Counters::default(),
            access_log,
            tls: Arc::new(tls),
            settings,
        }))
    }

    /// What is wrong with the plan in force, now and later.
    #[must_use]
    pub fn findings(&self) -> watch::Receiver<Arc<[Diagnostic]>> {
        self.findings.subscribe()
    }

    /// Listens on every entry point, once for each worker.
    pub async fn bind<N: Net>(
        &self,
        net: &N,
        workers: usize,
    ) -> Result<Vec<Sockets<N>>, StartError> {
        let none = |_| Sockets { listeners: Vec::new(), datagrams: Vec::new() };
        let mut all: Vec<Sockets<N>> = (0..workers).map(none).collect();
        for entry_point in &self.settings.entry_points {
            // Port 0 becomes a port with the first worker; the others share it.
            let mut address = entry_point.address;
            for sockets in &mut all {
                let listener = net.bind(address).await.and_then(|listener| {
                    address = listener.local_addr()?;
                    Ok(listener)
                });
                let listener = listener
                    .map_err(|error| StartError::bind(&entry_point.core.name, address, error))?;
                sockets.listeners.push(listener);
            }
        }
        for entry_point in &self.settings.udp_entry_points {
            let mut address = entry_point.address;
            let end = Arc::new(Barrier::new(workers));
            for sockets in &mut all {
                let socket = net.bind_datagrams(address).await.and_then(|socket| {
                    address = socket.local_addr()?;
                    Ok(socket)
                });
                let socket =
                    socket.map_err(|error| StartError::bind(&entry_point.name, address, error))?;
                sockets.datagrams.push(Datagrams { socket, end: Arc::clone(&end) });
            }
        }
        Ok(all)
    }

    /// Puts a plan in force: requests that begin from now on follow it.
    ///
    /// It must have been compiled for this proxy's entry points, from the plan in force.
    pub fn publish(&self, plan: Arc<Plan>) {
        let next = LivePlan::after(&self.live.load(), plan);
        self.live.store(Arc::new(next));
        self.published.send_replace(());
    }

    /// The plan in force.
    #[must_use]
    pub fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.live.load().plan)
    }

    /// Makes plans of providers' messages and checks the health of servers, until the proxy was told
    /// to terminate.
    pub async fn control<N: Net>(
        self: Arc<Self>,
        net: N,
        clock: Clock,
        messages: mpsc::Receiver<Message>,
    ) {
        control::run(self, net, clock, messages).await;
    }

    /// Serves one worker's share of connections, until the proxy was told to terminate and all work
    /// is done or out of time. `sockets` are those of one worker that [`Proxy::bind`] made.
    pub async fn serve<N: Net>(
        self: Arc<Self>,
        net: N,
        clock: Clock,
        index: usize,
        sockets: Sockets<N>,
    ) {
        worker::serve(self, net, clock, index, sockets).await;
    }

    /// Starts the graceful end: ping answers 503, connections are accepted for the accept grace,
    /// then only work in flight is finished, within the grace.
    pub fn terminate(&self) {
        self.terminating.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
    }

    /// What plans for this proxy are compiled with.
    #[must_use]
    pub fn plan_settings(&self) -> plan::Settings {
        plan::Settings {
            entry_points: Arc::clone(&self.live.load().plan.entry_points),
            udp_entry_points: self.settings.udp_names(),
            ping: self.settings.internal.ping.is_some(),
            load: LOAD,
        }
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn entry_point(&self, id: EntryPointId) -> &crate::settings::EntryPoint {
        &self.settings.entry_points[usize::from(id.0)]
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("settings", &self.settings).finish_non_exhaustive()
    }
}
