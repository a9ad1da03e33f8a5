//! The Kubernetes providers: the objects of a cluster are listed and watched, and what the core makes
//! of them is sent on. Compat: kubernetes.md.
//!
//! Each runs on a thread of its own. Whatever happens to the API server, what was read last stays in
//! force; nothing is sent before every resource was read or refused once, so that nothing half read
//! is ever served.
use crate::{
    clock::Clock,
    log::CONFIGURATION,
    net::{Net, tcp::Tcp},
};
use rutter_core::{
    diagnostic::Severity,
    provider::{
        Message,
        kubernetes::{self, Finding, Kind, Provider, Resource, Translator},
    },
    static_config::Token,
    time::Instant,
};
use std::{collections::BTreeSet, io, sync::Arc, thread, time::Duration};
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::mpsc,
    task::JoinSet,
};

mod access;
mod back_off;
mod client;
mod tree;
mod trouble;
mod watch;

use access::Access;
use back_off::BackOff;
use watch::{Seen, Watcher};

/// Events on their way to the translator; watches that are faster wait.
const SEEN_MAX: usize = 64;

/// What the static configuration says about a provider.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which of the two.
    pub provider: Provider,
    /// Where the API server is.
    pub server: Server,
    /// What is translated, and how.
    pub translation: kubernetes::Options,
    /// Which of the objects that are translated, as the API server is asked for; empty: all.
    pub label_selector: String,
    /// The shortest time between two translations.
    pub throttle: Duration,
    /// Pauses.
    pub times: Times,
}

/// Where the API server is, if neither the cluster around nor `KUBECONFIG` says it.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// Its URL. Inside a cluster it is the only one of these that counts.
    pub endpoint: String,
    /// The bearer token; empty: none.
    pub token: Token,
    /// The file of its certificate authority; empty: the system's.
    pub certificate_authority: String,
}

/// Pauses before something is tried again. Each is longer or shorter by up to a half.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// After the first failure; twice as long after every further one.
    pub back_off_min: Duration,
    /// After many.
    pub back_off_max: Duration,
    /// After a resource was refused: somebody has to do something first.
    pub denied: Duration,
}

impl Default for Times {
    /// Compat: kubernetes.md "exponential back-off (1 s minimum)".
    fn default() -> Self {
        Self {
            back_off_min: Duration::from_secs(2),
            back_off_max: Duration::from_secs(30),
            denied: Duration::from_secs(60),
        }
    }
}

/// Starts a provider on a thread of its own, which ends when the receiver is gone.
///
/// # Errors
/// The thread could not be started.
pub fn start(options: Options, seed: u64, messages: mpsc::Sender<Message>) -> io::Result<()> {
    let runtime =
        || Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    thread::Builder::new().name(options.provider.name().into()).spawn(move || match runtime() {
        Ok(runtime) => {
            let environment = |name: &str| std::env::var(name).ok();
            let running = run(options, Tcp::default(), environment, seed, messages);
            runtime.block_on(running);
        }
        Err(error) => tracing::error!("Kubernetes: the provider cannot start: {error}"),
    })?;
    Ok(())
}

/// Runs a provider until the receiver of its messages is gone. `environment` are the variables that
/// say where the process is.
pub async fn run<N: Net>(
    options: Options,
    net: N,
    environment: impl Fn(&str) -> Option<String>,
    seed: u64,
    messages: mpsc::Sender<Message>,
) {
    let clock = Clock::start();
    let Some(access) = find(&options, environment, clock, &messages).await else { return };
    let client = client::client(net, access, clock, options.times.back_off_min / 2);
    let (sender, seen) = mpsc::channel(SEEN_MAX);
    let mut watchers = JoinSet::new();
    for (index, (resource, namespace)) in resources(&options).into_iter().enumerate() {
        let is_selected = resource.kind.is_custom() || resource.kind == Kind::Ingress;
        let label_selector =
            if is_selected { options.label_selector.clone() } else { String::new() };
        let watcher = Watcher {
            index,
            resource,
            namespace,
            label_selector,
            times: options.times,
            back_off: BackOff::new(clock, options.times, seed ^ (index as u64)),
            seen: sender.clone(),
            told: None,
        };
        watchers.spawn_local(watcher.run(client.clone()));
    }
    drop(sender);
    let owner = Owner {
        awaited: (0..watchers.len()).collect(),
        translator: Translator::new(options.provider, options.translation),
        provider: options.provider,
        throttle: options.throttle,
        clock,
        messages,
    };
    owner.run(seen).await;
}

/// Where the API server is; none: nobody listens any more.
async fn find(
    options: &Options,
    environment: impl Fn(&str) -> Option<String>,
    clock: Clock,
    messages: &mpsc::Sender<Message>,
) -> Option<Access> {
    let mut told = None;
    loop {
        let error = match Access::find(&options.server, &environment) {
            Ok(access) => return Some(access),
            Err(error) => error,
        };
        if told.as_ref() != Some(&error) {
            tracing::error!(providerName = options.provider.name(), "Kubernetes: {error}");
            told = Some(error);
        }
        tokio::select! {
            () = messages.closed() => return None,
            () = clock.sleep_until(clock.now() + options.times.back_off_max) => {}
        }
    }
}

/// What is listed and watched, each in one namespace or in all.
fn resources(options: &Options) -> Vec<(Resource, Option<Arc<str>>)> {
    let namespaces = &options.translation.namespaces;
    let mut resources = Vec::new();
    for resource in Resource::all().filter(|it| options.provider.looks_at(it.kind)) {
        if namespaces.is_empty() || !resource.kind.is_namespaced() {
            resources.push((resource, None));
        } else {
            let each = namespaces.iter().map(|it| (resource, Some(Arc::from(it.as_str()))));
            resources.extend(each);
        }
    }
    resources
}

/// Has the translator, which nobody else touches.
struct Owner {
    /// Watchers that have neither read nor been refused yet.
    awaited: BTreeSet<usize>,
    translator: Translator,
    provider: Provider,
    throttle: Duration,
    clock: Clock,
    messages: mpsc::Sender<Message>,
}

impl Owner {
    async fn run(mut self, mut seen: mpsc::Receiver<Seen>) {
        let mut batch = Vec::new();
        // When the next translation may be, if there is something to translate.
        let mut due: Option<Instant> = None;
        let mut next = self.clock.now();
        loop {
            let alarm = async {
                match due {
                    Some(due) => self.clock.sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.messages.closed() => return,
                count = seen.recv_many(&mut batch, SEEN_MAX) => {
                    if count == 0 {
                        return;
                    }
                    for (watcher, event) in batch.drain(..) {
                        self.awaited.remove(&watcher);
                        if let Some(event) = event {
                            self.translator.handle(event);
                        }
                    }
                    if self.awaited.is_empty() {
                        due = Some(next);
                    }
                }
                () = alarm => {
                    due = None;
                    next = self.clock.now() + self.throttle;
                    if self.translate().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn translate(&mut self) -> Result<(), mpsc::error::SendError<Message>> {
        let update = self.translator.update();
        for finding in &update.findings {
            report(self.provider, finding);
        }
        match update.message {
            Some(message) => self.messages.send(message).await,
            None => Ok(()),
        }
    }
}

fn report(provider: Provider, finding: &Finding) {
    let name = provider.name();
    match finding.severity {
        Severity::Warning => {
            tracing::warn!(target: CONFIGURATION, providerName = name, "{finding}");
        }
        Severity::Error => {
            tracing::error!(target: CONFIGURATION, providerName = name, "{finding}");
        }
    }
}
