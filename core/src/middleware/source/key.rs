//! A source of requests as the key of a table: small, and as long as any other.
use sha2::{Digest, Sha256};

/// Sources up to this many bytes stand in a key as they are.
const VERBATIM_MAX: usize = 23;

/// Marks a key that is a digest; other marks are the length of the text.
const DIGEST: u8 = 0xff;

/// A source of requests in 24 bytes.
///
/// A text of at most 23 bytes (every IPv4 address, most hosts) stands there as it is. Of a longer
/// one, which a client may have made up, there are the first 184 bits of its SHA-256: nobody can
/// make up another source that shares the limit of a given one, whatever is known of this program.
/// A digest never equals a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key([u8; 1 + VERBATIM_MAX]);

impl Key {
    /// The key of a source.
    #[must_use]
    pub fn new(source: &str) -> Self {
        let mut key = [0; 1 + VERBATIM_MAX];
        let [mark, rest @ ..] = &mut key;
        if let Some(start) = rest.get_mut(..source.len()) {
            start.copy_from_slice(source.as_bytes());
            // At most 23.
            *mark = source.len() as u8;
        } else {
            let digest = Sha256::digest(source);
            rest.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
            *mark = DIGEST;
        }
        Self(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

    #[test]
    fn different_sources_have_different_keys() {
        let mut sources: Vec<String> = (0..300).map(|length| "a".repeat(length)).collect();
        sources.extend((0..300).map(|length| format!("{}b", "a".repeat(length))));
        sources.extend(["\0".into(), "\0\0".into(), "A".into(), "2001:db8::1".into()]);
        let keys: BTreeSet<Key> = sources.iter().map(|source| Key::new(source)).collect();
        assert_eq!(keys.len(), sources.len());
        assert!(sources.iter().all(|source| keys.contains(&Key::new(source))));
    }

    #[test]
    fn addresses_stand_as_they_are_and_a_digest_is_no_text() {
        assert!(Key::new("255.255.255.255").0[1..].starts_with(b"255.255.255.255"));
        let digest = Key::new("2001:db8:1111:2222:3333:4444:5555:6666");
        assert_eq!(digest.0[0], DIGEST);
        assert_eq!(size_of::<Key>(), 24);
    }
}
