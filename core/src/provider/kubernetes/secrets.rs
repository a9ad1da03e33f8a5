//! What Secrets hold: users, certificates, authorities. Compat: kubernetes.md "TLS", "Middleware
//! differences from the file form".
use super::{
    builtin::Secret,
    resource::{Key, Kind},
    scope::Scope,
};
use crate::config::{file::File, tls::Certificate, tls::KeyPair};
use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

/// Keys of certificates that certify others.
const AUTHORITIES: [&str; 2] = ["tls.ca", "ca.crt"];

/// The key of a Secret beside the object that names it.
fn key(scope: &Scope<'_>, name: &str) -> Result<Key, String> {
    if name.is_empty() {
        return Err("the name of the Secret is missing".to_string());
    }
    Ok(Key { kind: Kind::Secret, namespace: scope.namespace().clone(), name: name.into() })
}

/// Lines of credentials: the Secret has one key, whatever it is called.
pub(super) fn credentials(scope: &mut Scope<'_>, name: &str) -> Result<Vec<String>, String> {
    let key = key(scope, name)?;
    let secret = scope.secret(&key)?;
    let mut values = secret.data.values();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(format!("{key} must have exactly one key, and has {}", secret.data.len()));
    };
    let text = core::str::from_utf8(&value.0).map_err(|_| format!("{key} is not UTF-8"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(ToString::to_string).collect();
    if lines.is_empty() {
        return Err(format!("{key} does not contain any credentials"));
    }
    Ok(lines)
}

/// An authority to trust: the one key that there is, or the one that is called so.
pub(super) fn authority(scope: &mut Scope<'_>, name: &str) -> Result<File, String> {
    let key = key(scope, name)?;
    let secret = scope.secret(&key)?;
    let only = secret.data.keys().next().filter(|_| secret.data.len() == 1);
    let called_so = AUTHORITIES.into_iter().find(|it| secret.data.contains_key(*it));
    match only.map(String::as_str).or(called_so) {
        Some(of) => pem(&key, secret, of),
        None => Err(format!("{key} must have exactly one key, or one called tls.ca or ca.crt")),
    }
}

/// A certificate and its key.
pub(super) fn key_pair(scope: &mut Scope<'_>, name: &str) -> Result<KeyPair, String> {
    let key = key(scope, name)?;
    let secret = scope.secret(&key)?;
    let cert_file = pem(&key, secret, "tls.crt")?;
    Ok(KeyPair { cert_file, key_file: pem(&key, secret, "tls.key")? })
}

/// Adds the certificate of a Secret to the default store.
pub(super) fn certificate(scope: &mut Scope<'_>, name: &str) -> Result<(), String> {
    let KeyPair { cert_file, key_file } = key_pair(scope, name)?;
    let certificate = Certificate { cert_file, key_file, stores: Vec::new() };
    let secret = key(scope, name)?;
    let name: Arc<str> = format!("{}/{}", secret.namespace, secret.name).into();
    scope.put_from(&secret, |of| &mut of.tls.certificates, name, certificate);
    Ok(())
}

/// Anything but PEM would be taken for the path of a file, and nobody in a cluster may name those.
fn pem(key: &Key, secret: &Secret, name: &str) -> Result<File, String> {
    let data = secret.data.get(name).filter(|data| !data.0.is_empty());
    let data = data.ok_or_else(|| format!("{key}: {name} is missing or empty"))?;
    let text = core::str::from_utf8(&data.0).ok().map(File::new);
    text.filter(|file| file.path().is_none()).ok_or_else(|| format!("{key}: {name} is no PEM"))
}
