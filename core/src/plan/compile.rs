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
    relays::{Tcp, Udp},
    routers::{Draft, RouterPart},
};
use crate::{
    cells::CellSpecs,
    config::{Configuration, Defined, http, tcp, udp},
    diagnostic::{Diagnostic, Kind},
    provider::Configurations,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};
use diff::{Change, RouterChange, diff};
use tables::Tables;

mod defaults;
mod diff;
mod disputes;
mod relays;
mod tables;

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
    compilation.settle_defaults();
    compilation.look_up();
    compilation.compile_routers();
    compilation.compile_relays::<Tcp>();
    compilation.compile_relays::<Udp>();
    let mut plan = compilation.plan;
    plan.parts.providers.retain(|name, _| configurations.contains_key(name));
    let diagnostics = plan.diagnostics();
    (plan, diagnostics)
}

struct Compilation {
    plan: Plan,
    /// What appeared, changed or went, but for routers.
    changed: Vec<Key>,
    /// Chains and services of services to look up again.
    referring: BTreeSet<Id>,
    routers: Changes<http::Router>,
    tcp: Changes<tcp::Router>,
    udp: Changes<udp::Router>,
}

/// A part that went, and the one that came.
type Replaced<P> = (Option<Arc<P>>, Option<Arc<P>>);

/// Routers to compile, by their names.
type Changes<T> = BTreeMap<Id, RouterChange<T>>;

impl Compilation {
    fn new(previous: Option<&Plan>, settings: &Settings) -> Self {
        let plan = match previous {
            Some(previous) if previous.settings == *settings => previous.successor(),
            Some(previous) => previous.cleared(settings),
            None => Plan::new(settings.clone(), CellSpecs::default()),
        };
        Self {
            plan,
            changed: Vec::new(),
            referring: BTreeSet::new(),
            routers: BTreeMap::new(),
            tcp: BTreeMap::new(),
            udp: BTreeMap::new(),
        }
    }

    /// Compiles what is new of a provider, as far as it depends on nothing else.
    fn compare(&mut self, name: &Arc<str>, configuration: &Arc<Configuration>) {
        let provider = self.plan.parts.providers.entry(name.clone()).or_default();
        if Arc::ptr_eq(&provider.source, configuration) {
            return;
        }
        // What it was compiled from is what it has: the parts are looked at where that has changed.
        let old = core::mem::replace(&mut provider.source, configuration.clone());
        let Configuration { http, tcp, udp, tls } = &**configuration;
        let middlewares = diff(&old.http.middlewares, &http.middlewares);
        let services = diff(&old.http.services, &http.services);
        let transports = diff(&old.http.servers_transports, &http.servers_transports);
        let tcp_services = diff(&old.tcp.services, &tcp.services);
        let udp_services = diff(&old.udp.services, &udp.services);
        let options = diff(&old.tls.options, &tls.options);
        let stores = diff(&old.tls.stores, &tls.stores);
        let certificates = diff(&old.tls.certificates, &tls.certificates);
        let routers = diff(&old.http.routers, &http.routers);
        let tcp_routers = diff(&old.tcp.routers, &tcp.routers);
        let udp_routers = diff(&old.udp.routers, &udp.routers);
        diff::apply_routers(Kind::Router, name, routers, &mut provider.routers, &mut self.routers);
        diff::apply_routers(
            Kind::TcpRouter,
            name,
            tcp_routers,
            &mut provider.tcp_routers,
            &mut self.tcp,
        );
        diff::apply_routers(
            Kind::UdpRouter,
            name,
            udp_routers,
            &mut provider.udp_routers,
            &mut self.udp,
        );
        self.apply(Kind::Middleware, name, middlewares, |p| &mut p.middlewares);
        self.apply(Kind::Service, name, services, |p| &mut p.services);
        self.apply(Kind::ServersTransport, name, transports, |p| &mut p.transports);
        self.apply(Kind::TcpService, name, tcp_services, |p| &mut p.tcp_services);
        self.apply(Kind::UdpService, name, udp_services, |p| &mut p.udp_services);
        self.apply(Kind::TlsOptions, name, options, |p| &mut p.options);
        self.apply(Kind::TlsStore, name, stores, |p| &mut p.stores);
        for (old, new) in self.apply(Kind::Certificate, name, certificates, |p| &mut p.certificates)
        {
            let store = &mut self.plan.certificates;
            old.iter().filter_map(|it| it.compiled.as_ref()).for_each(|it| store.remove(it));
            new.iter().filter_map(|it| it.compiled.as_ref()).for_each(|it| store.insert(it));
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

    /// Takes over what changed, and returns the parts that went and came.
    fn apply<P: Standalone>(
        &mut self,
        kind: Kind,
        provider: &Arc<str>,
        changes: Vec<Change<P::Definition>>,
        objects: impl Fn(&mut Provider) -> &mut Objects<P::Definition, P>,
    ) -> Vec<Replaced<P>> {
        let mut replaced = Vec::new();
        let settings = self.plan.settings.clone();
        for change in changes {
            let Some(of) = self.plan.parts.providers.get_mut(provider) else { break };
            let id = |name| Id { kind, provider: provider.clone(), name };
            let (id, old, new) = match change {
                Change::Gone(name) => (id(name.clone()), objects(of).remove(&*name), None),
                Change::New(name, definition) => {
                    let id = id(name.clone());
                    let part = Arc::new(P::compile(&settings, &id, &definition.value));
                    let object = Object { definition, part: part.clone() };
                    (id, objects(of).insert(name, object), Some(part))
                }
                Change::Moved(name, definition) => {
                    if let Some(object) = objects(of).get_mut(&*name) {
                        object.definition = definition;
                    }
                    continue;
                }
            };
            let old = old.map(|old| old.part);
            self.changed_to(&id, old.as_deref(), new.as_deref());
            replaced.push((old, new));
        }
        replaced
    }

    fn changed_to<P: Standalone>(&mut self, id: &Id, old: Option<&P>, new: Option<&P>) {
        self.changed.push(id.key());
        if new.is_some_and(|new| new.refers()) {
            self.referring.insert(id.clone());
        }
        self.plan.parts.record(id, old.map(as_part), new.map(as_part));
    }

    /// Looks up again what chains and services of services refer to, and finds the routers that the
    /// changes concern.
    fn look_up(&mut self) {
        for key in &self.changed {
            for user in self.plan.parts.users_of(*key) {
                let user = user.clone();
                match user.kind {
                    Kind::Router => again(&mut self.routers, user),
                    Kind::TcpRouter => again(&mut self.tcp, user),
                    Kind::UdpRouter => again(&mut self.udp, user),
                    Kind::Document
                    | Kind::Service
                    | Kind::Middleware
                    | Kind::ServersTransport
                    | Kind::TcpService
                    | Kind::UdpService
                    | Kind::Certificate
                    | Kind::TlsOptions
                    | Kind::TlsStore => drop(self.referring.insert(user)),
                }
            }
        }
        let parts = &mut self.plan.parts;
        for id in core::mem::take(&mut self.referring) {
            match id.kind {
                Kind::Service => parts.link_service(&id, self.plan.settings.ping),
                Kind::TcpService => parts.link_relay::<Tcp>(&id),
                Kind::UdpService => parts.link_relay::<Udp>(&id),
                Kind::Middleware => parts.link_middleware(&id),
                // They refer to nothing, or are looked up with their routers.
                Kind::Document
                | Kind::Router
                | Kind::ServersTransport
                | Kind::TcpRouter
                | Kind::UdpRouter
                | Kind::Certificate
                | Kind::TlsOptions
                | Kind::TlsStore => {}
            }
        }
    }

    fn compile_routers(&mut self) {
        let drafts = self.drafts();
        let replacements = self.replacements(drafts);
        let mut tables = Tables::default();
        let before = self.plan.connections.clone();
        let mut changed = BTreeSet::new();
        for Replacement { id, definition, old, new } in replacements {
            tables.note(&mut self.plan.connections, old.as_deref(), new.as_deref());
            let (before, after) = (old.as_deref().map(as_part), new.as_deref().map(as_part));
            self.plan.parts.record(&id, before, after);
            let Some(provider) = self.plan.parts.providers.get_mut(&id.provider) else { continue };
            if [&old, &new].into_iter().flatten().any(|part| part.claim.is_some()) {
                changed.insert(id.clone());
            }
            match (definition, new) {
                (Some(definition), Some(part)) => {
                    provider.routers.insert(id.name, Object { definition, part });
                }
                _ => drop(provider.routers.remove(&*id.name)),
            }
        }
        let touched = tables.apply(&mut self.plan);
        self.dispute_hosts(&before, &touched, changed);
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

fn as_part<P: Part>(part: &P) -> &dyn Part {
    part
}

/// Has a router compiled again that nothing else is to be done with.
fn again<T>(changes: &mut Changes<T>, id: Id) {
    changes.entry(id).or_insert(RouterChange::Again);
}

#[cfg(test)]
mod tests;
