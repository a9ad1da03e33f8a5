//! Services of TCP and UDP, each compiled on its own, and what tells the two protocols apart.
use super::{
    NAME_WITH_AT, Settings,
    name::{Id, Key, Reference},
    parts::{Note, Objects, Part, Provider, Standalone},
};
use crate::{
    config::tcp as written,
    diagnostic::Kind,
    entry_point::proxy_protocol::Version,
    relay::{Instance, LoadBalancer, Server, TERMINATION_DELAY, Weighted},
};
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::{fmt::Debug, marker::PhantomData, time::Duration};

use routers::{Lookup, RouterPart};

pub(super) mod routers;
mod tcp;
pub(super) mod tree;
mod udp;

/// What tells TCP and UDP apart.
pub(super) trait Protocol: Clone + Debug {
    /// A router as written.
    type Router: PartialEq + Debug;
    /// A service as written.
    type Service: PartialEq + Debug;
    /// A router as compiled.
    type Compiled: Debug;
    /// What a router has besides its service.
    type Rest;

    const NAME: &str;
    const SERVICE: Kind;

    fn routers(of: &Provider) -> &Objects<Self::Router, RouterPart<Self>>;
    fn routers_mut(of: &mut Provider) -> &mut Objects<Self::Router, RouterPart<Self>>;
    fn services(of: &Provider) -> &Objects<Self::Service, RelayPart<Self>>;
    fn services_mut(of: &mut Provider) -> &mut Objects<Self::Service, RelayPart<Self>>;

    /// A service, without regard to the protocol.
    fn service(written: &Self::Service) -> Written<'_>;

    /// The entry points there are, in order.
    fn entry_points(settings: &Settings) -> impl Iterator<Item = &Arc<str>>;
    /// The entry points and the service that a router names.
    fn names(router: &Self::Router) -> (&[String], &str);
    /// Looks up the rest; what is missing is noted. `before` is the router's previous self.
    fn rest(
        lookup: &mut Lookup<'_>,
        router: &Self::Router,
        before: Option<&Self::Compiled>,
    ) -> Option<Self::Rest>;

    fn router(name: Arc<str>, rest: Self::Rest, service: Arc<Instance>) -> Self::Compiled;
    fn instance(router: &Self::Compiled) -> &Arc<Instance>;
}

/// A service as written, of either protocol.
pub(super) struct Written<'a> {
    pub(super) load_balancer: Option<Balanced<'a>>,
    pub(super) weighted: Option<&'a written::Weighted>,
}

pub(super) struct Balanced<'a> {
    pub(super) servers: &'a [written::Server],
    pub(super) termination_delay: Option<i64>,
    pub(super) proxy_protocol: Option<i64>,
}

#[derive(Clone, Debug)]
pub(super) enum Tcp {}

#[derive(Clone, Debug)]
pub(super) enum Udp {}

/// A compiled service.
#[derive(Clone, Debug)]
pub(super) struct RelayPart<P> {
    /// Depends on nothing but the definition.
    pub(super) own: Arc<Own>,
    notes: Box<[Note]>,
    dependencies: Box<[Key]>,
    protocol: PhantomData<P>,
}

/// A service without what it refers to.
#[derive(Debug)]
pub(super) struct Own {
    /// What it is, or the error of whatever refers to it.
    pub(super) compiled: Result<Compiled, String>,
    /// What there is to report, the error included.
    notes: Vec<Note>,
}

#[derive(Debug)]
pub(super) enum Compiled {
    LoadBalancer { service: Arc<LoadBalancer>, weights: Arc<[u32]> },
    Weighted { service: Arc<Weighted>, weights: Arc<[u32]>, children: Box<[Reference]> },
}

impl<P> Part for RelayPart<P> {
    fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn dependencies(&self) -> &[Key] {
        &self.dependencies
    }
}

impl<P: Protocol> Standalone for RelayPart<P> {
    type Definition = P::Service;

    fn compile(_: &Settings, id: &Id, definition: &Result<P::Service, String>) -> Self {
        let mut notes = Vec::new();
        let compiled = match definition {
            Ok(service) => compile::<P>(id, service, &mut notes).map_err(|note| {
                let message = note.message.clone();
                notes.push(note);
                message
            }),
            Err(error) => {
                notes.push(Note::error("", error.clone()));
                Err(format!("the service {:?} cannot be read: {error}", id.qualified()))
            }
        };
        let own = Arc::new(Own { compiled, notes });
        let (notes, dependencies) = (own.notes.clone().into(), Box::default());
        Self { own, notes, dependencies, protocol: PhantomData }
    }

    fn refers(&self) -> bool {
        matches!(self.own.compiled, Ok(Compiled::Weighted { .. }))
    }
}

impl<P> RelayPart<P> {
    /// The same after what it refers to was looked up.
    pub(super) fn linked(&self, error: Option<String>, dependencies: Box<[Key]>) -> Self {
        let error = error.map(|error| Note::error("", error));
        let notes = self.own.notes.iter().cloned().chain(error).collect();
        Self { own: self.own.clone(), notes, dependencies, protocol: PhantomData }
    }
}

fn compile<P: Protocol>(
    id: &Id,
    service: &P::Service,
    notes: &mut Vec<Note>,
) -> Result<Compiled, Note> {
    if id.name.contains('@') {
        return Err(Note::error("", NAME_WITH_AT));
    }
    let name = id.qualified();
    let Written { load_balancer, weighted } = P::service(service);
    match (load_balancer, weighted) {
        (Some(balanced), None) => self::load_balancer(name, &balanced, notes),
        (None, Some(definition)) => self::weighted(name, &id.provider, definition, notes),
        (None, None) => {
            let message =
                format!("the service {name:?} doesn't have any {} load balancer", P::NAME);
            Err(Note::error("", message))
        }
        (Some(_), Some(_)) => Err(Note::error(
            "",
            "cannot create service: multi-types service not supported, \
             consider declaring two different pieces of service instead",
        )),
    }
}

fn load_balancer(
    name: Arc<str>,
    balanced: &Balanced<'_>,
    notes: &mut Vec<Note>,
) -> Result<Compiled, Note> {
    let mut servers = Vec::new();
    for (i, server) in balanced.servers.iter().enumerate() {
        match Server::parse(&server.address) {
            Ok(server) => servers.push(Arc::new(server)),
            Err(error) => {
                let option = format!("loadBalancer.servers[{i}].address");
                notes.push(Note::warning(option, format!("{error}; the server is left out")));
            }
        }
    }
    let delay = balanced.termination_delay.map(u64::try_from);
    let termination_delay = match delay {
        None => Some(TERMINATION_DELAY),
        Some(Ok(millis)) => Some(Duration::from_millis(millis)),
        Some(Err(_)) => None,
    };
    let proxy_protocol = match balanced.proxy_protocol {
        None => None,
        Some(1) => Some(Version::One),
        Some(2) => Some(Version::Two),
        Some(version) => {
            let message = format!("unknown proxyProtocol version: {version}; write 1 or 2");
            return Err(Note::error("loadBalancer.proxyProtocol.version", message));
        }
    };
    let weights = servers.iter().map(|_| 1).collect();
    let servers = servers.into();
    let service = LoadBalancer { name, servers, termination_delay, proxy_protocol };
    Ok(Compiled::LoadBalancer { service: Arc::new(service), weights })
}

fn weighted(
    name: Arc<str>,
    provider: &str,
    definition: &written::Weighted,
    notes: &mut Vec<Note>,
) -> Result<Compiled, Note> {
    let (mut weights, mut children) = (Vec::new(), Vec::new());
    for (i, child) in definition.services.iter().enumerate() {
        let weight = child.weight.unwrap_or(1);
        weights.push(u32::try_from(weight).map_err(|_| {
            let option = format!("weighted.services[{i}].weight");
            let message = format!("weight {weight} of {:?} must be 0 to {}", child.name, u32::MAX);
            Note::error(option, message)
        })?);
        children.push(Reference::new(&child.name, provider));
    }
    if weights.iter().all(|weight| *weight == 0) && !weights.is_empty() {
        let message = "all weights are 0: connections are closed";
        notes.push(Note::warning("weighted.services", message));
    }
    let service = Arc::new(Weighted { name });
    Ok(Compiled::Weighted { service, weights: weights.into(), children: children.into() })
}
