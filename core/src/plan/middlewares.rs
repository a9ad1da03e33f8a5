//! Middlewares, each compiled on its own, and the flattening of chains.
//! Compat: middlewares.md "Common rules".
use super::{
    NAME_WITH_AT, Settings,
    name::{Id, Key, Reference},
    parts::{Note, Part, Parts, Standalone},
};
use crate::{
    diagnostic::Kind,
    middleware::{Definition, Middleware},
    router::MIDDLEWARES_MAX,
};
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};

/// The most references followed for one list of middlewares: chains of chains of nothing end here.
const VISITS_MAX: usize = 4096;
/// The deepest nesting of chains.
const DEPTH_MAX: usize = 64;

/// A compiled middleware.
#[derive(Clone, Debug)]
pub(super) struct MiddlewarePart {
    /// Depends on nothing but the definition.
    own: Arc<Own>,
    notes: Box<[Note]>,
    dependencies: Box<[Key]>,
}

#[derive(Debug)]
struct Own {
    /// What it is, or the error of whatever refers to it.
    compiled: Result<Compiled, String>,
    /// The error as reported for the object itself.
    note: Option<Note>,
}

#[derive(Debug)]
enum Compiled {
    One(Found),
    Chain(Box<[Reference]>),
}

/// A middleware that a list of references leads to.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) middleware: Arc<Middleware>,
    /// The service that it sends requests of its own to.
    pub(super) service: Option<Reference>,
}

impl Part for MiddlewarePart {
    fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn dependencies(&self) -> &[Key] {
        &self.dependencies
    }
}

impl Standalone for MiddlewarePart {
    type Definition = Definition;

    fn compile(_: &Settings, id: &Id, definition: &Result<Definition, String>) -> Self {
        let (compiled, note) = match definition {
            Ok(definition) => {
                let compiled = compile(id, definition);
                let note = compiled.as_ref().err().map(|error| Note::error("", error.clone()));
                (compiled, note)
            }
            Err(error) => (
                Err(format!("the middleware {:?} cannot be read: {error}", id.qualified())),
                Some(Note::error("", error.clone())),
            ),
        };
        let notes = note.clone().into_iter().collect();
        Self { own: Arc::new(Own { compiled, note }), notes, dependencies: Box::default() }
    }

    fn refers(&self) -> bool {
        matches!(self.own.compiled, Ok(Compiled::Chain(_)))
    }
}

impl MiddlewarePart {
    /// The same after the members were looked up.
    pub(super) fn linked(&self, error: Option<String>, dependencies: Box<[Key]>) -> Self {
        let error = error.map(|error| Note::error("", error));
        let notes = self.own.note.iter().cloned().chain(error).collect();
        Self { own: self.own.clone(), notes, dependencies }
    }
}

fn compile(id: &Id, definition: &Definition) -> Result<Compiled, String> {
    if id.name.contains('@') {
        return Err(NAME_WITH_AT.into());
    }
    match definition.kinds() {
        0 => {
            return Err(format!(
                "invalid middleware {:?} configuration: invalid middleware type or middleware does \
                 not exist",
                id.qualified()
            ));
        }
        1 => {}
        _ => {
            return Err(
                "cannot create middleware: multi-types middleware not supported, consider \
                        declaring two different pieces of middleware instead"
                    .into(),
            );
        }
    }
    let Some(chain) = &definition.chain else {
        let middleware = definition.compile()?;
        let service = middleware.service().map(|name| Reference::new(name, &id.provider));
        return Ok(Compiled::One(Found { middleware: Arc::new(middleware), service }));
    };
    let members = chain.middlewares.iter();
    Ok(Compiled::Chain(members.map(|member| Reference::new(member, &id.provider)).collect()))
}

/// Follows references to middlewares.
pub(super) struct Flattening<'a> {
    parts: &'a Parts,
    /// What was looked up, found or not.
    pub(super) dependencies: Vec<Key>,
    pub(super) flat: Vec<Found>,
    /// The chains around the next reference.
    within: Vec<Arc<str>>,
    visits: usize,
}

impl<'a> Flattening<'a> {
    pub(super) fn new(parts: &'a Parts) -> Self {
        Self { parts, dependencies: Vec::new(), flat: Vec::new(), within: Vec::new(), visits: 0 }
    }

    /// Appends the middleware that `reference` names, or the members of the chain.
    ///
    /// # Errors
    /// Why the list cannot be used.
    pub(super) fn add(&mut self, reference: &Reference) -> Result<(), String> {
        self.visits += 1;
        let name = reference.qualified();
        if self.visits > VISITS_MAX || self.within.len() > DEPTH_MAX {
            return Err(format!(
                "could not instantiate middleware {name}: chains are nested too deeply, or have more \
                 than {VISITS_MAX} members"
            ));
        }
        self.dependencies.push(reference.key(Kind::Middleware));
        if self.within.contains(name) {
            return Err(format!(
                "could not instantiate middleware {name}: recursion detected in {}->{name}",
                self.within.join("->")
            ));
        }
        let part = self.parts.middleware(reference);
        let part = part.ok_or_else(|| format!("middleware {name:?} does not exist"))?;
        match &part.own.compiled {
            Err(error) => Err(error.clone()),
            Ok(Compiled::One(found)) => {
                if self.flat.len() == MIDDLEWARES_MAX {
                    return Err(format!(
                        "there may be {MIDDLEWARES_MAX} middlewares, chains expanded"
                    ));
                }
                self.flat.push(found.clone());
                Ok(())
            }
            Ok(Compiled::Chain(members)) => {
                self.within.push(name.clone());
                let result = members.iter().try_for_each(|member| self.add(member));
                self.within.pop();
                result
            }
        }
    }
}
