//! The Kubernetes providers: the objects of a cluster are listed and watched, and what the core makes
//! of them is sent on. Compat: kubernetes.md.
//!
//! Each runs on a thread of its own. Whatever happens to the API server, what was read last stays in
//! force; nothing is sent before every resource was read or refused once, so that nothing half read
//! is ever served.
use crate::{
    clock::Clock,
    net::{Net, tcp::Tcp},
};
use foldhash::fast::FixedState;
use k8s_openapi::jiff::Timestamp;
use rutter_core::{
    leader,
    provider::{
        Message,
        kubernetes::{self, Address, Finding, ObjectRef, Provider, Resource, Translator, Update},
    },
    static_config::Token,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::BuildHasher,
    io, thread,
    time::Duration,
};
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::{mpsc, watch::channel},
    task::JoinSet,
    time::timeout,
};

mod access;
mod back_off;
mod client;
mod events;
mod lease;
mod owner;
mod status;
mod tree;
mod trouble;
mod watch;
mod watchers;
mod writes;

use access::Access;
use back_off::BackOff;
use lease::Replica;
use owner::{Notes, Owner, SEEN_MAX};
use trouble::Refusals;
use watch::Watched;
use watchers::Watchers;
use writes::Writes;

pub use owner::PlanFindings;

/// For giving the lease back in the end.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

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

/// Pauses before something is tried again, each longer or shorter by up to a half, and those of the lease.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// After the first failure; twice as long after every further one.
    pub back_off_min: Duration,
    /// After many.
    pub back_off_max: Duration,
    /// After a resource was refused: somebody has to do something first.
    pub denied: Duration,
    /// Of the lease that says which replica leads.
    pub lease: leader::Times,
}

impl Default for Times {
    /// Compat: kubernetes.md "exponential back-off (1 s minimum)".
    fn default() -> Self {
        Self {
            back_off_min: Duration::from_secs(2),
            back_off_max: Duration::from_secs(30),
            denied: Duration::from_secs(60),
            lease: leader::Times::default(),
        }
    }
}

/// Starts a provider on a thread of its own, which ends when the receiver is gone.
///
/// # Errors
/// The thread could not be started.
pub fn start(
    options: Options,
    seed: u64,
    messages: mpsc::Sender<Message>,
    plan: PlanFindings,
) -> io::Result<()> {
    let runtime =
        || Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    thread::Builder::new().name(options.provider.name().into()).spawn(move || match runtime() {
        Ok(runtime) => {
            let surroundings = Surroundings {
                environment: |name: &str| std::env::var(name).ok(),
                clock: runtime.block_on(async { Clock::start() }),
                seed,
            };
            runtime.block_on(run(options, Tcp::default(), surroundings, messages, plan));
        }
        Err(error) => tracing::error!("Kubernetes: the provider cannot start: {error}"),
    })?;
    Ok(())
}

/// Where a provider runs.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<E> {
    /// The variables that say where the process is.
    pub environment: E,
    /// Its time.
    pub clock: Clock,
    /// Of its randomness.
    pub seed: u64,
}

/// Runs a provider until the receiver of its messages is gone.
pub async fn run<N: Net, E: Fn(&str) -> Option<String>>(
    options: Options,
    net: N,
    surroundings: Surroundings<E>,
    messages: mpsc::Sender<Message>,
    plan: PlanFindings,
) {
    let Surroundings { environment, clock, seed } = surroundings;
    let Some(access) = find(&options, &environment, clock, &messages).await else { return };
    let replica = Replica {
        namespace: access.namespace(),
        lease: lease(&options),
        identity: identity(&environment, seed),
        times: options.times.lease,
        entropy: seed,
    };
    let client = client::client(net, access, clock, options.times.back_off_min / 2);
    let (sender, seen) = mpsc::channel(SEEN_MAX);
    let mut watchers = Watchers {
        client: client.clone(),
        clock,
        times: options.times,
        seed,
        label_selector: options.label_selector.clone(),
        seen: sender,
        tasks: JoinSet::new(),
        all: Vec::new(),
        awaited: BTreeSet::new(),
        unlisted: BTreeSet::new(),
        named: BTreeMap::new(),
    };
    for watched in watched(&options) {
        watchers.start(watched);
    }
    let (leads, leader) = channel(false);
    let notes = Notes { leads: leader, events: Writes::new(), statuses: Writes::new() };
    write(&mut watchers.tasks, &client, &options, &notes, (&replica.identity, clock, seed));
    let (stop, stopped) = channel(false);
    let election = tokio::task::spawn_local(lease::run(client, replica, clock, leads, stopped));
    let owner = Owner {
        watchers,
        held: Update::default(),
        translator: Translator::new(options.provider, options.translation),
        provider: options.provider,
        throttle: options.throttle,
        clock,
        messages,
        plan,
        of_plan: BTreeSet::new(),
        notes,
    };
    owner.run(seen).await;
    stop.send_replace(true);
    // If it takes longer, the others wait for the lease to run out.
    let _ = timeout(RELEASE_TIMEOUT, election).await;
}

/// Starts what is written by the leader.
fn write(
    tasks: &mut JoinSet<()>,
    client: &kube::Client,
    options: &Options,
    notes: &Notes,
    (identity, clock, seed): (&str, Clock, u64),
) {
    let denied = options.times.denied;
    let back_off = |salt: u64| BackOff::new(clock, options.times, !seed ^ salt);
    let (events, identity) = (client.clone(), identity.to_owned());
    tasks.spawn_local(notes.events.clone().carry_out(
        Refusals::new("events", "create and patch"),
        back_off(0),
        denied,
        async move |finding: &Finding, (): &()| {
            events::write(&events, finding, &identity, clock).await
        },
    ));
    let statuses = client.clone();
    tasks.spawn_local(notes.statuses.clone().carry_out(
        Refusals::new("ingresses/status of networking.k8s.io", "update"),
        back_off(1),
        denied,
        async move |object: &ObjectRef, status: &Vec<Address>| {
            status::write(&statuses, object, status).await
        },
    ));
}

/// What the lease is called: those who look at the same objects share one.
fn lease(options: &Options) -> String {
    let name = format!("rutter-{}", options.provider.name());
    let translation = &options.translation;
    let what = (&translation.namespaces, &translation.ingress_class, &options.label_selector);
    if what == (&BTreeSet::new(), &String::new(), &String::new()) {
        return name;
    }
    format!("{name}-{:016x}", FixedState::default().hash_one(what))
}

/// What this replica is called: the pod's name, and something that its next life does not have.
fn identity(environment: impl Fn(&str) -> Option<String>, seed: u64) -> String {
    format!("{}_{seed:016x}", environment("HOSTNAME").unwrap_or_else(|| "rutter".to_owned()))
}

/// The time, as the API has it.
fn timestamp(clock: Clock) -> Timestamp {
    Timestamp::from_nanosecond(clock.wall().0.into()).unwrap_or_default()
}

/// Where the API server is; none: nobody listens any more.
async fn find(
    options: &Options,
    environment: &impl Fn(&str) -> Option<String>,
    clock: Clock,
    messages: &mpsc::Sender<Message>,
) -> Option<Access> {
    let mut told = None;
    loop {
        let error = match Access::find(&options.server, environment) {
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
fn watched(options: &Options) -> Vec<Watched> {
    let namespaces = &options.translation.namespaces;
    let mut all = Vec::new();
    for resource in Resource::all().filter(|it| options.provider.looks_at(it.kind)) {
        if namespaces.is_empty() || !resource.kind.is_namespaced() {
            all.push(Watched { resource, namespace: None, name: None });
        } else {
            all.extend(namespaces.iter().map(|namespace| Watched {
                resource,
                namespace: Some(namespace.as_str().into()),
                name: None,
            }));
        }
    }
    all
}
