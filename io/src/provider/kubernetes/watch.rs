//! One resource in one namespace, or in all: listed, then watched for as long as the provider runs.
//!
//! What was seen last stays in force through every trouble: a watch that ends goes on where it was,
//! and a list replaces everything at once.
use super::{Times, back_off::BackOff, tree::tree, trouble};
use futures_util::{Stream, StreamExt};
use http::StatusCode;
use kube::{
    Api, Client,
    core::{ApiResource, DynamicObject, GroupVersionKind, Status},
    runtime::watcher::{self, watcher},
};
use rutter_core::provider::kubernetes::{Event, Kind, Object, Resource};
use std::{fmt::Write as _, pin::pin, sync::Arc};
use tokio::sync::mpsc;

/// Objects asked for at a time.
const PAGE: u32 = 100;
/// After so long the API server ends a watch, or up to half of it earlier.
const WATCH_SECONDS: u32 = 290;
/// After so many failures in a row the others are served without this one.
const GIVEN_UP: u32 = 3;

/// What came of it: an event, or nothing for now. The number is that of the watcher.
pub(super) type Seen = (usize, Option<Event>);

/// Watches one resource.
pub(super) struct Watcher {
    pub(super) index: usize,
    pub(super) resource: Resource,
    /// None: all, or the resource is in none.
    pub(super) namespace: Option<Arc<str>>,
    /// As `kubectl -l` has it; empty: all.
    pub(super) label_selector: String,
    pub(super) times: Times,
    pub(super) back_off: BackOff,
    pub(super) seen: mpsc::Sender<Seen>,
    /// The refusal that was logged last.
    pub(super) told: Option<StatusCode>,
}

/// The provider has ended.
struct Closed;

/// Why there is no answer, or none that is of use.
enum Trouble {
    /// It has been told; or it is the end of a watch, as every watch has one.
    Unreachable,
    /// The version that was known is forgotten: all is listed anew.
    Gone,
    /// The API server says no.
    Refused(StatusCode, String),
    /// What came back makes no sense.
    Nonsense(String),
}

impl Watcher {
    /// Runs until nobody listens any more.
    pub(super) async fn run(mut self, client: Client) {
        let events = self.events(client);
        let mut events = pin!(events);
        // What a list has told so far.
        let mut listed = Vec::new();
        while let Some(event) = events.next().await {
            let going = match event {
                Ok(event) => self.take(&mut listed, event).await,
                Err(error) => self.failed(error.into()).await,
            };
            if going.is_err() {
                return;
            }
        }
    }

    fn events(
        &mut self,
        client: Client,
    ) -> impl Stream<Item = watcher::Result<watcher::Event<DynamicObject>>> + use<> {
        let Resource { kind, .. } = self.resource;
        let (group, version) = (self.resource.group_name(), self.resource.version());
        let kinds = GroupVersionKind::gvk(group, version, kind.name());
        let kinds = ApiResource::from_gvk_with_plural(&kinds, kind.plural());
        let api = match &self.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &kinds),
            None => Api::all_with(client, &kinds),
        };
        let spread = u64::from(WATCH_SECONDS / 2);
        let earlier = u32::try_from(self.back_off.entropy() % spread).unwrap_or_default();
        let mut config =
            watcher::Config::default().timeout(WATCH_SECONDS - earlier).page_size(PAGE);
        if !self.label_selector.is_empty() {
            config = config.labels(&self.label_selector);
        }
        if kind == Kind::Secret {
            // Helm's are many, large and never referred to.
            config = config.fields("type!=helm.sh/release.v1");
        }
        watcher(api, config)
    }

    async fn take(
        &mut self,
        listed: &mut Vec<Arc<Object>>,
        event: watcher::Event<DynamicObject>,
    ) -> Result<(), Closed> {
        let event = match event {
            watcher::Event::Init => {
                listed.clear();
                return Ok(());
            }
            watcher::Event::InitApply(object) => {
                listed.extend(self.object(object));
                return Ok(());
            }
            watcher::Event::InitDone => {
                let (resource, namespace) = (self.resource, self.namespace.clone());
                let objects = std::mem::take(listed);
                Some(Event::Listed { resource, namespace, objects })
            }
            watcher::Event::Apply(object) => self.object(object).map(Event::Applied),
            watcher::Event::Delete(object) => {
                self.object(object).map(|it| Event::Deleted(it.reference()))
            }
        };
        self.back_off.reset();
        if self.told.take().is_some() {
            tracing::info!("Kubernetes: {} can be read again", self.name());
        }
        match event {
            Some(event) => self.tell(Some(event)).await,
            None => Ok(()),
        }
    }

    fn object(&self, object: DynamicObject) -> Option<Arc<Object>> {
        let read = tree(object).map_err(|error| error.to_string());
        match read.and_then(|tree| Object::decode(self.resource, &tree)) {
            Ok(object) => Some(Arc::new(object)),
            Err(error) => {
                tracing::debug!(resource = %self.name(), %error, "object left out");
                None
            }
        }
    }

    async fn tell(&self, event: Option<Event>) -> Result<(), Closed> {
        self.seen.send((self.index, event)).await.map_err(|_| Closed)
    }

    /// Says so, and waits.
    async fn failed(&mut self, trouble: Trouble) -> Result<(), Closed> {
        match trouble {
            Trouble::Unreachable | Trouble::Gone => {}
            Trouble::Refused(code, reason) => {
                if self.told.replace(code) != Some(code) {
                    trouble::refused(self.resource, &self.name(), code, &reason);
                }
                if matches!(code, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
                    self.tell(None).await?;
                    // An API server that has just started knows nobody's role for a moment.
                    let is_new =
                        code == StatusCode::FORBIDDEN && self.back_off.failures() < GIVEN_UP;
                    if !is_new {
                        self.back_off.sleep(self.times.denied).await;
                        return self.go_on();
                    }
                }
                self.give_up_if_hopeless().await?;
            }
            Trouble::Nonsense(reason) => {
                if self.told.replace(StatusCode::OK) != Some(StatusCode::OK) {
                    trouble::nonsense(&self.name(), &reason);
                }
                self.give_up_if_hopeless().await?;
            }
        }
        self.back_off.pause().await;
        self.go_on()
    }

    async fn give_up_if_hopeless(&self) -> Result<(), Closed> {
        if self.back_off.failures() >= GIVEN_UP { self.tell(None).await } else { Ok(()) }
    }

    fn go_on(&self) -> Result<(), Closed> {
        if self.seen.is_closed() { Err(Closed) } else { Ok(()) }
    }

    /// `ingressroutes.traefik.io in namespace apps`
    fn name(&self) -> String {
        let mut name = self.resource.kind.plural().to_owned();
        if !self.resource.group_name().is_empty() {
            let _ = write!(name, ".{}", self.resource.group_name());
        }
        if let Some(namespace) = &self.namespace {
            let _ = write!(name, " in namespace {namespace}");
        }
        name
    }
}

impl From<watcher::Error> for Trouble {
    fn from(error: watcher::Error) -> Self {
        use watcher::Error::{
            InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed,
        };
        match error {
            InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => error.into(),
            WatchError(status) => (*status).into(),
            NoResourceVersion => Self::Nonsense("without metadata.resourceVersion".to_owned()),
        }
    }
}

impl From<kube::Error> for Trouble {
    #[allow(clippy::wildcard_enum_match_arm, reason = "all others are of one kind")]
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => (*status).into(),
            kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => {
                Self::Unreachable
            }
            // Its text does not show what was read: that may be a Secret.
            error => Self::Nonsense(error.to_string()),
        }
    }
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        match StatusCode::from_u16(status.code) {
            Ok(StatusCode::GONE) => Self::Gone,
            // That is told of the API server as a whole.
            Ok(StatusCode::UNAUTHORIZED) => Self::Unreachable,
            Ok(code) => Self::Refused(code, status.message),
            Err(_) => Self::Refused(StatusCode::INTERNAL_SERVER_ERROR, status.message),
        }
    }
}
