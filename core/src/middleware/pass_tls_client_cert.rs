//! `passTLSClientCert`: the client's certificates, told to servers in headers. Compat: middlewares.md
//! "passTLSClientCert".
use super::{Context, Edits, Options, Verdict, Walk};
use crate::{
    cells::Cells,
    entry_point::Certificates,
    x509::{self, Certificate, Name},
};
use alloc::{format, string::String, vec::Vec};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderName, HeaderValue, request};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The options of `passTLSClientCert`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct PassTlsClientCert {
    /// The certificates themselves, as the body of their PEM: `X-Forwarded-Tls-Client-Cert`.
    pub pem: bool,
    /// What they say: `X-Forwarded-Tls-Client-Cert-Info`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<Info>,
}

/// Which parts of certificates are told.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Info {
    /// The end of validity, in seconds since 1970.
    pub not_after: bool,
    /// The beginning of validity, in seconds since 1970.
    pub not_before: bool,
    /// Alternative names.
    pub sans: bool,
    /// Whose certificate it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<NameParts>,
    /// Who signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<NameParts>,
}

/// Which parts of a distinguished name are told.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NameParts {
    /// `C`.
    pub country: bool,
    /// `ST`.
    pub province: bool,
    /// `L`.
    pub locality: bool,
    /// `O`.
    pub organization: bool,
    /// `CN`, the last one.
    pub common_name: bool,
    /// `SN`, the last one.
    pub serial_number: bool,
    /// `DC`.
    pub domain_component: bool,
}

/// Compiled `passTLSClientCert`.
#[derive(Debug)]
pub struct Telling {
    pem: bool,
    info: Option<Info>,
}

const CERT: HeaderName = HeaderName::from_static("x-forwarded-tls-client-cert");
const INFO: HeaderName = HeaderName::from_static("x-forwarded-tls-client-cert-info");

impl Options for PassTlsClientCert {
    type Middleware = Telling;

    fn compile(&self) -> Result<Telling, String> {
        Ok(Telling { pem: self.pem, info: self.info.clone() })
    }
}

impl Walk for Telling {
    /// Whether the headers are set depends on nothing but the options and whether there is a
    /// certificate: traces know no more of it.
    fn inward<C: Cells>(&self, context: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let Some(certificates) = &context.peer.certificates else { return Verdict::Continue };
        if self.pem {
            head.headers.insert(CERT, value(pem(certificates)));
        }
        if let Some(info) = &self.info {
            head.headers.insert(INFO, value(query_escaped(&told(info, certificates))));
        }
        Verdict::Continue
    }

    fn edits(&self) -> Edits<'_> {
        static TOLD: [HeaderName; 2] = [CERT, INFO];
        Edits::Fields(&TOLD)
    }
}

fn value(escaped: String) -> HeaderValue {
    // What is escaped has no character that a header cannot carry.
    HeaderValue::try_from(escaped).unwrap_or(HeaderValue::from_static(""))
}

fn pem(certificates: &Certificates) -> String {
    let body = |der| query_escaped(BASE64_STANDARD.encode(der).as_bytes());
    certificates.iter().map(body).collect::<Vec<_>>().join(",")
}

fn told(info: &Info, certificates: &Certificates) -> Vec<u8> {
    let told = |der| {
        let certificate = Certificate::read(der).unwrap_or_default();
        let mut parts = Vec::new();
        let mut part = |name: &str, value: Vec<u8>| {
            if !value.is_empty() {
                parts.push([name.as_bytes(), b"=\"", &value, b"\""].concat());
            }
        };
        let name = |parts: &Option<NameParts>, name| {
            parts.as_ref().map(|parts| distinguished_name(parts, name)).unwrap_or_default()
        };
        let time = |is_told: bool, seconds: Option<u64>| {
            let seconds = seconds.filter(|_| is_told);
            seconds.map(|seconds| format!("{seconds}").into_bytes()).unwrap_or_default()
        };
        part("Subject", name(&info.subject, certificate.subject));
        part("Issuer", name(&info.issuer, certificate.issuer));
        part("NB", time(info.not_before, certificate.not_before));
        part("NA", time(info.not_after, certificate.not_after));
        if info.sans {
            let kinds = [x509::DNS, x509::MAILBOX, x509::ADDRESS, x509::URI];
            let names = kinds.into_iter().flat_map(|kind| certificate.alternative_names(kind));
            part("SAN", names.collect::<Vec<_>>().join(&b','));
        }
        parts.join(&b';')
    };
    certificates.iter().map(told).collect::<Vec<_>>().join(&b',')
}

/// `K=v` for each attribute that is told, in the order of kinds that servers know.
fn distinguished_name(parts: &NameParts, name: Name<'_>) -> Vec<u8> {
    // id-at, and the domain component of RFC 4519.
    let id = |number: u8| [0x55, 0x04, number];
    let domain_component = [0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x19];
    let all = |is_told: bool, key: &str, id: &[u8]| -> Vec<Vec<u8>> {
        let found = name.attributes().filter(|(of, value)| is_told && *of == id && !value.is_empty());
        found.map(|(_, value)| [key.as_bytes(), b"=", &value].concat()).collect()
    };
    let last = |is_told, key, id| all(is_told, key, id).pop().into_iter().collect::<Vec<_>>();
    let told = [
        all(parts.domain_component, "DC", &domain_component),
        all(parts.country, "C", &id(6)),
        all(parts.province, "ST", &id(8)),
        all(parts.locality, "L", &id(7)),
        all(parts.organization, "O", &id(10)),
        last(parts.serial_number, "SN", &id(5)),
        last(parts.common_name, "CN", &id(3)),
    ];
    told.concat().join(&b',')
}

/// As Go escapes a query: a space becomes `+`.
fn query_escaped(text: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for byte in text {
        match *byte {
            b' ' => escaped.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => {
                escaped.push(char::from(byte));
            }
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
