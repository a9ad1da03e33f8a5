//! The head of a request as it was before a try, for the next one.
//!
//! What middlewares change is kept where a `retry` stands, field by field as they announce it; what
//! makes a request fit for the next hop is kept as it goes. A whole head is rarely copied.
use super::{Exchange, forward::Sealed};
use crate::{
    entry_point::forwarded::X_FORWARDED_FOR,
    exchange::{forward::HOP_BY_HOP, target},
    middleware::Edits,
    router::Step,
};
use alloc::{boxed::Box, vec::Vec};
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{ACCEPT_ENCODING, AUTHORIZATION, HOST},
    request,
    uri::PathAndQuery,
};

/// A field and one of its values.
pub(super) type Field = (HeaderName, HeaderValue);

/// What the middlewares further in than a `retry` may change.
#[derive(Debug)]
pub(super) enum Saved {
    /// The path, where any does, and the fields, where they were there.
    Parts(Option<PathAndQuery>, Vec<Field>),
    /// Everything.
    Head(Box<(Uri, HeaderMap)>),
}

impl Saved {
    /// Keeps what these middlewares may change.
    pub(super) fn new(head: &request::Parts, further_in: &[Step]) -> Self {
        let (mut path, mut fields) = (None, Vec::new());
        for step in further_in {
            let names = match step.middleware.edits() {
                Edits::Nothing => continue,
                Edits::Fields(names) => names,
                Edits::Path(names) => {
                    path = path.or_else(|| head.uri.path_and_query().cloned());
                    names
                }
                Edits::Anything => {
                    return Self::Head(Box::new((head.uri.clone(), head.headers.clone())));
                }
            };
            for name in names {
                if !fields.iter().any(|(kept, _)| kept == name) {
                    keep(name, &head.headers, &mut fields);
                }
            }
        }
        Self::Parts(path, fields)
    }

    /// Puts it back.
    pub(super) fn restore(&self, head: &mut request::Parts, further_in: &[Step]) {
        let (path, fields) = match self {
            Self::Parts(path, fields) => (path, fields),
            Self::Head(saved) => {
                (head.uri, head.headers) = (**saved).clone();
                return;
            }
        };
        if let Some(path) = path {
            target::put_path(head, path.clone());
        }
        for step in further_in {
            if let Edits::Fields(names) | Edits::Path(names) = step.middleware.edits() {
                names.iter().for_each(|name| drop(head.headers.remove(name)));
            }
        }
        for (name, value) in fields {
            head.headers.append(name.clone(), value.clone());
        }
    }
}

/// Keeps all values of a field.
pub(super) fn keep(name: &HeaderName, headers: &HeaderMap, fields: &mut Vec<Field>) {
    // Most are not there.
    if !headers.contains_key(name) {
        return;
    }
    fields.extend(headers.get_all(name).iter().map(|value| (name.clone(), value.clone())));
}

impl Exchange {
    /// Takes back what was done to a head so that it could be sent.
    pub(super) fn unseal(&mut self, headers: &mut HeaderMap) {
        if core::mem::take(&mut self.lent_authorization) {
            headers.remove(AUTHORIZATION);
        }
        if let Some(host) = self.client_host.take() {
            headers.insert(HOST, host);
        }
        let Some(Sealed { asked_gzip, .. }) = self.sealed.take() else { return };
        if asked_gzip {
            headers.remove(ACCEPT_ENCODING);
        }
        for name in HOP_BY_HOP.iter().chain([&X_FORWARDED_FOR]) {
            headers.remove(name);
        }
        for (name, value) in self.before_seal.drain(..) {
            headers.append(name, value);
        }
    }
}
