//! What changed between the definitions of then and now: a walk in step.
use super::{
    super::{name::Id, parts::Objects},
    Changes,
};
use crate::{
    config::{Defined, Definitions},
    diagnostic::Kind,
    persistent::sorted::Difference,
};
use alloc::{sync::Arc, vec::Vec};

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

pub(super) fn diff<T: PartialEq>(old: &Definitions<T>, new: &Definitions<T>) -> Vec<Change<T>> {
    let change = |difference: Difference<'_, _, Arc<Defined<T>>>| {
        let Difference { old, new } = difference;
        match (old, new) {
            (Some((name, _)), None) => Some(Change::Gone(Arc::clone(name))),
            (None, Some((name, new))) => Some(Change::New(Arc::clone(name), new.clone())),
            (Some((_, old)), Some((name, new))) if old.value != new.value => {
                Some(Change::New(Arc::clone(name), new.clone()))
            }
            (Some((_, old)), Some((name, new))) if old.place != new.place => {
                Some(Change::Moved(Arc::clone(name), new.clone()))
            }
            (None, None) | (Some(_), Some(_)) => None,
        }
    };
    old.differences(new).filter_map(change).collect()
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
