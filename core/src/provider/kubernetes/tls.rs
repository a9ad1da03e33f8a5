//! TLSOption, TLSStore and ServersTransport. Compat: kubernetes.md "TLS".
use super::{
    crd::tls::{ServersTransport, TlsOption, TlsStore},
    ingress_route::{DEFAULT, Fault, options_name},
    scope::Scope,
    secrets,
    services::normalized,
};
use crate::{
    config::{
        tls::{ClientAuth, Options, Store},
        transport,
    },
    diagnostic::Kind,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

pub(super) fn translate_option(scope: &mut Scope<'_>, option: &TlsOption) {
    match options(scope, option) {
        Ok(options) => {
            let plain = options_name(&scope.object.key());
            let identity = scope.identity();
            let name = scope.define(Kind::TlsOptions, plain, &identity);
            if &**scope.name() == DEFAULT && &*name != DEFAULT {
                let message = "another TLSOption is called default, which is one for all; the elder \
                               counts";
                scope.error("", message);
                return;
            }
            scope.put(|of| &mut of.tls.options, name, options);
        }
        Err((path, message)) => scope.error(path, message),
    }
}

/// One authority that is missing would let in fewer clients; none would let in all of them.
fn options(scope: &mut Scope<'_>, option: &TlsOption) -> Result<Options, Fault> {
    let mut ca_files = Vec::new();
    for (index, name) in option.client_auth.secret_names.iter().enumerate() {
        let at = |message| (format!("spec.clientAuth.secretNames[{index}]"), message);
        ca_files.push(secrets::authority(scope, name).map_err(at)?);
    }
    Ok(Options {
        min_version: option.min_version.clone(),
        max_version: option.max_version.clone(),
        cipher_suites: option.cipher_suites.clone(),
        curve_preferences: option.curve_preferences.clone(),
        client_auth: ClientAuth {
            ca_files,
            client_auth_type: option.client_auth.client_auth_type.clone(),
        },
        sni_strict: option.sni_strict,
        alpn_protocols: option.alpn_protocols.clone(),
    })
}

/// Its certificates are added whatever it is called: there is one store.
pub(super) fn translate_store(scope: &mut Scope<'_>, store: &TlsStore) {
    for (index, certificate) in store.certificates.iter().enumerate() {
        if let Err(message) = secrets::certificate(scope, &certificate.secret_name) {
            scope.error(format!("spec.certificates[{index}]"), message);
        }
    }
    if store.default_generated_cert.is_some() {
        scope.warn("spec.defaultGeneratedCert", "it is not supported, and has no effect");
    }
    let Some(written) = &store.default_certificate else { return };
    if &**scope.name() != DEFAULT {
        let message = "only the store called default is used; this has no effect";
        scope.warn("spec.defaultCertificate", message);
        return;
    }
    match secrets::key_pair(scope, &written.secret_name) {
        Ok(pair) => {
            let identity = scope.identity();
            let name = scope.define(Kind::TlsStore, DEFAULT.to_string(), &identity);
            if &*name == DEFAULT {
                let store = Store { default_certificate: Some(pair) };
                scope.put(|of| &mut of.tls.stores, name, store);
            } else {
                let message = "another TLSStore is called default, which is one for all; the elder \
                               counts";
                scope.error("spec.defaultCertificate", message);
            }
        }
        Err(message) => scope.error("spec.defaultCertificate.secretName", message),
    }
}

pub(super) fn translate_transport(scope: &mut Scope<'_>, written: &ServersTransport) {
    match transport(scope, written) {
        Ok(transport) => {
            let plain = normalized(&scope.object.key());
            let identity = scope.identity();
            let name = scope.define(Kind::ServersTransport, plain, &identity);
            scope.put(|of| &mut of.http.servers_transports, name, transport);
        }
        Err((path, message)) => scope.error(path, message),
    }
}

fn transport(
    scope: &mut Scope<'_>,
    written: &ServersTransport,
) -> Result<transport::ServersTransport, Fault> {
    if !written.peer_cert_uri.is_empty() {
        let message = "it is not supported, and without it servers would not prove who they are";
        return Err(("spec.peerCertURI".to_string(), message.to_string()));
    }
    let at = |option: &str, index: usize| format!("spec.{option}[{index}]");
    let mut root_cas = Vec::new();
    for (index, name) in written.root_cas_secrets.iter().enumerate() {
        let root = secrets::authority(scope, name);
        root_cas.push(root.map_err(|message: String| (at("rootCAsSecrets", index), message))?);
    }
    let mut certificates = Vec::new();
    for (index, name) in written.certificates_secrets.iter().enumerate() {
        let pair = secrets::key_pair(scope, name);
        certificates
            .push(pair.map_err(|message: String| (at("certificatesSecrets", index), message))?);
    }
    Ok(transport::ServersTransport {
        server_name: written.server_name.clone(),
        insecure_skip_verify: written.insecure_skip_verify,
        root_cas,
        certificates,
        max_idle_conns_per_host: written
            .max_idle_conns_per_host
            .unwrap_or_else(|| transport::ServersTransport::default().max_idle_conns_per_host),
        disable_http2: written.disable_http2,
        forwarding_timeouts: written.forwarding_timeouts,
    })
}
