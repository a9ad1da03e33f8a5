//! `stripPrefix`: a prefix cut off the path. Compat: middlewares.md "stripPrefix".
use super::{Context, Edits, Options, Verdict, Walk};
use crate::{
    cells::Cells,
    exchange::{path, target},
};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use http::{HeaderName, HeaderValue, request};
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

/// What was cut off.
pub(super) const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// What is edited besides the path.
pub(super) static PREFIX: [HeaderName; 1] = [X_FORWARDED_PREFIX];

impl Options for StripPrefix {
    type Middleware = Prefixes;

    fn compile(&self) -> Result<Prefixes, String> {
        let compile = |prefix: &String| {
            let header = HeaderValue::from_bytes(prefix.trim().as_bytes())
                .map_err(|_| format!("prefixes: {prefix:?} cannot be sent as a header value"))?;
            Ok((prefix.as_str().into(), header))
        };
        Ok(Prefixes { prefixes: self.prefixes.iter().map(compile).collect::<Result<_, String>>()? })
    }
}

impl Walk for Prefixes {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let decoded = path::decode(head.uri.path());
        let found = self.prefixes.iter().find(|(it, _)| decoded.starts_with(it.as_bytes()));
        let Some((prefix, header)) = found else { return Verdict::Continue };
        let (_, rest) = path::cut(head.uri.path(), prefix.len());
        match target::rewritten_path(&head.uri, &rest) {
            Ok(path) => target::put_path(head, path),
            Err(response) => return Verdict::Respond(response),
        }
        head.headers.append(X_FORWARDED_PREFIX, header.clone());
        Verdict::Continue
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Path(&PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::{
        add_prefix::AddPrefix,
        testing::{self, inward},
    };
    use proptest::prelude::*;

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
            (&["/a"], "/a/c%2Fd", "/c%2Fd"),
            (&["/a b"], "/a%20b/c%2Fd", "/c%2Fd"),
            (&["/ü/"], "/%C3%BC/%FF", "/%FF"),
            (&["/a/b"], "/a%2Fb/c", "/c"),
            (&["/a"], "/a%2Fb", "/b"),
            (&["/a%20b"], "/a%2520b/c", "/c"),
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
        for uri in ["/api../x", "/api%2e%2e/x", "/api./x", "/api/a/../x"] {
            assert!(stripped(&["/api"], uri).0.contains("400"), "{uri}");
        }
    }

    #[test]
    fn the_header_has_the_prefix_as_configured_without_space_around_it() {
        assert_eq!(stripped(&["/a b "], "/a%20b%20c").1[1], "/a b");
    }

    proptest! {
        #[test]
        fn a_prefix_that_is_added_and_cut_again_leaves_no_trace(
            prefix in "/[a-c /?%#ü.]{0,8}",
            uri in "/([a-c]|%[2-9A-F][0-9A-F]|/){0,10}(\\?[a-c=/%]{0,5})?",
        ) {
            prop_assume!(!path::climbs(uri.split('?').next().unwrap()));
            let add = AddPrefix { prefix: prefix.clone() }.compile().unwrap();
            let strip = StripPrefix { prefixes: [prefix].into(), force_slash: None };
            let strip = strip.compile().unwrap();
            let mut head = testing::head(&uri, &[]);
            prop_assert!(matches!(inward(&add, &mut head), Verdict::Continue));
            prop_assert!(matches!(inward(&strip, &mut head), Verdict::Continue));
            prop_assert_eq!(testing::text(&head.uri), uri);
        }
    }
}
