//! `stripPrefix`: a prefix cut off the path. Compat: middlewares.md "stripPrefix".
use super::{Context, Options, Verdict, Walk};
use crate::cells::Cells;
use crate::exchange::{answer, target};
use alloc::{borrow::Cow, boxed::Box, format, string::String, vec::Vec};
use http::{HeaderName, HeaderValue, StatusCode, request};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// The options of `stripPrefix`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StripPrefix {
    /// Tried in order; the first that the decoded path starts with is cut, with no regard to
    /// segments.
    pub prefixes: Vec<String>,
    /// Has no effect on what servers see, which always starts with a slash; kept for compatibility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_slash: Option<bool>,
}

/// Compiled `stripPrefix`.
#[derive(Debug)]
pub struct Prefixes {
    prefixes: Box<[(Box<str>, HeaderValue)]>,
}

const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

impl Options for StripPrefix {
    type Middleware = Prefixes;

    fn compile(&self) -> Result<Prefixes, String> {
        let compile = |prefix: &String| {
            let header = HeaderValue::from_str(target::encode(prefix.trim()).as_str())
                .map_err(|_| format!("prefixes: {prefix:?} cannot be sent as a header value"))?;
            Ok((prefix.as_str().into(), header))
        };
        Ok(Prefixes { prefixes: self.prefixes.iter().map(compile).collect::<Result<_, String>>()? })
    }
}

impl Walk for Prefixes {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let raw = head.uri.path();
        let decoded = match percent_decode_str(raw).into() {
            Cow::Borrowed(_) => Cow::Borrowed(raw),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        };
        let Some((prefix, header)) =
            self.prefixes.iter().find(|(prefix, _)| decoded.starts_with(&**prefix))
        else {
            return Verdict::Continue;
        };
        let rest = strip(raw, &decoded, prefix);
        if leaves_its_root(&rest) {
            return Verdict::Respond(answer::status(StatusCode::BAD_REQUEST));
        }
        let header = header.clone();
        target::replace_path(head, &rest);
        head.headers.append(X_FORWARDED_PREFIX, header);
        Verdict::Continue
    }
}

/// The raw path without `prefix`, with its leading slash.
fn strip(raw: &str, decoded: &str, prefix: &str) -> String {
    let rest = match raw.strip_prefix(prefix) {
        Some(rest) => Cow::Borrowed(rest),
        None => Cow::Owned(target::encode(&decoded[prefix.len()..])),
    };
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("{slash}{rest}")
}

/// Whether what is left has dot segments: `/api../x` without `/api` would climb out of its root.
fn leaves_its_root(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing::{self, inward};

    fn stripped(prefixes: &[&str], uri: &str) -> (String, Vec<String>) {
        let prefixes = prefixes.iter().map(|prefix| String::from(*prefix)).collect();
        let options = StripPrefix { prefixes, force_slash: None };
        let mut head = testing::head(uri, &[("x-forwarded-prefix", "/mine")]);
        let verdict = inward(&options.compile().unwrap(), &mut head);
        if !matches!(verdict, Verdict::Continue) {
            return (format!("{verdict:?}"), Vec::new());
        }
        (testing::text(&head.uri), testing::all(&head.headers, "x-forwarded-prefix"))
    }

    #[test]
    fn the_first_listed_match_is_cut_without_regard_to_segments() {
        for (prefixes, uri, want) in [
            (&["/a"][..], "/a/b?q=1", "/b?q=1"),
            (&["/a"], "/abc", "/bc"),
            (&["/a"], "/a", "/"),
            (&["/a", "/a/b"], "/a/b/c", "/b/c"),
            (&["/a b"], "/a%20b/c%2Fd", "/c/d"),
            (&["/a"], "/a/c%2Fd", "/c%2Fd"),
        ] {
            let (path, headers) = stripped(prefixes, uri);
            assert_eq!(path, want);
            assert_eq!(headers.len(), 2, "the header is added beside the client's");
            assert_eq!(headers[0], "/mine");
        }
    }

    #[test]
    fn without_a_match_the_request_passes_unchanged() {
        let (path, headers) = stripped(&["/x"], "/a/b");
        assert_eq!((path.as_str(), headers.len()), ("/a/b", 1));
    }

    #[test]
    fn a_rest_that_climbs_is_refused() {
        assert!(stripped(&["/api"], "/api../x").0.contains("400"));
    }
}
