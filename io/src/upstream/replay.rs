//! A request's head back from the bytes that were to be sent.
use http::{HeaderName, HeaderValue, Method, Request, Uri, request};

/// Headers that are found again.
const HEADERS_MAX: usize = 256;

/// Whether a request without body may be sent twice. Compat: http.md "Retries of idle connections".
pub(super) fn is_idempotent(head: &request::Parts) -> bool {
    matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
        || head.headers.contains_key("idempotency-key")
        || head.headers.contains_key("x-idempotency-key")
}

/// The head that these bytes are, or `None` if they are no whole one.
pub(super) fn head(bytes: &[u8]) -> Option<request::Parts> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    if !parsed.parse(bytes).ok()?.is_complete() {
        return None;
    }
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::from_bytes(parsed.method?.as_bytes()).ok()?;
    head.uri = Uri::try_from(parsed.path?).ok()?;
    for header in parsed.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        head.headers.append(name, HeaderValue::from_bytes(header.value).ok()?);
    }
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_whole_or_not_at_all() {
        let bytes = b"GET /a?b HTTP/1.1\r\nHost: x\r\nA: 1\r\nA: 2\r\n\r\n";
        let head = head(bytes).unwrap();
        assert_eq!((head.method, head.uri.to_string()), (Method::GET, "/a?b".into()));
        let values: Vec<_> = head.headers.iter().map(|(k, v)| (k.as_str(), v.as_bytes())).collect();
        assert_eq!(values, [("host", &b"x"[..]), ("a", b"1"), ("a", b"2")]);
        for end in 0..bytes.len() {
            assert!(super::head(&bytes[..end]).is_none(), "{end}");
        }
    }

    #[test]
    fn only_what_may_be_done_twice_is_idempotent() {
        for (method, key, want) in [
            ("GET", None, true),
            ("HEAD", None, true),
            ("OPTIONS", None, true),
            ("TRACE", None, true),
            ("POST", None, false),
            ("PUT", None, false),
            ("DELETE", None, false),
            ("POST", Some("idempotency-key"), true),
            ("POST", Some("x-idempotency-key"), true),
        ] {
            let mut request = Request::builder().method(method);
            if let Some(key) = key {
                request = request.header(key, "1");
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(is_idempotent(&head), want, "{method} {key:?}");
        }
    }
}
