//! What responses say they vary by. RFC 9110 §12.5.5.
use crate::entry_point::forwarded::tokens;
use http::{HeaderMap, HeaderName, header::VARY};

/// Whether `Vary` names a request field, or any.
pub(crate) fn names(headers: &HeaderMap, field: &HeaderName) -> bool {
    let named = |token: &str| token == "*" || token.eq_ignore_ascii_case(field.as_str());
    headers.contains_key(VARY) && headers.get_all(VARY).iter().flat_map(tokens).any(named)
}
