//! What comes and goes in the cluster, and what is configured because of it.
//!
//! Every object that is translated is a unit. What a unit looked at is on record, so that a change
//! translates again what depends on it and nothing else; the result is that of a translation of all
//! objects there are, whatever the order in which they came.
use super::{
    Options, Provider,
    assembly::Assembly,
    builtin::Address,
    finding::Finding,
    ingress, ingress_route, middleware,
    names::{Names, Plain, resolve},
    object::{Body, Object},
    relays,
    resource::{Key, Kind, ObjectRef, Resource},
    scope::{Dependency, Scope, Translation},
    store::{Store, service_of},
    tls, traefik_service,
};
use crate::{diagnostic, provider::Message, tree::decode::Reason};
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

/// What happens to objects.
#[derive(Clone, Debug)]
pub enum Event {
    /// It is there, and as it is here.
    Applied(Arc<Object>),
    /// It is gone.
    Deleted(ObjectRef),
    /// These are all objects of a resource in a namespace, or in all of them.
    Listed {
        /// The resource.
        resource: Resource,
        /// The namespace; none: all.
        namespace: Option<Arc<str>>,
        /// All objects.
        objects: Vec<Arc<Object>>,
    },
}

/// What is new since the last one.
#[derive(Debug, Default)]
pub struct Update {
    /// The whole configuration, if it is another one.
    pub message: Option<Message>,
    /// What is wrong and was not before, each told once for as long as it lasts.
    pub findings: Vec<Finding>,
    /// Ingresses whose status has to be written.
    pub statuses: Vec<(ObjectRef, Vec<Address>)>,
}

/// Translates the objects of a cluster. Feed it with [`Translator::handle`], as many events as there
/// are at a time, then ask for the [`Translator::update`].
#[derive(Debug)]
pub struct Translator {
    provider: Provider,
    options: Options,
    store: Store,
    names: Names,
    /// Boxed: nodes of a map are half empty.
    units: BTreeMap<Key, Box<Translation>>,
    /// Who looked at what.
    dependents: BTreeSet<(Dependency, Key)>,
    /// What has to be translated again.
    due: BTreeSet<Key>,
    /// What was found before, in units that are translated again.
    known: BTreeMap<Key, Vec<Finding>>,
    assembly: Assembly,
    /// Whether the configuration is another one than that of the last update.
    is_changed: bool,
}

impl Translator {
    /// Nothing is known of the cluster yet. The first update has a message in any case.
    #[must_use]
    pub fn new(provider: Provider, options: Options) -> Self {
        Self {
            provider,
            options,
            store: Store::default(),
            names: Names::default(),
            units: BTreeMap::new(),
            dependents: BTreeSet::new(),
            due: BTreeSet::new(),
            known: BTreeMap::new(),
            assembly: Assembly::default(),
            is_changed: true,
        }
    }

    /// Takes one event. Objects that are not looked at are left alone.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Applied(object) => self.apply(object),
            Event::Deleted(reference) => self.put(&reference.key(), reference.resource, None),
            Event::Listed { resource, namespace, objects } => {
                let there: BTreeSet<Key> = objects.iter().map(|object| object.key()).collect();
                for key in self.store.of(resource) {
                    let is_meant = namespace.as_ref().is_none_or(|it| *it == key.namespace);
                    if is_meant && !there.contains(&key) {
                        self.put(&key, resource, None);
                    }
                }
                objects.into_iter().for_each(|object| self.apply(object));
            }
        }
    }

    /// What came of everything since the last update.
    pub fn update(&mut self) -> Update {
        let mut update = Update::default();
        let mut translated = BTreeSet::new();
        // Names depend on what is there, not on names: nothing is due a third time.
        while let Some(unit) = self.due.pop_first() {
            self.translate(&unit);
            translated.insert(unit);
        }
        for unit in translated {
            let known = self.known.remove(&unit).unwrap_or_default();
            let Some(translation) = self.units.get(&unit) else { continue };
            let news = translation.findings.iter().filter(|it| !known.contains(it));
            update.findings.extend(news.cloned());
            if let (Some(status), Some(object)) = (&translation.status, self.store.get(&unit)) {
                update.statuses.push((object.reference(), status.clone()));
            }
        }
        if core::mem::take(&mut self.is_changed) {
            let provider = self.provider.name().into();
            let configuration = self.assembly.configuration.clone();
            update.message = Some(Message { provider, configuration });
        }
        update
    }

    /// Everything that is wrong now, by object.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.units.values().flat_map(|unit| &unit.findings)
    }

    /// The Secrets that objects refer to, there or not.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<Key> {
        let first = Key::new(Kind::Secret, "", "");
        let from = (Dependency::Object(first), Key::new(Kind::Service, "", ""));
        let objects = self.dependents.range(from..).map_while(|(dependency, _)| match dependency {
            Dependency::Object(key) if key.kind == Kind::Secret => Some(key.clone()),
            Dependency::Object(_) | Dependency::Name(..) => None,
        });
        objects.collect()
    }

    /// Every Ingress whose status is not what it should be.
    pub fn statuses(&self) -> impl Iterator<Item = (ObjectRef, Vec<Address>)> {
        self.units.iter().filter_map(|(key, unit)| {
            Some((self.store.get(key)?.reference(), unit.status.clone()?))
        })
    }

    /// The objects that define something in the configuration, for whom it may concern that the plan
    /// has something to say about it. `name` is without provider.
    pub fn objects(&self, kind: diagnostic::Kind, name: &str) -> impl Iterator<Item = ObjectRef> {
        let owners = self.assembly.owners(kind, name);
        owners.filter_map(|key| Some(self.store.get(key)?.reference()))
    }

    fn apply(&mut self, object: Arc<Object>) {
        let (key, resource) = (object.key(), object.resource());
        let object = Some(object).filter(|object| self.wants(object));
        self.put(&key, resource, object);
    }

    /// Whether an object is looked at.
    fn wants(&self, object: &Object) -> bool {
        let kind = object.resource().kind;
        let class = object.meta.annotations.get(ingress::CLASS_ANNOTATION);
        let takes_class = || self.options.takes_class(class.map(|class| &**class));
        self.provider.looks_at(kind)
            && self.options.watches(&object.meta.namespace)
            && (!is_selected(kind) || self.options.label_selector.matches(&object.meta.labels))
            && (!has_class(kind) || takes_class())
    }

    fn put(&mut self, key: &Key, resource: Resource, object: Option<Arc<Object>>) {
        let Some(changed) = self.store.put(key, resource.group, object) else { return };
        if is_unit(key.kind) {
            self.due.insert(key.clone());
        }
        self.due_for(Dependency::Object(key.clone()));
        for slice in [&changed.old, &changed.new].into_iter().flatten() {
            if let Some((namespace, name)) = service_of(slice) {
                self.due_for(Dependency::Object(Key { kind: Kind::Service, namespace, name }));
            }
        }
    }

    /// Has everybody translated again who looked at something.
    fn due_for(&mut self, dependency: Dependency) {
        let first = Key::new(Kind::Service, "", "");
        let from = (dependency, first);
        let all = self.dependents.range(&from..);
        let users = all.take_while(|(looked_at, _)| *looked_at == from.0).map(|(_, unit)| unit);
        self.due.extend(users.cloned());
    }

    fn translate(&mut self, unit: &Key) {
        let object = self.store.get(unit).cloned();
        let new = object.map(|object| {
            let mut scope = Scope::new(&self.options, &self.store, &self.names, unit, &object);
            translate(&mut scope, &object);
            scope.out
        });
        let old = self.units.remove(unit);
        let nothing = Translation::default();
        let (before, after) =
            (old.as_deref().unwrap_or(&nothing), new.as_ref().unwrap_or(&nothing));
        for dependency in before.dependencies.difference(&after.dependencies) {
            self.dependents.remove(&(dependency.clone(), unit.clone()));
        }
        for dependency in after.dependencies.difference(&before.dependencies) {
            self.dependents.insert((dependency.clone(), unit.clone()));
        }
        let changed = self.assembly.replace(unit, &before.configuration, &after.configuration);
        self.is_changed |= changed;
        self.known.entry(unit.clone()).or_insert_with(|| before.findings.clone());
        let gone = before.claims.difference(&after.claims).map(|it| (it, false));
        let come = after.claims.difference(&before.claims).map(|it| (it, true));
        let mut due = BTreeSet::new();
        for ((plain, claim), add) in gone.chain(come) {
            if let Some(holders) = self.names.change(plain, claim.clone(), add) {
                due.extend(renamed(&self.dependents, plain, &holders));
            }
        }
        self.due.extend(due);
        if let Some(new) = new {
            self.units.insert(unit.clone(), Box::new(new));
        }
    }
}

/// Those for whom something is called otherwise, now that somebody else has a name.
fn renamed(
    dependents: &BTreeSet<(Dependency, Key)>,
    plain: &Plain,
    [before, now]: &[Option<Arc<str>>; 2],
) -> Vec<Key> {
    let from = (Dependency::Name(plain.clone(), "".into()), Key::new(Kind::Service, "", ""));
    let mut units = Vec::new();
    for (dependency, unit) in dependents.range(from..) {
        let identity = match dependency {
            Dependency::Name(name, identity) if name == plain => identity,
            Dependency::Name(..) | Dependency::Object(_) => break,
        };
        let name = |holder: &Option<Arc<str>>| resolve(&plain.1, holder.as_deref(), identity);
        if name(before) != name(now) {
            units.push(unit.clone());
        }
    }
    units
}

/// Whether objects of a kind add to the configuration by themselves.
fn is_unit(kind: Kind) -> bool {
    kind == Kind::Ingress || kind.is_custom()
}

/// Whether the label selector is about a kind. Compat: kubernetes.md "labelSelector".
fn is_selected(kind: Kind) -> bool {
    is_unit(kind)
}

/// Whether an annotation says for whom an object is. An Ingress may say so in another way.
const fn has_class(kind: Kind) -> bool {
    matches!(kind, Kind::IngressRoute | Kind::IngressRouteTcp | Kind::IngressRouteUdp)
}

fn translate(scope: &mut Scope<'_>, object: &Object) {
    for ignored in &object.ignored {
        scope.warn(ignored.path.clone(), Reason::Unknown.message());
    }
    match &object.body {
        Err(broken) => scope.error(broken.path.clone(), broken.message.clone()),
        Ok(Body::Ingress(it)) => ingress::translate(scope, it),
        Ok(Body::IngressRoute(it)) => ingress_route::translate(scope, it),
        Ok(Body::IngressRouteTcp(it)) => relays::translate_tcp(scope, it),
        Ok(Body::IngressRouteUdp(it)) => relays::translate_udp(scope, it),
        Ok(Body::Middleware(it)) => middleware::translate(scope, it),
        Ok(Body::MiddlewareTcp(it)) => middleware::translate_tcp(scope, it),
        Ok(Body::TraefikService(it)) => traefik_service::translate(scope, it),
        Ok(Body::TlsOption(it)) => tls::translate_option(scope, it),
        Ok(Body::TlsStore(it)) => tls::translate_store(scope, it),
        Ok(Body::ServersTransport(it)) => tls::translate_transport(scope, it),
        Ok(Body::Service(_) | Body::EndpointSlice(_) | Body::Secret(_) | Body::IngressClass(_)) => {
        }
    }
}
