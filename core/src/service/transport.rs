//! How single servers are reached, where it differs from what the process has for all of them.
use alloc::{boxed::Box, format, string::String};
use bytes::Bytes;
use core::{fmt, ops::Deref, time::Duration};
use sha2::{Digest, Sha256};

/// Settings, and what tells them from others. It is made once: its fields are those of [`Settings`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServersTransport {
    settings: Settings,
    id: TransportId,
}

/// Whom to believe that it is the server, what to show it, and how long to wait for it. [`fmt::Debug`]
/// shows no keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The name to ask for, and to find in the certificate; `None`: the host of the server's URL.
    pub server_name: Option<Box<str>>,
    /// Certificates (PEM) to trust; empty: the system's.
    pub root_cas: Box<[Bytes]>,
    /// Certificates to show where the server asks for one.
    pub certificates: Box<[Certificate]>,
    /// Takes any certificate.
    pub insecure_skip_verify: bool,
    /// Does not offer HTTP/2 to servers behind TLS.
    pub http1_only: bool,
    /// Limits of connections; `None`: those of the process.
    pub limits: Option<Limits>,
}

/// Limits of connections to servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Idle connections kept for each server by each worker.
    pub idle_per_host_max: usize,
    /// For a connection; `None`: no limit.
    pub dial_timeout: Option<Duration>,
    /// Between a request's end and its response's head; `None`: no limit.
    pub response_header_timeout: Option<Duration>,
    /// How long an idle connection is kept; `None`: as long as the server does.
    pub idle_timeout: Option<Duration>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransportId([u8; 32]);

impl ServersTransport {
    /// A transport with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings {
            server_name,
            root_cas,
            certificates,
            insecure_skip_verify,
            http1_only,
            limits,
        } = &settings;
        let flags = [*insecure_skip_verify, *http1_only, server_name.is_some(), limits.is_some()];
        let mut hash = Sha256::new_with_prefix(flags.map(u8::from));
        let mut add = |part: &[u8]| {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        };
        add(server_name.as_deref().unwrap_or("").as_bytes());
        add(&root_cas.len().to_be_bytes());
        root_cas.iter().for_each(|part| add(part));
        certificates.iter().flat_map(|it| [&it.chain, &it.key]).for_each(|part| add(part));
        if let Some(limits) = limits {
            add(&limits.idle_per_host_max.to_be_bytes());
            for time in [limits.dial_timeout, limits.response_header_timeout, limits.idle_timeout] {
                // No number of nanoseconds is so large.
                add(&time.map_or(u128::MAX, |time| time.as_nanos()).to_be_bytes());
            }
        }
        let id = TransportId(hash.finalize().into());
        Self { settings, id }
    }

    /// The same for the same settings alone.
    #[must_use]
    pub const fn id(&self) -> TransportId {
        self.id
    }
}

impl Deref for ServersTransport {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("server_name", &self.server_name)
            .field("root_cas", &self.root_cas.len())
            .field("certificates", &self.certificates.len())
            .field("insecure_skip_verify", &self.insecure_skip_verify)
            .field("http1_only", &self.http1_only)
            .field("limits", &self.limits)
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
            Settings {
                server_name: name.map(Into::into),
                root_cas: roots,
                certificates: (0..certificates).map(|_| certificate()).collect(),
                insecure_skip_verify: insecure,
                ..Settings::default()
            }
        };
        let limited = |idle_per_host_max, times: [Option<u64>; 3]| {
            let [dial_timeout, response_header_timeout, idle_timeout] =
                times.map(|time| time.map(Duration::from_nanos));
            let limits =
                Limits { idle_per_host_max, dial_timeout, response_header_timeout, idle_timeout };
            Settings { limits: Some(limits), ..Settings::default() }
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
            Settings { http1_only: true, ..Settings::default() },
            limited(1, [None, None, None]),
            limited(2, [None, None, None]),
            limited(1, [Some(1), None, None]),
            limited(1, [None, Some(1), None]),
            limited(1, [None, None, Some(1)]),
            limited(1, [None, None, Some(2)]),
        ]
        .map(ServersTransport::new);
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
