//! Instances of TCP and UDP services.
use super::{super::relays::tree::Tree, Instances, claim};
use crate::relay::Instance;
use alloc::{sync::Arc, vec::Vec};

impl Instances<'_> {
    /// The instance of `tree` that replaces `old`; what is at the same place under the same definition
    /// goes on.
    pub(in crate::plan) fn relay(&mut self, tree: Tree, old: Option<&Instance>) -> Instance {
        match tree {
            Tree::LoadBalancer { service, weights } => {
                let before = match old {
                    Some(Instance::LoadBalancer { service: old, balancer })
                        if Arc::ptr_eq(old, &service) =>
                    {
                        Some(*balancer)
                    }
                    _ => None,
                };
                let balancer = self.balancer(before, weights, None);
                Instance::LoadBalancer { service, balancer }
            }
            Tree::Weighted { service, weights, children } => {
                let (before, places) = match old {
                    Some(Instance::Weighted { service: old, balancer, children }) => {
                        (Arc::ptr_eq(old, &service).then_some(*balancer), children.iter().collect())
                    }
                    _ => (None, Vec::new()),
                };
                let balancer = self.balancer(before, weights, None);
                let same = |tree: &Tree, old: &&Instance| *tree.name() == **old.name();
                let claims = claim(&children, places, same);
                let children = children.into_iter().zip(claims);
                let children = children.map(|(tree, old)| self.relay(tree, old)).collect();
                Instance::Weighted { service, balancer, children }
            }
        }
    }

    /// Frees the cells of an instance that goes, but for those that its replacement took over.
    pub(in crate::plan) fn give_back_relay(&mut self, old: &Instance) {
        self.free_relay(old);
        self.kept.clear();
    }

    fn free_relay(&mut self, old: &Instance) {
        match old {
            Instance::LoadBalancer { balancer, .. } => self.free_balancer(*balancer),
            Instance::Weighted { balancer, children, .. } => {
                self.free_balancer(*balancer);
                children.iter().for_each(|child| self.free_relay(child));
            }
        }
    }
}
