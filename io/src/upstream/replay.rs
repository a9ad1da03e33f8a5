//! Which requests may be sent twice.
use http::{Method, request};

/// Whether a request without body may be sent twice. Compat: http.md "Retries of idle connections".
pub(super) fn is_idempotent(head: &request::Parts) -> bool {
    matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
        || head.headers.contains_key("idempotency-key")
        || head.headers.contains_key("x-idempotency-key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

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
