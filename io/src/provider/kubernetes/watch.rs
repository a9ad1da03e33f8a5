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
use rutter_core::provider::kubernetes::{Event, Kind, Object, ObjectRef, Resource};
use std::{fmt::Write as _, pin::pin, sync::Arc};
use tokio::sync::mpsc;

/// Objects asked for at a time.
const PAGE: u32 = 100;
/// After so long the API server ends a watch, or up to half of it earlier.
const WATCH_SECONDS: u32 = 290;
/// After so many failures in a row the others are served without this one.
const GIVEN_UP: u32 = 3;

/// What came of it, and the watcher's number.
pub(super) type Seen = (usize, Told);

/// What a watcher tells.
pub(super) enum Told {
    Event(Event),
    /// Nothing can be read for now; whether that is forbidden.
    Unread {
        is_forbidden: bool,
    },
}

/// What is watched.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) resource: Resource,
    /// None: all, or the resource is in none.
    pub(super) namespace: Option<Arc<str>>,
    /// None: all.
    pub(super) name: Option<Arc<str>>,
}

/// Watches one resource.
pub(super) struct Watcher {
    pub(super) index: usize,
    pub(super) watched: Watched,
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
        let mut events = pin!(self.events(client.clone()));
        // What a list has told so far.
        let mut listed = Vec::new();
        while let Some(event) = events.next().await {
            let going = match event {
                Ok(event) => self.take(&mut listed, event).await,
                Err(error) => {
                    let trouble = Trouble::from(error);
                    let is_gone = matches!(trouble, Trouble::Gone);
                    let going = self.failed(trouble).await;
                    if is_gone {
                        // kube's watcher asks for the same version again if that was the answer to a
                        // watch, and no event of it.
                        events.set(self.events(client.clone()));
                    }
                    going
                }
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
        let Watched { resource, namespace, name } = &self.watched;
        let Resource { kind, .. } = *resource;
        let (group, version) = (resource.group_name(), resource.version());
        let kinds = GroupVersionKind::gvk(group, version, kind.name());
        let kinds = ApiResource::from_gvk_with_plural(&kinds, kind.plural());
        let api = match namespace {
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
        if let Some(name) = name {
            config = config.fields(&format!("metadata.name={name}"));
        } else if kind == Kind::Secret {
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
            watcher::Event::InitDone => Some(self.all(std::mem::take(listed))),
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
            Some(event) => self.tell(Told::Event(event)).await,
            None => Ok(()),
        }
    }

    /// These are all there are.
    fn all(&self, mut objects: Vec<Arc<Object>>) -> Event {
        let Watched { resource, namespace, name } = self.watched.clone();
        match (name, objects.pop()) {
            (None, last) => {
                objects.extend(last);
                Event::Listed { resource, namespace, objects }
            }
            (Some(_), Some(object)) => Event::Applied(object),
            (Some(name), None) => {
                let namespace = namespace.unwrap_or_default();
                Event::Deleted(ObjectRef { resource, namespace, name, uid: "".into() })
            }
        }
    }

    fn object(&self, object: DynamicObject) -> Option<Arc<Object>> {
        let read = tree(object).map_err(|error| error.to_string());
        match read.and_then(|tree| Object::decode(self.watched.resource, &tree)) {
            Ok(object) => Some(Arc::new(object)),
            Err(error) => {
                tracing::debug!(resource = %self.name(), %error, "object left out");
                None
            }
        }
    }

    async fn tell(&self, told: Told) -> Result<(), Closed> {
        self.seen.send((self.index, told)).await.map_err(|_| Closed)
    }

    /// Says so, and waits.
    async fn failed(&mut self, trouble: Trouble) -> Result<(), Closed> {
        match trouble {
            Trouble::Unreachable | Trouble::Gone => {}
            Trouble::Refused(code, reason) => {
                if self.told.replace(code) != Some(code) {
                    trouble::refused(&self.watched, &self.name(), code, &reason);
                }
                if matches!(code, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
                    let is_forbidden = code == StatusCode::FORBIDDEN;
                    self.tell(Told::Unread { is_forbidden }).await?;
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
        if self.back_off.failures() < GIVEN_UP {
            return Ok(());
        }
        self.tell(Told::Unread { is_forbidden: false }).await
    }

    fn go_on(&self) -> Result<(), Closed> {
        if self.seen.is_closed() { Err(Closed) } else { Ok(()) }
    }

    /// `ingressroutes.traefik.io in namespace apps`
    fn name(&self) -> String {
        let Watched { resource, namespace, name } = &self.watched;
        let mut text = resource.kind.plural().to_owned();
        if !resource.group_name().is_empty() {
            let _ = write!(text, ".{}", resource.group_name());
        }
        if let Some(name) = name {
            let _ = write!(text, " called {name}");
        }
        if let Some(namespace) = namespace {
            let _ = write!(text, " in namespace {namespace}");
        }
        text
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
