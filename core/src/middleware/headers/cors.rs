//! Which origins' scripts may use responses (CORS). Compat: middlewares.md "headers",
//! `accessControl…` and `addVaryHeader`.
use super::{Field, Headers};
use crate::{exchange::answer, middleware::vary, regexp};
use alloc::{boxed::Box, format, string::String};
use bytes::{BufMut, Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
    request,
};
use regex::Regex;

/// What of a request decides here.
const READ: [HeaderName; 2] = [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD];

const ANY: HeaderValue = HeaderValue::from_static("*");

/// Compiled rules. They exist where any of their options is set.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Origins,
    /// Set on answers to preflights, besides the origin.
    preflight: Box<[Field]>,
    /// Set on responses, besides the origin.
    response: Box<[Field]>,
    /// Whether responses get `Vary: Origin`.
    vary: bool,
}

/// Who is allowed.
#[derive(Debug, Default)]
struct Origins {
    /// Whoever asks; `null` where nobody says who asks.
    echo: bool,
    /// In this order; `*` stands for all.
    listed: Box<[HeaderValue]>,
    matching: Box<[Regex]>,
}

impl Cors {
    pub(super) fn compile(options: &Headers) -> Result<Option<Self>, String> {
        if !is_set(options) {
            return Ok(None);
        }
        let credentials = options
            .access_control_allow_credentials
            .then_some((ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")));
        let list = |option: &str, name: HeaderName, values: &[String]| {
            let joined = values.join(",");
            let field = super::value(option, &joined).map(|value| (name, value))?;
            Ok::<_, String>((!joined.is_empty()).then_some(field))
        };
        let headers = list(
            "accessControlAllowHeaders",
            ACCESS_CONTROL_ALLOW_HEADERS,
            &options.access_control_allow_headers,
        )?;
        let methods = list(
            "accessControlAllowMethods",
            ACCESS_CONTROL_ALLOW_METHODS,
            &options.access_control_allow_methods,
        )?;
        let exposed = list(
            "accessControlExposeHeaders",
            ACCESS_CONTROL_EXPOSE_HEADERS,
            &options.access_control_expose_headers,
        )?;
        let age = Some((ACCESS_CONTROL_MAX_AGE, options.access_control_max_age.into()));
        Ok(Some(Self {
            origins: Origins::compile(options)?,
            preflight: [credentials.clone(), headers, methods, age].into_iter().flatten().collect(),
            response: [credentials, exposed].into_iter().flatten().collect(),
            vary: options.add_vary_header,
        }))
    }

    /// What a response to a request from here says in `Access-Control-Allow-Origin`.
    pub(super) fn allow_origin(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        self.origins.allow(origin.filter(|origin| !origin.is_empty()))
    }

    /// Whether a request is a preflight, which never reaches the server.
    pub(super) fn is_preflight(head: &request::Parts) -> bool {
        let filled = |name| head.headers.get(name).is_some_and(|value| !value.is_empty());
        head.method == Method::OPTIONS && READ.iter().all(filled)
    }

    /// The answer to a preflight.
    pub(super) fn preflight(&self, allow_origin: Option<HeaderValue>) -> Response<Bytes> {
        let mut response = answer::empty(StatusCode::OK);
        set(&self.preflight, allow_origin, response.headers_mut());
        response
    }

    /// Sets the fields of a response; a server's own are overwritten.
    pub(super) fn outward(&self, allow_origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        set(&self.response, allow_origin, headers);
    }

    /// Adds `Vary: Origin` to a server's response, if that is to be.
    pub(super) fn vary(&self, headers: &mut HeaderMap) {
        if !self.vary || vary::names(headers, &ORIGIN) {
            return;
        }
        let mut list = BytesMut::new();
        for value in headers.get_all(VARY) {
            list.put_slice(value.as_bytes());
            list.put_u8(b',');
        }
        list.put_slice(b"Origin");
        if let Ok(list) = HeaderValue::from_maybe_shared(list.freeze()) {
            headers.insert(VARY, list);
        }
    }
}

impl Origins {
    fn compile(options: &Headers) -> Result<Self, String> {
        let listed = |origin: &String| super::value("accessControlAllowOriginList", origin);
        let matching = |pattern: &String| {
            regexp::compile(pattern)
                .map_err(|error| format!("accessControlAllowOriginListRegex: {error}"))
        };
        let one = options.access_control_allow_origin.as_str();
        let any = (one == "*").then_some(Ok(ANY)).into_iter();
        let list = &options.access_control_allow_origin_list;
        let regex = &options.access_control_allow_origin_list_regex;
        Ok(Self {
            echo: one == "origin-list-or-null",
            listed: any.chain(list.iter().map(listed)).collect::<Result<_, _>>()?,
            matching: regex.iter().map(matching).collect::<Result<_, _>>()?,
        })
    }

    fn allow(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        if self.echo {
            return Some(origin.cloned().unwrap_or(HeaderValue::from_static("null")));
        }
        let listed = self.listed.iter().find(|item| **item == ANY || Some(*item) == origin);
        if listed.is_some() {
            return listed.cloned();
        }
        let text = origin?.to_str().ok()?;
        self.matching.iter().any(|regex| regex.is_match(text)).then(|| origin.cloned())?
    }
}

fn is_set(options: &Headers) -> bool {
    !(options.access_control_allow_origin.is_empty()
        && options.access_control_allow_origin_list.is_empty()
        && options.access_control_allow_origin_list_regex.is_empty()
        && options.access_control_allow_headers.is_empty()
        && options.access_control_allow_methods.is_empty()
        && options.access_control_expose_headers.is_empty())
        || options.access_control_allow_credentials
        || options.access_control_max_age != 0
        || options.add_vary_header
}

fn set(fields: &[Field], allow_origin: Option<HeaderValue>, headers: &mut HeaderMap) {
    for (name, value) in fields {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(origin) = allow_origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}
