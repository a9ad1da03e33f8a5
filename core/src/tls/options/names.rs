//! Names of cipher suites and groups as Go has them, and the numbers that IANA gave them.

/// What a name of a suite means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suite {
    /// A suite of TLS 1.2 that is spoken.
    Tls12(u16),
    /// Nothing: it is spoken whether or not it is asked for, or no suite at all.
    Always,
    /// A suite without forward secrecy, or with a cipher that is broken: it is not spoken.
    Unsafe,
}

/// The suite of a name.
pub(super) fn cipher_suite(name: &str) -> Option<Suite> {
    Some(match name {
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" => Suite::Tls12(0xc02b),
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" => Suite::Tls12(0xc02c),
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"
        | "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" => Suite::Tls12(0xcca9),
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" => Suite::Tls12(0xc02f),
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" => Suite::Tls12(0xc030),
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" | "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" => {
            Suite::Tls12(0xcca8)
        }
        "TLS_AES_128_GCM_SHA256"
        | "TLS_AES_256_GCM_SHA384"
        | "TLS_CHACHA20_POLY1305_SHA256"
        | "TLS_FALLBACK_SCSV" => Suite::Always,
        "TLS_RSA_WITH_RC4_128_SHA"
        | "TLS_RSA_WITH_3DES_EDE_CBC_SHA"
        | "TLS_RSA_WITH_AES_128_CBC_SHA"
        | "TLS_RSA_WITH_AES_256_CBC_SHA"
        | "TLS_RSA_WITH_AES_128_CBC_SHA256"
        | "TLS_RSA_WITH_AES_128_GCM_SHA256"
        | "TLS_RSA_WITH_AES_256_GCM_SHA384"
        | "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"
        | "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"
        | "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"
        | "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"
        | "TLS_ECDHE_RSA_WITH_RC4_128_SHA"
        | "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"
        | "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
        | "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"
        | "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256" => Suite::Unsafe,
        _ => return None,
    })
}

/// The group of a name; `Some(None)`: one that is not spoken.
pub(super) fn group(name: &str) -> Option<Option<u16>> {
    match name {
        "CurveP256" | "secp256r1" => Some(Some(0x0017)),
        "CurveP384" | "secp384r1" => Some(Some(0x0018)),
        "CurveP521" | "secp521r1" => Some(None),
        "X25519" | "x25519" => Some(Some(0x001d)),
        "X25519MLKEM768" => Some(Some(0x11ec)),
        _ => None,
    }
}
