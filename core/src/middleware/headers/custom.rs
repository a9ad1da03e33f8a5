//! Fields that are set or deleted. Compat: middlewares.md "headers", `custom…Headers`.
use super::Headers;
use alloc::{boxed::Box, collections::BTreeMap, format, string::String};
use http::{HeaderMap, HeaderName, HeaderValue, header::HOST};

/// Edits of requests and of servers' responses.
#[derive(Debug)]
pub(super) struct Custom {
    request: Box<[Edit]>,
    /// The names of those of requests.
    request_names: Box<[HeaderName]>,
    response: Box<[Edit]>,
}

/// A field to set, or to delete where there is no value.
type Edit = (HeaderName, Option<HeaderValue>);

impl Custom {
    pub(super) fn compile(options: &Headers) -> Result<Self, String> {
        let request = edits("customRequestHeaders", &options.custom_request_headers)?;
        Ok(Self {
            request_names: request.iter().map(|(name, _)| name.clone()).collect(),
            request,
            response: edits("customResponseHeaders", &options.custom_response_headers)?,
        })
    }

    pub(super) fn inward(&self, headers: &mut HeaderMap) {
        apply(&self.request, headers);
    }

    pub(super) fn outward(&self, headers: &mut HeaderMap) {
        apply(&self.response, headers);
    }

    /// The fields of a request that it changes.
    pub(super) const fn request_names(&self) -> &[HeaderName] {
        &self.request_names
    }
}

fn edits(option: &str, headers: &BTreeMap<String, String>) -> Result<Box<[Edit]>, String> {
    let edit = |(name, value): (&String, &String)| {
        let header = super::name(option, name)?;
        if value.is_empty() {
            return Ok((header, None));
        }
        Ok((header, Some(super::value(&format!("{option}.{name}"), value)?)))
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
