//! Certificates as OpenSSL makes them.
use crate::{Folder, setup::show};
use std::{fs, process::Command};

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// An authority, and certificates by it, in a folder.
#[derive(Debug)]
pub struct Certificates {
    folder: Folder,
}

impl Certificates {
    /// An authority in a folder of its own.
    ///
    /// # Panics
    /// If there is no OpenSSL.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it runs a program")]
    pub fn new() -> Self {
        Self::in_folder(Folder::new())
    }

    /// An authority in `folder`.
    ///
    /// # Panics
    /// If there is no OpenSSL.
    #[must_use]
    pub fn in_folder(folder: Folder) -> Self {
        let it = Self { folder };
        let (certificate, key) = it.paths("ca");
        let mut arguments = vec!["req", "-x509", "-days", "30", "-subj", "/O=Test/CN=Authority"];
        arguments.extend_from_slice(&["-keyout", &key, "-out", &certificate]);
        arguments.extend_from_slice(&KEY);
        openssl(&arguments);
        it
    }

    /// Where the certificate and the key of that name are; the authority is called `ca`.
    #[must_use]
    pub fn paths(&self, name: &str) -> (String, String) {
        let path = |end| show(&self.folder.path(&format!("{name}.{end}")));
        (path("pem"), path("key"))
    }

    /// Makes one for a host, in the place of an older one. Returns where it and its key are.
    pub fn make(&self, host: &str) -> (String, String) {
        self.issue(host, "/O=Test", &format!("DNS:{host}"))
    }

    /// Makes one with a subject such as `/O=Test`, for names such as `DNS:a.test,IP:127.0.0.1`.
    ///
    /// # Panics
    /// If OpenSSL refuses.
    pub fn issue(&self, name: &str, subject: &str, names: &str) -> (String, String) {
        let (certificate, key) = self.paths(name);
        let next = |path: &str| format!("{path}.next");
        let (next_certificate, next_key) = (next(&certificate), next(&key));
        let request = show(&self.folder.path("request"));
        let mut arguments = vec!["req", "-new", "-subj", subject];
        arguments.extend_from_slice(&["-keyout", &next_key, "-out", &request]);
        arguments.extend_from_slice(&KEY);
        openssl(&arguments);
        let extensions = format!("basicConstraints=CA:FALSE\nsubjectAltName={names}\n");
        let extensions = show(&self.folder.write("extensions", &extensions));
        let (ca, ca_key) = self.paths("ca");
        let mut arguments = vec!["x509", "-req", "-days", "30", "-CAcreateserial"];
        arguments.extend_from_slice(&["-in", &request, "-CA", &ca, "-CAkey", &ca_key]);
        arguments.extend_from_slice(&["-extfile", &extensions, "-out", &next_certificate]);
        openssl(&arguments);
        for (from, to) in [(next_key, &key), (next_certificate, &certificate)] {
            fs::rename(from, to).expect("the file is renamed");
        }
        (certificate, key)
    }
}

fn openssl(arguments: &[&str]) {
    let out = Command::new("openssl").args(arguments).output();
    let out = out.expect("there is openssl (Debian: apt-get install it)");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "openssl {arguments:?}: {said}");
}
