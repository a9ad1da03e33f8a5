//! Services, each compiled on its own; what they refer to is looked up by the [`super::tree`].
use super::{
    NAME_WITH_AT, Settings,
    name::{Id, Key, Reference},
    parts::{Note, Part, Standalone},
};
use crate::{
    config::{http, scalar},
    provider::internal::INTERNAL,
    service::{
        LoadBalancer, Mirroring, Weighted, health_check, server, sticky, sticky::Sticky,
        transport::ServersTransport,
    },
};
use alloc::{borrow::Cow, boxed::Box, format, string::String, sync::Arc, vec::Vec};

/// The most mirrors of one service: a decision about them is one word.
const MIRRORS_MAX: usize = 64;
/// Bytes of a request body kept for mirrors where the definition does not say.
const MIRROR_BODY_BYTES: u64 = 1 << 20;

/// A compiled service.
#[derive(Clone, Debug)]
pub(super) struct ServicePart {
    /// Depends on nothing but the definition.
    pub(super) own: Arc<Own>,
    /// A load balancer whose servers are reached by a transport of their own.
    live: Option<Live>,
    notes: Box<[Note]>,
    dependencies: Box<[Key]>,
}

#[derive(Clone, Debug)]
struct Live {
    transport: Arc<ServersTransport>,
    service: Arc<LoadBalancer>,
}

/// A service without what it refers to.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) name: Arc<str>,
    /// What it is, or the error of whatever refers to it.
    pub(super) compiled: Result<Compiled, String>,
    /// What there is to report, the error included.
    notes: Vec<Note>,
}

#[derive(Debug)]
pub(super) enum Compiled {
    /// Answered by the process itself.
    Internal,
    LoadBalancer {
        service: Arc<LoadBalancer>,
        weights: Arc<[u32]>,
        /// How the servers are reached; none: as all are.
        transport: Option<Reference>,
    },
    Weighted {
        service: Arc<Weighted>,
        weights: Arc<[u32]>,
        children: Box<[Reference]>,
    },
    Mirroring {
        service: Arc<Mirroring>,
        percents: Arc<[u8]>,
        main: Reference,
        mirrors: Box<[Reference]>,
    },
}

impl Part for ServicePart {
    fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn dependencies(&self) -> &[Key] {
        &self.dependencies
    }
}

impl Standalone for ServicePart {
    type Definition = http::Service;

    fn compile(_: &Settings, id: &Id, definition: &Result<http::Service, String>) -> Self {
        let name = id.qualified();
        let mut notes = Vec::new();
        let compiled = match definition {
            Ok(service) => compile(id, &name, service, &mut notes).map_err(|note| {
                let message = note.message.clone();
                notes.push(note);
                message
            }),
            Err(error) => {
                notes.push(Note::error("", error.clone()));
                Err(format!("the service {name:?} cannot be read: {error}"))
            }
        };
        let own = Arc::new(Own { name, compiled, notes });
        Self { notes: own.notes.clone().into(), own, live: None, dependencies: Box::default() }
    }

    fn refers(&self) -> bool {
        self.transport().is_some()
            || matches!(
                self.own.compiled,
                Ok(Compiled::Weighted { .. } | Compiled::Mirroring { .. })
            )
    }
}

impl ServicePart {
    /// How the servers of a load balancer are reached, if not as all are.
    pub(super) fn transport(&self) -> Option<&Reference> {
        match &self.own.compiled {
            Ok(Compiled::LoadBalancer { transport, .. }) => transport.as_ref(),
            Ok(_) | Err(_) => None,
        }
    }

    /// The load balancer with its transport, once that was looked up.
    pub(super) fn live(&self) -> Option<&Arc<LoadBalancer>> {
        self.live.as_ref().map(|live| &live.service)
    }

    /// The same after what it refers to was looked up.
    pub(super) fn linked(
        &self,
        error: Option<String>,
        transport: Option<Arc<ServersTransport>>,
        dependencies: Box<[Key]>,
    ) -> Self {
        let live = transport.and_then(|transport| match (&self.live, &self.own.compiled) {
            (Some(live), _) if Arc::ptr_eq(&live.transport, &transport) => Some(live.clone()),
            (_, Ok(Compiled::LoadBalancer { service, .. })) => {
                let service = Arc::new(service.reached_by(&transport));
                Some(Live { transport, service })
            }
            _ => None,
        });
        let mut notes = self.own.notes.clone();
        notes.extend(error.map(|error| Note::error("", error)));
        Self { own: self.own.clone(), live, notes: notes.into(), dependencies }
    }
}

fn compile(
    id: &Id,
    name: &Arc<str>,
    service: &http::Service,
    notes: &mut Vec<Note>,
) -> Result<Compiled, Note> {
    if id.name.contains('@') {
        return Err(Note::error("", NAME_WITH_AT));
    }
    let provider = &*id.provider;
    let http::Service { load_balancer, weighted, mirroring } = service;
    match (load_balancer, weighted, mirroring) {
        (None, None, None) if provider == INTERNAL => Ok(Compiled::Internal),
        (None, None, None) => {
            Err(Note::error("", format!("the service {name:?} does not have any type defined")))
        }
        (Some(definition), None, None) => self::load_balancer(name, provider, definition, notes),
        (None, Some(definition), None) => self::weighted(name, provider, definition, notes),
        (None, None, Some(definition)) => self::mirroring(name, provider, definition),
        _ => Err(Note::error(
            "",
            "cannot create service: multi-types service not supported, \
             consider declaring two different pieces of service instead",
        )),
    }
}

fn load_balancer(
    name: &Arc<str>,
    provider: &str,
    definition: &http::LoadBalancer,
    notes: &mut Vec<Note>,
) -> Result<Compiled, Note> {
    let urls = definition.servers.iter().map(|server| &*server.url);
    let servers = server::parse_all(urls).map_err(|e| Note::error("loadBalancer.servers", e))?;
    if let Some(forwarding) = &definition.response_forwarding {
        scalar::parse_signed(&forwarding.flush_interval).map_err(|error| {
            let message = format!("error creating flush interval: {error}");
            Note::error("loadBalancer.responseForwarding.flushInterval", message)
        })?;
    }
    let sticky = definition.sticky.as_ref().and_then(|sticky| sticky.cookie.as_ref());
    if let Some(cookie) = sticky
        && !cookie.same_site.is_empty()
        && sticky::same_site(&cookie.same_site).is_none()
    {
        notes.push(Note::warning(
            "loadBalancer.sticky.cookie.sameSite",
            format!("{:?} has no effect: write none, lax or strict", cookie.same_site),
        ));
    }
    let sticky = sticky.map(|cookie| Sticky::new(cookie, name));
    let mut service = LoadBalancer::new(name.clone(), servers.into(), sticky);
    service.pass_host_header = definition.pass_host_header;
    if let Some(written) = &definition.health_check {
        let at = |option: &str| Cow::from(format!("loadBalancer.{option}"));
        let (check, warnings) = health_check::definition::compile(written)
            .map_err(|(option, message)| Note::error(at(option), message))?;
        notes.extend(warnings.into_iter().map(|(o, message)| Note::warning(at(o), message)));
        service.health_check = check.map(Box::new);
    }
    let weights = service.servers.iter().map(|_| 1).collect();
    let transport = &*definition.servers_transport;
    let transport = (!transport.is_empty()).then(|| Reference::new(transport, provider));
    Ok(Compiled::LoadBalancer { service: Arc::new(service), weights, transport })
}

fn weighted(
    name: &Arc<str>,
    provider: &str,
    definition: &http::Weighted,
    notes: &mut Vec<Note>,
) -> Result<Compiled, Note> {
    let mut children = Vec::new();
    for (i, child) in definition.services.iter().enumerate() {
        let weight = child.weight.unwrap_or(1);
        let weight = u32::try_from(weight).map_err(|_| {
            let option = format!("weighted.services[{i}].weight");
            let message = format!("weight {weight} of {:?} must be 0 to {}", child.name, u32::MAX);
            Note::error(option, message)
        })?;
        children.push((Arc::from(&*child.name), weight));
    }
    if !children.is_empty() && children.iter().all(|(_, weight)| *weight == 0) {
        let message = "all weights are 0: requests are answered 500";
        notes.push(Note::warning("weighted.services", message));
    }
    let sticky = definition.sticky.as_ref().and_then(|sticky| sticky.cookie.as_ref());
    if sticky.is_some_and(|cookie| !cookie.same_site.is_empty()) {
        let message = "it has no effect on a weighted service";
        notes.push(Note::warning("weighted.sticky.cookie.sameSite", message));
    }
    let sticky = sticky.map(|cookie| {
        let cookie = http::Cookie { same_site: String::new(), ..cookie.clone() };
        Sticky::new(&cookie, name)
    });
    let weights = children.iter().map(|(_, weight)| *weight).collect();
    let references = children.iter().map(|(child, _)| Reference::new(child, provider)).collect();
    let service = Weighted { name: name.clone(), children: children.into(), sticky };
    Ok(Compiled::Weighted { service: Arc::new(service), weights, children: references })
}

fn mirroring(
    name: &Arc<str>,
    provider: &str,
    definition: &http::Mirroring,
) -> Result<Compiled, Note> {
    if definition.mirrors.len() > MIRRORS_MAX {
        let message = format!("{} mirrors: there may be {MIRRORS_MAX}", definition.mirrors.len());
        return Err(Note::error("mirroring.mirrors", message));
    }
    let mut percents = Vec::new();
    for (i, mirror) in definition.mirrors.iter().enumerate() {
        let percent = u8::try_from(mirror.percent).ok().filter(|percent| *percent <= 100);
        percents.push(percent.ok_or_else(|| {
            let option = format!("mirroring.mirrors[{i}].percent");
            Note::error(option, "percent must be between 0 and 100")
        })?);
    }
    let body_bytes_max = definition.max_body_size.and_then(|size| u64::try_from(size).ok());
    let mirrors = definition.mirrors.iter();
    let service = Mirroring {
        name: name.clone(),
        body_bytes_max: body_bytes_max.unwrap_or(MIRROR_BODY_BYTES),
        percents: percents.clone().into(),
    };
    Ok(Compiled::Mirroring {
        service: Arc::new(service),
        percents: percents.into(),
        main: Reference::new(&definition.service, provider),
        mirrors: mirrors.map(|mirror| Reference::new(&mirror.name, provider)).collect(),
    })
}
