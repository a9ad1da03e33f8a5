//! `basicAuth`: only users with a password pass. Compat: middlewares.md "basicAuth".
use super::{
    Context, Edits, Options, Verdict, Walk,
    credentials::Credentials,
    users::{self, Admission, Lines},
};
use crate::{cells::Cells, config::file::File};
use alloc::{
    boxed::Box, collections::BTreeMap, format, string::String, sync::Arc, vec, vec::Vec,
};
use authorization::Basic;
use core::fmt;
use http::{HeaderValue, request};
use serde::{Deserialize, Serialize};

pub(crate) mod authorization;
pub(super) mod hash;
mod md5_crypt;

/// The options of `basicAuth`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicAuth {
    /// Users, each `name:hash`.
    pub users: Lines,
    /// A file with more of them, one a line.
    #[serde(skip_serializing_if = "File::is_empty")]
    pub users_file: File,
    /// What a browser shows with the question for a password; empty: `traefik`.
    pub realm: String,
    /// Whether the server does not see `Authorization`.
    pub remove_header: bool,
    /// The header that tells the server the user's name; empty: none.
    pub header_field: String,
}

/// Compiled `basicAuth`.
#[derive(Debug)]
pub struct Gate {
    users: Users,
    challenge: HeaderValue,
    admission: Admission,
}

/// Hashes by user. [`fmt::Debug`] shows none.
struct Users {
    hashes: BTreeMap<Arc<str>, Arc<str>>,
    /// Stands in for the hash of an unknown user, so that the answer takes as long. Nothing matches it.
    decoy: Arc<str>,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.hashes.keys()).finish()
    }
}

impl Options for BasicAuth {
    type Middleware = Gate;

    fn compile(&self) -> Result<Gate, String> {
        let admission = Admission::new(self.remove_header, &self.header_field)?;
        let mut hashes: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
        for [name, hash] in users::entries(("BasicUser", "name:hash"), &self.users, &self.users_file)? {
            admission.check(&name)?;
            hash::check(&hash).map_err(|what| format!("the hash of user {name:?}: {what}"))?;
            hashes.insert(name.into(), hash.into());
        }
        let decoy = hash::decoy(hashes.values().map(|hash| &**hash)).into();
        let (_, realm) = users::realm(&self.realm)?;
        let challenge = HeaderValue::from_bytes(format!("Basic realm={realm}").as_bytes())
            .map_err(|_| String::from("realm: it has a character that a header cannot carry"))?;
        Ok(Gate { users: Users { hashes, decoy }, challenge, admission })
    }

    fn files(&self) -> Vec<&File> {
        vec![&self.users_file]
    }

    fn files_mut(&mut self) -> Vec<&mut File> {
        vec![&mut self.users_file]
    }
}

impl Gate {
    /// What is to be checked; none: it is refused as it is.
    fn credentials(&self, head: &request::Parts) -> Option<Credentials> {
        let Basic { user, password } = Basic::parse(users::authorization(head)?)?;
        let hash = self.user(&user).map_or(&self.users.decoy, |(_, hash)| hash);
        Some(Credentials { password, hash: Arc::clone(hash) })
    }

    /// Name and hash of a user.
    fn user(&self, name: &[u8]) -> Option<(&Arc<str>, &Arc<str>)> {
        let name = core::str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
        self.users.hashes.get_key_value(name)
    }

    fn refuse(&self) -> Verdict {
        Verdict::Respond(users::unauthorized(self.challenge.clone()))
    }

    /// Edits the request of a user whose password was right.
    fn admit(&self, head: &mut request::Parts) -> Option<Arc<str>> {
        let Basic { user, .. } = Basic::parse(users::authorization(head)?)?;
        let (name, _) = self.user(&user)?;
        self.admission.admit(name, head);
        Some(Arc::clone(name))
    }
}

impl Walk for Gate {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        match self.credentials(head) {
            Some(credentials) => Verdict::Verify(Box::new(credentials)),
            None => self.refuse(),
        }
    }

    fn verified(&self, _: &Context<'_>, head: &mut request::Parts, right: bool) -> Verdict {
        let user = if right { self.admit(head) } else { None };
        user.map_or_else(|| self.refuse(), |user| Verdict::Known { user })
    }

    fn edits(&self) -> Edits<'_> {
        self.admission.edits()
    }

    fn knows(&self, user: &[u8]) -> bool {
        self.user(user).is_some()
    }
}

#[cfg(test)]
mod tests;
