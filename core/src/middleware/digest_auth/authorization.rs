//! `Authorization: Digest …` (RFC 2617, 3.2.2). It comes from anybody.
use alloc::vec::Vec;

/// The longest header value that is read.
const BYTES_MAX: usize = 8192;

/// What a client says. Values as sent, without quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) username: Vec<u8>,
    pub(crate) realm: Vec<u8>,
    pub(crate) nonce: Vec<u8>,
    pub(crate) uri: Vec<u8>,
    pub(crate) response: Vec<u8>,
    pub(crate) nc: Vec<u8>,
    pub(crate) cnonce: Vec<u8>,
    pub(crate) qop: Vec<u8>,
    pub(crate) algorithm: Option<Vec<u8>>,
    pub(crate) opaque: Option<Vec<u8>>,
}

impl Digest {
    /// Reads a header value. One that lacks a field, has one twice or breaks the grammar is refused.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let mut rest = value.strip_prefix(b"Digest ").filter(|_| value.len() <= BYTES_MAX)?;
        let mut found: [Option<Vec<u8>>; NAMES.len()] = Default::default();
        loop {
            let (name, value, after) = parameter(rest)?;
            let known = NAMES.iter().zip(&mut found);
            for (_, slot) in known.filter(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name)) {
                if slot.is_some() {
                    return None;
                }
                *slot = Some(value.clone());
            }
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
        let [username, realm, nonce, uri, response, nc, cnonce, qop, algorithm, opaque] = found;
        Some(Self {
            username: username?,
            realm: realm?,
            nonce: nonce?,
            uri: uri?,
            response: response?,
            nc: nc?,
            cnonce: cnonce?,
            qop: qop?,
            algorithm,
            opaque,
        })
    }

    /// A header value that is read the same way but for the response, and for a name that is not
    /// `known`: it may be anything.
    pub(crate) fn redacted(value: &[u8], known: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let mut digest = Self::parse(value)?;
        digest.response = b"redacted".into();
        if !known(&digest.username) {
            digest.username = b"redacted".into();
        }
        Some(digest.to_value())
    }

    fn to_value(&self) -> Vec<u8> {
        let always = [
            &self.username,
            &self.realm,
            &self.nonce,
            &self.uri,
            &self.response,
            &self.nc,
            &self.cnonce,
            &self.qop,
        ];
        let values = always.into_iter().map(Some).chain([self.algorithm.as_ref(), self.opaque.as_ref()]);
        let mut text = Vec::from(b"Digest ");
        for (name, value) in NAMES.iter().zip(values) {
            let Some(value) = value else { continue };
            if !text.ends_with(b" ") {
                text.extend_from_slice(b", ");
            }
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b"=\"");
            for byte in value {
                if matches!(byte, b'"' | b'\\') {
                    text.push(b'\\');
                }
                text.push(*byte);
            }
            text.push(b'"');
        }
        text
    }

    /// How often the client says it has used the nonce.
    pub(crate) fn count(&self) -> Option<u64> {
        let text = core::str::from_utf8(&self.nc).ok()?;
        let is_hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex { u64::from_str_radix(text, 16).ok() } else { None }
    }
}

/// The fields that are read, as [`Digest::parse`] and [`Digest::to_value`] take them.
const NAMES: [&str; 10] = [
    "username", "realm", "nonce", "uri", "response", "nc", "cnonce", "qop", "algorithm", "opaque",
];

/// Name and value of a parameter, and what follows its comma, if there is one.
type Parameter<'a> = (&'a [u8], Vec<u8>, Option<&'a [u8]>);

/// The first parameter.
fn parameter(text: &[u8]) -> Option<Parameter<'_>> {
    let text = text.trim_ascii_start();
    let name_end = text.iter().position(|byte| !is_token(*byte)).filter(|end| *end > 0)?;
    let (name, rest) = text.split_at(name_end);
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (value, rest) = match rest.strip_prefix(b"\"") {
        Some(rest) => quoted(rest)?,
        None => {
            let end = rest.iter().position(|byte| !is_token(*byte)).unwrap_or(rest.len());
            (Vec::from(&rest[..end]), &rest[end..])
        }
    };
    match rest.trim_ascii_start() {
        [] => Some((name, value, None)),
        [b',', after @ ..] => Some((name, value, Some(after))),
        _ => None,
    }
}

/// What stands before the closing quote, and what follows it.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut bytes = text.iter();
    loop {
        match bytes.next()? {
            b'"' => return Some((value, bytes.as_slice())),
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(*byte),
        }
    }
}

/// RFC 9110, 5.6.2.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    const RFC: &str = concat!(
        r#"Digest username="Mufasa", realm="testrealm@host.com", "#,
        r#"nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, "#,
        r#"nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1", "#,
        r#"opaque="5ccc069c403ebaf9f0171e9517f40e41""#
    );

    #[test]
    fn the_example_of_rfc_2617_is_read() {
        let digest = Digest::parse(RFC.as_bytes()).unwrap();
        assert_eq!(digest.username, b"Mufasa");
        assert_eq!(digest.uri, b"/dir/index.html");
        assert_eq!(digest.qop, b"auth");
        assert_eq!(digest.count(), Some(1));
        assert_eq!(digest.algorithm, None);
        assert_eq!(digest.opaque.unwrap(), b"5ccc069c403ebaf9f0171e9517f40e41");
    }

    #[test]
    fn blanks_case_of_names_and_escapes_are_the_grammars() {
        let text = RFC.replace("username=\"Mufasa\"", "USERNAME = \"a\\\"b\\\\c,d\"").replace(", nc", "\t,nc");
        let digest = Digest::parse(text.as_bytes()).unwrap();
        assert_eq!(digest.username, br#"a"b\c,d"#);
    }

    #[test]
    fn what_breaks_the_grammar_is_refused() {
        let long = format!("{RFC}, x=\"{}\"", "x".repeat(BYTES_MAX));
        let cases = [
            "".into(),
            "Digest".into(),
            "Digest ".into(),
            RFC.replace("Digest ", "digest "),
            RFC.replace("Digest ", "Basic "),
            RFC.replace("realm=", ""),
            RFC.replace("Mufasa\"", "Mufasa"),
            RFC.replace("e41\"", "e41\\"),
            RFC.replace("nc=00000001, ", ""),
            RFC.replace("nc=00000001, ", "nc=00000001 "),
            RFC.replace("nc=00000001", "nc=00000001, nc=00000002"),
            RFC.replace("nc=00000001", "nc=00000001, NC=00000001"),
            format!("{RFC},"),
            format!("{RFC}, =x"),
            format!("{RFC} x"),
            long,
        ];
        for text in &cases {
            assert_eq!(Digest::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_count_is_hexadecimal() {
        for (nc, want) in [
            ("0000000a", Some(10)),
            ("FFFFFFFF", Some(0xFFFF_FFFF)),
            ("1", Some(1)),
            ("", None),
            ("+1", None),
            ("-1", None),
            ("0x1", None),
            ("11111111111111111", None),
        ] {
            let digest = Digest { nc: nc.into(), ..Digest::default() };
            assert_eq!(digest.count(), want, "{nc}");
        }
    }

    #[test]
    fn redacting_keeps_everything_but_the_response_and_unknown_names() {
        let redacted = Digest::redacted(RFC.as_bytes(), |name| name == b"Mufasa").unwrap();
        let want = Digest { response: b"redacted".into(), ..Digest::parse(RFC.as_bytes()).unwrap() };
        assert_eq!(Digest::parse(&redacted), Some(want));
        assert_eq!(Digest::redacted(&redacted, |_| true), Some(redacted));
        let unknown = Digest::redacted(RFC.as_bytes(), |_| false).unwrap();
        assert_eq!(Digest::parse(&unknown).unwrap().username, b"redacted");
    }

    proptest! {
        #[test]
        fn no_value_panics(value in any::<Vec<u8>>(), text in r#"Digest ([a-z]{0,8}[ ,="\\]{0,3}){0,12}"#) {
            let _ = Digest::parse(&value);
            let _ = Digest::parse(&[b"Digest ", &*value].concat());
            let _ = Digest::parse(text.as_bytes());
        }

        #[test]
        fn what_a_client_says_comes_back_out(
            values in proptest::array::uniform8(proptest::collection::vec(any::<u8>(), 0..12)),
            opaque in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..12)),
        ) {
            let [username, realm, nonce, uri, response, nc, cnonce, qop] = values;
            let algorithm = None;
            let digest = Digest {
                username, realm, nonce, uri, response, nc, cnonce, qop, algorithm, opaque,
            };
            prop_assert_eq!(Digest::parse(&digest.to_value()), Some(digest));
        }
    }
}
