//! One resource in one namespace, or in all: listed, then watched for as long as the provider runs.
//!
//! What was seen last stays in force through every trouble: a watch that ends goes on where it was,
//! and a list replaces everything at once.
use super::{
    Times,
    client::{Client, Error},
    json,
    trouble::{self, Trouble},
};
use crate::{clock::Clock, net::Net};
use http::StatusCode;
use rutter_core::{
    provider::kubernetes::{Event, Kind, Object, Resource},
    time::Instant,
    tree::{Node, Value},
};
use std::{fmt::Write as _, rc::Rc, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::timeout};

/// Objects asked for at a time.
const PAGE: usize = 100;
/// After so long the API server ends a watch, and at the latest after twice that.
const WATCH_SECONDS: u64 = 300;
/// After so many failures in a row the others are served without this one.
const GIVEN_UP: u32 = 3;
/// How much later than announced a watch may end.
const WATCH_GRACE: Duration = Duration::from_secs(30);

/// What came of it: an event, or nothing for now. The number is that of the watcher.
pub(super) type Seen = (usize, Option<Event>);

/// Where it is in the order of all changes: `metadata.resourceVersion`.
type Version = String;

/// Watches one resource.
pub(super) struct Watcher<N> {
    pub(super) index: usize,
    pub(super) client: Rc<Client<N>>,
    pub(super) trouble: Rc<Trouble>,
    pub(super) resource: Resource,
    /// None: all, or the resource is in none.
    pub(super) namespace: Option<Arc<str>>,
    /// As `kubectl -l` has it; empty: all.
    pub(super) label_selector: String,
    pub(super) times: Times,
    pub(super) clock: Clock,
    pub(super) entropy: u64,
    pub(super) seen: mpsc::Sender<Seen>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// The refusal that was logged last.
    pub(super) told: Option<StatusCode>,
}

/// The provider has ended.
struct Closed;

/// How a watch ended.
enum End {
    /// The API server ended it, or the connection broke.
    Ended,
    /// It knows nothing of the version any more: 410.
    Gone,
}

impl<N: Net> Watcher<N> {
    /// Runs until nobody listens any more.
    pub(super) async fn run(mut self) {
        while self.list_and_watch().await.is_ok() {}
    }

    async fn list_and_watch(&mut self) -> Result<(), Closed> {
        let mut version = match self.list().await {
            Ok((version, objects)) => {
                self.well();
                let (resource, namespace) = (self.resource, self.namespace.clone());
                self.tell(Some(Event::Listed { resource, namespace, objects })).await?;
                version
            }
            // Pages are of one version, which may be forgotten before the last.
            Err(Error::Refused(StatusCode::GONE, _)) => {
                self.pause_if_again().await;
                return Ok(());
            }
            Err(error) => return self.failed(error).await,
        };
        loop {
            let begun = self.clock.now();
            let ended = self.watch(&mut version).await?;
            if self.clock.now().since(begun) >= self.times.back_off_min {
                self.failures = 0;
            }
            match ended {
                Ok(End::Ended) => self.pause_if_again().await,
                Ok(End::Gone) => {
                    self.pause_if_again().await;
                    return Ok(());
                }
                Err(Error::Refused(StatusCode::GONE, _)) => {
                    self.pause_if_again().await;
                    return Ok(());
                }
                Err(error) => {
                    // What is there may be another list when the answer is no.
                    let is_refused = matches!(error, Error::Refused(..) | Error::Nonsense(_));
                    self.failed(error).await?;
                    if is_refused {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn tell(&self, event: Option<Event>) -> Result<(), Closed> {
        self.seen.send((self.index, event)).await.map_err(|_| Closed)
    }

    fn path(&self) -> String {
        let root = if self.resource.group_name().is_empty() { "/api" } else { "/apis" };
        let mut path = format!("{root}/{}", self.resource.api_version());
        if let Some(namespace) = &self.namespace {
            let _ = write!(path, "/namespaces/{}", escaped(namespace));
        }
        let _ = write!(path, "/{}?", self.resource.kind.plural());
        if !self.label_selector.is_empty() {
            let _ = write!(path, "labelSelector={}&", escaped(&self.label_selector));
        }
        if self.resource.kind == Kind::Secret {
            // Helm's are many, large and never referred to.
            path.push_str("fieldSelector=type%21%3Dhelm.sh%2Frelease.v1&");
        }
        path
    }

    async fn list(&self) -> Result<(Version, Vec<Arc<Object>>), Error> {
        let mut objects = Vec::new();
        let mut from = String::new();
        loop {
            let mut path = format!("{}limit={PAGE}", self.path());
            if !from.is_empty() {
                let _ = write!(path, "&continue={}", escaped(&from));
            }
            let page = self.client.get(&path).await?.all().await?;
            let page = json::parse(&page).map_err(Error::Nonsense)?;
            if let Some(Value::List(items)) = page.option("items").map(|it| &it.value) {
                objects.extend(items.iter().filter_map(|item| self.object(item)));
            }
            from = json::text(&page, &["metadata", "continue"]).to_owned();
            if from.is_empty() {
                let version = json::text(&page, &["metadata", "resourceVersion"]);
                if version.is_empty() {
                    return Err(Error::Nonsense("a list without resourceVersion".to_owned()));
                }
                return Ok((version.to_owned(), objects));
            }
        }
    }

    fn object(&self, node: &Node) -> Option<Arc<Object>> {
        match Object::decode(self.resource, node) {
            Ok(object) => Some(Arc::new(object)),
            Err(error) => {
                tracing::debug!(resource = %self.name(), %error, "object left out");
                None
            }
        }
    }

    /// Watches once, and moves `version` on with everything that was told.
    async fn watch(&mut self, version: &mut Version) -> Result<Result<End, Error>, Closed> {
        let seconds = WATCH_SECONDS + self.next_entropy() % WATCH_SECONDS;
        let path = format!(
            "{}watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
            self.path(),
            escaped(version)
        );
        let mut answer = match self.client.get(&path).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        self.well_for_now();
        let until = self.clock.now() + (Duration::from_secs(seconds) + WATCH_GRACE);
        loop {
            let left = until.since(self.clock.now());
            let line = match timeout(left, answer.line()).await {
                Ok(Ok(Some(line))) => line,
                // A connection may break at any time: that is no trouble unless the next one fails.
                Ok(Ok(None) | Err(Error::Unreachable(_))) | Err(_) => return Ok(Ok(End::Ended)),
                Ok(Err(error)) => return Ok(Err(error)),
            };
            if line.is_empty() {
                continue;
            }
            let told = match json::parse(&line) {
                Ok(told) => told,
                Err(error) => return Ok(Err(Error::Nonsense(error))),
            };
            let Some(object) = told.option("object") else { continue };
            let event = match json::text(&told, &["type"]) {
                "ADDED" | "MODIFIED" => self.object(object).map(Event::Applied),
                "DELETED" => self.object(object).map(|it| Event::Deleted(it.reference())),
                "BOOKMARK" => None,
                "ERROR" => return Ok(Self::error(object)),
                other => {
                    let error = format!("a watch told `{other}`, which nobody knows");
                    return Ok(Err(Error::Nonsense(error)));
                }
            };
            if let Some(event) = event {
                self.tell(Some(event)).await?;
            }
            let now_at = json::text(object, &["metadata", "resourceVersion"]);
            if !now_at.is_empty() {
                now_at.clone_into(version);
            }
            self.failures = 0;
        }
    }

    /// A `Status` inside a watch.
    fn error(status: &Node) -> Result<End, Error> {
        let code = match status.option("code").map(|it| &it.value) {
            Some(Value::Int(code)) => u16::try_from(*code).ok(),
            _ => None,
        };
        let code = code.and_then(|code| StatusCode::from_u16(code).ok());
        match code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR) {
            StatusCode::GONE => Ok(End::Gone),
            code => Err(Error::Refused(code, json::text(status, &["message"]).to_owned())),
        }
    }

    fn well(&mut self) {
        self.well_for_now();
        self.failures = 0;
    }

    fn well_for_now(&mut self) {
        self.trouble.over(self.client.server());
        if self.told.take().is_some() {
            tracing::info!("Kubernetes: {} can be read again", self.name());
        }
    }

    /// Says so, and waits.
    async fn failed(&mut self, error: Error) -> Result<(), Closed> {
        let mut is_denied = false;
        match error {
            Error::Unreachable(reason) => {
                self.trouble.unreachable(self.client.server(), &reason);
                return self.try_again().await;
            }
            Error::Refused(StatusCode::UNAUTHORIZED, reason) => {
                self.trouble.unauthorized(self.client.server(), &reason);
                return self.try_again().await;
            }
            Error::Refused(code, reason) => {
                is_denied = matches!(code, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
                if self.told.replace(code) != Some(code) {
                    trouble::refused(self.resource, &self.name(), code, &reason);
                }
            }
            Error::Nonsense(reason) => {
                if self.told.replace(StatusCode::OK) != Some(StatusCode::OK) {
                    trouble::nonsense(&self.name(), &reason);
                }
            }
        }
        self.trouble.over(self.client.server());
        if !is_denied {
            if self.failures >= GIVEN_UP {
                self.tell(None).await?;
            }
            return self.try_again().await;
        }
        self.tell(None).await?;
        self.sleep(self.times.denied).await;
        Ok(())
    }

    async fn try_again(&mut self) -> Result<(), Closed> {
        self.pause().await;
        if self.seen.is_closed() { Err(Closed) } else { Ok(()) }
    }

    /// No pause after the first of several failures in a row, which may be the end of a watch.
    async fn pause_if_again(&mut self) {
        if self.failures == 0 {
            self.failures = 1;
        } else {
            self.pause().await;
        }
    }

    /// Twice as long with every failure.
    async fn pause(&mut self) {
        let factor = 1 << self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let time = self.times.back_off_min.saturating_mul(factor).min(self.times.back_off_max);
        self.sleep(time).await;
    }

    /// Half of `time` to three halves of it: replicas must not all come at once.
    async fn sleep(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
        let time = Duration::from_nanos((nanos / 2).saturating_add(self.next_entropy() % nanos));
        let until: Instant = self.clock.now() + time;
        self.clock.sleep_until(until).await;
    }

    /// splitmix64
    fn next_entropy(&mut self) -> u64 {
        self.entropy = self.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = self.entropy;
        let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
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

/// As the value of a query, or a step of a path.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
