//! TCP and UDP routers: everything a router refers to, looked up.
use super::{
    super::{
        NAME_WITH_AT, Settings,
        instances::Instances,
        name::{Id, Key, Reference},
        parts::{Note, Part, Parts, sorted},
        routers::attached,
    },
    Protocol,
    tree::{Resolving, Tree},
};
use crate::entry_point::EntryPointId;
use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

/// A compiled router, and where it serves.
#[derive(Debug)]
pub(in crate::plan) struct RouterPart<P: Protocol> {
    name: Arc<str>,
    /// Absent: disabled.
    pub(in crate::plan) router: Option<Arc<P::Compiled>>,
    /// The entry points it is attached to.
    pub(in crate::plan) at: Box<[EntryPointId]>,
    notes: Box<[Note]>,
    dependencies: Box<[Key]>,
}

impl<P: Protocol> Part for RouterPart<P> {
    fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn dependencies(&self) -> &[Key] {
        &self.dependencies
    }
}

/// A router with everything looked up, before it has cells.
pub(in crate::plan) struct Draft<P: Protocol> {
    part: RouterPart<P>,
    /// Absent: disabled.
    whole: Option<(P::Rest, Tree)>,
}

/// One router's search for what it refers to.
pub(in crate::plan) struct Lookup<'a> {
    pub(super) id: &'a Id,
    pub(super) parts: &'a Parts,
    pub(super) notes: Vec<Note>,
    pub(super) dependencies: Vec<Key>,
}

impl<P: Protocol> Draft<P> {
    /// Looks everything up. `before` is the router's previous self.
    pub(in crate::plan) fn new(
        id: &Id,
        definition: &Result<P::Router, String>,
        before: Option<&RouterPart<P>>,
        parts: &Parts,
        settings: &Settings,
    ) -> Self {
        let mut lookup = Lookup { id, parts, notes: Vec::new(), dependencies: Vec::new() };
        let (mut at, mut whole) = (Vec::new(), None);
        match definition {
            Err(error) => lookup.notes.push(Note::error("", error.clone())),
            Ok(_) if id.name.contains('@') => lookup.notes.push(Note::error("", NAME_WITH_AT)),
            Ok(router) => {
                let (entry_points, service) = P::names(router);
                at = attached(entry_points, P::entry_points(settings), &mut lookup.notes);
                let before = before.and_then(|before| before.router.as_deref());
                let rest = P::rest(&mut lookup, router, before);
                let tree = lookup.service::<P>(service);
                whole = rest.zip(tree).filter(|_| !at.is_empty());
            }
        }
        let part = RouterPart {
            name: before.map_or_else(|| id.qualified(), |before| before.name.clone()),
            router: None,
            at: at.into(),
            notes: lookup.notes.into(),
            dependencies: sorted(lookup.dependencies),
        };
        Self { part, whole }
    }

    /// The router with its cells, taking over those of `before` that go on.
    pub(in crate::plan) fn finish(
        self,
        before: Option<&RouterPart<P>>,
        instances: &mut Instances<'_>,
    ) -> RouterPart<P> {
        let Self { mut part, whole } = self;
        let old = before.and_then(|before| Some(&**P::instance(before.router.as_deref()?)));
        part.router = whole.map(|(rest, tree)| {
            let service = Arc::new(instances.relay(tree, old));
            Arc::new(P::router(part.name.clone(), rest, service))
        });
        if let Some(old) = old {
            instances.give_back_relay(old);
        }
        part
    }
}

impl Lookup<'_> {
    fn service<P: Protocol>(&mut self, name: &str) -> Option<Tree> {
        if name.is_empty() {
            self.notes.push(Note::error("service", "the service is missing on the router"));
            return None;
        }
        let mut resolving = Resolving::<P>::new(self.parts);
        let tree = resolving.resolve(&Reference::new(name, &self.id.provider));
        self.dependencies.append(&mut resolving.dependencies);
        tree.map_err(|error| self.notes.push(Note::error("service", error))).ok()
    }
}
