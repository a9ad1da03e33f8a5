//! A router's instance of its services: which cells it takes over from the instance before, and which
//! are new.
use super::{parts::Checked, routers::Placed, tree::Tree};
use crate::{
    cells::{BalancerId, BalancerSpec, CellId, CellSpecs, HealthId, MirrorId},
    persistent::sorted::Sorted,
    router::{Router, Step},
    service::{Instance, LoadBalancer},
};
use alloc::{boxed::Box, collections::BTreeSet, sync::Arc, vec::Vec};

mod relays;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Balancer(BalancerId),
    Mirror(MirrorId),
    Middleware(CellId),
}

/// Makes instances out of trees, and gives cells back.
pub(super) struct Instances<'a> {
    specs: &'a mut CellSpecs,
    checked: &'a mut Sorted<(Arc<str>, u32), Checked>,
    /// Cells that the router in the making took over.
    kept: BTreeSet<Cell>,
    /// Load balancers given back. Health is kept to the end: another router may come to use it.
    given_back: Vec<Arc<LoadBalancer>>,
}

impl<'a> Instances<'a> {
    pub(super) fn new(
        specs: &'a mut CellSpecs,
        checked: &'a mut Sorted<(Arc<str>, u32), Checked>,
    ) -> Self {
        Self { specs, checked, kept: BTreeSet::new(), given_back: Vec::new() }
    }

    /// The middlewares of a router that replaces one with the steps `old`; each takes over the state of
    /// the same middleware, at the same position or else wherever it was.
    pub(super) fn steps(&mut self, new: Vec<Placed>, old: &[Step]) -> Box<[Step]> {
        let same = |new: &Placed, old: &&Step| Arc::ptr_eq(&new.middleware, &old.middleware);
        let claims = claim(&new, old.iter().collect(), same);
        let steps = new.into_iter().zip(claims).map(|(Placed { middleware, service }, old)| {
            let before = old.and_then(|old| old.service.as_deref());
            let service = service.map(|tree| Arc::new(self.build(tree, before)));
            let Some(old) = old else {
                return Step { cell: middleware.cell(self.specs), middleware, service };
            };
            self.kept.extend(old.cell.map(Cell::Middleware));
            Step { middleware, cell: old.cell, service }
        });
        steps.collect()
    }

    /// The instance of `tree` that replaces `old`; what is at the same place under the same definition
    /// goes on.
    pub(super) fn instance(&mut self, tree: Tree, old: Option<&Instance>) -> Instance {
        self.build(tree, old)
    }

    /// Frees the cells of a router that goes, but for those that its replacement took over.
    pub(super) fn give_back(&mut self, router: &Router) {
        for cell in router.middlewares.iter().filter_map(|step| step.cell) {
            if !self.kept.contains(&Cell::Middleware(cell)) {
                self.specs.remove(cell);
            }
        }
        for service in router.middlewares.iter().filter_map(|step| step.service.as_ref()) {
            self.give_back_instance(service);
        }
        self.give_back_instance(&router.service);
        self.kept.clear();
    }

    /// Frees the health cells that no router uses any more: once, after all replacements.
    pub(super) fn finish(self) {
        for service in &self.given_back {
            let Some(HealthId(slot)) = service.health else { continue };
            let key = (service.name.clone(), slot);
            let Some(checked) = self.checked.get_mut(&key) else { continue };
            checked.users -= 1;
            if checked.users == 0 {
                self.checked.remove(&key);
                self.specs.healths.remove(slot);
            }
        }
    }

    fn build(&mut self, tree: Tree, old: Option<&Instance>) -> Instance {
        match tree {
            Tree::Ping => Instance::Ping,
            Tree::LoadBalancer { service, weights } => {
                let service = self.in_use(service);
                let before = match old {
                    Some(Instance::LoadBalancer { service: old, balancer })
                        if Arc::ptr_eq(old, &service) =>
                    {
                        Some(*balancer)
                    }
                    _ => None,
                };
                let health = service.health;
                Instance::LoadBalancer { balancer: self.balancer(before, weights, health), service }
            }
            Tree::Weighted { service, weights, children } => {
                let (before, places) = match old {
                    Some(Instance::Weighted { service: old, balancer, children }) => {
                        (Arc::ptr_eq(old, &service).then_some(*balancer), children.iter().collect())
                    }
                    _ => (None, Vec::new()),
                };
                let balancer = self.balancer(before, weights, None);
                let children = self.build_all(children, places);
                Instance::Weighted { service, balancer, children: children.into() }
            }
            Tree::Mirroring { service, percents, main, mirrors } => {
                let (before, old_main, places) = match old {
                    Some(Instance::Mirroring { service: old, mirror, main, mirrors }) => (
                        Arc::ptr_eq(old, &service).then_some(*mirror),
                        Some(&**main),
                        mirrors.iter().map(|mirror| &**mirror).collect(),
                    ),
                    _ => (None, None, Vec::new()),
                };
                let mirror = self.mirror(before, percents);
                let main = Box::new(self.build(*main, old_main));
                let mirrors = self.build_all(mirrors, places).into_iter().map(Arc::new).collect();
                Instance::Mirroring { service, mirror, main, mirrors }
            }
        }
    }

    /// Instances of a list, each in place of the old one of the same service.
    fn build_all(&mut self, trees: Vec<Tree>, old: Vec<&Instance>) -> Vec<Instance> {
        let claims = claim(&trees, old, |tree, old| tree.name() == name(old));
        trees.into_iter().zip(claims).map(|(tree, old)| self.build(tree, old)).collect()
    }

    fn balancer(
        &mut self,
        before: Option<BalancerId>,
        weights: Arc<[u32]>,
        health: Option<HealthId>,
    ) -> BalancerId {
        self.kept.extend(before.map(Cell::Balancer));
        before.unwrap_or_else(|| {
            BalancerId(self.specs.balancers.insert(BalancerSpec { weights, health }))
        })
    }

    fn mirror(&mut self, before: Option<MirrorId>, percents: Arc<[u8]>) -> MirrorId {
        self.kept.extend(before.map(Cell::Mirror));
        before.unwrap_or_else(|| MirrorId(self.specs.mirrors.insert(percents)))
    }

    /// The load balancer with its health cell where it has checks; one for all routers.
    fn in_use(&mut self, template: Arc<LoadBalancer>) -> Arc<LoadBalancer> {
        if template.health_check.is_none() {
            return template;
        }
        let name = template.name.clone();
        let known = self
            .checked
            .from(&(name.clone(), 0))
            .take_while(|((of, _), _)| *of == name)
            .find(|(_, checked)| Arc::ptr_eq(&checked.template, &template))
            .map(|(key, _)| key.clone());
        if let Some(known) = known.and_then(|key| self.checked.get_mut(&key)) {
            known.users += 1;
            return known.live.clone();
        }
        let mut live = None;
        let slot = self.specs.healths.insert_with(|slot| {
            let mut service = (*template).clone();
            service.health = Some(HealthId(slot));
            live.insert(Arc::new(service)).clone()
        });
        let live = live.unwrap_or_else(|| template.clone());
        self.checked.insert((name, slot), Checked { template, live: live.clone(), users: 1 });
        live
    }

    fn give_back_instance(&mut self, old: &Instance) {
        match old {
            Instance::Ping => {}
            Instance::LoadBalancer { service, balancer } => {
                self.free_balancer(*balancer);
                if service.health.is_some() {
                    self.given_back.push(service.clone());
                }
            }
            Instance::Weighted { balancer, children, .. } => {
                self.free_balancer(*balancer);
                children.iter().for_each(|child| self.give_back_instance(child));
            }
            Instance::Mirroring { mirror, main, mirrors, .. } => {
                if !self.kept.contains(&Cell::Mirror(*mirror)) {
                    self.specs.mirrors.remove(mirror.0);
                }
                self.give_back_instance(main);
                mirrors.iter().for_each(|mirror| self.give_back_instance(mirror));
            }
        }
    }

    fn free_balancer(&mut self, id: BalancerId) {
        if !self.kept.contains(&Cell::Balancer(id)) {
            self.specs.balancers.remove(id.0);
        }
    }
}

/// For each of `new` what is the same in `old`: at the same index, or else the first that is left.
fn claim<'o, N, O: ?Sized>(
    new: &[N],
    old: Vec<&'o O>,
    same: impl Fn(&N, &&'o O) -> bool,
) -> Vec<Option<&'o O>> {
    let mut left: Vec<Option<&O>> = old.into_iter().map(Some).collect();
    let mut claims: Vec<_> = (0..)
        .zip(new)
        .map(|(i, new)| left.get_mut::<usize>(i).and_then(|old| old.take_if(|old| same(new, old))))
        .collect();
    for (new, claim) in new.iter().zip(&mut claims).filter(|(_, claim)| claim.is_none()) {
        *claim = left.iter_mut().find_map(|old| old.take_if(|old| same(new, old)));
    }
    claims
}

/// Qualified name of the service that an instance is of.
pub(super) fn name(instance: &Instance) -> &str {
    match instance {
        Instance::Ping => "ping@internal",
        Instance::LoadBalancer { service, .. } => &service.name,
        Instance::Weighted { service, .. } => &service.name,
        Instance::Mirroring { service, .. } => &service.name,
    }
}
