//! A certificate with its key, and what it is good for.
use crate::x509;
use alloc::{borrow::ToOwned, boxed::Box, string::String, sync::Arc, vec::Vec};
use core::{any::Any, fmt};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// A certificate with its key. [`fmt::Debug`] shows no key.
#[derive(Clone)]
pub struct Certificate {
    /// What it is called in messages: `name@provider`.
    pub name: Arc<str>,
    /// What the shell shows to clients, and signs with.
    pub pair: Pair,
    /// What kind of key it is about.
    pub kind: KeyKind,
    /// When it ends, in seconds since 1970; 0 where that cannot be read.
    pub not_after: u64,
    /// The names it is for, each once, in order.
    pub names: Box<[Name]>,
}

/// A certificate with those that certify it and its key, as the shell's TLS library has them.
pub type Pair = Arc<dyn Any + Send + Sync>;

/// How certificates are made ready for use: a pure function that the shell brings with its TLS library.
#[derive(Clone, Copy)]
pub struct Load(
    /// Takes the certificates, the first one's own first, and its key.
    ///
    /// # Errors
    /// One line why they cannot be used together.
    pub fn(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) -> Result<Pair, String>,
);

/// Takes every pair for good, and keeps none: for checks of everything else.
impl Default for Load {
    fn default() -> Self {
        Self(|_, _| Ok(Arc::new(())))
    }
}

impl PartialEq for Load {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Load")
    }
}

/// A name that a certificate is for: of a host, perhaps with `*` for its first labels, or an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Lower-cased, without trailing dots.
    pub text: Box<str>,
    /// Where it stands.
    pub source: Source,
}

/// Where the name of a certificate stands; the better first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Among the alternative names.
    AlternativeName,
    /// It is the subject's common name only.
    CommonName,
}

/// What kind of key a certificate is about; where a client takes several, the first of these. Keys of
/// elliptic curves come before RSA: a handshake with one costs a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// ECDSA on P-256.
    EcdsaP256,
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-384.
    EcdsaP384,
    /// ECDSA on P-521.
    EcdsaP521,
    /// RSA.
    Rsa,
    /// Anything else.
    Other,
}

impl KeyKind {
    /// All of them, the better first.
    pub const ALL: [Self; 6] =
        [Self::EcdsaP256, Self::Ed25519, Self::EcdsaP384, Self::EcdsaP521, Self::Rsa, Self::Other];

    /// Whether a client that takes signatures of these schemes (RFC 8446 section 4.2.3) takes one by
    /// such a key.
    #[must_use]
    pub fn suits(self, schemes: &[u16]) -> bool {
        let of_kind: &[u16] = match self {
            Self::EcdsaP256 => &[0x0403],
            Self::Ed25519 => &[0x0807],
            Self::EcdsaP384 => &[0x0503],
            Self::EcdsaP521 => &[0x0603],
            Self::Rsa => &[0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806],
            Self::Other => &[],
        };
        of_kind.iter().any(|scheme| schemes.contains(scheme))
    }

    fn of(key: x509::Key<'_>) -> Self {
        match (key.algorithm, key.parameters) {
            // rsaEncryption: PKCS #1, 1.
            ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], _) => Self::Rsa,
            // id-ecPublicKey, with secp256r1, secp384r1 or secp521r1.
            ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01], curve) => match curve {
                [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => Self::EcdsaP256,
                [0x2b, 0x81, 0x04, 0x00, 0x22] => Self::EcdsaP384,
                [0x2b, 0x81, 0x04, 0x00, 0x23] => Self::EcdsaP521,
                _ => Self::Other,
            },
            // id-Ed25519.
            ([0x2b, 0x65, 0x70], _) => Self::Ed25519,
            _ => Self::Other,
        }
    }
}

impl Certificate {
    /// Reads a certificate, those that certify it, and its key.
    ///
    /// # Errors
    /// The option, `certFile` or `keyFile`, and one line what is wrong with it.
    pub fn read(
        name: Arc<str>,
        chain: &[u8],
        key: &[u8],
        load: Load,
    ) -> Result<Self, (&'static str, String)> {
        let wrong = |message: &str| ("certFile", message.to_owned());
        let chain = certificates(chain).map_err(|error| wrong(&error))?;
        let leaf = chain.first().map(|leaf| &**leaf).and_then(x509::Certificate::read);
        let leaf = leaf.ok_or_else(|| wrong("the first certificate in it cannot be read"))?;
        let (kind, not_after, names) =
            (KeyKind::of(leaf.key), leaf.not_after.unwrap_or(0), names(&leaf));
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            let message = "no private key in it; PEM text or the path of a PEM file is needed";
            ("keyFile", message.to_owned())
        })?;
        let pair = load.0(chain, key).map_err(|message| ("keyFile", message))?;
        Ok(Self { name, pair, kind, not_after, names })
    }
}

/// The certificates in a PEM text.
///
/// # Errors
/// One line why they cannot be read, or that there is none.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|_| "the PEM text is damaged")?;
    if certificates.is_empty() {
        return Err("no certificate in it; PEM text or the path of a PEM file is needed".into());
    }
    Ok(certificates)
}

/// The names a certificate is for, each once; what is no text is left out.
fn names(leaf: &x509::Certificate<'_>) -> Box<[Name]> {
    let name = |source, bytes: &[u8]| {
        let text = str::from_utf8(bytes).ok()?.trim_end_matches('.').to_ascii_lowercase();
        (!text.is_empty()).then(|| Name { text: text.into(), source })
    };
    let alternatives =
        leaf.alternative_names(x509::DNS).chain(leaf.alternative_names(x509::ADDRESS));
    let alternatives = alternatives.filter_map(|text| name(Source::AlternativeName, &text));
    let common = leaf.subject.attributes().filter(|(kind, _)| *kind == x509::COMMON_NAME);
    let common = common.filter_map(|(_, text)| name(Source::CommonName, &text));
    let mut names: Vec<Name> = alternatives.chain(common).collect();
    names.sort_unstable();
    names.dedup_by(|two, one| two.text == one.text);
    names.into()
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("not_after", &self.not_after)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
