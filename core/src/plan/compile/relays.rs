//! TCP and UDP routers, once everything else is compiled.
use super::{
    super::{
        Plan,
        instances::Instances,
        name::Id,
        parts::{Object, Parts},
        relays::{
            Protocol, Tcp, Udp,
            routers::{Draft, RouterPart},
        },
    },
    Changes, Compilation, RouterChange, as_part,
};
use crate::{config::Defined, entry_point::EntryPointId};
use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

/// Where the routers of a protocol are kept.
pub(super) trait Placed: Protocol {
    /// The routers to compile.
    fn changes(compilation: &mut Compilation) -> &mut Changes<Self::Router>;
    /// Takes a router into the table of an entry point, or out of it.
    fn place(plan: &mut Plan, at: EntryPointId, router: &Arc<Self::Compiled>, enters: bool);
    /// Reports what there is to report because of several routers.
    fn settle(compilation: &mut Compilation, touched: &BTreeSet<EntryPointId>, gone: Vec<Id>);
}

type Drafted<P> = (Arc<Defined<<P as Protocol>::Router>>, Draft<P>);

impl Compilation {
    pub(super) fn compile_relays<P: Placed>(&mut self) {
        let drafts = self.relay_drafts::<P>();
        let Plan { cells, parts, .. } = &mut self.plan;
        let Parts { providers, checked, .. } = parts;
        let mut instances = Instances::new(cells, checked);
        let mut replaced = Vec::new();
        for (id, draft) in drafts {
            let Some(objects) = providers.get_mut(&id.provider).map(P::routers_mut) else {
                continue;
            };
            let old = objects.get(&*id.name).map(|object| object.part.clone());
            let new = match draft {
                Some((definition, draft)) => {
                    let part = Arc::new(draft.finish(old.as_deref(), &mut instances));
                    objects.insert(id.name.clone(), Object { definition, part: part.clone() });
                    Some(part)
                }
                None => {
                    let instance =
                        old.as_ref().and_then(|old| Some(P::instance(old.router.as_ref()?)));
                    instance.into_iter().for_each(|it| instances.give_back_relay(it));
                    objects.remove(&*id.name);
                    None
                }
            };
            replaced.push((id, old, new));
        }
        instances.finish();
        let (mut touched, mut gone) = (BTreeSet::new(), Vec::new());
        for (id, old, new) in replaced {
            let parts = (old.as_deref().map(as_part), new.as_deref().map(as_part));
            self.plan.parts.record(&id, parts.0, parts.1);
            for (part, enters) in [(&old, false), (&new, true)] {
                let Some(part) = part else { continue };
                for at in part.at.iter().filter(|_| part.router.is_some()) {
                    touched.insert(*at);
                    let router = part.router.iter();
                    router.for_each(|router| P::place(&mut self.plan, *at, router, enters));
                }
            }
            if new.is_none() {
                gone.push(id);
            }
        }
        P::settle(self, &touched, gone);
    }

    fn relay_drafts<P: Placed>(&mut self) -> Vec<(Id, Option<Drafted<P>>)> {
        let changes = core::mem::take(P::changes(self));
        let (parts, settings) = (&self.plan.parts, &self.plan.settings);
        let draft = |(id, change): (Id, RouterChange<P::Router>)| {
            let old = parts.providers.get(&id.provider);
            let old = old.and_then(|provider| P::routers(provider).get(&*id.name));
            let definition = match change {
                RouterChange::Gone => None,
                RouterChange::New(definition) => Some(definition),
                RouterChange::Again => old.map(|old| old.definition.clone()),
            };
            let before: Option<&RouterPart<P>> = old.map(|old| &*old.part);
            let draft = definition.map(|definition| {
                let draft = Draft::new(&id, &definition.value, before, parts, settings);
                (definition, draft)
            });
            (id, draft)
        };
        changes.into_iter().map(draft).collect()
    }
}

impl Placed for Tcp {
    fn changes(compilation: &mut Compilation) -> &mut Changes<Self::Router> {
        &mut compilation.tcp
    }

    fn place(plan: &mut Plan, at: EntryPointId, router: &Arc<Self::Compiled>, enters: bool) {
        let Some(table) = plan.connections.get_mut(usize::from(at.0)) else { return };
        if enters { table.insert(router) } else { table.remove(router) }
    }

    fn settle(_: &mut Compilation, _: &BTreeSet<EntryPointId>, _: Vec<Id>) {}
}

impl Placed for Udp {
    fn changes(compilation: &mut Compilation) -> &mut Changes<Self::Router> {
        &mut compilation.udp
    }

    fn place(plan: &mut Plan, at: EntryPointId, router: &Arc<Self::Compiled>, enters: bool) {
        let Some(routers) = plan.datagrams.get_mut(usize::from(at.0)) else { return };
        if enters {
            routers.insert(router.name.clone(), router.clone());
        } else {
            routers.remove(&router.name);
        }
    }

    fn settle(compilation: &mut Compilation, touched: &BTreeSet<EntryPointId>, gone: Vec<Id>) {
        compilation.dispute_datagrams(touched, gone);
    }
}
