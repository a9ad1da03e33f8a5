//! Names of objects: `name@provider`, and how a reference is read. Compat: README.md rule 1.
use crate::diagnostic::Kind;
use alloc::{format, sync::Arc};
use core::hash::BuildHasher;
use foldhash::fast::FixedState;

/// One object of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) kind: Kind,
    pub(super) provider: Arc<str>,
    pub(super) name: Arc<str>,
}

/// Stands for an object in the records of who refers to whom. Two objects may share one: what comes of
/// it is an object compiled again without need.
pub(super) type Key = u64;

impl Id {
    pub(super) fn key(&self) -> Key {
        key(self.kind, &self.provider, &self.name)
    }

    pub(super) fn qualified(&self) -> Arc<str> {
        format!("{}@{}", self.name, self.provider).into()
    }
}

/// What a name in the configuration means: `name@provider`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reference(Arc<str>);

impl Reference {
    /// `written` in an object of `provider`: without `@` it means that provider's.
    pub(super) fn new(written: &str, provider: &str) -> Self {
        Self(if written.contains('@') {
            written.into()
        } else {
            format!("{written}@{provider}").into()
        })
    }

    /// The name of an object.
    pub(super) fn to(id: &Id) -> Self {
        Self(id.qualified())
    }

    pub(super) fn qualified(&self) -> &Arc<str> {
        &self.0
    }

    pub(super) fn name(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }

    /// What stands between the first and the second `@`.
    pub(super) fn provider(&self) -> &str {
        self.0.split('@').nth(1).unwrap_or_default()
    }

    pub(super) fn key(&self, kind: Kind) -> Key {
        key(kind, self.provider(), self.name())
    }
}

fn key(kind: Kind, provider: &str, name: &str) -> Key {
    FixedState::with_seed(0).hash_one((kind, provider, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_provider_means_the_referring_objects_own() {
        for (written, name, provider, qualified) in [
            ("app", "app", "file", "app@file"),
            ("app@rest", "app", "rest", "app@rest"),
            ("app@rest@x", "app", "rest", "app@rest@x"),
            ("", "", "file", "@file"),
            ("app@", "app", "", "app@"),
        ] {
            let reference = Reference::new(written, "file");
            assert_eq!((reference.name(), reference.provider()), (name, provider));
            assert_eq!(&**reference.qualified(), qualified);
        }
    }
}
