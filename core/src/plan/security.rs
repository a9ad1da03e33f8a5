//! Certificates, stores, TLS options and servers transports, each compiled on its own.
use super::{
    NAME_WITH_AT, Settings,
    name::{Id, Key},
    parts::{Note, Part, Standalone},
};
use crate::{
    config::{
        file::File,
        tls::{self, KeyPair},
        transport,
    },
    diagnostic::Kind,
    service::transport::{self as compiled, ServersTransport, expect_certificate, expect_key},
    tls::{certificate::Certificate, options::Options},
};
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use bytes::Bytes;

/// The only store, and the options of whoever asks for none.
pub(super) const DEFAULT: &str = "default";

/// Something compiled that refers to nothing.
#[derive(Clone, Debug)]
pub(super) struct Alone<T> {
    /// Absent: it is broken.
    pub(super) compiled: Option<T>,
    notes: Box<[Note]>,
}

/// A certificate of the store that is used; none: it belongs to others, or is broken.
pub(super) type CertificatePart = Alone<Arc<Certificate>>;
/// What a store shows where no name fits.
pub(super) type StorePart = Alone<Option<Arc<Certificate>>>;
pub(super) type OptionsPart = Alone<Arc<Options>>;
pub(super) type TransportPart = Alone<Arc<ServersTransport>>;

impl<T> Alone<T> {
    fn new<D>(
        id: &Id,
        definition: &Result<D, String>,
        compile: impl FnOnce(&D, &mut Vec<Note>) -> Result<Option<T>, Note>,
    ) -> Self {
        let mut notes = Vec::new();
        let compiled = match definition {
            Err(error) => Err(Note::error("", error.clone())),
            Ok(_) if id.kind != Kind::Certificate && id.name.contains('@') => {
                Err(Note::error("", NAME_WITH_AT))
            }
            Ok(definition) => compile(definition, &mut notes),
        };
        let compiled = compiled.unwrap_or_else(|note| {
            notes.push(note);
            None
        });
        Self { compiled, notes: notes.into() }
    }
}

impl<T> Part for Alone<T> {
    fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn dependencies(&self) -> &[Key] {
        &[]
    }
}

impl Standalone for CertificatePart {
    type Definition = tls::Certificate;

    fn compile(
        settings: &Settings,
        id: &Id,
        definition: &Result<tls::Certificate, String>,
    ) -> Self {
        Self::new(id, definition, |written, notes| {
            if !written.stores.is_empty() && !written.stores.iter().any(|store| store == DEFAULT) {
                let message = "it is in no store that is used: only `default` is";
                notes.push(Note::warning("stores", message));
                return Ok(None);
            }
            certificate(settings, id, &written.cert_file, &written.key_file).map(Some)
        })
    }

    fn refers(&self) -> bool {
        false
    }
}

impl Standalone for StorePart {
    type Definition = tls::Store;

    fn compile(settings: &Settings, id: &Id, definition: &Result<tls::Store, String>) -> Self {
        Self::new(id, definition, |written, notes| {
            if *id.name != *DEFAULT {
                notes.push(Note::warning("", "it has no effect: only the store `default` is used"));
            }
            let Some(KeyPair { cert_file, key_file }) = &written.default_certificate else {
                return Ok(Some(None));
            };
            let pair = certificate(settings, id, cert_file, key_file).map_err(|note| {
                let message = format!("{}; a certificate made at the start is used", note.message);
                Note::error(format!("defaultCertificate.{}", note.option), message)
            });
            pair.map(|pair| Some(Some(pair)))
        })
    }

    fn refers(&self) -> bool {
        false
    }
}

impl Standalone for OptionsPart {
    type Definition = tls::Options;

    fn compile(_: &Settings, id: &Id, definition: &Result<tls::Options, String>) -> Self {
        Self::new(id, definition, |written, notes| {
            let name = if *id.name == *DEFAULT { Options::DEFAULT.into() } else { id.qualified() };
            let mut warnings = Vec::new();
            let options = Options::read(name, written, &mut warnings);
            notes.extend(warnings.into_iter().map(|(option, text)| Note::warning(option, text)));
            options
                .map(|options| Some(Arc::new(options)))
                .map_err(|(option, message)| Note::error(option, message))
        })
    }

    fn refers(&self) -> bool {
        false
    }
}

impl Standalone for TransportPart {
    type Definition = transport::ServersTransport;

    fn compile(
        _: &Settings,
        id: &Id,
        definition: &Result<transport::ServersTransport, String>,
    ) -> Self {
        Self::new(id, definition, |written, _| {
            let mut root_cas = Vec::new();
            for (i, file) in written.root_cas.iter().enumerate() {
                let pem = content(file, "rootCAs", |pem| expect_certificate("rootCAs", pem));
                root_cas
                    .push(pem.map_err(|message| Note::error(format!("rootCAs[{i}]"), message))?);
            }
            let mut certificates = Vec::new();
            for (i, KeyPair { cert_file, key_file }) in written.certificates.iter().enumerate() {
                let note =
                    |option, message| Note::error(format!("certificates[{i}].{option}"), message);
                let chain =
                    content(cert_file, "certFile", |pem| expect_certificate("certFile", pem));
                let key = content(key_file, "keyFile", |pem| expect_key("keyFile", pem));
                certificates.push(compiled::Certificate {
                    chain: chain.map_err(|message| note("certFile", message))?,
                    key: key.map_err(|message| note("keyFile", message))?,
                });
            }
            Ok(Some(Arc::new(ServersTransport::new(compiled::Settings {
                server_name: (!written.server_name.is_empty())
                    .then(|| (*written.server_name).into()),
                root_cas: root_cas.into(),
                certificates: certificates.into(),
                insecure_skip_verify: written.insecure_skip_verify,
                http1_only: written.disable_http2,
                limits: Some(limits(written)),
            }))))
        })
    }

    fn refers(&self) -> bool {
        false
    }
}

fn certificate(
    settings: &Settings,
    id: &Id,
    chain: &File,
    key: &File,
) -> Result<Arc<Certificate>, Note> {
    let read =
        |file, option| content(file, option, |_| Ok(())).map_err(|it| Note::error(option, it));
    let (chain, key) = (read(chain, "certFile")?, read(key, "keyFile")?);
    let certificate = Certificate::read(id.qualified(), &chain, &key, settings.load);
    certificate.map(Arc::new).map_err(|(option, message)| Note::error(option, message))
}

fn limits(written: &transport::ServersTransport) -> compiled::Limits {
    let timeouts = &written.forwarding_timeouts;
    compiled::Limits {
        // Go's transport keeps two where none are asked for.
        idle_per_host_max: match written.max_idle_conns_per_host {
            0 => 2,
            some => some,
        },
        dial_timeout: timeouts.dial_timeout.limit(),
        response_header_timeout: timeouts.response_header_timeout.limit(),
        idle_timeout: timeouts.idle_conn_timeout.limit(),
    }
}

/// What is in the file of an option, if it is as expected. Errors do without the option's name.
fn content(
    file: &File,
    option: &str,
    expect: impl FnOnce(&[u8]) -> Result<(), String>,
) -> Result<Bytes, String> {
    if file.is_empty() {
        return Err("it is missing: write PEM text or the path of a PEM file".into());
    }
    let content = file.content(option).and_then(|pem| expect(&pem).map(|()| pem));
    content.map_err(|error| match error.strip_prefix(option).and_then(|it| it.strip_prefix(": ")) {
        Some(rest) => rest.into(),
        None => error,
    })
}
