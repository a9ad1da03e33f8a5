//! A password to check. Checking is slow on purpose, so the shell does it off its event loop.
use super::basic_auth::hash;
use alloc::{sync::Arc, vec::Vec};
use core::fmt;
use sha2::{Digest, Sha256};
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

/// What a fingerprint is made with.
pub type Key = [u8; 32];

impl Credentials {
    /// A key out of what the process alone knows.
    #[must_use]
    pub fn key(secret: u64) -> Key {
        Sha256::digest([b"credentials ", &secret.to_be_bytes()[..]].concat()).into()
    }

    /// What stands for both without telling either: a keyed hash.
    #[must_use]
    pub fn fingerprint(&self, key: &Key) -> [u8; 32] {
        let inner = Sha256::new_with_prefix(key)
            .chain_update(self.hash.len().to_be_bytes())
            .chain_update(&*self.hash)
            .chain_update(&*self.password)
            .finalize();
        Sha256::new_with_prefix(key).chain_update(inner).finalize().into()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn credentials(password: &str, hash: &str) -> Credentials {
        Credentials { password: Zeroizing::new(password.as_bytes().into()), hash: hash.into() }
    }

    #[test]
    fn a_fingerprint_is_that_of_key_password_and_hash() {
        let key = Credentials::key(1);
        let print = |password, hash| credentials(password, hash).fingerprint(&key);
        assert_eq!(print("a", "b"), print("a", "b"));
        for (password, hash) in [("b", "a"), ("ab", ""), ("", "ab"), ("a", "c")] {
            assert_ne!(print("a", "b"), print(password, hash));
        }
        assert_ne!(print("a", "b"), credentials("a", "b").fingerprint(&Credentials::key(2)));
    }

    #[test]
    fn debug_shows_neither_password_nor_hash() {
        assert_eq!(format!("{:?}", credentials("hunter2", "{SHA}")), "Credentials");
    }
}
