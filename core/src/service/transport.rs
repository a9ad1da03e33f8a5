//! TLS towards servers, where it differs from what the process has for all of them.
use alloc::{boxed::Box, format, string::String};
use bytes::Bytes;
use core::fmt;
use sha2::{Digest, Sha256};

/// Whom to believe that it is the server, and what to show it. [`fmt::Debug`] shows no keys.
#[derive(Clone, PartialEq, Eq)]
pub struct ServersTransport {
    /// The name to ask for, and to find in the certificate; `None`: the host of the server's URL.
    pub server_name: Option<Box<str>>,
    /// Certificates (PEM) to trust; empty: the system's.
    pub root_cas: Box<[Bytes]>,
    /// Certificates to show where the server asks for one.
    pub certificates: Box<[Certificate]>,
    /// Takes any certificate.
    pub insecure_skip_verify: bool,
    id: TransportId,
}

/// A certificate and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate and those between it and a root, in PEM.
    pub chain: Bytes,
    /// The private key, in PEM.
    pub key: Bytes,
}

/// What tells transports apart: connections are shared only under the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransportId([u8; 32]);

impl ServersTransport {
    /// The settings as they are in its fields.
    #[must_use]
    pub fn new(
        server_name: Option<Box<str>>,
        root_cas: Box<[Bytes]>,
        certificates: Box<[Certificate]>,
        insecure_skip_verify: bool,
    ) -> Self {
        let mut hash = Sha256::new_with_prefix([u8::from(insecure_skip_verify)]);
        let mut add = |part: &[u8]| {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        };
        add(&[u8::from(server_name.is_some())]);
        add(server_name.as_deref().unwrap_or("").as_bytes());
        add(&root_cas.len().to_be_bytes());
        root_cas.iter().for_each(|part| add(part));
        certificates.iter().flat_map(|it| [&it.chain, &it.key]).for_each(|part| add(part));
        let id = TransportId(hash.finalize().into());
        Self { server_name, root_cas, certificates, insecure_skip_verify, id }
    }

    /// The same for the same settings alone.
    #[must_use]
    pub const fn id(&self) -> TransportId {
        self.id
    }
}

impl fmt::Debug for ServersTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServersTransport")
            .field("server_name", &self.server_name)
            .field("root_cas", &self.root_cas.len())
            .field("certificates", &self.certificates.len())
            .field("insecure_skip_verify", &self.insecure_skip_verify)
            .finish()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

/// Whether there is a certificate in PEM; more shows only when it is used.
///
/// # Errors
/// One line that names the option.
pub fn expect_certificate(option: &str, pem: &[u8]) -> Result<(), String> {
    expect(option, pem, "-----BEGIN CERTIFICATE-----", "certificate")
}

/// Whether there is a private key in PEM; more shows only when it is used.
///
/// # Errors
/// One line that names the option.
pub fn expect_key(option: &str, pem: &[u8]) -> Result<(), String> {
    expect(option, pem, "PRIVATE KEY-----", "private key")
}

fn expect(option: &str, pem: &[u8], mark: &str, what: &str) -> Result<(), String> {
    if pem.windows(mark.len()).any(|window| window == mark.as_bytes()) {
        return Ok(());
    }
    Err(format!("{option}: no {what} in it; PEM text or the path of a PEM file is needed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_settings_have_another_id() {
        let certificate = || Certificate { chain: Bytes::from_static(b"c"), key: Bytes::new() };
        let transport = |name: Option<&str>, roots: &[&'static str], certificates, insecure| {
            let roots = roots.iter().map(|root| Bytes::from_static(root.as_bytes())).collect();
            let certificates = (0..certificates).map(|_| certificate()).collect();
            ServersTransport::new(name.map(Into::into), roots, certificates, insecure)
        };
        let all = [
            transport(None, &[], 0, false),
            transport(Some(""), &[], 0, false),
            transport(Some("a"), &[], 0, false),
            transport(None, &["ab", "c"], 0, false),
            transport(None, &["a", "bc"], 0, false),
            transport(None, &["abc"], 0, false),
            transport(None, &["c"], 0, false),
            transport(None, &[], 1, false),
            transport(None, &[], 2, false),
            transport(None, &[], 0, true),
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!((a.id() == b.id(), a == b), (i == j, i == j), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn what_is_no_pem_is_said() {
        assert_eq!(expect_certificate("ca", b"x\n-----BEGIN CERTIFICATE-----\n"), Ok(()));
        assert_eq!(expect_key("key", b"-----BEGIN EC PRIVATE KEY-----\n"), Ok(()));
        assert_eq!(
            expect_key("key", b"-----BEGIN CERTIFICATE-----\n").unwrap_err(),
            "key: no private key in it; PEM text or the path of a PEM file is needed"
        );
    }
}
