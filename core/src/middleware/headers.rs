//! `headers`: cross-origin rules, header fields set or deleted, checks and fields for security.
//! Compat: middlewares.md "headers".
//!
//! A request meets its parts in this order: [`cors`] may answer it (preflight), [`custom`] edits it,
//! [`security`] may refuse or redirect it. On the way out fields of `custom` come first, those of
//! `cors` and `security` last; each overwrites the server's.
use super::{Answer, Context, Edits, Kept, Options, Origin, Reaction, Verdict, Walk};
use crate::cells::Cells;
use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};
use cors::Cors;
use custom::Custom;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, header::ORIGIN, request, response};
use security::Security;
use serde::{Deserialize, Serialize};

mod cors;
mod custom;
mod security;
#[cfg(test)]
mod tests;

/// The options of `headers`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Headers {
    /// Set on requests; an empty value deletes. `Host` changes the host.
    #[serde(skip_serializing_if = "unset")]
    pub custom_request_headers: BTreeMap<String, String>,
    /// Set on servers' responses; an empty value deletes.
    #[serde(skip_serializing_if = "unset")]
    pub custom_response_headers: BTreeMap<String, String>,

    /// `*`, or `origin-list-or-null`: the request's origin, whichever it is. Anything else allows none.
    #[serde(skip_serializing_if = "unset")]
    pub access_control_allow_origin: String,
    /// Origins that are allowed, compared exactly; `*` allows all.
    #[serde(skip_serializing_if = "unset")]
    pub access_control_allow_origin_list: Vec<String>,
    /// Origins that are allowed, as regular expressions. They match anywhere unless anchored.
    #[serde(skip_serializing_if = "unset")]
    pub access_control_allow_origin_list_regex: Vec<String>,
    /// Whether a browser may show responses to requests with credentials.
    #[serde(skip_serializing_if = "unset")]
    pub access_control_allow_credentials: bool,
    /// Request fields that a preflight allows.
    #[serde(skip_serializing_if = "unset")]
    pub access_control_allow_headers: Vec<String>,
    /// Methods that a preflight allows.
    #[serde(skip_serializing_if = "unset")]
    pub access_control_allow_methods: Vec<String>,
    /// Response fields that scripts may see.
    #[serde(skip_serializing_if = "unset")]
    pub access_control_expose_headers: Vec<String>,
    /// Seconds for which the answer to a preflight may be kept.
    #[serde(skip_serializing_if = "unset")]
    pub access_control_max_age: i64,
    /// Adds `Vary: Origin` to servers' responses.
    #[serde(skip_serializing_if = "unset")]
    pub add_vary_header: bool,

    /// Hosts that are served, with their ports; empty: all.
    #[serde(skip_serializing_if = "unset")]
    pub allowed_hosts: Vec<String>,
    /// Request fields that name the host, before `Host` does. The first that is not empty counts.
    #[serde(skip_serializing_if = "unset")]
    pub hosts_proxy_headers: Vec<String>,
    /// Redirects requests without TLS.
    #[serde(skip_serializing_if = "unset")]
    pub ssl_redirect: bool,
    /// Redirects with 307 instead of 301.
    #[serde(skip_serializing_if = "unset")]
    pub ssl_temporary_redirect: bool,
    /// The host that redirects go to; empty: the request's.
    #[serde(skip_serializing_if = "unset")]
    pub ssl_host: String,
    /// Redirects requests for any host but `sslHost`, also those with TLS.
    #[serde(skip_serializing_if = "unset")]
    pub ssl_force_host: bool,
    /// A request counts as one with TLS if any of these fields has its value.
    #[serde(skip_serializing_if = "unset")]
    pub ssl_proxy_headers: BTreeMap<String, String>,
    /// `max-age` of `Strict-Transport-Security`; 0: no such field.
    #[serde(skip_serializing_if = "unset")]
    pub sts_seconds: i64,
    /// Its `includeSubDomains`.
    #[serde(skip_serializing_if = "unset")]
    pub sts_include_subdomains: bool,
    /// Its `preload`.
    #[serde(skip_serializing_if = "unset")]
    pub sts_preload: bool,
    /// Sends it without TLS too.
    #[serde(rename = "forceSTSHeader", skip_serializing_if = "unset")]
    pub force_sts_header: bool,
    /// `X-Frame-Options: DENY`.
    #[serde(skip_serializing_if = "unset")]
    pub frame_deny: bool,
    /// `X-Frame-Options`; wins over `frameDeny`.
    #[serde(skip_serializing_if = "unset")]
    pub custom_frame_options_value: String,
    /// `X-Content-Type-Options: nosniff`.
    #[serde(skip_serializing_if = "unset")]
    pub content_type_nosniff: bool,
    /// `X-XSS-Protection: 1; mode=block`.
    #[serde(skip_serializing_if = "unset")]
    pub browser_xss_filter: bool,
    /// `X-XSS-Protection`; wins over `browserXssFilter`.
    #[serde(rename = "customBrowserXSSValue", skip_serializing_if = "unset")]
    pub custom_browser_xss_value: String,
    /// `Content-Security-Policy`. `$NONCE` is replaced by `'nonce-…'`, fresh for each response.
    #[serde(skip_serializing_if = "unset")]
    pub content_security_policy: String,
    /// `Public-Key-Pins`, with TLS only.
    #[serde(skip_serializing_if = "unset")]
    pub public_key: String,
    /// `Referrer-Policy`.
    #[serde(skip_serializing_if = "unset")]
    pub referrer_policy: String,
    /// `Feature-Policy`.
    #[serde(skip_serializing_if = "unset")]
    pub feature_policy: String,
    /// `Permissions-Policy`.
    #[serde(skip_serializing_if = "unset")]
    pub permissions_policy: String,
    /// Switches `allowedHosts`, `sslRedirect`, `Strict-Transport-Security` and `Public-Key-Pins` off.
    #[serde(skip_serializing_if = "unset")]
    pub is_development: bool,
}

fn unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Compiled `headers`.
#[derive(Debug)]
pub struct Rules {
    cors: Option<Box<Cors>>,
    custom: Custom,
    security: Option<Box<Security>>,
}

/// What the way out has to know of the request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// `Access-Control-Allow-Origin`, where it depends on the request.
    allow_origin: Option<HeaderValue>,
    /// Whether it counts as one with TLS.
    tls: bool,
}

/// A field that is set.
type Field = (HeaderName, HeaderValue);

impl Options for Headers {
    type Middleware = Rules;

    fn compile(&self) -> Result<Rules, String> {
        if *self == Self::default() {
            return Err("headers configuration not valid".into());
        }
        Ok(Rules {
            cors: Cors::compile(self)?.map(Box::new),
            custom: Custom::compile(self)?,
            security: Security::compile(self)?.map(Box::new),
        })
    }
}

impl Rules {
    /// What the way out has to know, or an answer without the server.
    fn request(&self, tls: bool, head: &mut request::Parts) -> Result<Seen, Response<Bytes>> {
        let mut seen = Seen { allow_origin: None, tls };
        if let Some(cors) = &self.cors {
            let allow_origin = cors.allow_origin(head.headers.get(ORIGIN));
            if Cors::is_preflight(head) {
                return Err(cors.preflight(allow_origin));
            }
            seen.allow_origin = allow_origin;
        }
        self.custom.inward(&mut head.headers);
        if let Some(security) = &self.security {
            seen.tls = security.inward(tls, head)?;
        }
        Ok(seen)
    }

    /// What is seen of most requests, and so needs not be kept.
    fn presumed(&self, context: &Context<'_>) -> Seen {
        let allow_origin = self.cors.as_ref().and_then(|cors| cors.allow_origin(None));
        Seen { allow_origin, tls: context.peer.tls }
    }

    /// Edits a response. What is not about origins is for servers' responses alone.
    fn response(&self, seen: &Seen, entropy: u64, server: bool, head: &mut response::Parts) {
        let headers = &mut head.headers;
        if server {
            self.custom.outward(headers);
        }
        if let Some(cors) = &self.cors {
            cors.outward(seen.allow_origin.clone(), headers);
            if server {
                cors.vary(headers);
            }
        }
        if let (true, Some(security)) = (server, &self.security) {
            security.outward(seen.tls, entropy, headers);
        }
    }
}

impl Walk for Rules {
    fn inward<C: Cells>(&self, context: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        match self.request(context.peer.tls, head) {
            Ok(seen) if seen == self.presumed(context) => Verdict::Continue,
            Ok(seen) => Verdict::Keep(Kept::Headers(Box::new(seen))),
            Err(response) => Verdict::Respond(response),
        }
    }

    fn outward<C: Cells>(&self, context: &Context<'_>, _: &C, answer: &mut Answer<'_>) -> Reaction {
        let server = answer.origin == Origin::Server;
        match &answer.kept {
            Some(Kept::Headers(seen)) => self.response(seen, context.entropy, server, answer.head),
            _ => self.response(&self.presumed(context), context.entropy, server, answer.head),
        }
        Reaction::Continue
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Fields(self.custom.request_names())
    }
}

fn name(option: &str, text: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(text.trim().as_bytes())
        .map_err(|_| format!("{option}: {text:?} is not a header name"))
}

fn value(option: &str, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| format!("{option}: the value has a character that a header cannot carry"))
}
