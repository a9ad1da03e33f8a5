//! `stripPrefixRegex`: a prefix cut off the path, found by expressions. Compat: middlewares.md "stripPrefixRegex".
use super::{Context, Edits, Options, Verdict, Walk, strip_prefix::{PREFIX, X_FORWARDED_PREFIX}};
use crate::{
    cells::Cells,
    exchange::{
        path::{self, Lossy},
        target,
    },
    regexp,
};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use http::{HeaderValue, request};
use regex::Regex;
use serde::{Deserialize, Serialize};

/// The options of `stripPrefixRegex`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct StripPrefixRegex {
    /// Regular expressions of Go's syntax, tried in order: what the first matches at the start of the
    /// decoded path is cut.
    pub regex: Vec<String>,
}

/// Compiled `stripPrefixRegex`.
#[derive(Debug)]
pub struct Expressions {
    expressions: Box<[Regex]>,
}

impl Options for StripPrefixRegex {
    type Middleware = Expressions;

    fn compile(&self) -> Result<Expressions, String> {
        let compile = |regex: &String| {
            regexp::compile(regex.trim()).map_err(|cause| format!("regex: {cause}"))
        };
        Ok(Expressions { expressions: self.regex.iter().map(compile).collect::<Result<_, _>>()? })
    }
}

impl Walk for Expressions {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let decoded = Lossy::new(&path::decode(head.uri.path()));
        let prefix = |regex: &Regex| {
            let found = regex.find(decoded.text())?;
            (found.start() == 0 && !found.is_empty()).then(|| decoded.bytes(found.end()))
        };
        let Some(bytes) = self.expressions.iter().find_map(prefix) else {
            return Verdict::Continue;
        };
        let (prefix, rest) = path::cut(head.uri.path(), bytes);
        // As sent where decoded it has a character that a header cannot carry.
        let header = HeaderValue::from_bytes(&path::decode(prefix))
            .or_else(|_| HeaderValue::from_str(prefix))
            .unwrap_or(HeaderValue::from_static("/"));
        match target::rewritten_path(&head.uri, &rest) {
            Ok(path) => target::put_path(head, path),
            Err(response) => return Verdict::Respond(response),
        }
        head.headers.append(X_FORWARDED_PREFIX, header);
        Verdict::Continue
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Path(&PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;
    use proptest::prelude::*;

    fn stripped(regex: &[&str], uri: &str) -> String {
        let regex = regex.iter().map(|it| String::from(*it)).collect();
        let middleware = StripPrefixRegex { regex }.compile().unwrap();
        testing::told(&middleware, &mut testing::head(uri, &[]))
    }

    #[test]
    fn the_matched_start_is_cut_and_told() {
        insta::assert_snapshot!(stripped(&["^/api/v[0-9]+"], "/api/v12/users?id=1"), @r"
        GET /users?id=1
        x-forwarded-prefix: /api/v12
        ");
    }

    #[test]
    fn only_a_match_at_the_start_counts_and_the_first_expression_that_has_one() {
        for (regex, uri, want) in [
            (&["/b", "/a"][..], "/a/b", "/b"),
            (&["/x", "x*", "/[a-z]+"], "/a/b", "/b"),
            (&[" /a "], "/a", "/"),
            (&["/[a-z]+/"], "/a/b", "/b"),
            (&["/a"], "/abc", "/bc"),
            (&["/a b"], "/a%20b/c%2Fd", "/c%2Fd"),
            (&["/a/b"], "/a%2Fb/c", "/c"),
            (&["/ü"], "/%C3%BC/c", "/c"),
            (&["/.+/x"], "/%FF%20%FE/x/y", "/y"),
            (&["/x"], "/a/x", "/a/x"),
            (&[], "/a", "/a"),
        ] {
            let told = stripped(regex, uri);
            assert_eq!(told.lines().next(), Some(&*format!("GET {want}")), "{regex:?} {uri}");
        }
    }

    #[test]
    fn a_prefix_that_no_header_can_carry_is_told_as_sent() {
        assert_eq!(stripped(&["(?s)^/.b"], "/%0Ab/c").lines().last(), Some("x-forwarded-prefix: /%0Ab"));
    }

    #[test]
    fn a_rest_that_climbs_is_refused() {
        assert_eq!(stripped(&["^/ap."], "/api../x").lines().next(), Some("400"));
    }

    #[test]
    fn an_expression_that_cannot_be_compiled_is_refused() {
        let options = StripPrefixRegex { regex: ["/a".into(), "/(?!b)".into()].into() };
        assert_eq!(
            options.compile().unwrap_err(),
            "regex: error parsing regexp: look-around, including look-ahead and look-behind, is not \
             supported: `/(?!b)`"
        );
    }

    proptest! {
        #[test]
        fn prefix_and_rest_are_the_path(uri in "/([a-c ]|%[2-689A-F][0-9A-F]|/){0,10}") {
            let uri = uri.replace(' ', "%20");
            prop_assume!(!path::climbs(&uri));
            let middleware = StripPrefixRegex { regex: ["^/[^/]*".into()].into() }.compile().unwrap();
            let mut head = testing::head(&uri, &[]);
            testing::inward(&middleware, &mut head);
            let prefix = &head.headers[X_FORWARDED_PREFIX];
            let whole = [prefix.as_bytes(), &path::decode(head.uri.path())].concat();
            let decoded = path::decode(&uri);
            // A path of one segment leaves the root.
            prop_assert!(whole == *decoded || whole == [&decoded, &b"/"[..]].concat());
        }
    }
}
