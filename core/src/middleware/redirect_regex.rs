//! `redirectRegex`: to another place, made of the request's URL. Compat: middlewares.md "redirectRegex".
//!
//! 2.1 runs the result through a template engine, with what clients send in it; here `{{` is text.
use super::{Context, Edits, Options, Verdict, Walk, redirect_scheme::status};
use crate::{
    cells::Cells,
    entry_point::forwarded,
    exchange::{answer, target},
    regexp::{
        self,
        replacement::{Replacement, TooLong},
    },
};
use alloc::{format, string::String};
use http::{StatusCode, request};
use regex::Regex;
use serde::{Deserialize, Serialize};

mod location;

/// The options of `redirectRegex`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct RedirectRegex {
    /// What is replaced, everywhere in the request's URL: a regular expression of Go's syntax.
    pub regex: String,
    /// By what: text with `$1`, `${1}` or `${name}`.
    pub replacement: String,
    /// 301 and 308 instead of 302 and 307.
    pub permanent: bool,
}

/// Compiled `redirectRegex`.
#[derive(Debug)]
pub struct Redirect {
    regex: Regex,
    replacement: Replacement,
    permanent: bool,
}

impl Options for RedirectRegex {
    type Middleware = Redirect;

    fn compile(&self) -> Result<Redirect, String> {
        let regex = regexp::compile(&self.regex).map_err(|cause| format!("regex: {cause}"))?;
        let replacement = Replacement::new(&self.replacement, &regex);
        Ok(Redirect { regex, replacement, permanent: self.permanent })
    }
}

impl Walk for Redirect {
    fn inward<C: Cells>(&self, context: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let scheme = forwarded::scheme(context.peer, head);
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let here = format!("{scheme}://{}{path}", target::authority(head));
        let there = match self.replacement.replace_all(&self.regex, &here, target::BYTES_MAX) {
            None => return Verdict::Continue,
            Some(Ok(there)) if there == here => return Verdict::Continue,
            Some(Ok(there)) => location::complete(&there),
            Some(Err(TooLong)) => None,
        };
        Verdict::Respond(match there {
            Some(there) => answer::redirect(status(&head.method, self.permanent), &there),
            None => answer::status(StatusCode::INTERNAL_SERVER_ERROR),
        })
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;
    use http::Method;
    use proptest::prelude::*;

    fn redirected(options: &RedirectRegex, method: Method, uri: &str, more: &[(&str, &str)]) -> String {
        let headers = [&[("host", "a.example:8000")], more].concat();
        let mut head = testing::head(uri, &headers);
        head.method = method;
        testing::told(&options.compile().unwrap(), &mut head)
    }

    fn location(regex: &str, replacement: &str, uri: &str) -> String {
        let options =
            RedirectRegex { regex: regex.into(), replacement: replacement.into(), permanent: false };
        let told = redirected(&options, Method::GET, uri, &[]);
        let line = told.lines().find_map(|line| line.strip_prefix("location: "));
        line.or_else(|| told.lines().next()).unwrap().into()
    }

    #[test]
    fn a_match_is_sent_to_the_result() {
        let options = RedirectRegex {
            regex: "^http://a.example:8000/(.*)".into(),
            replacement: "https://b.example/x/$1".into(),
            permanent: true,
        };
        insta::assert_snapshot!(redirected(&options, Method::GET, "/y?z=1", &[]), @r"
        301
        content-type: text/plain; charset=utf-8
        location: https://b.example/x/y?z=1

        Moved Permanently
        ");
    }

    #[test]
    fn status_follows_method_and_permanence() {
        for (permanent, method, want) in [
            (false, Method::GET, "302"),
            (false, Method::HEAD, "307"),
            (false, Method::POST, "307"),
            (true, Method::GET, "301"),
            (true, Method::HEAD, "308"),
            (true, Method::PUT, "308"),
        ] {
            let options =
                RedirectRegex { regex: "a".into(), replacement: "b".into(), permanent };
            assert_eq!(redirected(&options, method, "/", &[]).lines().next(), Some(want));
        }
    }

    #[test]
    fn the_subject_is_the_url_that_the_client_asked_for() {
        let options =
            RedirectRegex { regex: "^".into(), replacement: "http://x/?".into(), permanent: false };
        for (more, want) in [
            (&[][..], "http://x/?http://a.example:8000/a%20b?c=/d"),
            (&[("x-forwarded-proto", "https")], "http://x/?https://a.example:8000/a%20b?c=/d"),
            (&[("x-forwarded-proto", "wss")], "http://x/?https://a.example:8000/a%20b?c=/d"),
        ] {
            let told = redirected(&options, Method::GET, "/a%20b?c=/d", more);
            assert!(told.contains(&format!("location: {want}\n")), "{told}");
        }
    }

    #[test]
    fn replacements_are_those_of_go() {
        for (regex, replacement, want) in [
            (r"^https?://[^/]+/(.*)$", "https://b/$1", "https://b/x/y?z={{.Request}}"),
            (r"(?P<h>[a-z.]+):\d+", "${h}:9000", "http://a.example:9000/x/y?z={{.Request}}"),
            (r"nowhere", "https://b/", "GET /x/y?z={{.Request}}"),
            (r"x", "x", "GET /x/y?z={{.Request}}"),
            (r"^.*$", "/x y?a b#c", "/x%20y?a%20b#c"),
            (r"^.*$", "https://b/{{.Host}}", "https://b/%7B%7B.Host%7D%7D"),
        ] {
            assert_eq!(location(regex, replacement, "/x/y?z={{.Request}}"), want);
        }
    }

    #[test]
    fn a_result_that_is_no_url_is_500() {
        for replacement in ["http://b/%zz", "http://a b/", "://b", "http://b:x/", "http://[::1/"] {
            assert_eq!(location("^.*$", replacement, "/"), "500", "{replacement}");
        }
        assert_eq!(location("a", "$0$0$0$0$0$0$0$0", &format!("/{}", "a".repeat(10_000))), "500");
    }

    #[test]
    fn an_expression_that_cannot_be_compiled_is_refused() {
        let options = RedirectRegex { regex: "(".into(), ..RedirectRegex::default() };
        assert_eq!(
            options.compile().unwrap_err(),
            "regex: error parsing regexp: unclosed group: `(`"
        );
    }

    proptest! {
        #[test]
        fn the_query_is_never_lost(
            path in "/[a-z/!%]{0,8}",
            query in "[!$-;=?-\\[\\]-~]{0,12}",
        ) {
            let uri = format!("{path}?{query}");
            let there = location("^http://[^/]+/(.*)", "https://b/$1", &uri);
            let bad = crate::exchange::path::bad_escape(&path).is_some();
            prop_assert_eq!(there, if bad { "500".into() } else { format!("https://b{uri}") });
        }
    }
}
