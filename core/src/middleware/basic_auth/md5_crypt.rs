//! MD5-crypt, as FreeBSD's `crypt` has it (`$1$`), and Apache with another magic (`$apr1$`).
use md5::{Digest, Md5};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Magic {
    Apr1,
    One,
}

impl Magic {
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Apr1, Self::One].into_iter().find(|magic| magic.as_str() == name)
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Apr1 => "apr1",
            Self::One => "1",
        }
    }
}

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// More of a salt has no effect.
const SALT_BYTES_MAX: usize = 8;
const ROUNDS: u32 = 1000;

/// The last part of a hash.
pub(super) fn md5_crypt(password: &[u8], salt: &str, magic: Magic) -> [u8; 22] {
    let salt = &salt.as_bytes()[..salt.len().min(SALT_BYTES_MAX)];
    let mut first = Md5::new_with_prefix(password);
    first.update(b"$");
    first.update(magic.as_str());
    first.update(b"$");
    first.update(salt);
    let other = Md5::new_with_prefix(password).chain_update(salt).chain_update(password).finalize();
    for part in password.chunks(other.len()) {
        first.update(&other[..part.len()]);
    }
    let mut bits = password.len();
    while bits > 0 {
        // With a bit there is a password, with a first byte.
        first.update(if bits & 1 == 1 { &[0] } else { &password[..1] });
        bits >>= 1;
    }
    let mut digest = first.finalize();
    for round in 0..ROUNDS {
        let mut md5 = Md5::new();
        let (begin, end) = if round % 2 == 1 { (password, &*digest) } else { (&*digest, password) };
        md5.update(begin);
        if round % 3 != 0 {
            md5.update(salt);
        }
        if round % 7 != 0 {
            md5.update(password);
        }
        md5.update(end);
        digest = md5.finalize();
    }
    encode(&digest.into())
}

/// Three bytes become four characters, the lowest bits first; the bytes come in an order of their own.
fn encode(digest: &[u8; 16]) -> [u8; 22] {
    const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let mut text = [0; 22];
    let mut put = |at: usize, mut bits: u32, count: usize| {
        for byte in text.iter_mut().skip(at).take(count) {
            *byte = ALPHABET[(bits & 63) as usize];
            bits >>= 6;
        }
    };
    for ([a, b, c], at) in ORDER.into_iter().zip((0..).step_by(4)) {
        let bits = u32::from_be_bytes([0, digest[a], digest[b], digest[c]]);
        put(at, bits, 4);
    }
    put(20, u32::from(digest[11]), 2);
    text
}
