//! What an auth server is told about the request it is asked about: `X-Forwarded-*`.
//!
//! What a client that is not trusted sent under these names was removed when the request came in (see
//! [`crate::entry_point::forwarded::on_entry`]).
use crate::{entry_point::forwarded::is_managed, exchange::target, middleware::Context};
use alloc::vec::Vec;
use http::{HeaderMap, HeaderName, HeaderValue, request};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// Sets the headers. With `trusts`, what the request says already stays.
pub(super) fn tell(
    context: &Context<'_>,
    from: &request::Parts,
    trusts: bool,
    headers: &mut HeaderMap,
) {
    // Many servers take these for the same.
    let is_variant = |name: &&HeaderName| name.as_str().contains('_') && is_managed(name.as_str());
    while let Some(name) = headers.keys().find(is_variant).cloned() {
        headers.remove(name);
    }
    let said = |name: &HeaderName| {
        from.headers.get(name).filter(|value| trusts && !value.is_empty()).cloned()
    };
    let proto = HeaderValue::from_static(if context.peer.tls { "https" } else { "http" });
    let uri = from.uri.path_and_query().map_or("/", |it| it.as_str());
    let own = [
        (METHOD, HeaderValue::from_str(from.method.as_str()).ok()),
        (PROTO, Some(proto)),
        (HOST, HeaderValue::from_str(target::authority(from)).ok().filter(|it| !it.is_empty())),
        (URI, HeaderValue::from_bytes(uri.as_bytes()).ok()),
        (PORT, headers.get(PORT).cloned()),
    ];
    for (name, own) in own {
        match said(&name).or(own) {
            Some(value) => drop(headers.insert(name, value)),
            None => drop(headers.remove(name)),
        }
    }
    let mut chain: Vec<&[u8]> = Vec::new();
    if trusts {
        chain.extend(from.headers.get_all(FOR).iter().map(HeaderValue::as_bytes));
    }
    chain.push(context.peer.ip.as_bytes());
    let chain = HeaderValue::from_bytes(&chain.join(&b", "[..]));
    headers.insert(FOR, chain.unwrap_or_else(|_| context.peer.ip.clone()));
}
