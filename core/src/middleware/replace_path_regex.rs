//! `replacePathRegex`: parts of the path replaced. Compat: middlewares.md "replacePathRegex".
use super::{
    Context, Edits, Options, Verdict, Walk,
    replace_path::{REPLACED, X_REPLACED_PATH, bad_escape},
};
use crate::{
    cells::Cells,
    exchange::{answer, path, target},
    regexp::{
        self,
        replacement::{Replacement, TooLong},
    },
};
use alloc::{format, string::String};
use http::{StatusCode, request};
use regex::Regex;
use serde::{Deserialize, Serialize};

/// The options of `replacePathRegex`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct ReplacePathRegex {
    /// What is replaced, everywhere in the path: a regular expression of Go's syntax.
    pub regex: String,
    /// By what: text with `$1`, `${1}` or `${name}`; empty: nothing happens.
    pub replacement: String,
}

/// Compiled `replacePathRegex`.
#[derive(Debug)]
pub struct Rewrite {
    /// `None`: it does nothing.
    change: Option<(Regex, Replacement)>,
}

impl Options for ReplacePathRegex {
    type Middleware = Rewrite;

    fn compile(&self) -> Result<Rewrite, String> {
        let regex = regexp::compile(self.regex.trim()).map_err(|cause| {
            format!("regex: error compiling regular expression {}: {cause}", self.regex)
        })?;
        let replacement = self.replacement.trim();
        let change = (!replacement.is_empty()).then(|| {
            let replacement = Replacement::new(replacement, &regex);
            (regex, replacement)
        });
        Ok(Rewrite { change })
    }
}

impl Walk for Rewrite {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let Some((regex, replacement)) = &self.change else { return Verdict::Continue };
        let old = path::plain(head.uri.path());
        let new = match replacement.replace_all(regex, &old, target::BYTES_MAX) {
            None => return Verdict::Continue,
            Some(Ok(new)) => new,
            Some(Err(TooLong)) => {
                return Verdict::Respond(answer::status(StatusCode::URI_TOO_LONG));
            }
        };
        if let Some(escape) = path::bad_escape(&new) {
            return Verdict::Respond(bad_escape(&escape));
        }
        let replaced = path::replaced(head.uri.path());
        match target::rewritten_path(&head.uri, &new) {
            Ok(path) => target::put_path(head, path),
            Err(response) => return Verdict::Respond(response),
        }
        head.headers.append(X_REPLACED_PATH, replaced);
        Verdict::Continue
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Path(&REPLACED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;
    use proptest::prelude::*;

    fn options(regex: &str, replacement: &str) -> ReplacePathRegex {
        ReplacePathRegex { regex: regex.into(), replacement: replacement.into() }
    }

    fn rewritten(regex: &str, replacement: &str, uri: &str) -> String {
        let middleware = options(regex, replacement).compile().unwrap();
        testing::told(&middleware, &mut testing::head(uri, &[]))
    }

    #[test]
    fn a_match_is_replaced_the_query_stays_and_the_old_path_is_told() {
        insta::assert_snapshot!(rewritten("^/foo/(.*)", "/bar/$1", "/foo/a%20b?q=/foo/x"), @r"
        GET /bar/a%20b?q=/foo/x
        x-replaced-path: /foo/a b
        ");
    }

    #[test]
    fn replacements_are_those_of_go() {
        for (regex, replacement, uri, want) in [
            (r"^/foo/(.*)", "/bar/$1", "/foo/a/foo/b", "/bar/a/foo/b"),
            (r"foo", "bar", "/foo/foo", "/bar/bar"),
            (r"^/(\w+)/v(?P<v>\d+)", "/${v}/$1", "/api/v2/x", "/2/api/x"),
            (r"^/(a)", "/$1x", "/a/b", "//b"),
            (r"^/(a)", "/${1}x", "/a/b", "/ax/b"),
            (r" ^/a ", " /b ", "/a", "/b"),
            (r"^/a", "b", "/a/c", "/b/c"),
            (r"^/a\z", "/b?c", "/a", "/b%3Fc"),
            (r"^/a b", "/c", "/a%20b", "/c"),
            (r"^/a%2F", "/c%2F", "/a%2Fb", "/c%2Fb"),
            (r"^/x", "/y", "/x100%25", "/y100%25"),
            (r"^/x", "/y", "/x/%252e%252e", "/y/%252e%252e"),
            (r"^/x", "/y", "/x/%FF", "/y/%FF"),
            (r"^/ü", "/o", "/%C3%BC", "/o"),
        ] {
            let told = rewritten(regex, replacement, uri);
            assert_eq!(told.lines().next(), Some(&*format!("GET {want}")), "{regex} {replacement}");
        }
    }

    #[test]
    fn a_result_that_is_no_path_is_refused() {
        for (regex, replacement, uri, want) in [
            ("^/a", "/%zz", "/a", "500"),
            ("^/api(.*)", "/$1", "/api../secret", "400"),
            ("^/api", "/x/%2e%2E", "/api/y", "400"),
            ("a", "$0$0$0$0$0$0$0$0", &format!("/{}", "a".repeat(10_000)), "414"),
        ] {
            assert_eq!(rewritten(regex, replacement, uri).lines().next(), Some(want), "{uri}");
        }
    }

    #[test]
    fn an_expression_that_cannot_be_compiled_is_named() {
        assert_eq!(
            options("^/(a", "b").compile().unwrap_err(),
            "regex: error compiling regular expression ^/(a: error parsing regexp: unclosed group: `^/(a`"
        );
    }

    proptest! {
        #[test]
        fn what_does_not_match_is_not_touched(
            uri in "/([a-c]|%[0-9A-Fa-f]{2}|/|[()!]){0,10}(\\?[a-c=/%]{0,5})?",
            replacement in "[a-c$]{0,3}",
        ) {
            let told = rewritten("nowhere", &replacement, &uri);
            prop_assert_eq!(told, format!("GET {uri}\n"));
        }

        // Without `%2E`: a result with dot segments is no path.
        #[test]
        fn a_match_replaced_by_itself_leaves_the_path_the_same(
            uri in "/([a-c]|%(2[0-9A-DF]|[3-9A-F][0-9A-F])|/|[()!]){0,10}",
        ) {
            let told = rewritten("[a-c]+", "${0}", &uri);
            let target = told.lines().next().unwrap().strip_prefix("GET ").unwrap();
            prop_assert_eq!(path::decode(target), path::decode(&uri));
        }
    }
}
