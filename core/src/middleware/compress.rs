//! `compress`: bodies made shorter for clients that take them so. Compat: middlewares.md "compress".
//!
//! The way in sees what the client takes, the way out whether the response is fit for it. How long a
//! body is that does not say so, the shell finds out (see [`Encode`]); [`Encoding::apply`] then edits
//! the head.
use super::{Answer, Context, Edits, Kept, Options, Reaction, Verdict, Walk, vary};
use crate::{
    cells::Cells,
    entry_point::forwarded::tokens,
    exchange::{Encode, sniff::Kinds},
};
use alloc::{boxed::Box, format, string::String, vec::Vec};
pub use encoding::Encoding;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_TYPE, VARY,
    },
    request, response,
};
use serde::{Deserialize, Serialize};

mod accept_encoding;
mod encoding;
mod media_type;
#[cfg(test)]
mod tests;

/// Shorter bodies are sent as they are, where `minResponseBodyBytes` is not set.
const BYTES_MIN: u64 = 1400;

/// The options of `compress`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Compress {
    /// Types of requests and of responses whose responses are sent as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_content_types: Vec<String>,
    /// The only types of responses that are compressed; empty: all but `excludedContentTypes`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_content_types: Vec<String>,
    /// Shorter bodies are sent as they are; 0: 1400.
    pub min_response_body_bytes: i64,
    /// `gzip`, `br`, `zstd`: what a client is offered, the best first. Empty: all, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub encodings: Vec<String>,
}

/// Compiled `compress`.
#[derive(Debug)]
pub struct Rules {
    types: Types,
    /// Those of the types that are found by looking that are compressed.
    kinds: Kinds,
    bytes_min: u64,
    encodings: Box<[Encoding]>,
}

/// Which types are compressed. All are in lower case.
#[derive(Debug)]
enum Types {
    Except(Box<[Box<str>]>),
    Only(Box<[Box<str>]>),
}

/// What a request says about compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Its type is excluded: the response is not looked at.
    Excluded,
    /// The client takes none of our codings.
    Plain,
    /// The client takes this one.
    Encoded(Encoding),
}

impl Options for Compress {
    type Middleware = Rules;

    fn compile(&self) -> Result<Rules, String> {
        let list = |option: &str, types: &[String]| {
            types.iter().map(|text| media_type::parse(option, text)).collect::<Result<_, _>>()
        };
        if !(self.excluded_content_types.is_empty() || self.included_content_types.is_empty()) {
            return Err("excludedContentTypes and includedContentTypes exclude each other".into());
        }
        let types = if self.included_content_types.is_empty() {
            Types::Except(list("excludedContentTypes", &self.excluded_content_types)?)
        } else {
            Types::Only(list("includedContentTypes", &self.included_content_types)?)
        };
        let bytes = self.min_response_body_bytes;
        let bytes_min = u64::try_from(bytes)
            .map_err(|_| format!("minResponseBodyBytes must not be negative ({bytes})"))?;
        let encodings = if self.encodings.is_empty() {
            Encoding::ALL.into()
        } else {
            self.encodings.iter().map(|text| Encoding::parse(text)).collect::<Result<_, _>>()?
        };
        Ok(Rules {
            kinds: Kinds::all_that(|kind| types.include(&HeaderValue::from_static(kind))),
            types,
            bytes_min: if bytes_min == 0 { BYTES_MIN } else { bytes_min },
            encodings,
        })
    }
}

impl Rules {
    /// What a request says about compression.
    fn wanted(&self, head: &request::Parts) -> Wanted {
        if let Some(kind) = head.headers.get(CONTENT_TYPE)
            && (is_grpc(media_type::essence(kind)) || self.types.exclude_request(kind))
        {
            return Wanted::Excluded;
        }
        if head.method == Method::HEAD || is_fixed(&head.headers) {
            return Wanted::Plain;
        }
        let encoding = accept_encoding::choose(&head.headers, &self.encodings);
        encoding.map_or(Wanted::Plain, Wanted::Encoded)
    }

    /// How a response is encoded for a client that takes `encoding`, if it is. `sniff`: its type will be
    /// found by looking at its body.
    fn encode(&self, encoding: Encoding, head: &response::Parts, sniff: bool) -> Option<Encode> {
        let headers = &head.headers;
        let fixed = [CONTENT_ENCODING, CONTENT_RANGE];
        if has_no_body(head.status)
            || head.status == StatusCode::PARTIAL_CONTENT
            || fixed.iter().any(|name| headers.contains_key(name))
            || is_fixed(headers)
        {
            return None;
        }
        let mut kinds = Kinds::ALL;
        match headers.get(CONTENT_TYPE) {
            Some(kind) if !self.types.include(kind) => return None,
            Some(_) => {}
            None if sniff => kinds = self.kinds,
            None if matches!(self.types, Types::Only(_)) => return None,
            None => {}
        }
        let announced = headers.get(CONTENT_LENGTH).map(|length| length.to_str().ok()?.parse().ok());
        let bytes_min = match announced {
            None => self.bytes_min,
            Some(Some(length)) if self.bytes_min <= length => 0,
            Some(_) => return None,
        };
        Some(Encode { encoding, bytes_min, kinds })
    }
}

impl Walk for Rules {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let wanted = self.wanted(head);
        if wanted == Wanted::Plain {
            return Verdict::Continue;
        }
        Verdict::Keep(Kept::Compress(wanted))
    }

    fn outward<C: Cells>(&self, _: &Context<'_>, _: &C, answer: &mut Answer<'_>) -> Reaction {
        let wanted = match answer.kept {
            Some(Kept::Compress(wanted)) => *wanted,
            _ => Wanted::Plain,
        };
        if wanted == Wanted::Excluded {
            return Reaction::Continue;
        }
        if !vary::names(&answer.head.headers, &ACCEPT_ENCODING) {
            answer.head.headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        if let (Wanted::Encoded(encoding), None) = (wanted, answer.delivery.encode) {
            answer.delivery.encode = self.encode(encoding, answer.head, answer.delivery.sniff);
        }
        Reaction::Continue
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }
}

impl Types {
    /// Whether responses of a type are compressed.
    fn include(&self, kind: &HeaderValue) -> bool {
        let kind = media_type::essence(kind);
        // What streams events must not wait for more of them.
        !(is_grpc(kind) || kind.eq_ignore_ascii_case("text/event-stream"))
            && match self {
                Self::Except(types) => !contains(types, kind),
                Self::Only(types) => contains(types, kind),
            }
    }

    /// Whether requests of a type are left alone.
    fn exclude_request(&self, kind: &HeaderValue) -> bool {
        match self {
            Self::Except(types) => contains(types, media_type::essence(kind)),
            Self::Only(_) => false,
        }
    }
}

fn contains(types: &[Box<str>], kind: &str) -> bool {
    types.iter().any(|it| it.eq_ignore_ascii_case(kind))
}

/// `application/grpc`, `application/grpc+proto`, …
fn is_grpc(kind: &str) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    kind.as_bytes().get(..GRPC.len()).is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
}

/// Whether a message says that no proxy may change its body, or that of its response. RFC 9111 §5.2.
fn is_fixed(headers: &HeaderMap) -> bool {
    let said = |token: &str| token.eq_ignore_ascii_case("no-transform");
    headers.contains_key(CACHE_CONTROL)
        && headers.get_all(CACHE_CONTROL).iter().flat_map(tokens).any(said)
}

fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED]
            .contains(&status)
}
