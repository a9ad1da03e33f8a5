//! `digestAuth`: only users with a password pass, and it is never sent. RFC 2617 with MD5 and
//! `qop=auth`. Compat: middlewares.md "digestAuth".
use super::{
    Context, Edits, Options, Verdict, Walk,
    users::{self, Admission, Lines},
};
use crate::{
    cells::{CellId, CellSpecs, Cells, NoncesId},
    config::file::File,
    exchange::answer,
    time::Instant,
};
use alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec, vec::Vec};
use authorization::Digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use core::fmt;
use http::{HeaderValue, StatusCode, Uri, request};
use md5::{Digest as _, Md5};
use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

pub use nonces::{Nonce, Nonces, Use};

pub(crate) mod authorization;
mod nonces;

/// The options of `digestAuth`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DigestAuth {
    /// Users, each `name:realm:HA1`.
    pub users: Lines,
    /// A file with more of them, one a line.
    #[serde(skip_serializing_if = "File::is_empty")]
    pub users_file: File,
    /// Whose users may pass; empty: `traefik`.
    pub realm: String,
    /// Whether the server does not see `Authorization`.
    pub remove_header: bool,
    /// The header that tells the server the user's name; empty: none.
    pub header_field: String,
}

/// Compiled `digestAuth`.
#[derive(Debug)]
pub struct Gate {
    users: Users,
    realm: String,
    /// The same as it stands in a header.
    quoted_realm: String,
    /// What a client sends back unchanged.
    opaque: String,
    admission: Admission,
}

/// HA1 by user, of the users of the realm. [`fmt::Debug`] shows none.
struct Users(BTreeMap<Arc<str>, String>);

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a request says that deserves a look at the nonce.
struct Claim {
    /// The user of that name, if there is one.
    user: Option<Arc<str>>,
    nonce: Option<Nonce>,
    count: u64,
    /// Whether the response is that of the user's password.
    proven: bool,
}

impl Options for DigestAuth {
    type Middleware = Gate;

    fn compile(&self) -> Result<Gate, String> {
        let admission = Admission::new(self.remove_header, &self.header_field)?;
        let (realm, quoted_realm) = users::realm(&self.realm)?;
        let mut users = BTreeMap::new();
        for [name, its_realm, ha1] in
            users::entries(("DigestUser", "name:realm:HA1"), &self.users, &self.users_file)?
        {
            admission.check(&name)?;
            if its_realm == realm {
                users.insert(Arc::from(name), ha1);
            }
        }
        if users.is_empty() {
            return Err(format!("no user has the realm {realm:?}, so nobody could pass"));
        }
        let opaque = Sha256::digest(format!("digestAuth opaque {realm}"));
        let opaque = URL_SAFE_NO_PAD.encode(&opaque[..12]);
        Ok(Gate { users: Users(users), realm, quoted_realm, opaque, admission })
    }

    fn files(&self) -> Vec<&File> {
        vec![&self.users_file]
    }

    fn files_mut(&mut self) -> Vec<&mut File> {
        vec![&mut self.users_file]
    }
}

impl Gate {
    /// Reads a request; none: it has no credentials, or such as can never be right.
    fn claim(&self, head: &request::Parts) -> Option<Claim> {
        let digest = Digest::parse(users::authorization(head)?)?;
        let is_ours = digest.realm == self.realm.as_bytes()
            && digest.opaque.as_deref() == Some(self.opaque.as_bytes())
            && digest.algorithm.as_deref().is_none_or(|it| it == b"MD5")
            && digest.qop == b"auth"
            && is_for(&digest.uri, &head.uri);
        if !is_ours {
            return None;
        }
        let name = core::str::from_utf8(&digest.username).ok();
        let user = name.and_then(|name| self.users.0.get_key_value(name));
        // Of an unknown user the response is computed all the same, and is wrong.
        let ha1 = user.map_or("", |(_, ha1)| ha1);
        let right = response(ha1, head.method.as_str(), &digest).ct_eq(&digest.response).into();
        Some(Claim {
            user: user.map(|(name, _)| Arc::clone(name)),
            nonce: Nonce::parse(&digest.nonce),
            count: digest.count()?,
            proven: right && user.is_some(),
        })
    }

    /// 401 with a new nonce. `stale`: the client knew the password, so nobody need be asked for it.
    fn challenge(&self, nonce: Nonce, stale: bool) -> HeaderValue {
        let text = format!(
            "Digest realm={}, nonce=\"{}\", opaque=\"{}\", algorithm=\"MD5\", qop=\"auth\"{}",
            self.quoted_realm,
            nonce.text(),
            self.opaque,
            if stale { ", stale=true" } else { "" },
        );
        // The realm was checked when the options were; the rest is ASCII.
        HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static("Digest"))
    }
}

impl Claim {
    /// What the cell has to say. It alone decides, so that what it said can be replayed.
    fn judge(&self, nonces: &mut Nonces, now: Instant, exchange: u64) -> Use {
        match self.nonce {
            _ if !self.proven => Use::Unproven,
            Some(nonce) => nonces.check(now, nonce, self.count, exchange),
            None => Use::Unknown,
        }
    }
}

/// The response that the password would have led to (RFC 2617, 3.2.2.1), as hexadecimal digits.
fn response(ha1: &str, method: &str, digest: &Digest) -> Vec<u8> {
    let ha2 = hex(Md5::new_with_prefix(method).chain_update(b":").chain_update(&digest.uri));
    let mut md5 = Md5::new_with_prefix(ha1);
    for part in [&digest.nonce, &digest.nc, &digest.cnonce, &digest.qop, &ha2] {
        md5.update(b":");
        md5.update(part);
    }
    hex(md5)
}

fn hex(md5: Md5) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    md5.finalize().into_iter().flat_map(digits).collect()
}

/// Whether what the client signed is this target, or a path above it.
fn is_for(signed: &[u8], target: &Uri) -> bool {
    let own = target.path_and_query().map_or("/", |it| it.as_str());
    if signed == own.as_bytes() {
        return true;
    }
    let Some(signed) = core::str::from_utf8(signed).ok().and_then(|it| it.parse::<Uri>().ok()) else {
        return false;
    };
    let own: Vec<u8> = percent_decode(target.path().as_bytes()).collect();
    let above: Vec<u8> = percent_decode(signed.path().as_bytes()).collect();
    own.starts_with(&above)
}

impl Walk for Gate {
    fn inward<C: Cells>(
        &self,
        context: &Context<'_>,
        cells: &C,
        head: &mut request::Parts,
    ) -> Verdict {
        let Some(CellId::Nonces(id)) = context.cell else {
            debug_assert!(false, "digestAuth without its cell");
            return Verdict::Respond(answer::status(StatusCode::INTERNAL_SERVER_ERROR));
        };
        let mut stale = false;
        if let Some(claim) = self.claim(head) {
            let how = cells.nonces(id, |cell| claim.judge(cell, context.now, context.entropy));
            match (how, claim.user) {
                (Use::Fresh, Some(user)) => {
                    self.admission.admit(&user, head);
                    return Verdict::Known { user };
                }
                (Use::Fresh | Use::Unproven, _) => {}
                (Use::Stale | Use::Replayed | Use::Unknown, _) => stale = true,
            }
        }
        let nonce = Nonce::new(context.entropy);
        cells.nonces(id, |cell| cell.issue(context.now, nonce));
        Verdict::Respond(users::unauthorized(self.challenge(nonce, stale)))
    }

    fn edits(&self) -> Edits<'_> {
        self.admission.edits()
    }

    fn cell(&self, specs: &mut CellSpecs) -> Option<CellId> {
        Some(CellId::Nonces(NoncesId(specs.nonces.insert(()))))
    }

    fn knows(&self, user: &[u8]) -> bool {
        core::str::from_utf8(user).is_ok_and(|user| self.users.0.contains_key(user))
    }
}

#[cfg(test)]
mod tests;
