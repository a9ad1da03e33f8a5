//! `Authorization: Basic …` (RFC 7617).
use alloc::{string::String, vec::Vec};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// The longest password. Hashing takes time in proportion to it, before anybody is known.
const PASSWORD_BYTES_MAX: usize = 4096;

/// A name and a password.
pub(crate) struct Basic {
    pub(crate) user: Vec<u8>,
    pub(crate) password: Zeroizing<Vec<u8>>,
}

impl Basic {
    /// Reads a header value. The scheme's name is taken as it is written here only, as 2.1 does.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let encoded = value.strip_prefix(b"Basic ")?;
        let plain = Zeroizing::new(STANDARD.decode(encoded).ok()?);
        let colon = plain.iter().position(|byte| *byte == b':')?;
        let (user, password) = (&plain[..colon], &plain[colon + 1..]);
        if password.len() > PASSWORD_BYTES_MAX {
            return None;
        }
        Some(Self { user: user.into(), password: Zeroizing::new(password.into()) })
    }

    /// A header value that is read the same way, without the password, and without a name that is not
    /// `known`: it may be a token.
    pub(crate) fn redacted(value: &[u8], known: impl Fn(&[u8]) -> bool) -> Option<String> {
        let Self { mut user, .. } = Self::parse(value)?;
        if !known(&user) {
            user = b"redacted".into();
        }
        user.extend_from_slice(b":redacted");
        let mut text = String::from("Basic ");
        STANDARD.encode_string(user, &mut text);
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    fn parsed(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        Basic::parse(value).map(|Basic { user, password }| (user, password.to_vec()))
    }

    fn header(user: &[u8], password: &[u8]) -> String {
        format!("Basic {}", STANDARD.encode([user, b":", password].concat()))
    }

    #[test]
    fn the_first_colon_parts_name_and_password() {
        let value = header(b"a", b"b:c");
        assert_eq!(parsed(value.as_bytes()), Some((b"a".to_vec(), b"b:c".to_vec())));
    }

    #[test]
    fn what_is_not_basic_is_refused() {
        for value in ["", "Basic", "Basic ", "basic YTpi", "BASIC YTpi", "Basic  YTpi", "Bearer YTpi"] {
            assert_eq!(parsed(value.as_bytes()), None, "{value}");
        }
        // No colon, no base64, no padding.
        for value in ["Basic YQ==", "Basic !", "Basic YTpiYw"] {
            assert_eq!(parsed(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn a_password_has_its_limit() {
        let long = [b'x'; PASSWORD_BYTES_MAX + 1];
        assert!(parsed(header(b"a", &long[1..]).as_bytes()).is_some());
        assert!(parsed(header(b"a", &long).as_bytes()).is_none());
    }

    #[test]
    fn redacting_keeps_the_names_of_users_and_nothing_else() {
        let known = |name: &[u8]| name == b"a";
        let redacted = |value: &str| Basic::redacted(value.as_bytes(), known);
        assert_eq!(redacted(&header(b"a", b"hunter2")), Some(header(b"a", b"redacted")));
        assert_eq!(redacted(&header(b"hunter2", b"")), Some(header(b"redacted", b"redacted")));
        assert_eq!(redacted("Bearer hunter2"), None);
        let once = redacted(&header(b"a", b"hunter2")).unwrap();
        assert_eq!(redacted(&once), Some(once));
    }

    proptest! {
        #[test]
        fn no_value_panics(value in any::<Vec<u8>>()) {
            let _ = Basic::parse(&value);
            let _ = Basic::parse(&[b"Basic ", &*value].concat());
        }

        #[test]
        fn what_a_user_types_comes_back_out(
            user in "[^:]{0,16}", password in proptest::collection::vec(any::<u8>(), 0..64)
        ) {
            let value = header(user.as_bytes(), &password);
            prop_assert_eq!(parsed(value.as_bytes()), Some((user.into_bytes(), password)));
        }
    }
}
