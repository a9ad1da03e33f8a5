//! A simulated API server of Kubernetes: what it keeps, what it does to those who ask, and a handle on it.
use crate::{log::Log, net::Turmoil, rng::Rng, world::World};
use rutter_core::{
    diagnostic::Place,
    provider::kubernetes::{Event, Object, Resource},
    tree::{self, Node},
};
use serde_json::Value;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::IpAddr,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use store::{Filter, Key, Refusal, Store};
use tokio::sync::watch::Sender;

mod http;
pub mod manifests;
pub mod replica;
pub mod store;
mod watch;

/// The API server's host name.
pub const HOST: &str = "api";
/// Its port.
pub const PORT: u16 = 6443;
/// Its URL.
pub const URL: &str = "http://api:6443";

/// So many changes are remembered.
const WINDOW: usize = 1000;

/// The kinds there are: `apiVersion`, kind, plural, whether in namespaces.
const KINDS: [(&str, &str, &str, bool); 25] = [
    ("v1", "Service", "services", true),
    ("v1", "Secret", "secrets", true),
    ("v1", "Event", "events", true),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", true),
    ("networking.k8s.io/v1", "Ingress", "ingresses", true),
    ("networking.k8s.io/v1", "IngressClass", "ingressclasses", false),
    ("coordination.k8s.io/v1", "Lease", "leases", true),
    ("traefik.io/v1alpha1", "IngressRoute", "ingressroutes", true),
    ("traefik.io/v1alpha1", "IngressRouteTCP", "ingressroutetcps", true),
    ("traefik.io/v1alpha1", "IngressRouteUDP", "ingressrouteudps", true),
    ("traefik.io/v1alpha1", "Middleware", "middlewares", true),
    ("traefik.io/v1alpha1", "MiddlewareTCP", "middlewaretcps", true),
    ("traefik.io/v1alpha1", "TraefikService", "traefikservices", true),
    ("traefik.io/v1alpha1", "TLSOption", "tlsoptions", true),
    ("traefik.io/v1alpha1", "TLSStore", "tlsstores", true),
    ("traefik.io/v1alpha1", "ServersTransport", "serverstransports", true),
    ("traefik.containo.us/v1alpha1", "IngressRoute", "ingressroutes", true),
    ("traefik.containo.us/v1alpha1", "IngressRouteTCP", "ingressroutetcps", true),
    ("traefik.containo.us/v1alpha1", "IngressRouteUDP", "ingressrouteudps", true),
    ("traefik.containo.us/v1alpha1", "Middleware", "middlewares", true),
    ("traefik.containo.us/v1alpha1", "MiddlewareTCP", "middlewaretcps", true),
    ("traefik.containo.us/v1alpha1", "TraefikService", "traefikservices", true),
    ("traefik.containo.us/v1alpha1", "TLSOption", "tlsoptions", true),
    ("traefik.containo.us/v1alpha1", "TLSStore", "tlsstores", true),
    ("traefik.containo.us/v1alpha1", "ServersTransport", "serverstransports", true),
];

/// What the server does to those who ask. Shares are per cent.
#[derive(Clone, Copy, Debug)]
pub struct Mischief {
    /// A watch breaks, also in the middle of a line, so many milliseconds after it began, or sooner;
    /// 0: none does.
    pub break_after: u64,
    /// Events come late by up to so many milliseconds.
    pub late: u64,
    /// Of events that are told twice.
    pub twice: u64,
    /// Of requests before which the past is forgotten.
    pub forget: u64,
    /// Of requests that are refused: 429, 500 or 503. One that writes may have been carried out.
    pub refuse: u64,
    /// Answers take up to so many milliseconds.
    pub slow: u64,
    /// Of updates before which somebody else updates the object.
    pub conflict: u64,
}

impl Mischief {
    /// It does what it is asked to.
    pub const NONE: Self =
        Self { break_after: 0, late: 0, twice: 0, forget: 0, refuse: 0, slow: 0, conflict: 0 };

    /// Some of everything.
    #[must_use]
    pub const fn all(rng: &mut Rng) -> Self {
        Self {
            break_after: rng.within(50, 1500),
            late: rng.within(0, 200),
            twice: rng.within(0, 30),
            forget: rng.within(0, 10),
            refuse: rng.within(0, 20),
            slow: rng.within(0, 100),
            conflict: rng.within(0, 40),
        }
    }
}

/// Something was written by a client.
#[derive(Clone, Debug)]
pub struct Write {
    /// When.
    pub at: Duration,
    /// By whom.
    pub by: IpAddr,
    /// What: `update coordination.k8s.io/v1/leases default/rutter`.
    pub what: String,
}

/// The API server of a world. Clones are the same one; a crash of its host loses no object.
#[derive(Clone, Debug)]
pub struct Kubernetes(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    log: Log,
    store: RefCell<Store>,
    rng: RefCell<Rng>,
    mischief: Cell<Mischief>,
    /// How often that changed.
    mischiefs: Cell<u64>,
    /// Counts requests by what they ask for: `watch v1/services`.
    asked: RefCell<BTreeMap<String, usize>>,
    writes: RefCell<Vec<Write>>,
    /// Counts changes.
    changed: Sender<u64>,
}

impl World {
    /// Adds an API server without objects.
    pub fn kubernetes(&mut self) -> Kubernetes {
        let kubernetes = Kubernetes(Rc::new(Shared {
            log: self.log(),
            store: RefCell::new(Store::new(WINDOW)),
            rng: RefCell::new(Rng::new(self.word())),
            mischief: Cell::new(Mischief::NONE),
            mischiefs: Cell::new(0),
            asked: RefCell::default(),
            writes: RefCell::default(),
            changed: Sender::new(0),
        }));
        let served = kubernetes.clone();
        self.host(HOST, move |net: Turmoil| served.clone().serve(net));
        kubernetes
    }
}

impl Kubernetes {
    /// What it does from now on, also with watches that are there.
    pub fn mischief(&self, mischief: Mischief) {
        self.0.log.note(HOST, format_args!("{mischief:?}"));
        self.0.mischief.set(mischief);
        self.0.mischiefs.update(|count| count + 1);
        self.0.changed.send_modify(|changes| *changes += 1);
    }

    /// Makes an object, or replaces what it says; a status stays.
    ///
    /// # Panics
    /// Nobody knows the kind.
    pub fn apply(&self, object: Value) {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let key = key(
            &word(&object["apiVersion"]),
            &word(&object["kind"]),
            &word(&object["metadata"]["namespace"]),
            &word(&object["metadata"]["name"]),
        );
        self.0.log.note(HOST, format_args!("apply {} {}", show(&key), digest(&object)));
        self.change(|store| {
            let mut object = object;
            if let Some(status) = store.get(&key).ok().and_then(|it| it.get("status")) {
                object["status"] = status.clone();
            }
            store.put(key, object, now());
        });
    }

    /// Deletes an object, if it is there.
    ///
    /// # Panics
    /// Nobody knows the kind.
    pub fn delete(&self, api_version: &str, kind: &str, namespace: &str, name: &str) {
        let key = key(api_version, kind, namespace, name);
        self.0.log.note(HOST, format_args!("delete {}", show(&key)));
        // It may be gone.
        self.change(|store| drop(store.delete(&key)));
    }

    /// Every object of a kind.
    ///
    /// # Panics
    /// Nobody knows the kind.
    #[must_use]
    pub fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        let resource = key(api_version, kind, "", "").resource;
        let filter = Filter { resource, ..Filter::default() };
        let page = self.0.store.borrow().list(&filter, usize::MAX, "");
        page.map_or_else(|_| Vec::new(), |page| page.items)
    }

    /// Every object of a resource, as a provider has it that misses nothing.
    #[must_use]
    pub fn listed(&self, resource: Resource) -> Event {
        let objects = self.list(resource.api_version(), resource.kind.name());
        let decode = |object: &Value| Object::decode(resource, &node(object)).ok().map(Arc::new);
        Event::Listed {
            resource,
            namespace: None,
            objects: objects.iter().filter_map(decode).collect(),
        }
    }

    /// How many requests began so: `watch v1/services`.
    #[must_use]
    pub fn asked(&self, what: &str) -> usize {
        let asked = self.0.asked.borrow();
        asked.iter().filter(|(it, _)| it.starts_with(what)).map(|(_, count)| count).sum()
    }

    /// Everything that clients wrote, in this order.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.0.writes.borrow().clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let result = change(&mut self.0.store.borrow_mut());
        self.0.changed.send_modify(|changes| *changes += 1);
        result
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut Rng, Mischief) -> T) -> T {
        draw(&mut self.0.rng.borrow_mut(), self.0.mischief.get())
    }
}

/// The time of the world.
fn now() -> Duration {
    turmoil::sim_elapsed().unwrap_or_default()
}

fn key(api_version: &str, kind: &str, namespace: &str, name: &str) -> Key {
    let known = KINDS.iter().find(|it| (it.0, it.1) == (api_version, kind));
    let (_, _, plural, is_namespaced) =
        known.unwrap_or_else(|| panic!("no kind {kind} of {api_version}"));
    let namespace = if *is_namespaced { namespace } else { "" };
    let resource = format!("{api_version}/{plural}");
    Key { resource, namespace: namespace.to_owned(), name: name.to_owned() }
}

fn show(key: &Key) -> String {
    format!("{} {}/{}", key.resource, key.namespace, key.name)
}

/// Stands for an object in the event log.
fn digest(object: &Value) -> String {
    format!("{:016x}", Rng::of(&object.to_string()).word())
}

/// As the core has documents.
fn node(value: &Value) -> Node {
    let value = match value {
        Value::Null => tree::Value::Null,
        Value::Bool(it) => tree::Value::Bool(*it),
        Value::Number(it) => match (it.as_i64(), it.as_f64()) {
            (Some(it), _) => tree::Value::Int(it),
            (None, it) => tree::Value::Float(it.unwrap_or_default()),
        },
        Value::String(it) => tree::Value::Text(it.clone()),
        Value::Array(items) => tree::Value::List(items.iter().map(node).collect()),
        Value::Object(entries) => {
            let entry = |(name, value): (&String, &Value)| {
                (tree::Key { name: name.clone(), place: Place::default() }, node(value))
            };
            tree::Value::Map(entries.iter().map(entry).collect())
        }
    };
    Node { value, place: Place::default() }
}
