//! Certificates, TLS options and stores as written. Compat: tls.md.
use super::file::{File, Files};
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A certificate with its key.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Certificate {
    /// The certificate, then those that certify it: a path or PEM.
    pub cert_file: File,
    /// Its private key: a path or PEM.
    pub key_file: File,
    /// The stores it belongs to; empty: `default`.
    pub stores: Vec<String>,
}

/// A store of certificates; only the one called `default` is ever used.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Store {
    /// Serves names that no certificate has; absent: one that the process makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_certificate: Option<KeyPair>,
}

/// A certificate with its key that belongs to no store.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct KeyPair {
    /// The certificate, then those that certify it: a path or PEM.
    pub cert_file: File,
    /// Its private key: a path or PEM.
    pub key_file: File,
}

/// How TLS is spoken.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Options {
    /// `VersionTLS12` or `VersionTLS13`; empty: the former.
    pub min_version: String,
    /// The same; empty: the latest.
    pub max_version: String,
    /// Names such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`; empty: all that are safe.
    pub cipher_suites: Vec<String>,
    /// Names such as `X25519`; empty: all that are safe.
    pub curve_preferences: Vec<String>,
    /// Whether clients show certificates.
    pub client_auth: ClientAuth,
    /// Refuses clients that ask for a name without certificate.
    pub sni_strict: bool,
    /// What is spoken inside, the preferred first; absent: `h2`, `http/1.1`, `acme-tls/1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn_protocols: Option<Vec<String>>,
}

/// Whether clients show certificates.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientAuth {
    /// Who certifies clients: paths or PEM.
    pub ca_files: Vec<File>,
    /// `NoClientCert`, `RequestClientCert`, `RequireAnyClientCert`, `VerifyClientCertIfGiven` or
    /// `RequireAndVerifyClientCert`; empty: the last with authorities, the first without.
    pub client_auth_type: String,
}

impl Certificate {
    /// What it is called where it has to be told from others: its file, or a fingerprint of its text.
    #[must_use]
    pub fn name(&self) -> String {
        match self.cert_file.path() {
            Some(path) => path.into(),
            None if self.cert_file.is_empty() => "without certFile".into(),
            None => {
                let text = self.cert_file.content("certFile").unwrap_or_default();
                let digest = Sha256::digest(text);
                let digits = digest.iter().take(6).map(|byte| format!("{byte:02x}"));
                digits.fold(String::from("in-line "), |name, byte| name + &byte)
            }
        }
    }
}

impl Files for Certificate {
    fn files(&self) -> Vec<&File> {
        [&self.cert_file, &self.key_file].into()
    }

    fn files_mut(&mut self) -> Vec<&mut File> {
        [&mut self.cert_file, &mut self.key_file].into()
    }
}

impl Files for KeyPair {
    fn files(&self) -> Vec<&File> {
        [&self.cert_file, &self.key_file].into()
    }

    fn files_mut(&mut self) -> Vec<&mut File> {
        [&mut self.cert_file, &mut self.key_file].into()
    }
}

impl Files for Store {
    fn files(&self) -> Vec<&File> {
        self.default_certificate.iter().flat_map(Files::files).collect()
    }

    fn files_mut(&mut self) -> Vec<&mut File> {
        self.default_certificate.iter_mut().flat_map(Files::files_mut).collect()
    }
}

impl Files for Options {
    fn files(&self) -> Vec<&File> {
        self.client_auth.ca_files.iter().collect()
    }

    fn files_mut(&mut self) -> Vec<&mut File> {
        self.client_auth.ca_files.iter_mut().collect()
    }
}
