//! From a name to the tree of services behind it, and from that to a router's instance with its cells.
use super::{
    name::{Key, Reference},
    parts::Parts,
    services::{Compiled, ServicePart},
};
use crate::{
    diagnostic::Kind,
    service::{LoadBalancer, Mirroring, Weighted},
};
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};

/// The most services in one router's tree.
pub(super) const NODES_MAX: usize = 4096;
/// The deepest nesting of services.
pub(super) const DEPTH_MAX: usize = 64;

/// A service and everything it refers to.
pub(super) enum Tree {
    Ping,
    LoadBalancer { service: Arc<LoadBalancer>, weights: Arc<[u32]> },
    Weighted { service: Arc<Weighted>, weights: Arc<[u32]>, children: Vec<Self> },
    Mirroring { service: Arc<Mirroring>, percents: Arc<[u8]>, main: Box<Self>, mirrors: Vec<Self> },
}

impl Tree {
    /// Qualified name of the service.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Ping => "ping@internal",
            Self::LoadBalancer { service, .. } => &service.name,
            Self::Weighted { service, .. } => &service.name,
            Self::Mirroring { service, .. } => &service.name,
        }
    }
}

/// Follows references to services.
pub(super) struct Resolving<'a> {
    parts: &'a Parts,
    ping: bool,
    /// What was looked up, found or not.
    pub(super) dependencies: Vec<Key>,
    /// The services around the next reference.
    within: Vec<Arc<str>>,
    nodes: usize,
}

impl<'a> Resolving<'a> {
    /// `ping`: whether the process answers as `ping@internal`.
    pub(super) fn new(parts: &'a Parts, ping: bool) -> Self {
        Self { parts, ping, dependencies: Vec::new(), within: Vec::new(), nodes: 0 }
    }

    /// The tree behind a name.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn resolve(&mut self, reference: &Reference) -> Result<Tree, String> {
        let name = reference.qualified();
        self.nodes += 1;
        if self.nodes > NODES_MAX || self.within.len() > DEPTH_MAX {
            return Err(format!(
                "could not instantiate service {name}: services are nested too deeply, or refer to \
                 more than {NODES_MAX} others"
            ));
        }
        if name.contains("@internal") {
            return self.internal(reference);
        }
        self.dependencies.push(reference.key(Kind::Service));
        if self.within.contains(name) {
            return Err(format!(
                "could not instantiate service {name}: recursion detected in {}->{name}",
                self.within.join("->")
            ));
        }
        let part = self.parts.service(reference);
        let part = part.ok_or_else(|| format!("the service {name:?} does not exist"))?;
        self.within.push(name.clone());
        let tree = self.expand(part);
        self.within.pop();
        tree
    }

    fn internal(&self, reference: &Reference) -> Result<Tree, String> {
        match reference.name() {
            "ping" if self.ping => Ok(Tree::Ping),
            name @ ("ping" | "api" | "dashboard" | "rest" | "prometheus") => {
                Err(format!("{name} is not enabled"))
            }
            _ => Err(format!("unknown internal service {}", reference.qualified())),
        }
    }

    fn expand(&mut self, part: &ServicePart) -> Result<Tree, String> {
        let own = &part.own;
        match &own.compiled {
            Err(error) => Err(error.clone()),
            Ok(Compiled::Internal) => Err(format!("unknown internal service {}", own.name)),
            Ok(Compiled::LoadBalancer { service, weights, transport }) => {
                if let Some(transport) = transport {
                    self.dependencies.push(transport.key(Kind::ServersTransport));
                    if self.parts.transport(transport).is_none() {
                        let name = transport.qualified();
                        return Err(format!("servers transport not found or broken: {name}"));
                    }
                }
                let service = part.live().unwrap_or(service).clone();
                Ok(Tree::LoadBalancer { service, weights: weights.clone() })
            }
            Ok(Compiled::Weighted { service, weights, children }) => Ok(Tree::Weighted {
                children: self.resolve_all(children)?,
                service: service.clone(),
                weights: weights.clone(),
            }),
            Ok(Compiled::Mirroring { service, percents, main, mirrors }) => Ok(Tree::Mirroring {
                main: Box::new(self.resolve(main)?),
                mirrors: self.resolve_all(mirrors)?,
                service: service.clone(),
                percents: percents.clone(),
            }),
        }
    }

    fn resolve_all(&mut self, references: &[Reference]) -> Result<Vec<Tree>, String> {
        references.iter().map(|reference| self.resolve(reference)).collect()
    }
}
