//! How TLS is spoken with a client: versions, cipher suites, groups, and whether the client shows a
//! certificate. Compat: tls.md "Options".
use super::certificate;
use crate::config::{file::File, tls as written};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, sync::Arc, vec::Vec};
use bytes::Bytes;

mod names;

/// Compiled options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `default`, or `name@provider`.
    pub name: Arc<str>,
    /// The oldest version that is spoken.
    pub min_version: Version,
    /// The latest.
    pub max_version: Version,
    /// The suites of TLS 1.2 that are spoken, by their numbers; `None`: all that are safe. Those of
    /// TLS 1.3 cannot be chosen.
    pub cipher_suites: Option<Box<[u16]>>,
    /// The groups for the exchange of keys, by their numbers; `None`: all that are safe. The client has
    /// the choice.
    pub groups: Option<Box<[u16]>>,
    /// Whether the client shows a certificate.
    pub client_auth: ClientAuth,
    /// Whether a client is refused that asks for a name without certificate.
    pub sni_strict: bool,
    /// What is spoken inside (ALPN), the preferred first; empty: nothing is agreed on.
    pub protocols: Box<[Box<[u8]>]>,
}

/// The versions that are spoken; older ones are not safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// Whether a client shows a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// It is not asked for one.
    None,
    /// It is asked; none, and any, will do.
    Request,
    /// It must show one; any will do.
    Require,
    /// It is asked; one that it shows must be certified by these.
    VerifyIfGiven(Authorities),
    /// It must show one that is certified by these.
    RequireAndVerify(Authorities),
}

/// Who certifies clients: their certificates in PEM, a file each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorities(pub Box<[Bytes]>);

/// What is wrong: the option and one line.
pub type Wrong = (String, String);

impl Options {
    /// The name of the options of whoever asks for none.
    pub const DEFAULT: &str = "default";

    /// The options where nobody wrote any.
    #[must_use]
    pub fn builtin() -> Self {
        Self {
            name: Self::DEFAULT.into(),
            min_version: Version::Tls12,
            max_version: Version::Tls13,
            cipher_suites: None,
            groups: None,
            client_auth: ClientAuth::None,
            sni_strict: false,
            protocols: [&b"h2"[..], b"http/1.1", b"acme-tls/1"].map(Box::from).into(),
        }
    }

    /// Checks options as written. What has no effect is added to `warnings`.
    ///
    /// # Errors
    /// What is wrong: connections must then be refused, as nobody can tell what was meant.
    pub fn read(
        name: Arc<str>,
        written: &written::Options,
        warnings: &mut Vec<Wrong>,
    ) -> Result<Self, Wrong> {
        let mut options = Self { name, sni_strict: written.sni_strict, ..Self::builtin() };
        let unspoken = |name: &str| format!("{name} is not safe and not spoken");
        match version("minVersion", &written.min_version, warnings) {
            None => {}
            Some(Ok(min)) => options.min_version = min,
            // That leaves the oldest that is spoken.
            Some(Err(name)) => warnings.push(wrong("minVersion", unspoken(name))),
        }
        match version("maxVersion", &written.max_version, warnings) {
            None => {}
            Some(Ok(max)) => options.max_version = max,
            Some(Err(name)) => return Err(wrong("maxVersion", unspoken(name))),
        }
        if options.min_version > options.max_version {
            return Err(wrong("minVersion", "it is above maxVersion: nobody could connect"));
        }
        options.cipher_suites = cipher_suites(&written.cipher_suites, warnings)?;
        let no_suite = options.cipher_suites.as_ref().is_some_and(|suites| suites.is_empty());
        if no_suite && options.max_version == Version::Tls12 {
            return Err(wrong("cipherSuites", "none of them is spoken: nobody could connect"));
        }
        if no_suite {
            options.min_version = Version::Tls13;
        }
        options.groups = groups(&written.curve_preferences, warnings)?;
        options.client_auth = client_auth(&written.client_auth)?;
        if let Some(protocols) = &written.alpn_protocols {
            options.protocols = protocols.iter().map(|name| name.as_bytes().into()).collect();
            if protocols.iter().any(|name| name.is_empty() || name.len() > 255) {
                return Err(wrong("alpnProtocols", "a name must have 1 to 255 bytes"));
            }
        }
        Ok(options)
    }
}

fn wrong(option: &str, message: impl Into<String>) -> Wrong {
    (option.to_owned(), message.into())
}

/// A version by its name: `None` where none is asked for, an error for one that is not spoken.
fn version<'a>(
    option: &str,
    name: &'a str,
    warnings: &mut Vec<Wrong>,
) -> Option<Result<Version, &'a str>> {
    match name {
        "" => None,
        "VersionTLS12" => Some(Ok(Version::Tls12)),
        "VersionTLS13" => Some(Ok(Version::Tls13)),
        "VersionTLS10" | "VersionTLS11" => Some(Err(name)),
        _ => {
            let message = format!(
                "unknown version {name:?}, it has no effect; write VersionTLS12 or VersionTLS13"
            );
            warnings.push(wrong(option, message));
            None
        }
    }
}

fn cipher_suites(
    written: &[String],
    warnings: &mut Vec<Wrong>,
) -> Result<Option<Box<[u16]>>, Wrong> {
    let (mut suites, mut others) = (Vec::new(), Vec::new());
    for name in written {
        match names::cipher_suite(name) {
            Some(names::Suite::Tls12(suite)) if !suites.contains(&suite) => suites.push(suite),
            Some(names::Suite::Tls12(_) | names::Suite::Always) => {}
            Some(names::Suite::Unsafe) => others.push(&**name),
            None => return Err(wrong("cipherSuites", format!("invalid CipherSuite: {name}"))),
        }
    }
    tell_unspoken("cipherSuites", &others, warnings);
    let asked = !written.is_empty();
    Ok(asked.then(|| suites.into()))
}

fn groups(written: &[String], warnings: &mut Vec<Wrong>) -> Result<Option<Box<[u16]>>, Wrong> {
    let (mut groups, mut others) = (Vec::new(), Vec::new());
    for name in written {
        match names::group(name) {
            Some(Some(group)) if !groups.contains(&group) => groups.push(group),
            Some(Some(_)) => {}
            Some(None) => others.push(&**name),
            None => {
                let message = format!("invalid CurveID in curvePreferences: {name}");
                return Err(wrong("curvePreferences", message));
            }
        }
    }
    tell_unspoken("curvePreferences", &others, warnings);
    if groups.is_empty() && !written.is_empty() {
        return Err(wrong("curvePreferences", "none of them is spoken: nobody could connect"));
    }
    Ok((!groups.is_empty()).then(|| groups.into()))
}

fn tell_unspoken(option: &str, names: &[&str], warnings: &mut Vec<Wrong>) {
    if !names.is_empty() {
        warnings.push(wrong(
            option,
            format!("not spoken, as it is not safe or not common: {}", names.join(", ")),
        ));
    }
}

fn client_auth(written: &written::ClientAuth) -> Result<ClientAuth, Wrong> {
    let kind = match &*written.client_auth_type {
        "" if written.ca_files.is_empty() => "NoClientCert",
        "" => "RequireAndVerifyClientCert",
        kind => kind,
    };
    match kind {
        "NoClientCert" => Ok(ClientAuth::None),
        "RequestClientCert" => Ok(ClientAuth::Request),
        "RequireAnyClientCert" => Ok(ClientAuth::Require),
        "VerifyClientCertIfGiven" => Ok(ClientAuth::VerifyIfGiven(authorities(kind, written)?)),
        "RequireAndVerifyClientCert" => {
            Ok(ClientAuth::RequireAndVerify(authorities(kind, written)?))
        }
        _ => {
            let message = format!("unknown client auth type {kind:?}");
            Err(wrong("clientAuth.clientAuthType", message))
        }
    }
}

fn authorities(kind: &str, written: &written::ClientAuth) -> Result<Authorities, Wrong> {
    if written.ca_files.is_empty() {
        let message = format!("invalid clientAuthType: {kind}, CAFiles is required");
        return Err(wrong("clientAuth.caFiles", message));
    }
    let read = |(i, file): (usize, &File)| {
        let option = format!("clientAuth.caFiles[{i}]");
        let pem = file
            .content("caFiles")
            .map_err(|error| wrong(&option, error.strip_prefix("caFiles: ").unwrap_or(&error)))?;
        certificate::certificates(&pem).map_err(|error| {
            wrong(&option, format!("invalid certificate(s) in/content: {error}"))
        })?;
        Ok(pem)
    };
    let files = written.ca_files.iter().enumerate().map(read);
    files.collect::<Result<_, _>>().map(Authorities)
}

#[cfg(test)]
mod tests;
