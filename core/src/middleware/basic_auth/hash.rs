//! Password hashes as `htpasswd` writes them: bcrypt, MD5-crypt, SHA-1. Anything else never matches.
use super::md5_crypt::{self, Magic};
use alloc::{format, string::String};
use base64::{
    Engine,
    alphabet::BCRYPT,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD,
    },
};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Some programs leave bits in the last character of a salt that mean nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// bcrypt looks at no more bytes of a password, its final zero among them.
const BCRYPT_BYTES_MAX: usize = 72;
/// Minutes a try. The algorithm ends at 31, after days.
const BCRYPT_COST_MAX: u32 = 20;

/// A hash as written, taken apart. By cost, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hash<'a> {
    Sha1 { digest: [u8; 20] },
    Md5Crypt { magic: Magic, salt: &'a str, digest: &'a str },
    Bcrypt { cost: u32, prefix: &'a str, salt: [u8; 16], digest: [u8; 23] },
}

/// Whether a password has this hash.
pub(in crate::middleware) fn matches(hash: &str, password: &[u8]) -> bool {
    match Hash::parse(hash) {
        None => false,
        Some(Hash::Sha1 { digest }) => Sha1::digest(password).ct_eq(&digest).into(),
        Some(Hash::Md5Crypt { magic, salt, digest }) => {
            md5_crypt::md5_crypt(password, salt, magic).ct_eq(digest.as_bytes()).into()
        }
        Some(Hash::Bcrypt { cost, salt, digest, .. }) => bcrypt(cost, salt, password)[..23].ct_eq(&digest).into(),
    }
}

/// Refuses a hash that could not be checked in time.
pub(super) fn check(hash: &str) -> Result<(), String> {
    match Hash::parse(hash) {
        Some(Hash::Bcrypt { cost, .. }) if cost > BCRYPT_COST_MAX => {
            Err(format!("its bcrypt cost is {cost}; at most {BCRYPT_COST_MAX} is checked"))
        }
        _ => Ok(()),
    }
}

/// A hash that takes as long as the costliest of these and that no password has.
pub(super) fn decoy<'a>(hashes: impl Iterator<Item = &'a str>) -> String {
    match hashes.filter_map(Hash::parse).max() {
        None => String::new(),
        Some(Hash::Sha1 { .. }) => format!("{{SHA}}{}", STANDARD.encode([0; 20])),
        Some(Hash::Md5Crypt { magic, salt, .. }) => {
            format!("${}${salt}${:.<22}", magic.as_str(), "")
        }
        Some(Hash::Bcrypt { prefix, .. }) => format!("{prefix}{:.<31}", ""),
    }
}

impl<'a> Hash<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if let Some(encoded) = text.strip_prefix("{SHA}") {
            let digest = STANDARD.decode(encoded).ok()?.try_into().ok()?;
            return Some(Self::Sha1 { digest });
        }
        let mut parts = text.strip_prefix('$')?.splitn(3, '$');
        let (kind, second, third) = (parts.next()?, parts.next()?, parts.next()?);
        if matches!(kind, "2a" | "2b" | "2x" | "2y") {
            return Self::bcrypt(text, second, third);
        }
        let magic = Magic::parse(kind)?;
        Some(Self::Md5Crypt { magic, salt: second, digest: third })
    }

    fn bcrypt(text: &'a str, cost: &str, rest: &str) -> Option<Self> {
        let cost = cost.parse().ok().filter(|cost| (4..32).contains(cost) )?;
        let (salt, digest) = rest.split_at_checked(22).filter(|(_, digest)| digest.len() == 31)?;
        Some(Self::Bcrypt {
            cost,
            prefix: text.strip_suffix(digest)?,
            salt: BASE64.decode(salt).ok()?.try_into().ok()?,
            digest: BASE64.decode(digest).ok()?.try_into().ok()?,
        })
    }
}

/// A longer password is cut, as everywhere.
fn bcrypt(cost: u32, salt: [u8; 16], password: &[u8]) -> [u8; 24] {
    let mut key = Zeroizing::new([0; BCRYPT_BYTES_MAX]);
    let length = password.len().min(BCRYPT_BYTES_MAX);
    key[..length].copy_from_slice(&password[..length]);
    let with_zero = (length + 1).min(BCRYPT_BYTES_MAX);
    bcrypt::bcrypt(cost, salt, &key[..with_zero])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by `htpasswd -nbB -C 5`, `-nbm`, `-nbs` and `openssl passwd -1`.
    const HASHES: [(&str, [&str; 4]); 4] = [
        ("hunter2", [
            "$2y$05$wr0c87mPQmDn3no12i8o7OKpLpSFBPIbKm5rmo/kTpFcHH806X5O2",
            "$apr1$6gOu0ljy$kVX6hnjJrUBgZquS9fJWC.",
            "{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=",
            "$1$abcd$3XZbaqgzuThI2m9mmOxyV1",
        ]),
        ("päss wörd", [
            "$2y$05$TWfteR/Y5lTJDiRbRt7wV.Dpw.4osoHYX/V.JUSg8q1IJxI7CsCOC",
            "$apr1$fMPra01e$QkmlpBQLlt1Wxz.Burk3b/",
            "{SHA}/i4CfWuUyOmLaC9O8e9k/TBfbK8=",
            "$1$abcd$kujyjlSKFSh74oCecXO1B/",
        ]),
        ("", [
            "$2y$05$1wNqorKigYlPzLHL33WNn.Z9RjcgGNhYaZroJPzOxukEhnFToMhee",
            "$apr1$epFJKNLL$xjNalQJMf.YqBukzUH74q1",
            "{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            "$1$abcd$CwbBDotm4UoKv5fATTtzT.",
        ]),
        ("a:b", [
            "$2y$05$7V6y3tuSSNJRNhAeJsk6P.btsy3yf8czkK0rz/5AnVLJtf8szDL.6",
            "$apr1$r0CQ/vDC$5un1lgNe0B2Mx5z32HbUG0",
            "{SHA}3OptnM09ILoVSfbZtd3mB0IViII=",
            "$1$abcd$ZYAoK8Rwjobl/1dnklfst/",
        ]),
    ];

    /// The same of 80 times `x`, at cost 4 and as MD5-crypt.
    const LONG: [&str; 2] = [
        "$2y$04$kOLIexwh/AW2n1zs353LFOmfJ/xlXKVMSCWhevMrAoQJYJ22Fea6m",
        "$apr1$Uj5BDa1n$iUl/TAFZsiRTyeDIigFF31",
    ];

    #[test]
    fn what_htpasswd_writes_matches_its_password_alone() {
        for (password, hashes) in HASHES {
            for hash in hashes {
                assert!(matches(hash, password.as_bytes()), "{password} {hash}");
                assert!(!matches(hash, b"hunter3") && !matches(hash, b"HUNTER2"), "{hash}");
                let other = if password.is_empty() { "x" } else { "" };
                assert!(!matches(hash, other.as_bytes()), "{hash}");
            }
        }
        assert!(LONG.iter().all(|hash| matches(hash, &[b'x'; 80])));
        assert!(matches(LONG[0], &[b'x'; 72]) && !matches(LONG[1], &[b'x'; 72]));
    }

    #[test]
    fn every_bcrypt_version_is_the_same() {
        for version in ["2a", "2b", "2x", "2y"] {
            let hash = HASHES[0].1[0].replace("2y", version);
            assert!(matches(&hash, b"hunter2"), "{version}");
        }
    }

    #[test]
    fn plain_text_and_other_hashes_never_match() {
        for hash in [
            "",
            "hunter2",
            "$",
            "$$$",
            "{SHA}",
            "{SHA}hunter2",
            "QMwyXjXEhdlv.",
            "$5$abc$aw8kcfRnzkuA1XFRzd1AgTNuyzM2RdMYKc3X22kKYc0",
            "$apr1$6gOu0ljy$",
            "$apr1$6gOu0ljy",
            "$2y$99$wr0c87mPQmDn3no12i8o7OKpLpSFBPIbKm5rmo/kTpFcHH806X5O2",
            "$2y$03$wr0c87mPQmDn3no12i8o7OKpLpSFBPIbKm5rmo/kTpFcHH806X5O2",
            "$2y$05$wr0c87mPQmDn3no12i8o7OKpLpSFBPIbKm5rmo/kTpFcHH806X5O",
            "$2y$05$wr0c87mPQmDn3no12i8öOKpLpSFBPIbKm5rmo/kTpFcHH806X5O2",
            "$2$05$wr0c87mPQmDn3no12i8o7OKpLpSFBPIbKm5rmo/kTpFcHH806X5O2",
        ] {
            assert!(!matches(hash, b"hunter2") && !matches(hash, b""), "{hash}");
        }
    }

    #[test]
    fn a_hash_that_takes_minutes_is_refused() {
        let costly = HASHES[0].1[0].replace("$05$", "$21$");
        assert_eq!(check(&costly).unwrap_err(), "its bcrypt cost is 21; at most 20 is checked");
        assert!(HASHES.iter().all(|(_, hashes)| hashes.iter().all(|hash| check(hash).is_ok())));
    }

    #[test]
    fn a_decoy_costs_as_much_as_the_costliest_and_matches_nothing() {
        let [bcrypt, apr1, sha, _] = HASHES[0].1;
        let costlier = bcrypt.replace("$05$", "$06$");
        for (hashes, want) in [
            (&["plain"][..], ""),
            (&[sha, "plain"], "{SHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            (&[sha, apr1], "$apr1$6gOu0ljy$......................"),
            (&[&costlier, bcrypt, apr1], "$2y$06$wr0c87mPQmDn3no12i8o7O..............................."),
        ] {
            let decoy = decoy(hashes.iter().copied());
            assert_eq!(decoy, want);
            assert_eq!(Hash::parse(&decoy).is_some(), !want.is_empty());
            assert!(!matches(&decoy, b"hunter2"));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_hash_panics(hash in r"\PC*|\$(2y|apr1|1)\$[0-9]{0,3}\$\PC{0,64}|\{SHA\}\PC*") {
            let _ = decoy([&*hash].into_iter());
            // A hash that is refused is never looked at, and costly ones take too long for a test.
            if !matches!(Hash::parse(&hash), Some(Hash::Bcrypt { cost: 6.., .. })) {
                let _ = matches(&hash, b"x");
            }
        }
    }
}
