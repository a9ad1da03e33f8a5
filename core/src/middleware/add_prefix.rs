//! `addPrefix`: a prefix before the path. Compat: middlewares.md "addPrefix".
use super::{Context, Edits, Options, Verdict, Walk};
use crate::{
    cells::Cells,
    exchange::{
        answer,
        target::{self, TooLong},
    },
};
use alloc::{boxed::Box, format, string::String};
use http::{StatusCode, request};
use serde::{Deserialize, Serialize};

/// The options of `addPrefix`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct AddPrefix {
    /// The prefix, not percent-encoded; a leading slash is added where it is missing.
    pub prefix: String,
}

/// Compiled `addPrefix`.
#[derive(Debug)]
pub struct Prefix {
    /// With its leading slash, percent-encoded where it must be.
    prefix: Box<str>,
}

impl Options for AddPrefix {
    type Middleware = Prefix;

    fn compile(&self) -> Result<Prefix, String> {
        if self.prefix.is_empty() {
            return Err("prefix cannot be empty".into());
        }
        let slash = if self.prefix.starts_with('/') { "" } else { "/" };
        Ok(Prefix { prefix: format!("{slash}{}", target::encode_text(&self.prefix)).into() })
    }
}

impl Walk for Prefix {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        match target::joined_path(&head.uri, &self.prefix, head.uri.path()) {
            Ok(path) => {
                target::put_path(head, path);
                Verdict::Continue
            }
            Err(TooLong) => Verdict::Respond(answer::status(StatusCode::URI_TOO_LONG)),
        }
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Path(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing::{self, inward};

    #[test]
    fn prefix_goes_before_the_path_and_keeps_the_query() {
        for (prefix, uri, want) in [
            ("/api", "/users?id=1", "/api/users?id=1"),
            ("pre", "/x", "/pre/x"),
            ("/a b", "/", "/a%20b/"),
            ("/a?b", "/x?c", "/a%3Fb/x?c"),
            ("/a%20b", "/x", "/a%2520b/x"),
            ("/api", "/a%2Fb", "/api/a%2Fb"),
            ("/api", "http://h:8/x?y", "http://h:8/api/x?y"),
        ] {
            let middleware = AddPrefix { prefix: prefix.into() }.compile().unwrap();
            let mut head = testing::head(uri, &[]);
            assert!(matches!(inward(&middleware, &mut head), Verdict::Continue));
            assert_eq!(testing::text(&head.uri), want);
        }
    }

    #[test]
    fn a_request_that_grows_too_long_never_goes_on_without_its_prefix() {
        let middleware = AddPrefix { prefix: "/api".into() }.compile().unwrap();
        let mut head = testing::head(&"/".repeat(65_533), &[]);
        let Verdict::Respond(response) = inward(&middleware, &mut head) else { panic!() };
        assert_eq!(response.status(), StatusCode::URI_TOO_LONG);
    }

    #[test]
    fn an_empty_prefix_is_refused() {
        assert_eq!(AddPrefix::default().compile().unwrap_err(), "prefix cannot be empty");
    }
}
