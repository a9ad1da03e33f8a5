//! `replacePath`: another path, whatever it was. Compat: middlewares.md "replacePath".
use super::{Context, Edits, Options, Verdict, Walk};
use crate::{
    cells::Cells,
    exchange::{
        answer, path,
        target::{self, TooLong},
    },
};
use alloc::{boxed::Box, format, string::String};
use bytes::Bytes;
use http::{HeaderName, Response, StatusCode, request};
use serde::{Deserialize, Serialize};

/// The options of `replacePath`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct ReplacePath {
    /// The path, percent-encoded as it is sent; empty: `/`.
    pub path: String,
}

/// Compiled `replacePath`.
#[derive(Debug)]
pub struct Replaced {
    /// With its leading slash, percent-encoded where it must be; `Err`: its escape that is none.
    path: Result<Box<str>, Box<str>>,
}

/// What was replaced.
pub(super) const X_REPLACED_PATH: HeaderName = HeaderName::from_static("x-replaced-path");

/// What is edited besides the path.
pub(super) static REPLACED: [HeaderName; 1] = [X_REPLACED_PATH];

/// The answer to a request whose new path has an escape that is none.
pub(super) fn bad_escape(escape: &str) -> Response<Bytes> {
    let line = format!("invalid URL escape {escape:?}");
    answer::error(StatusCode::INTERNAL_SERVER_ERROR, &line)
}

impl Options for ReplacePath {
    type Middleware = Replaced;

    fn compile(&self) -> Result<Replaced, String> {
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        let path = match path::bad_escape(&self.path) {
            None => Ok(format!("{slash}{}", target::encode(&self.path)).into()),
            Some(escape) => Err(escape.into()),
        };
        Ok(Replaced { path })
    }
}

impl Walk for Replaced {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let path = match &self.path {
            Ok(path) => path,
            Err(escape) => return Verdict::Respond(bad_escape(escape)),
        };
        let replaced = path::replaced(head.uri.path());
        if let Err(TooLong) = target::replace_path(head, path) {
            return Verdict::Respond(answer::status(StatusCode::URI_TOO_LONG));
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

    fn replaced(path: &str, uri: &str) -> String {
        let middleware = ReplacePath { path: path.into() }.compile().unwrap();
        testing::told(&middleware, &mut testing::head(uri, &[("x-replaced-path", "/mine")]))
    }

    #[test]
    fn the_path_is_replaced_and_the_query_stays() {
        insta::assert_snapshot!(replaced("/new", "/old/x?q=/old"), @r"
        GET /new?q=/old
        x-replaced-path: /mine
        x-replaced-path: /old/x
        ");
    }

    #[test]
    fn the_new_path_is_taken_as_encoded_and_completed() {
        for (path, want) in [
            ("/a%2Fb", "GET /a%2Fb"),
            ("/a b?c#d", "GET /a%20b%3Fc%23d"),
            ("new", "GET /new"),
            ("", "GET /"),
            ("/ü", "GET /%C3%BC"),
        ] {
            assert_eq!(replaced(path, "/old").lines().next(), Some(want));
        }
    }

    #[test]
    fn the_old_path_is_shown_decoded_unless_its_escapes_are_unusual() {
        for (uri, want) in [("/a%20b", "/a b"), ("/a%2Fb", "/a%2Fb"), ("/a%0Ab", "/a%0Ab")] {
            let told = replaced("/new", uri);
            assert_eq!(told.lines().last(), Some(&*format!("x-replaced-path: {want}")));
        }
    }

    #[test]
    fn a_bad_escape_is_the_answer_to_every_request() {
        insta::assert_snapshot!(replaced("/100%", "/old"), @r#"
        500
        content-type: text/plain; charset=utf-8
        x-content-type-options: nosniff

        invalid URL escape "%"
        "#);
    }
}
