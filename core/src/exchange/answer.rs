//! Responses that the proxy gives on its own account.
use alloc::format;
use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, LOCATION},
};

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NOSNIFF: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));

/// A status with its text as the body, e.g. `Bad Gateway`.
#[must_use]
pub fn status(status: StatusCode) -> Response<Bytes> {
    text(status, status.canonical_reason().unwrap_or(""))
}

/// A status with a plain text body.
#[must_use]
pub fn text(status: StatusCode, body: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PLAIN);
    response
}

/// A status with a line of text that no browser takes for anything else.
#[must_use]
pub fn error(status: StatusCode, line: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{line}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PLAIN);
    response.headers_mut().insert(NOSNIFF.0, NOSNIFF.1);
    response
}

/// A status without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// No router. Compat: http.md "No router on the entry point or no match".
#[must_use]
pub fn not_found() -> Response<Bytes> {
    let mut response = text(StatusCode::NOT_FOUND, "404 page not found\n");
    response.headers_mut().insert(NOSNIFF.0, NOSNIFF.1);
    response
}

/// A redirect; a location that no header can carry is answered 400.
#[must_use]
pub fn redirect(status: StatusCode, location: &str) -> Response<Bytes> {
    let Ok(location) = HeaderValue::from_str(location) else {
        return self::status(StatusCode::BAD_REQUEST);
    };
    let mut response = self::status(status);
    response.headers_mut().insert(LOCATION, location);
    response
}
