//! When to probe which server, and who is up: a machine. Compat: services.md "healthCheck".
//!
//! The servers of a service are probed one after the other, in rounds: the first at once, then one each
//! interval, later only where a round takes longer. One failure takes a server down, one success brings
//! it back. A service that is still there after a reload goes on where it was.
use super::{
    HealthCheck, LoadBalancer, Scheme, Server, health::Health, transport::ServersTransport,
};
use crate::{cells::HealthId, machine::Machine, plan::Plan, time::Instant};
use ::http::{
    HeaderValue, Method, Request, StatusCode,
    header::{AUTHORIZATION, HOST},
    request,
    uri::{Authority, Uri},
};
use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    sync::Arc,
    vec::Vec,
};
use core::time::Duration;

pub(crate) mod definition;

/// Checks the servers of all services in use.
#[derive(Debug, Default)]
pub struct HealthChecker {
    services: BTreeMap<HealthId, Service>,
    /// When the next round of each resting service begins.
    rounds: BTreeSet<(Instant, HealthId)>,
    outputs: VecDeque<Output>,
}

/// A load balancer whose servers are to be checked.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its health cell.
    pub health: HealthId,
    /// Since which generation the cell belongs to it.
    pub generation: u64,
    /// What to check.
    pub service: Arc<LoadBalancer>,
}

/// One server of one service, in one generation of the service's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The service's health cell.
    pub health: HealthId,
    /// Since which generation the cell belongs to the service.
    pub generation: u64,
    /// Index of the server.
    pub server: u32,
}

/// What the world tells.
#[derive(Clone, Debug)]
pub enum Input {
    /// Everything that is to be checked from now on.
    Services(Vec<Checked>),
    /// Answers [`Output::Probe`], whatever happened.
    Probed {
        /// As in the probe.
        target: Target,
        /// Whether an answer with a good status came in time; see [`is_good`].
        up: bool,
    },
}

/// What the world is asked to do.
#[allow(clippy::large_enum_variant, reason = "drained at once, and there are few")]
#[derive(Debug)]
pub enum Output {
    /// Send a request and answer with [`Input::Probed`].
    Probe(Probe),
    /// Tell the health cell, if it still is of this generation.
    Changed {
        /// The server.
        target: Target,
        /// Whether it is up now.
        up: bool,
    },
}

/// A request to a server that tells whether it is up.
#[derive(Debug)]
pub struct Probe {
    /// For the answer.
    pub target: Target,
    /// How the server is spoken to.
    pub scheme: Scheme,
    /// Where it listens.
    pub authority: Authority,
    /// How it is reached, where that is not as all are.
    pub transport: Option<Arc<ServersTransport>>,
    /// The request; its target is a path, as HTTP/1.1 sends it.
    pub head: request::Parts,
    /// For the whole exchange.
    pub timeout: Duration,
    /// Whether redirects are followed, at most 10.
    pub follow_redirects: bool,
}

#[derive(Debug)]
struct Service {
    generation: u64,
    service: Arc<LoadBalancer>,
    /// As last told.
    health: Health,
    /// When the round began that is under way, or will begin.
    round: Instant,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is nothing to probe.
    Idle,
    /// The answer of this server is outstanding.
    Probing(u32),
    /// Until the next round.
    Resting,
}

/// Whether the answer to a probe means that the server is up.
#[must_use]
pub fn is_good(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=399)
}

impl Plan {
    /// The services in use whose servers are to be checked.
    #[must_use]
    pub fn checked(&self) -> Vec<Checked> {
        let healths = self.cells.healths.iter();
        let checked = healths.map(|(slot, generation, service)| Checked {
            health: HealthId(slot),
            generation,
            service: service.clone(),
        });
        checked.collect()
    }
}

impl HealthChecker {
    fn replace(&mut self, now: Instant, wanted: Vec<Checked>) {
        let mut before = core::mem::take(&mut self.services);
        self.rounds.clear();
        for Checked { health, generation, service } in wanted {
            let known = before.remove(&health).filter(|known| known.generation == generation);
            if let Some(known) = known {
                if known.stage == Stage::Resting {
                    self.rounds.insert((known.round, health));
                }
                self.services.insert(health, known);
                continue;
            }
            let (up, stage) = (Health::default(), Stage::Idle);
            let new = Service { generation, service, health: up, round: now, stage };
            self.services.insert(health, new);
            self.probe(health, 0);
        }
    }

    fn probed(&mut self, now: Instant, target: Target, up: bool) {
        let Target { health, generation, server } = target;
        let Some(state) = self.services.get_mut(&health) else { return };
        if state.generation != generation || state.stage != Stage::Probing(server) {
            return;
        }
        if state.health.is_up(server as usize) != up {
            state.health.set(server, up);
            self.outputs.push_back(Output::Changed { target, up });
        }
        if (server as usize) + 1 < state.service.servers.len() {
            return self.probe(health, server + 1);
        }
        let Some(check) = &state.service.health_check else { return };
        state.round = state.round + check.interval;
        state.stage = Stage::Resting;
        if state.round > now {
            self.rounds.insert((state.round, health));
        } else {
            state.round = now;
            self.probe(health, 0);
        }
    }

    /// Asks for a probe; without such a server, or without a check, there is nothing to do.
    fn probe(&mut self, health: HealthId, server: u32) {
        let Some(state) = self.services.get_mut(&health) else { return };
        let found = state.service.servers.get(server as usize);
        let (Some(found), Some(check)) = (found, &state.service.health_check) else { return };
        let target = Target { health, generation: state.generation, server };
        state.stage = Stage::Probing(server);
        self.outputs.push_back(Output::Probe(request(target, found, check)));
    }
}

impl Machine for HealthChecker {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Services(services) => self.replace(now, services),
            Input::Probed { target, up } => self.probed(now, target, up),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, health)) = self.rounds.first().copied().filter(|(at, _)| *at <= now) {
            self.rounds.remove(&(at, health));
            if let Some(state) = self.services.get_mut(&health) {
                state.round = now;
            }
            self.probe(health, 0);
        }
        debug_assert!(self.poll_timeout().is_none_or(|at| at > now), "it would not wait");
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.rounds.first().map(|(at, _)| *at)
    }
}

fn request(target: Target, server: &Server, check: &HealthCheck) -> Probe {
    let scheme = check.scheme.unwrap_or(server.scheme);
    let (authority, host) = destination(server, check, scheme);
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::GET;
    head.uri = Uri::from(check.path.clone());
    head.headers.insert(HOST, check.hostname.clone().unwrap_or(host));
    if let Some(authorization) = &server.authorization {
        head.headers.insert(AUTHORIZATION, authorization.clone());
    }
    for (name, value) in &check.headers {
        head.headers.insert(name, value.clone());
    }
    let (timeout, follow_redirects) = (check.timeout, check.follow_redirects);
    let transport = server.transport.clone();
    Probe { target, scheme, authority, transport, head, timeout, follow_redirects }
}

/// Where a probe goes, and the Host header for it.
fn destination(server: &Server, check: &HealthCheck, scheme: Scheme) -> (Authority, HeaderValue) {
    let name = server.authority.host();
    let has_port = server.host.len() > name.len();
    let port = match check.port {
        None if has_port || scheme == server.scheme => None,
        None => Some((scheme.default_port(), false)),
        Some(port) => Some((port, true)),
    };
    let Some((port, shown)) = port else { return (server.authority.clone(), server.host.clone()) };
    let text = format!("{name}:{port}");
    let host = if shown { HeaderValue::try_from(&text).ok() } else { None };
    let authority = Authority::try_from(text).unwrap_or_else(|_| server.authority.clone());
    (authority, host.unwrap_or_else(|| server.host.clone()))
}

#[cfg(test)]
mod tests;
