//! A password to check. Checking is slow on purpose, so the shell does it off its event loop.
use super::basic_auth::hash;
use alloc::{sync::Arc, vec::Vec};
use core::fmt;
use zeroize::Zeroizing;

/// A password, and the hash it must have. [`fmt::Debug`] shows neither.
#[derive(Clone)]
pub struct Credentials {
    /// As the client sent it.
    pub password: Zeroizing<Vec<u8>>,
    /// As configured: a bcrypt, SHA-1 or MD5-crypt hash; nothing matches any other.
    pub hash: Arc<str>,
}

impl Credentials {
    /// Whether the password has the hash. It takes long, up to minutes.
    #[must_use]
    pub fn check(&self) -> bool {
        hash::matches(&self.hash, &self.password)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}
