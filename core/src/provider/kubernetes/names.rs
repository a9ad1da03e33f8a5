//! What objects are called in the configuration, so that no two have one name.
//!
//! The names are those of 2.1 (compat: kubernetes.md "Generated names"), where `a-b/c` and `a/b-c` are
//! the same. Here the elder object has the name, the other one gets another that ends in a hash, and
//! both are found by those who refer to them.
use super::{few::Few, resource::Key};
use crate::diagnostic;
use alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};
use sha2::{Digest, Sha256};

/// Words of letters and digits, joined by `-`.
pub(super) fn normalize(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// The first 20 hex digits of SHA-256.
pub(super) fn hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect()
}

/// A name that is asked for: in a section of the configuration.
pub(super) type Plain = (diagnostic::Kind, Arc<str>);

/// Somebody who wants a name. The least, that is the eldest, has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    /// When the object was made.
    pub(super) created: Arc<str>,
    pub(super) unit: Key,
    /// What is to be called so. Several objects can want a name for one and the same thing.
    pub(super) identity: Arc<str>,
}

/// Who wants which names.
#[derive(Debug, Default)]
pub(super) struct Names {
    claims: BTreeMap<Plain, Few<Claim>>,
}

impl Names {
    /// What is called `plain` if nobody else is.
    pub(super) fn name(&self, plain: &Plain, identity: &str) -> Arc<str> {
        resolve(&plain.1, self.holder(plain), identity)
    }

    /// Whose the name is.
    fn holder(&self, plain: &Plain) -> Option<&str> {
        Some(&self.claims.get(plain)?.first()?.identity)
    }

    /// Adds or takes back a claim. Returns who had the name before, and who has it now, if that is
    /// somebody else.
    pub(super) fn change(
        &mut self,
        plain: &Plain,
        claim: Claim,
        add: bool,
    ) -> Option<[Option<Arc<str>>; 2]> {
        let before = self.holder(plain).map(Arc::from);
        let claims = self.claims.entry(plain.clone()).or_default();
        if add {
            claims.insert(claim);
        } else {
            claims.remove(&claim);
        }
        if claims.is_empty() {
            self.claims.remove(plain);
        }
        let now = self.holder(plain).map(Arc::from);
        (before != now).then_some([before, now])
    }
}

/// The name of `identity` where `holder` has the plain one.
pub(super) fn resolve(plain: &Arc<str>, holder: Option<&str>, identity: &str) -> Arc<str> {
    if holder.is_none_or(|holder| holder == identity) {
        plain.clone()
    } else {
        format!("{plain}-{}", hash(identity)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::resource::Kind;
    use super::*;

    #[test]
    fn names_are_words_joined_by_dashes() {
        for (text, name) in [
            ("default-app", "default-app"),
            ("default-a.b", "default-a-b"),
            ("-a--b_c.", "a-b-c"),
            ("who.example.com/api/", "who-example-com-api"),
            ("", ""),
        ] {
            assert_eq!(normalize(text), name);
        }
    }

    #[test]
    fn a_hash_has_twenty_digits_of_sha_256() {
        assert_eq!(hash(""), "e3b0c44298fc1c149afb");
    }

    #[test]
    fn the_elder_of_two_has_the_name_and_the_other_one_that_ends_in_a_hash() {
        let mut names = Names::default();
        let plain = (diagnostic::Kind::Middleware, Arc::from("a-b-c"));
        let claim = |created: &str, namespace: &str, name: &str| {
            let unit = Key::new(Kind::Middleware, namespace, name);
            Claim { created: created.into(), identity: format!("{unit}").into(), unit }
        };
        let (younger, elder) = (claim("2021", "a", "b-c"), claim("2020", "a-b", "c"));
        let name = |names: &Names, claim: &Claim| names.name(&plain, &claim.identity).len();
        assert!(names.change(&plain, younger.clone(), true).is_some());
        assert_eq!(name(&names, &younger), 5);
        assert!(names.change(&plain, elder.clone(), true).is_some());
        assert_eq!([name(&names, &elder), name(&names, &younger)], [5, 26]);
        assert!(names.change(&plain, younger.clone(), false).is_none());
        assert!(names.change(&plain, younger.clone(), true).is_none());
        assert!(names.change(&plain, elder, false).is_some());
        assert_eq!(name(&names, &younger), 5);
    }
}
