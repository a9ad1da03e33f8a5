//! A proxy on the operating system's network: a thread for each worker, one for control.
use crate::{
    access_log,
    clock::Clock,
    net::{
        tcp::{self, Tcp},
        udp,
    },
    proxy::{Proxy, Sockets, StartError},
    settings::Settings,
};
use futures_util::FutureExt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rutter_core::provider::Message;
use std::{
    io,
    num::NonZeroUsize,
    sync::Arc,
    thread::{self, JoinHandle},
};
use tokio::{
    runtime::{Builder, LocalOptions, LocalRuntime},
    sync::mpsc,
};

/// Provider messages on their way; a provider that is faster waits.
const MESSAGES_MAX: usize = 16;

/// A running proxy.
#[derive(Debug)]
pub struct Process {
    proxy: Arc<Proxy>,
    messages: mpsc::Sender<Message>,
    threads: Vec<JoinHandle<()>>,
}

/// One worker for each CPU that this process may use, its cgroup's quota respected.
#[must_use]
pub fn workers() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Allows this process as many open files as it may have: each connection is one.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

impl Process {
    /// Listens on all entry points, then serves: everything, or nothing at all.
    pub fn start(
        settings: Settings,
        access_log: Option<access_log::Handle>,
        workers: usize,
    ) -> Result<Self, StartError> {
        raise_file_limit();
        for entry_point in settings.entry_points.iter().filter(|it| it.address.port() != 0) {
            let (name, address) = (&entry_point.core.name, entry_point.address);
            tcp::probe(address).map_err(|error| StartError::bind(name, address, error))?;
        }
        for entry_point in settings.udp_entry_points.iter().filter(|it| it.address.port() != 0) {
            let (name, address) = (&entry_point.name, entry_point.address);
            udp::probe(address).map_err(|error| StartError::bind(name, address, error))?;
        }
        let clock = Clock::start();
        let proxy = Proxy::new(settings, access_log, clock)?;
        // Binding a socket of the system never waits.
        let lists =
            proxy.bind(&Tcp::default(), workers).now_or_never().unwrap_or(Ok(Vec::new()))?;
        let (messages, inbox) = mpsc::channel(MESSAGES_MAX);
        let mut process = Self { proxy, messages, threads: Vec::new() };
        process.spawn("control", {
            let proxy = Arc::clone(&process.proxy);
            move || async move { proxy.control(Tcp::default(), clock, inbox).await }
        })?;
        for (index, sockets) in lists.into_iter().enumerate() {
            process.worker(clock, index, sockets)?;
        }
        Ok(process)
    }

    /// The proxy.
    #[must_use]
    pub const fn proxy(&self) -> &Arc<Proxy> {
        &self.proxy
    }

    /// Where providers send what is configured.
    #[must_use]
    pub fn messages(&self) -> mpsc::Sender<Message> {
        self.messages.clone()
    }

    /// Waits until the proxy has terminated; see [`Proxy::terminate`].
    pub fn wait(self) {
        for thread in self.threads {
            // A panic has been printed by its thread.
            let _ = thread.join();
        }
    }

    fn worker(
        &mut self,
        clock: Clock,
        index: usize,
        sockets: Sockets<Tcp>,
    ) -> Result<(), StartError> {
        let proxy = Arc::clone(&self.proxy);
        self.spawn(&format!("worker-{index}"), move || async move {
            proxy.serve(Tcp::default(), clock, index, sockets).await;
        })
    }

    fn spawn<F: Future<Output = ()>>(
        &mut self,
        name: &str,
        task: impl FnOnce() -> F + Send + 'static,
    ) -> Result<(), StartError> {
        let (ready, readied) = std::sync::mpsc::channel();
        let run = move || match runtime() {
            Ok(runtime) => {
                let _ = ready.send(Ok(()));
                runtime.block_on(task());
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        };
        let thread =
            thread::Builder::new().name(name.into()).spawn(run).map_err(StartError::Thread)?;
        self.threads.push(thread);
        readied.recv().map_err(|error| StartError::Thread(io::Error::other(error)))?
    }
}

fn runtime() -> Result<LocalRuntime, StartError> {
    Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(StartError::Thread)
}
