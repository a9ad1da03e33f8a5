//! From a name to the tree of TCP or UDP services behind it.
use super::{
    super::{
        name::{Key, Reference},
        parts::Parts,
        tree::{DEPTH_MAX, NODES_MAX},
    },
    Compiled, Protocol,
};
use crate::relay::{LoadBalancer, Weighted};
use alloc::{format, string::String, sync::Arc, vec::Vec};
use core::marker::PhantomData;

/// A service and everything it refers to.
pub(in crate::plan) enum Tree {
    LoadBalancer { service: Arc<LoadBalancer>, weights: Arc<[u32]> },
    Weighted { service: Arc<Weighted>, weights: Arc<[u32]>, children: Vec<Self> },
}

impl Tree {
    /// Qualified name of the service.
    pub(in crate::plan) fn name(&self) -> &str {
        match self {
            Self::LoadBalancer { service, .. } => &service.name,
            Self::Weighted { service, .. } => &service.name,
        }
    }
}

/// Follows references to services.
pub(in crate::plan) struct Resolving<'a, P> {
    parts: &'a Parts,
    /// What was looked up, found or not.
    pub(in crate::plan) dependencies: Vec<Key>,
    /// The services around the next reference.
    within: Vec<Arc<str>>,
    nodes: usize,
    protocol: PhantomData<P>,
}

impl<'a, P: Protocol> Resolving<'a, P> {
    pub(in crate::plan) fn new(parts: &'a Parts) -> Self {
        let (dependencies, within) = (Vec::new(), Vec::new());
        Self { parts, dependencies, within, nodes: 0, protocol: PhantomData }
    }

    /// The tree behind a name.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(in crate::plan) fn resolve(&mut self, reference: &Reference) -> Result<Tree, String> {
        let name = reference.qualified();
        self.nodes += 1;
        if self.nodes > NODES_MAX || self.within.len() > DEPTH_MAX {
            return Err(format!(
                "could not instantiate service {name}: services are nested too deeply, or refer to \
                 more than {NODES_MAX} others"
            ));
        }
        self.dependencies.push(reference.key(P::SERVICE));
        if self.within.contains(name) {
            return Err(format!(
                "could not instantiate service {name}: recursion detected in {}->{name}",
                self.within.join("->")
            ));
        }
        let part = self.parts.relay::<P>(reference);
        let part = part.ok_or_else(|| format!("the service {name:?} does not exist"))?;
        match &part.own.compiled {
            Err(error) => Err(error.clone()),
            Ok(Compiled::LoadBalancer { service, weights }) => {
                Ok(Tree::LoadBalancer { service: service.clone(), weights: weights.clone() })
            }
            Ok(Compiled::Weighted { service, weights, children }) => {
                self.within.push(name.clone());
                let children: Result<Vec<_>, _> =
                    children.iter().map(|child| self.resolve(child)).collect();
                self.within.pop();
                let (service, weights) = (service.clone(), weights.clone());
                Ok(Tree::Weighted { service, weights, children: children? })
            }
        }
    }
}
