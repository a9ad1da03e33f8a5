//! `headers`: header fields set or deleted on requests and responses. Compat: middlewares.md "headers".
use super::{Answer, Context, Options, Origin, Reaction, Verdict, Walk};
use crate::cells::Cells;
use alloc::{boxed::Box, collections::BTreeMap, format, string::String};
use http::{HeaderMap, HeaderName, HeaderValue, header::HOST, request};
use serde::{Deserialize, Serialize};

/// The options of `headers`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Headers {
    /// Set on requests; an empty value deletes. `Host` changes the host.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_request_headers: BTreeMap<String, String>,
    /// Set on servers' responses; an empty value deletes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_response_headers: BTreeMap<String, String>,
}

/// Compiled `headers`.
#[derive(Debug)]
pub struct Edits {
    request: Box<[Edit]>,
    response: Box<[Edit]>,
}

/// A header to set, or to delete where there is no value.
type Edit = (HeaderName, Option<HeaderValue>);

impl Options for Headers {
    type Middleware = Edits;

    fn compile(&self) -> Result<Edits, String> {
        if *self == Self::default() {
            return Err("headers configuration not valid".into());
        }
        Ok(Edits {
            request: edits("customRequestHeaders", &self.custom_request_headers)?,
            response: edits("customResponseHeaders", &self.custom_response_headers)?,
        })
    }
}

impl Walk for Edits {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        apply(&self.request, &mut head.headers);
        Verdict::Continue
    }

    fn outward<C: Cells>(&self, _: &Context<'_>, _: &C, answer: &mut Answer<'_>) -> Reaction {
        if answer.origin == Origin::Server {
            apply(&self.response, &mut answer.head.headers);
        }
        Reaction::Continue
    }

    fn edits_request(&self) -> bool {
        false
    }
}

fn edits(option: &str, headers: &BTreeMap<String, String>) -> Result<Box<[Edit]>, String> {
    let edit = |(name, value): (&String, &String)| {
        let header = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|_| format!("{option}: {name:?} is not a header name"))?;
        if value.is_empty() {
            return Ok((header, None));
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            format!("{option}.{name}: the value has a character that a header cannot carry")
        })?;
        Ok((header, Some(value)))
    };
    headers.iter().map(edit).collect()
}

fn apply(edits: &[Edit], headers: &mut HeaderMap) {
    for (name, value) in edits {
        match value {
            Some(value) => {
                headers.insert(name.clone(), value.clone());
            }
            None if *name == HOST => {}
            None => {
                headers.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect()
    }

    #[test]
    fn a_value_sets_and_an_empty_value_deletes() {
        let edits = map(&[("X-Set", "new"), ("X-Gone", ""), ("x-added", "1")]);
        let options =
            Headers { custom_request_headers: edits.clone(), custom_response_headers: edits };
        let middleware = options.compile().unwrap();
        let before = &[("x-set", "old"), ("x-gone", "1"), ("x-kept", "1")];
        let mut request = testing::head("/", before);
        testing::inward(&middleware, &mut request);
        let mut response = testing::response(200, before);
        testing::outward(&middleware, &mut response);
        for headers in [&request.headers, &response.headers] {
            assert_eq!(headers["x-set"], "new");
            assert_eq!(headers["x-added"], "1");
            assert_eq!(headers["x-kept"], "1");
            assert!(!headers.contains_key("x-gone"));
        }
    }

    #[test]
    fn host_changes_the_host_and_is_never_deleted() {
        for (value, want) in [("b.example", "b.example"), ("", "a.example")] {
            let options =
                Headers { custom_request_headers: map(&[("Host", value)]), ..Headers::default() };
            let mut head = testing::head("/", &[("host", "a.example")]);
            testing::inward(&options.compile().unwrap(), &mut head);
            assert_eq!(head.headers[HOST], want);
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_its_option() {
        let options = Headers { custom_request_headers: map(&[("a b", "1")]), ..Headers::default() };
        assert_eq!(
            options.compile().unwrap_err(),
            "customRequestHeaders: \"a b\" is not a header name"
        );
        let options =
            Headers { custom_response_headers: map(&[("a", "x\ny")]), ..Headers::default() };
        assert_eq!(
            options.compile().unwrap_err(),
            "customResponseHeaders.a: the value has a character that a header cannot carry"
        );
        assert_eq!(Headers::default().compile().unwrap_err(), "headers configuration not valid");
    }
}
