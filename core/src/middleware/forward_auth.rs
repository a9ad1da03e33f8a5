//! `forwardAuth`: another server says who passes. Compat: middlewares.md "forwardAuth".
use super::{Context, Edits, Options, Verdict, Walk};
use crate::{
    cells::Cells,
    config::file::File,
    exchange::{Question, SendError, answer},
    regexp,
    service::{
        Server,
        transport::{Certificate, ServersTransport, Settings, expect_certificate, expect_key},
    },
};
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::time::Duration;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version,
    header::{
        AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, LOCATION, PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
    request, response,
};
use regex::Regex;
use serde::{Deserialize, Serialize};

mod forwarded;
mod location;

/// How long the auth server may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What never reaches the auth server: it concerns one hop, or a body that is not sent.
static DROPPED: [HeaderName; 12] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    HeaderName::from_static("trailers"),
    TRANSFER_ENCODING,
    UPGRADE,
    CONTENT_LENGTH,
    EXPECT,
];

/// The options of `forwardAuth`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ForwardAuth {
    /// The auth server's URL.
    pub address: String,
    /// How it is spoken to over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls>,
    /// Whether `X-Forwarded-*` of the request go to the auth server as they came.
    pub trust_forward_header: bool,
    /// Headers of the auth server's answer that the request gets.
    pub auth_response_headers: Vec<String>,
    /// The same by expression; empty: none. From 2.3.
    pub auth_response_headers_regex: String,
    /// Headers of the request that the auth server sees; empty: all. From 2.3.
    pub auth_request_headers: Vec<String>,
}

/// TLS towards one server, as written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientTls {
    /// Certificates to trust instead of the system's.
    #[serde(skip_serializing_if = "File::is_empty")]
    pub ca: File,
    /// Has no effect.
    pub ca_optional: bool,
    /// A certificate to show.
    #[serde(skip_serializing_if = "File::is_empty")]
    pub cert: File,
    /// Its key.
    #[serde(skip_serializing_if = "File::is_empty")]
    pub key: File,
    /// Takes any certificate.
    pub insecure_skip_verify: bool,
}

/// Compiled `forwardAuth`.
#[derive(Debug)]
pub struct Guard {
    server: Arc<Server>,
    address: Uri,
    trusts: bool,
    /// Headers that come from the auth server alone.
    from_answer: Chosen,
    /// Headers that the auth server sees; empty: all.
    to_server: Box<[HeaderName]>,
}

/// Headers by name or by expression.
#[derive(Debug)]
struct Chosen {
    names: Box<[HeaderName]>,
    expression: Option<Regex>,
}

impl Options for ForwardAuth {
    type Middleware = Guard;

    fn compile(&self) -> Result<Guard, String> {
        // The address may have a password in it, and is no part of an error.
        let wrong = |error: &dyn core::fmt::Display| format!("address: {error}");
        let mut server = Server::parse(&self.address).map_err(|error| wrong(&error))?;
        server.transport = match &self.tls {
            Some(tls) => Some(Arc::new(tls.compile()?)),
            None => None,
        };
        let expression = match self.auth_response_headers_regex.as_str() {
            "" => None,
            // Names of headers have no case.
            written => {
                let pattern = format!("(?i){}", regexp::translate(written));
                let compiled = regexp::compile_translated(&pattern, written);
                Some(compiled.map_err(|error| format!("authResponseHeadersRegex: {error}"))?)
            }
        };
        Ok(Guard {
            server: Arc::new(server),
            address: self.address.parse().map_err(|error| wrong(&error))?,
            trusts: self.trust_forward_header,
            from_answer: Chosen {
                names: names("authResponseHeaders", &self.auth_response_headers)?,
                expression,
            },
            to_server: names("authRequestHeaders", &self.auth_request_headers)?,
        })
    }

    fn files(&self) -> Vec<&File> {
        self.tls.iter().flat_map(|tls| [&tls.ca, &tls.cert, &tls.key]).collect()
    }

    fn files_mut(&mut self) -> Vec<&mut File> {
        self.tls.iter_mut().flat_map(|tls| [&mut tls.ca, &mut tls.cert, &mut tls.key]).collect()
    }
}

impl ClientTls {
    fn compile(&self) -> Result<ServersTransport, String> {
        if !self.insecure_skip_verify && (self.cert.is_empty() || self.key.is_empty()) {
            return Err("tls: TLS Certificate or Key file must be set when TLS configuration is \
                        created; give tls.cert and tls.key"
                .into());
        }
        let mut root_cas = Vec::new();
        if !self.ca.is_empty() {
            let pem = self.ca.content("tls.ca")?;
            expect_certificate("tls.ca", &pem)?;
            root_cas.push(pem);
        }
        let mut certificates = Vec::new();
        if !self.cert.is_empty() && !self.key.is_empty() {
            let (chain, key) = (self.cert.content("tls.cert")?, self.key.content("tls.key")?);
            expect_certificate("tls.cert", &chain)?;
            expect_key("tls.key", &key)?;
            certificates.push(Certificate { chain, key });
        }
        Ok(ServersTransport::new(Settings {
            root_cas: root_cas.into(),
            certificates: certificates.into(),
            insecure_skip_verify: self.insecure_skip_verify,
            ..Settings::default()
        }))
    }
}

fn names(option: &str, written: &[String]) -> Result<Box<[HeaderName]>, String> {
    let name = |written: &String| {
        HeaderName::from_bytes(written.trim().as_bytes())
            .map_err(|_| format!("{option}: {written:?} is not a header name"))
    };
    written.iter().map(name).collect()
}

impl Walk for Guard {
    fn inward<C: Cells>(&self, context: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let head = self.question(context, head);
        let server = Arc::clone(&self.server);
        Verdict::Ask(Box::new(Question { server, head, timeout: TIMEOUT }))
    }

    fn asked(
        &self,
        _: &Context<'_>,
        head: &mut request::Parts,
        answer: Result<&mut response::Parts, SendError>,
    ) -> Verdict {
        let is_answered = match answer {
            Ok(answer) if answer.status.is_success() => {
                self.from_answer.take_over(&answer.headers, &mut head.headers);
                return Verdict::Continue;
            }
            Ok(answer) => self.locate(answer),
            Err(_) => false,
        };
        if is_answered {
            return Verdict::Deliver;
        }
        Verdict::Respond(answer::empty(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn edits(&self) -> Edits<'_> {
        match self.from_answer.expression {
            None => Edits::Fields(&self.from_answer.names),
            Some(_) => Edits::Anything,
        }
    }
}

impl Guard {
    /// What the auth server is sent.
    fn question(&self, context: &Context<'_>, from: &request::Parts) -> request::Parts {
        let mut head = http::Request::new(()).into_parts().0;
        head.method = Method::GET;
        head.version = Version::HTTP_11;
        if let Some(target) = self.address.path_and_query() {
            head.uri = Uri::from(target.clone());
        }
        head.headers = self.seen(&from.headers);
        forwarded::tell(context, from, self.trusts, &mut head.headers);
        head.headers.insert(HOST, self.server.host.clone());
        if let Some(authorization) = &self.server.authorization
            && !head.headers.contains_key(AUTHORIZATION)
        {
            head.headers.insert(AUTHORIZATION, authorization.clone());
        }
        head
    }

    /// The headers of the request that the auth server sees.
    fn seen(&self, from: &HeaderMap) -> HeaderMap {
        if !self.to_server.is_empty() {
            let mut headers = HeaderMap::new();
            for name in self.to_server.iter().filter(|name| !DROPPED.contains(name)) {
                copy(name, from, &mut headers);
            }
            return headers;
        }
        let mut headers = from.clone();
        for name in &DROPPED {
            headers.remove(name);
        }
        headers
    }

    /// Makes the answer's `Location` absolute. False: it is none.
    fn locate(&self, answer: &mut response::Parts) -> bool {
        let Some(location) = answer.headers.get(LOCATION).filter(|it| !it.is_empty()) else {
            return true;
        };
        let text = core::str::from_utf8(location.as_bytes()).ok();
        let absolute = text.and_then(|text| location::absolute(&self.address, text));
        let value = absolute.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok());
        let is_good = value.is_some();
        if let Some(value) = value {
            answer.headers.insert(LOCATION, value);
        }
        is_good
    }
}

impl Chosen {
    /// Puts what the auth server says in the place of what the client said.
    fn take_over(&self, from: &HeaderMap, to: &mut HeaderMap) {
        for name in self.names.iter().filter(|name| is_free(name)) {
            to.remove(name);
            copy(name, from, to);
        }
        let Some(expression) = &self.expression else { return };
        let chosen = |headers: &HeaderMap| -> Vec<HeaderName> {
            let names = headers.keys().filter(|name| is_free(name));
            names.filter(|name| expression.is_match(name.as_str())).cloned().collect()
        };
        for name in chosen(to) {
            to.remove(name);
        }
        for name in chosen(from) {
            to.remove(&name);
            copy(&name, from, to);
        }
    }
}

/// Whether a header may come from somewhere else: what frames the request and says where it goes may
/// not.
fn is_free(name: &HeaderName) -> bool {
    *name != HOST && !DROPPED.contains(name)
}

fn copy(name: &HeaderName, from: &HeaderMap, to: &mut HeaderMap) {
    for value in from.get_all(name) {
        to.append(name.clone(), value.clone());
    }
}

#[cfg(test)]
mod tests;
