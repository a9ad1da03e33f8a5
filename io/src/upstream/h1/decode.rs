//! The head of a response out of bytes. RFC 9112, sections 4 to 6.
use bytes::{Buf, Bytes};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
    response,
};
use hyper::ext::ReasonPhrase;
use std::mem::MaybeUninit;

/// Bytes of a head, those of interim responses before it counted.
pub(super) const HEAD_BYTES_MAX: usize = 400 << 10;
/// Fields of a head.
pub(super) const HEADERS_MAX: usize = 256;

/// What is wrong with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes; none for a response without a body.
    Length(u64),
    Chunked,
    UntilClose,
}

/// A response's head, and what it says of its connection.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) parts: response::Parts,
    pub(super) framing: Framing,
    /// The connection may carry another request when this response is over.
    pub(super) keep_alive: bool,
}

/// What bytes begin with.
#[derive(Debug)]
pub(super) enum Begin {
    /// Not all of a head yet.
    Partial,
    /// An interim response, which says nothing but its status, and is this long.
    Interim(StatusCode, usize),
    Head(Head),
}

/// Takes a head off `input`: of the response to a request with this method. The fields go into
/// `headers`, of which the space is taken but nothing else.
pub(super) fn head(
    input: &mut Bytes,
    method: &Method,
    headers: &mut HeaderMap,
) -> Result<Begin, Malformed> {
    let mut space = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let length = match httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut parsed,
        input,
        &mut space,
    ) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_BYTES_MAX => length,
        Ok(httparse::Status::Partial) if input.len() <= HEAD_BYTES_MAX => {
            return Ok(Begin::Partial);
        }
        Ok(_) => return Err(Malformed("its head is too long")),
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed("too many header fields")),
        Err(_) => return Err(Malformed("this is no HTTP")),
    };
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default())
        .map_err(|_| Malformed("this is no status"))?;
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        input.advance(length);
        return Ok(Begin::Interim(status, length));
    }
    headers.clear();
    headers.reserve(parsed.headers.len());
    let mut said = Said::default();
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            .map_err(|_| Malformed("a header field's name is none"))?;
        let value = HeaderValue::from_maybe_shared(input.slice_ref(field.value))
            .map_err(|_| Malformed("a header field's value is none"))?;
        said.note(&name, &value)?;
        headers.append(name, value);
    }
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = status;
    parts.version = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    if parsed.reason != status.canonical_reason() {
        let reason = parsed.reason.unwrap_or_default().as_bytes();
        if let Ok(reason) = ReasonPhrase::try_from(reason) {
            parts.extensions.insert(reason);
        }
    }
    parts.headers = std::mem::take(headers);
    input.advance(length);
    said.conclude(method, parts).map(Begin::Head)
}

/// What fields say of the body's end and of the connection.
#[derive(Debug, Default)]
struct Said {
    length: Option<u64>,
    /// How often the length was given.
    lengths: usize,
    coding: Option<Framing>,
    close: bool,
    keep_alive: bool,
}

impl Said {
    fn note(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<(), Malformed> {
        if *name == CONTENT_LENGTH {
            for length in value.as_bytes().split(|it| *it == b',') {
                let length =
                    number(length.trim_ascii()).ok_or(Malformed("a length is no number"))?;
                if self.length.replace(length).is_some_and(|before| before != length) {
                    return Err(Malformed("it has two lengths"));
                }
                self.lengths += 1;
            }
        } else if *name == TRANSFER_ENCODING {
            let coding = match value.as_bytes().trim_ascii() {
                it if it.eq_ignore_ascii_case(b"chunked") => Framing::Chunked,
                it if it.eq_ignore_ascii_case(b"identity") => Framing::UntilClose,
                _ => return Err(Malformed("an unknown transfer coding")),
            };
            if self.coding.replace(coding).is_some() {
                return Err(Malformed("it has two transfer codings"));
            }
        } else if *name == CONNECTION {
            for token in value.as_bytes().split(|it| *it == b',').map(<[u8]>::trim_ascii) {
                self.close |= token.eq_ignore_ascii_case(b"close");
                self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        Ok(())
    }

    /// Where both are given, the coding holds, and nobody shall believe the length.
    fn conclude(self, method: &Method, mut parts: response::Parts) -> Result<Head, Malformed> {
        let persistent = parts.version == Version::HTTP_11 || self.keep_alive;
        let mut keep_alive = persistent && !self.close;
        if self.coding.is_some() && parts.version == Version::HTTP_10 {
            return Err(Malformed("HTTP/1.0 has no transfer codings"));
        }
        if self.coding.is_some() && self.length.is_some() {
            parts.headers.remove(CONTENT_LENGTH);
            keep_alive = false;
        } else if let (Some(length), 2..) = (self.length, self.lengths) {
            parts.headers.insert(CONTENT_LENGTH, length.into());
        }
        let tunnel = parts.status == StatusCode::SWITCHING_PROTOCOLS
            || *method == Method::CONNECT && parts.status.is_success();
        let empty = matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let framing = match (self.coding, self.length) {
            _ if tunnel || empty || *method == Method::HEAD => Framing::Length(0),
            (Some(coding), _) => coding,
            (None, Some(length)) => Framing::Length(length),
            (None, None) => Framing::UntilClose,
        };
        // Who gives a body to a response that has none may send one.
        keep_alive &= !(tunnel || empty && self.coding.is_some());
        keep_alive &= framing != Framing::UntilClose;
        Ok(Head { parts, framing, keep_alive })
    }
}

/// Digits alone: neither sign nor blank.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
