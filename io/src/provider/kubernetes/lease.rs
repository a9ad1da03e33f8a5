//! The Lease by which replicas agree on who of them writes to the cluster. The policy is the core's
//! [`Election`]; here are its reads and writes.
use super::{timestamp, trouble::Refusals};
use crate::clock::Clock;
use futures_util::{
    FutureExt,
    future::{LocalBoxFuture, OptionFuture},
};
use http::StatusCode;
use k8s_openapi::{
    api::coordination::v1::Lease as Object, apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use rutter_core::{
    leader::{Election, Input, Lease, Output, Times},
    machine::Machine,
};
use std::cell::RefCell;
use tokio::{sync::watch, time::timeout};

/// What replicas have in common, and what sets them apart.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    /// The Lease's namespace.
    pub(super) namespace: String,
    /// The Lease's name.
    pub(super) lease: String,
    /// What this replica is called, and no other.
    pub(super) identity: String,
    /// Of the lease, the same for all.
    pub(super) times: Times,
    /// Spreads the first tries.
    pub(super) entropy: u64,
}

/// Takes part until `stop` says so, or whoever would say it is gone; then gives the lease back.
pub(super) async fn run(
    client: Client,
    replica: Replica,
    clock: Clock,
    leads: watch::Sender<bool>,
    mut stop: watch::Receiver<bool>,
) {
    let Replica { identity, times, entropy, .. } = &replica;
    let election = Election::new(identity, *times, clock.now(), *entropy);
    let mut election = match election {
        Ok(election) => election,
        Err(error) => return tracing::error!("Kubernetes: no leader is elected: {error}"),
    };
    let record = Record {
        api: Api::namespaced(client, &replica.namespace),
        replica,
        clock,
        refusals: Refusals::new("leases.coordination.k8s.io", "get, create and update"),
        known: RefCell::default(),
    };
    // The one read or write under way.
    let mut asking: Option<LocalBoxFuture<'_, Input>> = None;
    let mut is_stopping = false;
    loop {
        while let Some(output) = election.poll_output() {
            match output {
                Output::Lead => {
                    tracing::info!("Kubernetes: this replica leads ({})", record.name());
                    leads.send_replace(true);
                }
                Output::StepDown => {
                    tracing::info!("Kubernetes: this replica leads no more ({})", record.name());
                    leads.send_replace(false);
                }
                Output::Read => asking = Some(record.read().boxed_local()),
                Output::Create => asking = Some(record.create().boxed_local()),
                Output::Update { version, takes_over } => {
                    asking = Some(record.update(version, takes_over).boxed_local());
                }
                Output::Release { version } => {
                    asking = Some(record.release(version).boxed_local());
                }
            }
        }
        if is_stopping && asking.is_none() {
            return;
        }
        let answer = OptionFuture::from(asking.as_mut());
        let due = election.poll_timeout().map(|at| clock.sleep_until(at));
        tokio::select! {
            biased;
            Some(input) = answer => {
                asking = None;
                election.handle(clock.now(), input);
            }
            _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                is_stopping = true;
                election.handle(clock.now(), Input::Stop);
            }
            Some(()) = OptionFuture::from(due) => election.handle_timeout(clock.now()),
        }
    }
}

/// The Lease object, as one replica reads and writes it.
struct Record {
    api: Api<Object>,
    replica: Replica,
    clock: Clock,
    refusals: Refusals,
    /// As it was read or written last.
    known: RefCell<Option<Object>>,
}

impl Record {
    /// `lease rutter in namespace kube-system`
    fn name(&self) -> String {
        format!("lease {} in namespace {}", self.replica.lease, self.replica.namespace)
    }

    async fn read(&self) -> Input {
        match self.in_time(self.api.get_opt(&self.replica.lease)).await {
            Ok(object) => {
                let lease = object.as_ref().map(|object| Lease {
                    holder: holder(object).into(),
                    version: version(object),
                });
                *self.known.borrow_mut() = object;
                Input::Read(lease)
            }
            Err(_) => Input::ReadFailed,
        }
    }

    async fn create(&self) -> Input {
        let name = Some(self.replica.lease.clone());
        let mut object =
            Object { metadata: ObjectMeta { name, ..ObjectMeta::default() }, ..Object::default() };
        self.hold(&mut object, true);
        let params = PostParams::default();
        self.written(self.api.create(&params, &object)).await
    }

    async fn update(&self, version: Box<str>, takes_over: bool) -> Input {
        self.replace(version, |object| self.hold(object, takes_over)).await
    }

    async fn release(&self, version: Box<str>) -> Input {
        let nobody = Some(String::new());
        self.replace(version, |it| it.spec.get_or_insert_default().holder_identity = nobody).await
    }

    /// Writes what was known with a change, if it is still of this version.
    async fn replace(&self, version: Box<str>, change: impl FnOnce(&mut Object)) -> Input {
        let mut object = self.known.borrow().clone().unwrap_or_default();
        object.metadata.resource_version = Some(version.into());
        change(&mut object);
        let params = PostParams::default();
        self.written(self.api.replace(&self.replica.lease, &params, &object)).await
    }

    /// Times in it are for people: no replica goes by them.
    fn hold(&self, object: &mut Object, takes_over: bool) {
        let now = Some(MicroTime(timestamp(self.clock)));
        let spec = object.spec.get_or_insert_default();
        spec.holder_identity = Some(self.replica.identity.clone());
        spec.lease_duration_seconds = i32::try_from(self.replica.times.lease.as_secs()).ok();
        spec.renew_time.clone_from(&now);
        if takes_over {
            spec.acquire_time = now;
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count + 1));
        }
    }

    async fn written(&self, writing: impl Future<Output = kube::Result<Object>>) -> Input {
        match self.in_time(writing).await {
            Ok(object) => {
                let version = version(&object);
                *self.known.borrow_mut() = Some(object);
                Input::Written { version }
            }
            Err(Some(StatusCode::CONFLICT)) => Input::Conflict,
            Err(_) => Input::WriteFailed,
        }
    }

    /// Within the time that the election gives; what is refused is told.
    async fn in_time<T>(
        &self,
        asking: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Option<StatusCode>> {
        match timeout(self.replica.times.renew_deadline, asking).await {
            Ok(Ok(answer)) => {
                self.refusals.over();
                Ok(answer)
            }
            Ok(Err(error)) => Err(self.refusals.tell(&error)),
            Err(_) => Err(None),
        }
    }
}

fn holder(object: &Object) -> &str {
    object.spec.as_ref().and_then(|it| it.holder_identity.as_deref()).unwrap_or_default()
}

fn version(object: &Object) -> Box<str> {
    object.metadata.resource_version.as_deref().unwrap_or_default().into()
}
