//! `rutter` without a sub-command: the proxy, until a signal ends it.
use super::{Failure, Origins, load, settings};
use crate::{
    access_log, log,
    process::Process,
    provider::{file, kubernetes},
    proxy::StartError,
    source::Loaded,
};
use rutter_core::{
    diagnostic::Diagnostic,
    static_config::{AccessLog, StaticConfiguration},
};
use std::{io, path::PathBuf, time::Duration};
use tokio::{
    runtime::{Builder, LocalOptions, LocalRuntime},
    signal::unix::{Signal, SignalKind, signal},
};

mod systemd;

/// Runs until SIGTERM or SIGINT.
pub(super) fn run(options: &[String]) -> Result<(), Failure> {
    let Loaded { configuration, sources, tree, diagnostics } = load(options)?;
    let log = log::start(&configuration.log);
    tracing::info!("{sources}");
    tell(&diagnostics);
    let running = start(&configuration, &Origins::of(tree), log)?;
    if let Some(options) = &configuration.providers.file {
        file::start(settings::file_provider(options), running.process.messages())
            .map_err(|error| Failure::new(format!("providers.file: {error}")))?;
    }
    for options in settings::kubernetes_providers(&configuration) {
        let name = options.provider.name();
        let plan = running.process.proxy().findings();
        kubernetes::start(options, settings::seed()?, running.process.messages(), plan)
            .map_err(|error| Failure::new(format!("{name}: {error}")))?;
    }
    running.finish();
    Ok(())
}

fn tell(warnings: &[Diagnostic]) {
    for warning in warnings {
        tracing::warn!(target: log::CONFIGURATION, "{warning}");
    }
}

/// A runtime for the main thread.
///
/// # Errors
/// The system has no more resources.
pub(super) fn runtime() -> Result<LocalRuntime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(Failure::new)
}

/// A proxy that serves, and the signals that it obeys.
pub(super) struct Running {
    pub(super) process: Process,
    runtime: LocalRuntime,
    signals: Signals,
    log: log::Log,
    access_log: Option<(access_log::Handle, access_log::Writer)>,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reopen: Signal,
}

/// Starts everything but providers, or nothing at all.
///
/// # Errors
/// What cannot be started, by option.
pub(super) fn start(
    configuration: &StaticConfiguration,
    origins: &Origins,
    log: log::Log,
) -> Result<Running, Failure> {
    let runtime = runtime()?;
    let settings = runtime.block_on(settings::settings(configuration, origins))?;
    let access_log =
        configuration.access_log.as_ref().map(|it| open_access_log(it, origins)).transpose()?;
    let handle = access_log.as_ref().map(|(handle, _)| handle.clone());
    // Before anything serves, so that no signal finds the process without its manners.
    let signals = runtime.block_on(async { Signals::catch() }).map_err(Failure::new)?;
    let process = Process::start(settings, handle, crate::process::workers())
        .map_err(|error| unstartable(error, origins))?;
    let udp = &configuration.udp_entry_points;
    for (name, options) in configuration.entry_points.iter().chain(udp) {
        tracing::info!(entryPointName = name, "listening on {}", options.address);
    }
    systemd::ready();
    Ok(Running { process, runtime, signals, log, access_log })
}

fn unstartable(error: StartError, origins: &Origins) -> Failure {
    match error {
        StartError::Bind { entry_point, address, error } => {
            let message = format!("cannot listen on {address}: {error}");
            origins.failure(&["entryPoints", &entry_point, "address"], message)
        }
        StartError::Tls(error) => origins.failure(&["serversTransport"], error.to_string()),
        error @ StartError::Certificate(_) => Failure::new(error.to_string()),
        StartError::Thread(error) => Failure::new(format!("cannot start a thread: {error}")),
    }
}

fn open_access_log(
    options: &AccessLog,
    origins: &Origins,
) -> Result<(access_log::Handle, access_log::Writer), Failure> {
    let target = match &options.file_path {
        Some(path) => access_log::Target::File(PathBuf::from(path)),
        None => access_log::Target::Stdout,
    };
    access_log::Handle::open(target).map_err(|error| {
        let path = options.file_path.as_deref().unwrap_or("standard output");
        origins.failure(&["accessLog", "filePath"], format!("{path}: {error}"))
    })
}

impl Running {
    /// Waits until the routers of a provider are in force.
    pub(super) fn wait_for(&self, provider: &str) {
        let is_in_force = || {
            let plan = self.process.proxy().plan();
            plan.routers().any(|router| **router.object.provider == *provider)
        };
        self.runtime.block_on(async {
            while !is_in_force() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }

    /// Waits for the signal to end, and then for the end.
    pub(super) fn finish(mut self) {
        while self.runtime.block_on(self.signals.next()) == Order::Reopen {
            self.log.reopen();
            if let Some((handle, _)) = &self.access_log {
                handle.reopen();
            }
            tracing::info!("log files opened again");
        }
        tracing::info!("stopping: work in flight is finished first");
        systemd::stopping();
        self.process.proxy().terminate();
        self.process.wait();
        tracing::info!("stopped");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Stop,
    Reopen,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reopen: signal(SignalKind::user_defined1())?,
        })
    }

    async fn next(&mut self) -> Order {
        tokio::select! {
            _ = self.terminate.recv() => Order::Stop,
            _ = self.interrupt.recv() => Order::Stop,
            _ = self.reopen.recv() => Order::Reopen,
        }
    }
}
