//! Media types in lists and of messages. RFC 9110 §8.3.1.
use alloc::{boxed::Box, format, string::String};
use http::HeaderValue;

/// The type in an entry of the list `option`, without parameters, in lower case.
pub(super) fn parse(option: &str, text: &str) -> Result<Box<str>, String> {
    let error = || format!("{option}: {text:?} is not a media type such as `text/html`");
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or("");
    let mut names = essence.splitn(2, '/');
    let parameter = |part: &str| match part.split_once('=') {
        Some((name, value)) => is_token(name.trim_end()) && !value.trim_start().is_empty(),
        None => part.is_empty(),
    };
    if !(names.all(is_token) && parts.all(parameter)) {
        return Err(error());
    }
    Ok(essence.to_ascii_lowercase().into())
}

/// The type in a `Content-Type`, without parameters, as sent.
pub(super) fn essence(value: &HeaderValue) -> &str {
    let text = value.to_str().unwrap_or("");
    text.split_once(';').map_or(text, |(essence, _)| essence).trim_ascii()
}

fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_without_its_parameters() {
        for (text, want) in [
            ("text/html", "text/html"),
            (" Text/HTML ; charset=utf-8", "text/html"),
            ("application/vnd.a+json;", "application/vnd.a+json"),
            ("text", "text"),
            ("a/b; x=\"y\"; z=1", "a/b"),
        ] {
            assert_eq!(parse("types", text).as_deref(), Ok(want));
        }
        let value = HeaderValue::from_static("text/html ;charset=utf-8");
        assert_eq!(essence(&value), "text/html");
        assert_eq!(essence(&HeaderValue::from_bytes(b"a/\xff").unwrap()), "");
    }

    #[test]
    fn what_is_none_is_named_with_its_option() {
        for text in ["", "/", "text/", "a b/c", "text/html; charset", "text/html; =1", "a/b/c"] {
            assert_eq!(
                parse("excludedContentTypes", text).unwrap_err(),
                format!("excludedContentTypes: {text:?} is not a media type such as `text/html`")
            );
        }
    }
}
