//! Configuration to plan, reusing every part of the previous plan that did not change.
//!
//! A walk in step over the old and new definitions finds what changed. Who referred to it, directly or
//! through others, is on record, so nothing else is looked at: middlewares and services are compiled
//! on their own, chains and services of services are looked up again, then routers.
use super::{
    Plan, Settings,
    instances::Instances,
    name::{Id, Key},
    parts::{Object, Objects, Part, Parts, Provider, Standalone},
    routers::{Draft, RouterPart},
};
use crate::{
    cells::CellSpecs,
    config::{Configuration, Defined, Definitions, http},
    diagnostic::{Diagnostic, Kind},
    entry_point::EntryPointId,
    provider::Configurations,
    router::Router,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};
use core::cmp::Ordering;

/// The plan for what the providers configured, and everything that is wrong with it.
///
/// What did not change since `previous` is the same part in the new plan, with the same cells. A broken
/// object disables itself and what refers to it. The cost follows the change: an unchanged object costs
/// one comparison, by pointer where its provider shares the definition.
#[must_use]
pub fn compile(
    previous: Option<&Plan>,
    settings: &Settings,
    configurations: &Configurations,
) -> (Plan, Vec<Diagnostic>) {
    let mut compilation = Compilation::new(previous, settings);
    for (provider, configuration) in configurations {
        compilation.compare(provider, configuration);
    }
    compilation.empty_all_but(configurations);
    compilation.look_up();
    compilation.compile_routers();
    let mut plan = compilation.plan;
    plan.parts.providers.retain(|name, _| configurations.contains_key(name));
    let diagnostics = plan.diagnostics();
    (plan, diagnostics)
}

struct Compilation {
    plan: Plan,
    /// Middlewares and services that appeared, changed or went.
    changed: Vec<Key>,
    /// Chains and services of services to look up again.
    referring: BTreeSet<Id>,
    routers: BTreeMap<Id, RouterChange>,
}

enum RouterChange {
    Gone,
    New(Arc<Defined<http::Router>>),
    /// Something it refers to changed.
    Again,
}

/// What a walk in step found.
enum Change<T> {
    Gone(Arc<str>),
    New(Arc<str>, Arc<Defined<T>>),
    /// The same, written at another place.
    Moved(Arc<str>, Arc<Defined<T>>),
}

impl Compilation {
    fn new(previous: Option<&Plan>, settings: &Settings) -> Self {
        let plan = match previous {
            Some(previous) if previous.settings == *settings => previous.successor(),
            Some(previous) => previous.cleared(settings),
            None => Plan::new(settings.clone(), CellSpecs::default()),
        };
        let (changed, referring, routers) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        Self { plan, changed, referring, routers }
    }

    /// Compiles what is new of a provider, as far as it depends on nothing else.
    fn compare(&mut self, name: &Arc<str>, configuration: &Arc<Configuration>) {
        let provider = self.plan.parts.providers.entry(name.clone()).or_default();
        if Arc::ptr_eq(&provider.source, configuration) {
            return;
        }
        provider.source = configuration.clone();
        let http = &configuration.http;
        let middlewares = diff(&provider.middlewares, &http.middlewares);
        let services = diff(&provider.services, &http.services);
        let routers = diff(&provider.routers, &http.routers);
        self.apply(Kind::Middleware, name, middlewares, |p| &mut p.middlewares);
        self.apply(Kind::Service, name, services, |p| &mut p.services);
        for change in routers {
            self.apply_router(name, change);
        }
    }

    fn empty_all_but(&mut self, configurations: &Configurations) {
        let known = self.plan.parts.providers.keys();
        let gone: Vec<_> =
            known.filter(|name| !configurations.contains_key(*name)).cloned().collect();
        for name in gone {
            self.compare(&name, &Arc::default());
        }
    }

    fn apply<P: Standalone>(
        &mut self,
        kind: Kind,
        provider: &Arc<str>,
        changes: Vec<Change<P::Definition>>,
        objects: impl Fn(&mut Provider) -> &mut Objects<P::Definition, P>,
    ) {
        for change in changes {
            let Some(of) = self.plan.parts.providers.get_mut(provider) else { return };
            let id = |name| Id { kind, provider: provider.clone(), name };
            match change {
                Change::Gone(name) => {
                    let old = objects(of).remove(&*name);
                    self.changed_to(&id(name), old.map(|old| old.part), None::<Arc<P>>);
                }
                Change::New(name, definition) => {
                    let id = id(name.clone());
                    let part = Arc::new(P::compile(&id, &definition.value));
                    let object = Object { definition, part: part.clone() };
                    let old = objects(of).insert(name, object);
                    self.changed_to(&id, old.map(|old| old.part), Some(part));
                }
                Change::Moved(name, definition) => {
                    if let Some(object) = objects(of).get_mut(&*name) {
                        object.definition = definition;
                    }
                }
            }
        }
    }

    fn changed_to<P: Standalone>(&mut self, id: &Id, old: Option<Arc<P>>, new: Option<Arc<P>>) {
        self.changed.push(id.key());
        if new.as_ref().is_some_and(|new| new.refers()) {
            self.referring.insert(id.clone());
        }
        self.plan.parts.record(id, old.as_deref().map(as_part), new.as_deref().map(as_part));
    }

    fn apply_router(&mut self, provider: &Arc<str>, change: Change<http::Router>) {
        let id = |name| Id { kind: Kind::Router, provider: provider.clone(), name };
        match change {
            Change::Gone(name) => drop(self.routers.insert(id(name), RouterChange::Gone)),
            Change::New(name, definition) => {
                self.routers.insert(id(name), RouterChange::New(definition));
            }
            Change::Moved(name, definition) => {
                let provider = self.plan.parts.providers.get_mut(provider);
                if let Some(object) = provider.and_then(|p| p.routers.get_mut(&*name)) {
                    object.definition = definition;
                }
            }
        }
    }

    /// Looks up again what chains and services of services refer to, and finds the routers that the
    /// changes concern.
    fn look_up(&mut self) {
        for key in &self.changed {
            for user in self.plan.parts.users_of(*key) {
                if user.kind == Kind::Router {
                    self.routers.entry(user.clone()).or_insert(RouterChange::Again);
                } else {
                    self.referring.insert(user.clone());
                }
            }
        }
        for id in core::mem::take(&mut self.referring) {
            if id.kind == Kind::Service {
                self.plan.parts.link_service(&id, self.plan.settings.ping);
            } else {
                self.plan.parts.link_middleware(&id);
            }
        }
    }

    fn compile_routers(&mut self) {
        let drafts = self.drafts();
        let replacements = self.replacements(drafts);
        let mut tables = Tables::default();
        for Replacement { id, definition, old, new } in replacements {
            tables.note(old.as_deref(), new.as_deref());
            let (before, after) = (old.as_deref().map(as_part), new.as_deref().map(as_part));
            self.plan.parts.record(&id, before, after);
            let Some(provider) = self.plan.parts.providers.get_mut(&id.provider) else { continue };
            match (definition, new) {
                (Some(definition), Some(part)) => {
                    provider.routers.insert(id.name, Object { definition, part });
                }
                _ => drop(provider.routers.remove(&*id.name)),
            }
        }
        tables.apply(&mut self.plan);
    }

    fn drafts(&mut self) -> Vec<(Id, Option<Drafted>)> {
        let routers = core::mem::take(&mut self.routers).into_iter();
        let (parts, settings) = (&self.plan.parts, &self.plan.settings);
        let draft = |(id, change)| {
            let old = parts.router(&id);
            let definition = match change {
                RouterChange::Gone => None,
                RouterChange::New(definition) => Some(definition),
                RouterChange::Again => old.map(|old| old.definition.clone()),
            };
            let draft = definition.map(|definition| {
                let before = old.map(|old| &*old.part);
                let draft = Draft::new(&id, &definition.value, before, parts, settings);
                (definition, draft)
            });
            (id, draft)
        };
        routers.map(draft).collect()
    }

    /// Gives the drafts their cells.
    fn replacements(&mut self, drafts: Vec<(Id, Option<Drafted>)>) -> Vec<Replacement> {
        let Plan { cells, parts, .. } = &mut self.plan;
        let Parts { providers, checked, .. } = parts;
        let mut instances = Instances::new(cells, checked);
        let replace = |(id, draft): (Id, Option<_>)| {
            let provider = providers.get(&id.provider);
            let old = provider.and_then(|p| Some(p.routers.get(&*id.name)?.part.clone()));
            let (definition, new) = match draft {
                Some((definition, draft)) => {
                    let part = Draft::finish(draft, old.as_deref(), &mut instances);
                    (Some(definition), Some(Arc::new(part)))
                }
                None => {
                    if let Some(old) = old.as_ref().and_then(|old| old.router.as_ref()) {
                        instances.give_back(old);
                    }
                    (None, None)
                }
            };
            Replacement { id, definition, old, new }
        };
        let replacements = drafts.into_iter().map(replace).collect();
        instances.finish();
        replacements
    }
}

type Drafted = (Arc<Defined<http::Router>>, Draft);

/// A router before and after.
struct Replacement {
    id: Id,
    definition: Option<Arc<Defined<http::Router>>>,
    old: Option<Arc<RouterPart>>,
    new: Option<Arc<RouterPart>>,
}

/// Routers that leave and enter each table.
#[derive(Default)]
struct Tables(BTreeMap<(bool, EntryPointId), TableChange>);

#[derive(Default)]
struct TableChange {
    removed: Vec<Arc<Router>>,
    added: Vec<Arc<Router>>,
}

impl Tables {
    fn note(&mut self, old: Option<&RouterPart>, new: Option<&RouterPart>) {
        for (part, enters) in [(old, false), (new, true)] {
            let Some((part, router)) = part.and_then(|part| Some((part, part.router.as_ref()?)))
            else {
                continue;
            };
            for at in &part.at {
                let change = self.0.entry((part.tls, *at)).or_default();
                let side = if enters { &mut change.added } else { &mut change.removed };
                side.push(router.clone());
            }
        }
    }

    fn apply(self, plan: &mut Plan) {
        for ((tls, at), change) in self.0 {
            let tables = if tls { &mut plan.tls } else { &mut plan.plain };
            if let Some(table) = tables.get_mut(usize::from(at.0)) {
                *table = table.apply(&change.removed, &change.added);
            }
        }
    }
}

fn as_part<P: Part>(part: &P) -> &dyn Part {
    part
}

fn diff<T: PartialEq, P>(old: &Objects<T, P>, new: &Definitions<T>) -> Vec<Change<T>> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let mut changes = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, _)), Some((new, _))) if Arc::ptr_eq(old, new) => Ordering::Equal,
            (Some((old, _)), Some((new, _))) => old.cmp(new),
        };
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        match (before, after) {
            (Some((name, _)), None) => changes.push(Change::Gone(name.clone())),
            (None, Some((name, new))) => changes.push(Change::New(name.clone(), new.clone())),
            (Some((_, old)), Some((_, new))) if Arc::ptr_eq(&old.definition, new) => {}
            (Some((_, old)), Some((name, new))) if old.definition.value != new.value => {
                changes.push(Change::New(name.clone(), new.clone()));
            }
            (Some((_, old)), Some((name, new))) if old.definition.place != new.place => {
                changes.push(Change::Moved(name.clone(), new.clone()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
