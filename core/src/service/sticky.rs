//! Session affinity by cookie: its name, attributes and value. Compat: services.md "Sticky cookie".
use crate::config::http::Cookie;
use alloc::{boxed::Box, sync::Arc};
use http::{HeaderMap, HeaderValue};

/// A compiled sticky cookie.
#[derive(Clone, Debug, PartialEq)]
pub struct Sticky {
    /// The cookie's name.
    pub name: Box<str>,
    attributes: Box<str>,
}

impl Sticky {
    /// The cookie of the service with this qualified name.
    #[must_use]
    pub fn new(_cookie: &Cookie, _service: &str) -> Self {
        Self { name: "".into(), attributes: "".into() }
    }

    /// The value that the client sent, if it sent the cookie.
    #[must_use]
    pub fn chosen<'h>(&self, _headers: &'h HeaderMap) -> Option<&'h str> {
        None
    }

    /// The `Set-Cookie` value that binds a client to `value`.
    #[must_use]
    pub fn set_cookie(&self, _value: &str) -> Option<HeaderValue> {
        None
    }
}

/// The opaque value that names a server in a cookie.
#[must_use]
pub fn opaque(url: &str) -> Arc<str> {
    url.into()
}

impl super::LoadBalancer {
    /// The server that a cookie's value names.
    #[must_use]
    pub fn server_by_cookie(&self, value: &str) -> Option<u32> {
        let at = self.servers.iter().position(|server| *server.cookie == *value)?;
        u32::try_from(at).ok()
    }
}
