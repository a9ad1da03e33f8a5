//! The compiled objects that a plan keeps, so that the next one takes over what did not change.
use super::{
    Settings,
    middlewares::{Flattening, MiddlewarePart},
    name::{Id, Key, Reference},
    relays::{self, Protocol, RelayPart, Tcp, Udp},
    routers::RouterPart,
    security::{self, CertificatePart, OptionsPart, StorePart, TransportPart},
    services::ServicePart,
    tree::Resolving,
};
use crate::{
    config::{Configuration, Defined, http, tcp, tls, transport, udp},
    diagnostic::Severity,
    middleware::Definition,
    persistent::sorted::Sorted,
    service::{LoadBalancer, transport::ServersTransport},
    tls::options::Options,
};
use alloc::{
    borrow::Cow,
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

/// Everything the providers configured.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) providers: Providers,
    /// Who refers to which object, directly or through others.
    users: Sorted<(Key, Option<Id>), ()>,
    /// Objects with something to report.
    noted: Sorted<Id, ()>,
    /// What there is to report of objects besides, because others say something else.
    disputes: Sorted<Id, Arc<[Note]>>,
    /// The load balancers in use whose servers are checked, by name and slot of their health.
    pub(super) checked: Sorted<(Arc<str>, u32), Checked>,
}

pub(super) type Providers = BTreeMap<Arc<str>, Provider>;
pub(super) type Objects<T, P> = Sorted<Arc<str>, Object<T, P>>;

/// The objects of one provider by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Provider {
    /// What they were compiled from.
    pub(super) source: Arc<Configuration>,
    pub(super) routers: Objects<http::Router, RouterPart>,
    pub(super) services: Objects<http::Service, ServicePart>,
    pub(super) middlewares: Objects<Definition, MiddlewarePart>,
    pub(super) transports: Objects<transport::ServersTransport, TransportPart>,
    pub(super) tcp_routers: Objects<tcp::Router, relays::routers::RouterPart<Tcp>>,
    pub(super) tcp_services: Objects<tcp::Service, RelayPart<Tcp>>,
    pub(super) udp_routers: Objects<udp::Router, relays::routers::RouterPart<Udp>>,
    pub(super) udp_services: Objects<udp::Service, RelayPart<Udp>>,
    pub(super) certificates: Objects<tls::Certificate, CertificatePart>,
    pub(super) options: Objects<tls::Options, OptionsPart>,
    pub(super) stores: Objects<tls::Store, StorePart>,
}

/// A definition and what it was compiled to.
#[derive(Debug)]
pub(super) struct Object<T, P> {
    pub(super) definition: Arc<Defined<T>>,
    pub(super) part: Arc<P>,
}

impl<T, P> Clone for Object<T, P> {
    fn clone(&self) -> Self {
        Self { definition: self.definition.clone(), part: self.part.clone() }
    }
}

/// A load balancer in use whose servers are checked.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// As compiled, without a cell.
    pub(super) template: Arc<LoadBalancer>,
    /// The same with its cell.
    pub(super) live: Arc<LoadBalancer>,
    /// How often routers have it in their trees.
    pub(super) users: u32,
}

/// Something to report about an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Note {
    pub(super) severity: Severity,
    /// The option inside the object; may be empty.
    pub(super) option: Cow<'static, str>,
    pub(super) message: String,
}

impl Note {
    pub(super) fn error(option: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, option: option.into(), message: message.into() }
    }

    pub(super) fn warning(
        option: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, option: option.into(), message: message.into() }
    }
}

/// What is recorded about every compiled object.
pub(super) trait Part {
    /// What there is to report.
    fn notes(&self) -> &[Note];
    /// Everything that was looked up to compile it, found or not; ascending.
    fn dependencies(&self) -> &[Key];
}

/// A part that its definition alone makes; what it refers to is looked up later.
pub(super) trait Standalone: Part {
    /// What it is compiled from.
    type Definition: PartialEq;
    /// Compiles the definition of `id`.
    fn compile(settings: &Settings, id: &Id, definition: &Result<Self::Definition, String>)
    -> Self;
    /// Whether it refers to others.
    fn refers(&self) -> bool;
}

impl Parts {
    pub(super) fn router(&self, id: &Id) -> Option<&Object<http::Router, RouterPart>> {
        self.providers.get(&id.provider)?.routers.get(&*id.name)
    }

    pub(super) fn service(&self, reference: &Reference) -> Option<&Arc<ServicePart>> {
        let provider = self.providers.get(reference.provider())?;
        Some(&provider.services.get(reference.name())?.part)
    }

    pub(super) fn middleware(&self, reference: &Reference) -> Option<&Arc<MiddlewarePart>> {
        let provider = self.providers.get(reference.provider())?;
        Some(&provider.middlewares.get(reference.name())?.part)
    }

    pub(super) fn relay<P: Protocol>(&self, reference: &Reference) -> Option<&Arc<RelayPart<P>>> {
        let provider = self.providers.get(reference.provider())?;
        Some(&P::services(provider).get(reference.name())?.part)
    }

    pub(super) fn transport(&self, reference: &Reference) -> Option<Arc<ServersTransport>> {
        let provider = self.providers.get(reference.provider())?;
        provider.transports.get(reference.name())?.part.compiled.clone()
    }

    /// TLS options of a name other than `default`, which is nobody's; `None`, too, for broken ones.
    pub(super) fn options(&self, reference: &Reference) -> Option<Arc<Options>> {
        let name = Some(reference.name()).filter(|name| *name != security::DEFAULT)?;
        let provider = self.providers.get(reference.provider())?;
        provider.options.get(name)?.part.compiled.clone()
    }

    /// Who refers to the object behind `key`.
    pub(super) fn users_of(&self, key: Key) -> impl Iterator<Item = &Id> {
        self.users
            .from(&(key, None))
            .take_while(move |((user_of, _), ())| *user_of == key)
            .filter_map(|((_, user), ())| user.as_ref())
    }

    /// The objects with something to report.
    pub(super) fn noted(&self) -> BTreeSet<&Id> {
        let own = self.noted.iter().map(|(id, ())| id);
        own.chain(self.disputes.iter().map(|(id, _)| id)).collect()
    }

    /// What there is to report of an object because others say something else.
    pub(super) fn disputes(&self, id: &Id) -> &[Note] {
        self.disputes.get(id).map_or(&[], |notes| notes)
    }

    pub(super) fn set_disputes(&mut self, id: &Id, notes: Vec<Note>) {
        if *notes == *self.disputes(id) {
            return;
        }
        if notes.is_empty() {
            self.disputes.remove(id);
        } else {
            self.disputes.insert(id.clone(), notes.into());
        }
    }

    /// Looks up again what a service refers to.
    pub(super) fn link_service(&mut self, id: &Id, ping: bool) {
        let reference = Reference::to(id);
        let Some(old) = self.service(&reference).cloned() else { return };
        let mut resolving = Resolving::new(self, ping);
        let error = resolving.resolve(&reference).err();
        let dependencies = sorted(resolving.dependencies);
        let transport = old.transport().and_then(|transport| self.transport(transport));
        let new = Arc::new(old.linked(error, transport, dependencies));
        self.record(id, Some(&*old), Some(&*new));
        let provider = self.providers.get_mut(&id.provider);
        if let Some(object) = provider.and_then(|p| p.services.get_mut(&*id.name)) {
            object.part = new;
        }
    }

    /// Looks up again what a TCP or UDP service refers to.
    pub(super) fn link_relay<P: Protocol>(&mut self, id: &Id) {
        let reference = Reference::to(id);
        let Some(old) = self.relay::<P>(&reference).cloned() else { return };
        let mut resolving = relays::tree::Resolving::<P>::new(self);
        let error = resolving.resolve(&reference).err();
        let new = Arc::new(old.linked(error, sorted(resolving.dependencies)));
        self.record(id, Some(&*old), Some(&*new));
        let provider = self.providers.get_mut(&id.provider);
        if let Some(object) = provider.and_then(|p| P::services_mut(p).get_mut(&*id.name)) {
            object.part = new;
        }
    }

    /// Looks up again what a chain refers to.
    pub(super) fn link_middleware(&mut self, id: &Id) {
        let reference = Reference::to(id);
        let Some(old) = self.middleware(&reference).cloned() else { return };
        let mut flattening = Flattening::new(self);
        let error = flattening.add(&reference).err();
        let new = Arc::new(old.linked(error, sorted(flattening.dependencies)));
        self.record(id, Some(&*old), Some(&*new));
        let provider = self.providers.get_mut(&id.provider);
        if let Some(object) = provider.and_then(|p| p.middlewares.get_mut(&*id.name)) {
            object.part = new;
        }
    }

    /// Records that the part of `id` is now `new` instead of `old`.
    pub(super) fn record(&mut self, id: &Id, old: Option<&dyn Part>, new: Option<&dyn Part>) {
        let before = old.map_or(&[][..], |part| part.dependencies());
        let after = new.map_or(&[][..], |part| part.dependencies());
        for key in before.iter().filter(|key| after.binary_search(key).is_err()) {
            self.users.remove(&(*key, Some(id.clone())));
        }
        for key in after.iter().filter(|key| before.binary_search(key).is_err()) {
            self.users.insert((*key, Some(id.clone())), ());
        }
        let noted = |part: Option<&dyn Part>| part.is_some_and(|part| !part.notes().is_empty());
        match (noted(old), noted(new)) {
            (false, true) => drop(self.noted.insert(id.clone(), ())),
            (true, false) => drop(self.noted.remove(id)),
            (true, true) | (false, false) => {}
        }
    }
}

/// Dependencies as a part keeps them.
pub(super) fn sorted(mut keys: Vec<Key>) -> Box<[Key]> {
    keys.sort_unstable();
    keys.dedup();
    keys.into()
}
