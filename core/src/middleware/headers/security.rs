//! Hosts and TLS that requests must have, and fields that make browsers careful. Compat:
//! middlewares.md "headers", "Security options".
use super::{Field, Headers};
use crate::exchange::{answer, target};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{
        CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
    },
    request,
};
use sha2::{Digest, Sha256};

const PUBLIC_KEY_PINS: HeaderName = HeaderName::from_static("public-key-pins");
const FEATURE_POLICY: HeaderName = HeaderName::from_static("feature-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// What stands for a fresh nonce in a policy.
const NONCE: &str = "$NONCE";
const NONCE_BYTES: usize = 16;

/// Compiled checks and fields. They exist where any of their options is set.
#[derive(Debug)]
pub(super) struct Security {
    /// Fields that name the host, before `Host` does.
    host_from: Box<[HeaderName]>,
    /// Empty: all.
    hosts: Box<[Box<str>]>,
    /// Any of these says that the client used TLS.
    tls_said_by: Box<[Field]>,
    redirect: Redirect,
    /// Set on all of the server's responses.
    fields: Box<[Field]>,
    /// Set on its responses to requests with TLS.
    tls_fields: Box<[Field]>,
    /// A content security policy around its nonces.
    policy: Box<[Box<str>]>,
}

/// Who is sent where.
#[derive(Debug)]
struct Redirect {
    /// Requests without TLS.
    without_tls: bool,
    /// Requests for any host but this one.
    force_host: bool,
    /// Empty: the request's host.
    host: Box<str>,
    status: StatusCode,
}

impl Security {
    pub(super) fn compile(options: &Headers) -> Result<Option<Self>, String> {
        let on = !options.is_development;
        let names = |name: &String| super::name("hostsProxyHeaders", name);
        let said = |(name, value): (&String, &String)| {
            let value = super::value(&format!("sslProxyHeaders.{name}"), value)?;
            Ok((super::name("sslProxyHeaders", name)?, value))
        };
        let (mut fields, mut tls_fields) = (fields(options)?, Vec::new());
        if on && options.sts_seconds != 0 {
            let field = (STRICT_TRANSPORT_SECURITY, strict_transport_security(options)?);
            if options.force_sts_header { &mut fields } else { &mut tls_fields }.push(field);
        }
        if on && !options.public_key.is_empty() {
            tls_fields.push((PUBLIC_KEY_PINS, super::value("publicKey", &options.public_key)?));
        }
        let policy = options.content_security_policy.as_str();
        let mut parts = Vec::new();
        if policy.contains(NONCE) {
            super::value("contentSecurityPolicy", policy)?;
            parts = policy.split(NONCE).map(Box::from).collect();
        } else if !policy.is_empty() {
            fields.push((CONTENT_SECURITY_POLICY, super::value("contentSecurityPolicy", policy)?));
        }
        let security = Self {
            host_from: options.hosts_proxy_headers.iter().map(names).collect::<Result<_, _>>()?,
            hosts: options.allowed_hosts.iter().filter(|_| on).map(|host| (**host).into()).collect(),
            tls_said_by: options.ssl_proxy_headers.iter().map(said).collect::<Result<_, String>>()?,
            redirect: Redirect::compile(options)?,
            fields: fields.into(),
            tls_fields: tls_fields.into(),
            policy: parts.into(),
        };
        Ok(security.does_anything().then_some(security))
    }

    fn does_anything(&self) -> bool {
        !(self.hosts.is_empty()
            && self.redirect.host.is_empty()
            && self.fields.is_empty()
            && self.tls_fields.is_empty()
            && self.policy.is_empty())
            || self.redirect.without_tls
    }

    /// Lets a request pass, and says whether it counts as one with TLS, or answers it.
    pub(super) fn inward(&self, tls: bool, head: &request::Parts) -> Result<bool, Response<Bytes>> {
        let says_tls = |(name, value): &Field| head.headers.get(name) == Some(value);
        let tls = tls || self.tls_said_by.iter().any(says_tls);
        if self.hosts.is_empty() && self.redirect.is_never() {
            return Ok(tls);
        }
        let host = self.host(head);
        if !self.hosts.is_empty() && !self.hosts.iter().any(|it| it.eq_ignore_ascii_case(host)) {
            return Err(answer::text(StatusCode::INTERNAL_SERVER_ERROR, "Bad Host\n"));
        }
        match self.redirect.target(tls, host) {
            None => Ok(tls),
            Some("") => Err(answer::status(StatusCode::BAD_REQUEST)),
            Some(to) => {
                let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
                Err(answer::redirect(self.redirect.status, &format!("https://{to}{path}")))
            }
        }
    }

    /// The host that a request is for, as far as this middleware believes it.
    fn host<'a>(&self, head: &'a request::Parts) -> &'a str {
        let said = |name| head.headers.get(name)?.to_str().ok().filter(|host| !host.is_empty());
        self.host_from.iter().find_map(said).unwrap_or_else(|| target::authority(head))
    }

    /// Edits a server's response to a request that counts as one with TLS, or does not.
    pub(super) fn outward(&self, tls: bool, entropy: u64, headers: &mut HeaderMap) {
        if tls {
            self.redirect.secure_location(headers);
        }
        let over_tls = if tls { &*self.tls_fields } else { &[] };
        for (name, value) in self.fields.iter().chain(over_tls) {
            headers.insert(name.clone(), value.clone());
        }
        if let Some(policy) = self.policy(entropy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
    }

    fn policy(&self, entropy: u64) -> Option<HeaderValue> {
        if self.policy.is_empty() {
            return None;
        }
        let policy = self.policy.join(&*format!("'nonce-{}'", nonce(entropy)));
        HeaderValue::from_maybe_shared(Bytes::from(policy)).ok()
    }
}

impl Redirect {
    fn compile(options: &Headers) -> Result<Self, String> {
        let host = options.ssl_host.as_str();
        if host.contains('/') {
            return Err(format!("sslHost: {host:?} is not a host; leave scheme and path out"));
        }
        super::value("sslHost", host)?;
        let temporary = options.ssl_temporary_redirect;
        Ok(Self {
            without_tls: options.ssl_redirect && !options.is_development,
            force_host: options.ssl_force_host,
            host: host.into(),
            status: if temporary {
                StatusCode::TEMPORARY_REDIRECT
            } else {
                StatusCode::MOVED_PERMANENTLY
            },
        })
    }

    /// Whether nobody is sent away.
    const fn is_never(&self) -> bool {
        !(self.force_host || self.without_tls)
    }

    /// The host that a request is sent to, if it is sent away. It is empty where nobody named one.
    fn target<'a>(&'a self, tls: bool, host: &'a str) -> Option<&'a str> {
        let ours = if self.host.is_empty() { host } else { &self.host };
        let elsewhere = self.force_host && !ours.eq_ignore_ascii_case(host);
        (elsewhere || (self.without_tls && !tls)).then_some(ours)
    }

    /// Has a `Location` at our host without TLS name it with TLS.
    fn secure_location(&self, headers: &mut HeaderMap) {
        let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok()) else {
            return;
        };
        let rest = location.strip_prefix("http://").and_then(|it| it.strip_prefix(&*self.host));
        if self.host.is_empty() || !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            return;
        }
        let secure = location.replacen("http:", "https:", 1);
        if let Ok(secure) = HeaderValue::from_maybe_shared(Bytes::from(secure)) {
            headers.insert(LOCATION, secure);
        }
    }
}

/// The fields that depend on nothing.
fn fields(options: &Headers) -> Result<Vec<Field>, String> {
    let or = |custom: &str, on: bool, value: &'static str| match custom {
        "" if on => String::from(value),
        custom => custom.into(),
    };
    let frame = or(&options.custom_frame_options_value, options.frame_deny, "DENY");
    let xss =
        or(&options.custom_browser_xss_value, options.browser_xss_filter, "1; mode=block");
    let sniff = or("", options.content_type_nosniff, "nosniff");
    let all = [
        ("customFrameOptionsValue", X_FRAME_OPTIONS, &frame),
        ("contentTypeNosniff", X_CONTENT_TYPE_OPTIONS, &sniff),
        ("customBrowserXSSValue", X_XSS_PROTECTION, &xss),
        ("referrerPolicy", REFERRER_POLICY, &options.referrer_policy),
        ("featurePolicy", FEATURE_POLICY, &options.feature_policy),
        ("permissionsPolicy", PERMISSIONS_POLICY, &options.permissions_policy),
    ];
    let set = all.into_iter().filter(|(_, _, text)| !text.is_empty());
    set.map(|(option, name, text)| Ok((name, super::value(option, text)?))).collect()
}

fn strict_transport_security(options: &Headers) -> Result<HeaderValue, String> {
    let seconds = options.sts_seconds;
    if seconds < 0 {
        return Err(format!("stsSeconds must not be negative ({seconds})"));
    }
    let subdomains = if options.sts_include_subdomains { "; includeSubDomains" } else { "" };
    let preload = if options.sts_preload { "; preload" } else { "" };
    super::value("stsSeconds", &format!("max-age={seconds}{subdomains}{preload}"))
}

/// As base64; nobody can tell it, or the entropy from it.
fn nonce(entropy: u64) -> String {
    let hash = Sha256::new().chain_update(b"nonce").chain_update(entropy.to_be_bytes()).finalize();
    STANDARD.encode(&hash[..NONCE_BYTES])
}
