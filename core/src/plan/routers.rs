//! Routers: everything a router refers to, looked up.
use super::{
    NAME_WITH_AT, Settings,
    instances::Instances,
    middlewares::{Flattening, Found},
    name::{Id, Key, Reference},
    parts::{Note, Part, Parts, sorted},
    tree::{Resolving, Tree},
};
use crate::{
    config::http,
    entry_point::EntryPointId,
    middleware::Middleware,
    router::Router,
    rule::{Rule, RuleError},
};
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};

/// A compiled router, and where it serves.
#[derive(Debug)]
pub(super) struct RouterPart {
    pub(super) name: Arc<str>,
    /// Absent: disabled.
    pub(super) router: Option<Arc<Router>>,
    /// The entry points it is attached to.
    pub(super) at: Box<[EntryPointId]>,
    /// Whether it answers TLS requests, or else clear-text ones.
    pub(super) tls: bool,
    notes: Box<[Note]>,
    dependencies: Box<[Key]>,
}

impl Part for RouterPart {
    fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn dependencies(&self) -> &[Key] {
        &self.dependencies
    }
}

/// A router with everything looked up, before it has cells.
pub(super) struct Draft {
    part: RouterPart,
    /// Absent: disabled.
    whole: Option<Whole>,
}

struct Whole {
    rule: Rule,
    priority: i64,
    middlewares: Vec<Placed>,
    service_name: Arc<str>,
    tree: Tree,
}

impl Draft {
    /// Looks everything up. `before` is the router's previous self.
    pub(super) fn new(
        id: &Id,
        definition: &Result<http::Router, String>,
        before: Option<&RouterPart>,
        parts: &Parts,
        settings: &Settings,
    ) -> Self {
        let mut lookup =
            Lookup { id, parts, settings, notes: Vec::new(), dependencies: Vec::new() };
        let (mut at, mut tls, mut whole) = (Vec::new(), false, None);
        match definition {
            Err(error) => lookup.notes.push(Note::error("", error.clone())),
            Ok(_) if id.name.contains('@') => lookup.notes.push(Note::error("", NAME_WITH_AT)),
            Ok(router) => {
                at = lookup.entry_points(router);
                tls = router.tls.is_some();
                let rule = before.and_then(|before| Some(&before.router.as_ref()?.rule));
                whole = lookup.whole(router, rule).filter(|_| !at.is_empty());
            }
        }
        let part = RouterPart {
            name: before.map_or_else(|| id.qualified(), |before| before.name.clone()),
            router: None,
            at: at.into(),
            tls,
            notes: lookup.notes.into(),
            dependencies: sorted(lookup.dependencies),
        };
        Self { part, whole }
    }

    /// The router with its cells, taking over those of `before` that go on.
    pub(super) fn finish(
        self,
        before: Option<&RouterPart>,
        instances: &mut Instances<'_>,
    ) -> RouterPart {
        let Self { mut part, whole } = self;
        let old = before.and_then(|before| before.router.as_deref());
        part.router = whole.map(|whole| {
            let Whole { rule, priority, middlewares, service_name, tree } = whole;
            let middlewares = instances.steps(middlewares, old.map_or(&[], |old| &old.middlewares));
            let service = Arc::new(instances.instance(tree, old.map(|old| &*old.service)));
            let name = part.name.clone();
            Arc::new(Router { name, rule, priority, middlewares, service, service_name })
        });
        if let Some(old) = old {
            instances.give_back(old);
        }
        part
    }
}

/// A middleware in a router's list, before it has cells.
pub(super) struct Placed {
    pub(super) middleware: Arc<Middleware>,
    /// The service that it sends requests of its own to.
    pub(super) service: Option<Tree>,
}

/// One router's search for what it refers to.
struct Lookup<'a> {
    id: &'a Id,
    parts: &'a Parts,
    settings: &'a Settings,
    notes: Vec<Note>,
    dependencies: Vec<Key>,
}

impl Lookup<'_> {
    fn entry_points(&mut self, router: &http::Router) -> Vec<EntryPointId> {
        let known = || (0_u16..).zip(&*self.settings.entry_points);
        if router.entry_points.is_empty() {
            return known().map(|(index, _)| EntryPointId(index)).collect();
        }
        let mut at = Vec::new();
        for name in &router.entry_points {
            match known().find(|(_, entry_point)| *entry_point.name == **name) {
                Some((index, _)) => at.push(EntryPointId(index)),
                None => {
                    let message = format!("entryPoint {name:?} doesn't exist");
                    self.notes.push(Note::warning("entryPoints", message));
                }
            }
        }
        at.sort_unstable();
        at.dedup();
        if at.is_empty() {
            self.notes.push(Note::error("entryPoints", "no valid entryPoint for this router"));
        }
        at
    }

    /// Everything together; what is missing is noted.
    fn whole(&mut self, router: &http::Router, old_rule: Option<&Rule>) -> Option<Whole> {
        let rule = self.rule(&router.rule, old_rule);
        let service = self.service(&router.service);
        let middlewares = self.middlewares(&router.middlewares);
        let (service_name, tree) = service?;
        let priority = match router.priority {
            0 => i64::try_from(router.rule.len()).unwrap_or(i64::MAX),
            priority => priority,
        };
        Some(Whole { rule: rule?, priority, middlewares: middlewares?, service_name, tree })
    }

    /// The rule, parsed only if it is not the old one.
    fn rule(&mut self, text: &str, old: Option<&Rule>) -> Option<Rule> {
        if let Some(old) = old.filter(|old| *old.text == *text) {
            return Some(old.clone());
        }
        let parsed = Rule::parse(text);
        parsed.map_err(|error| self.notes.push(Note::error("rule", rule_error(&error)))).ok()
    }

    fn service(&mut self, name: &str) -> Option<(Arc<str>, Tree)> {
        if name.is_empty() {
            self.notes.push(Note::error("service", "the service is missing on the router"));
            return None;
        }
        let reference = Reference::new(name, &self.id.provider);
        let tree = self.tree("service", &reference)?;
        Some((reference.qualified().clone(), tree))
    }

    /// The services behind a name. What is wrong with them is noted under the option.
    fn tree(&mut self, option: &'static str, reference: &Reference) -> Option<Tree> {
        let mut resolving = Resolving::new(self.parts, self.settings.ping);
        let tree = resolving.resolve(reference);
        self.dependencies.append(&mut resolving.dependencies);
        tree.map_err(|error| self.notes.push(Note::error(option, error))).ok()
    }

    fn middlewares(&mut self, names: &[String]) -> Option<Vec<Placed>> {
        let mut flattening = Flattening::new(self.parts);
        let errors = self.notes.len();
        for name in names {
            let reference = Reference::new(name, &self.id.provider);
            if let Err(error) = flattening.add(&reference) {
                let note = Note::error("middlewares", error);
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
            }
        }
        self.dependencies.append(&mut flattening.dependencies);
        let mut placed = Vec::with_capacity(flattening.flat.len());
        for Found { middleware, service } in flattening.flat {
            let service = match service {
                Some(service) => Some(self.tree("middlewares", &service)?),
                None => None,
            };
            placed.push(Placed { middleware, service });
        }
        (self.notes.len() == errors).then_some(placed)
    }
}

fn rule_error(error: &RuleError) -> String {
    format!("{} (column {} of the rule)", error.message, error.column)
}
