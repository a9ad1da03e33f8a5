//! What the translation of one object sees of the others. Everything it looks at is recorded, so that
//! it is done again when that changes; everything it says goes through here.
use super::{
    Options,
    builtin::{Address, EndpointSlice, IngressClass, Secret, Service},
    few::Few,
    finding::Finding,
    names::{Claim, Names, Plain},
    object::Object,
    resource::{Key, Kind},
    store::{Found, Store},
};
use crate::{
    config::{Configuration, Defined, Definitions},
    diagnostic::{self, Place, Severity},
};
use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dependency {
    /// An object, there or not; of a Service its EndpointSlices too.
    Object(Key),
    /// What something is called.
    Name(Plain, Arc<str>),
}

/// What came of an object.
#[derive(Debug, Default)]
pub(super) struct Translation {
    /// What it adds to the configuration.
    pub(super) configuration: Configuration,
    pub(super) findings: Vec<Finding>,
    pub(super) dependencies: Few<Dependency>,
    pub(super) claims: Few<(Plain, Claim)>,
    /// The status it should have and has not.
    pub(super) status: Option<Vec<Address>>,
}

/// The surroundings of one object that is translated.
pub(super) struct Scope<'a> {
    pub(super) options: &'a Options,
    pub(super) object: &'a Object,
    store: &'a Store,
    names: &'a Names,
    unit: &'a Key,
    place: Place,
    pub(super) out: Translation,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        options: &'a Options,
        store: &'a Store,
        names: &'a Names,
        unit: &'a Key,
        object: &'a Object,
    ) -> Self {
        let place = place(unit);
        Self { options, object, store, names, unit, place, out: Translation::default() }
    }

    pub(super) fn error(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.say(Severity::Error, path.into(), message.into());
    }

    pub(super) fn warn(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.say(Severity::Warning, path.into(), message.into());
    }

    fn say(&mut self, severity: Severity, path: String, message: String) {
        let object = self.object.reference();
        let finding = Finding { object, severity, path, message };
        if !self.out.findings.contains(&finding) {
            self.out.findings.push(finding);
        }
    }

    /// The namespace of the object.
    pub(super) fn namespace(&self) -> &'a Arc<str> {
        &self.unit.namespace
    }

    /// The name of the object.
    pub(super) fn name(&self) -> &'a Arc<str> {
        &self.unit.name
    }

    /// Something of the object's own, as it is told from that of others.
    pub(super) fn identity(&self) -> String {
        self.unit.to_string()
    }

    /// The object that is meant by a name and a namespace as written.
    ///
    /// # Errors
    /// It is in a namespace that may not be referred to. Compat: kubernetes.md "References".
    pub(super) fn key(&self, kind: Kind, namespace: &str, name: &str) -> Result<Key, String> {
        if namespace.is_empty() || namespace == &**self.namespace() {
            return Ok(Key { kind, namespace: self.namespace().clone(), name: name.into() });
        }
        let key = Key::new(kind, namespace, name);
        if self.options.allow_cross_namespace {
            Ok(key)
        } else {
            Err(format!("{key} is in another namespace; allowCrossNamespace allows that"))
        }
    }

    pub(super) fn service(&mut self, key: &Key) -> Result<(&'a Service, &'a Object), String> {
        self.look_at(key)?;
        found(key, self.store.service(key))
    }

    pub(super) fn secret(&mut self, key: &Key) -> Result<&'a Secret, String> {
        self.look_at(key)?;
        Ok(found(key, self.store.secret(key))?.0)
    }

    pub(super) fn ingress_class(&mut self, name: &str) -> Result<&'a IngressClass, String> {
        let key = Key::new(Kind::IngressClass, "", name);
        self.look_at(&key)?;
        Ok(found(&key, self.store.ingress_class(&key))?.0)
    }

    /// The slices of a Service that was looked at.
    pub(super) fn slices(
        &self,
        service: &Key,
    ) -> impl Iterator<Item = &'a EndpointSlice> + use<'a> {
        self.store.slices(service)
    }

    fn look_at(&mut self, key: &Key) -> Result<(), String> {
        self.out.dependencies.insert(Dependency::Object(key.clone()));
        if self.options.watches(&key.namespace) {
            Ok(())
        } else {
            Err(format!("{key}: the namespace is not within watched namespaces"))
        }
    }

    /// What the object itself, or a thing of its own, is called; `plain`, if nobody else is.
    pub(super) fn define(
        &mut self,
        kind: diagnostic::Kind,
        plain: String,
        identity: &str,
    ) -> Arc<str> {
        let plain = (kind, Arc::from(plain));
        let claim = Claim {
            created: self.object.meta.created.clone(),
            unit: self.unit.clone(),
            identity: identity.into(),
        };
        let name = self.ask(plain.clone(), identity);
        self.out.claims.insert((plain, claim));
        name
    }

    /// What another object is called.
    pub(super) fn refer(&mut self, kind: diagnostic::Kind, plain: String, to: &Key) -> String {
        self.ask((kind, Arc::from(plain)), &to.to_string()).to_string()
    }

    fn ask(&mut self, plain: Plain, identity: &str) -> Arc<str> {
        let name = self.names.name(&plain, identity);
        self.out.dependencies.insert(Dependency::Name(plain, identity.into()));
        name
    }

    /// Adds a definition that stands in the object.
    pub(super) fn put<T>(
        &mut self,
        definitions: impl FnOnce(&mut Configuration) -> &mut Definitions<T>,
        name: Arc<str>,
        value: T,
    ) {
        let defined = Defined { value: Ok(value), place: self.place.clone() };
        definitions(&mut self.out.configuration).insert(name, Arc::new(defined));
    }

    /// Adds a definition that is made of another object: whoever needs it adds the same.
    pub(super) fn put_from<T>(
        &mut self,
        from: &Key,
        definitions: impl FnOnce(&mut Configuration) -> &mut Definitions<T>,
        name: Arc<str>,
        value: T,
    ) {
        let defined = Defined { value: Ok(value), place: place(from) };
        definitions(&mut self.out.configuration).insert(name, Arc::new(defined));
    }
}

fn place(key: &Key) -> Place {
    Place { source: key.to_string().into(), line: 0 }
}

fn found<'a, T>(key: &Key, found: Found<'a, T>) -> Result<(&'a T, &'a Object), String> {
    match found {
        Found::There(it, object) => Ok((it, object)),
        Found::Missing => Err(format!("{key} not found")),
        Found::Broken(reason) => Err(format!("{key} cannot be read: {reason}")),
    }
}
