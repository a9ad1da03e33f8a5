//! Routers: everything a router refers to, looked up.
use super::{
    NAME_WITH_AT, Settings,
    instances::Instances,
    middlewares::{Flattening, Found},
    name::{Id, Key, Reference},
    parts::{Note, Part, Parts, sorted},
    security,
    tree::{Resolving, Tree},
};
use crate::{
    config::http,
    diagnostic::Kind,
    entry_point::EntryPointId,
    middleware::Middleware,
    router::Router,
    rule::{Rule, RuleError},
    tls::hosts::Claim,
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
    /// The TLS options that it asks for, even if it is disabled: nobody is let in with others.
    pub(super) claim: Option<Claimed>,
    notes: Box<[Note]>,
    dependencies: Box<[Key]>,
}

/// The TLS options that a router asks for, and for which hosts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claimed {
    pub(super) claim: Claim,
    /// In order, each once.
    pub(super) hosts: Box<[Box<str>]>,
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
        let (mut at, mut tls, mut claim, mut whole) = (Vec::new(), false, None, None);
        match definition {
            Err(error) => lookup.notes.push(Note::error("", error.clone())),
            Ok(_) if id.name.contains('@') => lookup.notes.push(Note::error("", NAME_WITH_AT)),
            Ok(router) => {
                let known = settings.entry_points.iter().map(|entry_point| &entry_point.name);
                at = attached(&router.entry_points, known, &mut lookup.notes);
                tls = router.tls.is_some();
                let rule = before.and_then(|before| Some(&before.router.as_ref()?.rule));
                let rule = lookup.rule(&router.rule, rule);
                claim = lookup.claim(router, rule.as_ref());
                let refused = claim.as_ref().is_some_and(|claim| claim.claim.options.is_none());
                whole = lookup.whole(router, rule).filter(|_| !refused && !at.is_empty());
            }
        }
        let part = RouterPart {
            name: before.map_or_else(|| id.qualified(), |before| before.name.clone()),
            router: None,
            at: at.into(),
            tls,
            claim: claim.filter(|claim| !claim.hosts.is_empty()),
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
    /// Everything together; what is missing is noted.
    fn whole(&mut self, router: &http::Router, rule: Option<Rule>) -> Option<Whole> {
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

    /// The TLS options that a router asks for, if not for those of whoever asks for none.
    fn claim(&mut self, router: &http::Router, rule: Option<&Rule>) -> Option<Claimed> {
        let name = &*router.tls.as_ref()?.options;
        if matches!(name, "" | security::DEFAULT) {
            return None;
        }
        let reference = Reference::new(name, &self.id.provider);
        self.dependencies.push(reference.key(Kind::TlsOptions));
        let options = self.parts.options(&reference);
        let mut hosts: Vec<Box<str>> =
            rule.into_iter().flat_map(Rule::hosts).map(Into::into).collect();
        hosts.sort_unstable();
        hosts.dedup();
        if options.is_none() {
            let message = format!("unknown TLS options: {}", reference.qualified());
            self.notes.push(Note::error("tls.options", message));
        } else if rule.is_some() && hosts.is_empty() {
            let message = "no Host in the rule: the options have no effect, as they are chosen by the \
                           name that clients ask for";
            self.notes.push(Note::warning("tls.options", message));
        }
        Some(Claimed {
            claim: Claim { name: reference.qualified().clone(), options },
            hosts: hosts.into(),
        })
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

/// The entry points of these names among those that are known; none: all of them. Unknown ones are noted.
pub(super) fn attached<'a>(
    names: &[String],
    known: impl Iterator<Item = &'a Arc<str>>,
    notes: &mut Vec<Note>,
) -> Vec<EntryPointId> {
    let known: Vec<&str> = known.map(|name| &**name).collect();
    let every = (0_u16..).zip(&known);
    if names.is_empty() {
        return every.map(|(index, _)| EntryPointId(index)).collect();
    }
    let mut at = Vec::new();
    for name in names {
        match every.clone().find(|(_, known)| ***known == **name) {
            Some((index, _)) => at.push(EntryPointId(index)),
            None => {
                let message = format!("entryPoint {name:?} doesn't exist");
                notes.push(Note::warning("entryPoints", message));
            }
        }
    }
    at.sort_unstable();
    at.dedup();
    if at.is_empty() {
        notes.push(Note::error("entryPoints", "no valid entryPoint for this router"));
    }
    at
}

fn rule_error(error: &RuleError) -> String {
    format!("{} (column {} of the rule)", error.message, error.column)
}
