//! What changed between the definitions of then and now: a walk in step.
use super::{
    super::{name::Id, parts::Objects},
    Changes,
};
use crate::{
    config::{Defined, Definitions},
    diagnostic::Kind,
};
use alloc::{sync::Arc, vec::Vec};
use core::cmp::Ordering;

/// What is to be done with a router.
pub(super) enum RouterChange<T> {
    Gone,
    New(Arc<Defined<T>>),
    /// Something it refers to changed.
    Again,
}

/// What a walk in step found.
pub(super) enum Change<T> {
    Gone(Arc<str>),
    New(Arc<str>, Arc<Defined<T>>),
    /// The same, written at another place.
    Moved(Arc<str>, Arc<Defined<T>>),
}

pub(super) fn diff<T: PartialEq, P>(old: &Objects<T, P>, new: &Definitions<T>) -> Vec<Change<T>> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let mut changes = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, _)), Some((new, _))) if Arc::ptr_eq(old, new) => Ordering::Equal,
            (Some((old, _)), Some((new, _))) => old.cmp(new),
        };
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        match (before, after) {
            (Some((name, _)), None) => changes.push(Change::Gone(name.clone())),
            (None, Some((name, new))) => changes.push(Change::New(name.clone(), new.clone())),
            (Some((_, old)), Some((_, new))) if Arc::ptr_eq(&old.definition, new) => {}
            (Some((_, old)), Some((name, new))) if old.definition.value != new.value => {
                changes.push(Change::New(name.clone(), new.clone()));
            }
            (Some((_, old)), Some((name, new))) if old.definition.place != new.place => {
                changes.push(Change::Moved(name.clone(), new.clone()));
            }
            _ => {}
        }
    }
}

/// Notes which routers of a kind are to be compiled; they are once everything else is.
pub(super) fn apply_routers<T, P>(
    kind: Kind,
    provider: &Arc<str>,
    found: Vec<Change<T>>,
    objects: &mut Objects<T, P>,
    changes: &mut Changes<T>,
) {
    let id = |name| Id { kind, provider: provider.clone(), name };
    for change in found {
        match change {
            Change::Gone(name) => drop(changes.insert(id(name), RouterChange::Gone)),
            Change::New(name, definition) => {
                changes.insert(id(name), RouterChange::New(definition));
            }
            Change::Moved(name, definition) => {
                if let Some(object) = objects.get_mut(&*name) {
                    object.definition = definition;
                }
            }
        }
    }
}
