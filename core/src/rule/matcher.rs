//! The matchers: arguments checked once, then compared with requests. Compat: rules.md.
use super::{
    parse::Fault,
    template::{Target, Template},
    view::{View, lossy},
};
use crate::{lexer, regexp};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use arrayvec::ArrayString;
use core::net::IpAddr;
use http::HeaderName;
use ipnet::IpNet;
use regex::Regex;

/// The matchers' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ClientIp,
    Headers,
    HeadersRegexp,
    Host,
    HostRegexp,
    Method,
    Path,
    PathPrefix,
    Query,
}

/// An argument, unquoted, and the byte of the rule at which it stands.
pub(super) struct Argument {
    pub(super) text: String,
    pub(super) at: usize,
}

/// A matcher with its arguments.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// Any of these networks holds the client.
    ClientIp(Box<[IpNet]>),
    /// Each header has a line equal to the value.
    Headers(Box<[Field<Box<str>>]>),
    /// Each header has a line in which the expression is found.
    HeadersRegexp(Box<[Field<Regex>]>),
    Host(Hosts),
    HostRegexp(Box<[Template]>),
    /// The method is any of these, upper-cased.
    Method(Box<[Box<str>]>),
    Path(Box<[Template]>),
    PathPrefix(Box<[Template]>),
    /// Each parameter's first value is of the template's form; without a template, any is.
    Query(Box<[Parameter]>),
}

/// Lower-cased hosts, any of which is meant.
#[derive(Clone, Debug)]
pub(super) enum Hosts {
    /// Most rules name one, short enough to be kept in place.
    One(ArrayString<30>),
    Many(Box<[Box<str>]>),
}

/// What is asked of a header. A name that no request can carry is `None`.
#[derive(Clone, Debug)]
pub(super) struct Field<T> {
    name: Option<HeaderName>,
    value: T,
}

/// What is asked of a query parameter.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    key: Box<str>,
    value: Option<Template>,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::ClientIp,
        Self::Headers,
        Self::HeadersRegexp,
        Self::Host,
        Self::HostRegexp,
        Self::Method,
        Self::Path,
        Self::PathPrefix,
        Self::Query,
    ];

    /// The matcher of a name: as documented, in lower or upper case, or with only its first letter
    /// in upper case.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| lexer::means(name, kind.name()))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::ClientIp => "ClientIP",
            Self::Headers => "Headers",
            Self::HeadersRegexp => "HeadersRegexp",
            Self::Host => "Host",
            Self::HostRegexp => "HostRegexp",
            Self::Method => "Method",
            Self::Path => "Path",
            Self::PathPrefix => "PathPrefix",
            Self::Query => "Query",
        }
    }
}

impl Matcher {
    /// Checks the arguments of a matcher that stands at byte `at`.
    pub(super) fn new(kind: Kind, at: usize, arguments: &[Argument]) -> Result<Self, Fault> {
        let name = kind.name();
        if arguments.is_empty() {
            return Err(Fault::argument(at, format!("no args for matcher {name}")));
        }
        if let Some(empty) = arguments.iter().find(|argument| argument.text.is_empty()) {
            let cause = format!("empty args for matcher {name}, {}", list(arguments));
            return Err(Fault::argument(empty.at, cause));
        }
        Ok(match kind {
            Kind::ClientIp => Self::ClientIp(each(arguments, network)?),
            Kind::Headers => Self::Headers(fields(at, arguments, |value| Ok(value.into()))?),
            Kind::HeadersRegexp => Self::HeadersRegexp(fields(at, arguments, regexp::compile)?),
            Kind::Host => Self::Host(Hosts::of(each(arguments, |host| {
                ascii(name, host)?;
                Ok(host.to_ascii_lowercase().into())
            })?)),
            Kind::HostRegexp => Self::HostRegexp(each(arguments, |host| {
                ascii(name, host)?;
                Template::parse(host, Target::Host)
            })?),
            Kind::Method => {
                Self::Method(each(arguments, |method| Ok(method.to_uppercase().into()))?)
            }
            Kind::Path => Self::Path(each(arguments, |path| slashed(path, Target::Path))?),
            Kind::PathPrefix => {
                Self::PathPrefix(each(arguments, |path| slashed(path, Target::Prefix))?)
            }
            Kind::Query => Self::Query(parameters(at, arguments)?),
        })
    }

    /// Whether a request has what is asked.
    pub(super) fn matches(&self, view: &View<'_>) -> bool {
        match self {
            Self::ClientIp(networks) => {
                networks.iter().any(|network| network.contains(&view.client()))
            }
            Self::Headers(fields) => fields.iter().all(|Field { name, value }| {
                let lines = name.iter().flat_map(|name| view.header(name));
                lines.into_iter().any(|line| line == value.as_bytes())
            }),
            Self::HeadersRegexp(fields) => fields.iter().all(|Field { name, value }| {
                let lines = name.iter().flat_map(|name| view.header(name));
                lines.into_iter().any(|line| match core::str::from_utf8(line) {
                    Ok(line) => value.is_match(line),
                    Err(_) => value.is_match(&lossy(line.into())),
                })
            }),
            Self::Host(hosts) => hosts.iter().any(|host| same_host(host, view.host())),
            Self::HostRegexp(templates) => {
                let host = view.host_as_sent();
                templates.iter().any(|template| template.matches_any_case(host))
            }
            Self::Method(methods) => {
                let method = view.method().as_str();
                methods.iter().any(|allowed| &**allowed == method)
            }
            Self::Path(templates) | Self::PathPrefix(templates) => {
                templates.iter().any(|template| template.matches(view.path()))
            }
            Self::Query(parameters) => parameters.iter().all(|Parameter { key, value }| {
                let sent = view.parameter(key);
                sent.is_some_and(|sent| value.as_ref().is_none_or(|value| value.matches(&sent)))
            }),
        }
    }

    /// The names of the templates' variables.
    pub(super) fn variables(&self) -> Vec<&str> {
        match self {
            Self::HostRegexp(templates) | Self::Path(templates) | Self::PathPrefix(templates) => {
                templates.iter().flat_map(Template::names).collect()
            }
            Self::Query(parameters) => {
                let templates = parameters.iter().filter_map(|parameter| parameter.value.as_ref());
                templates.flat_map(Template::names).collect()
            }
            Self::ClientIp(_)
            | Self::Headers(_)
            | Self::HeadersRegexp(_)
            | Self::Host(_)
            | Self::Method(_) => Vec::new(),
        }
    }
}

impl Hosts {
    fn of(hosts: Box<[Box<str>]>) -> Self {
        let one = match &*hosts {
            [host] => ArrayString::from(host).ok(),
            _ => None,
        };
        one.map_or(Self::Many(hosts), Self::One)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many): (_, &[Box<str>]) = match self {
            Self::One(host) => (Some(host.as_str()), &[]),
            Self::Many(hosts) => (None, hosts),
        };
        one.into_iter().chain(many.iter().map(|host| &**host))
    }
}

/// Equality but for one trailing dot on either side. An empty host is no host.
fn same_host(rule: &str, host: &str) -> bool {
    let same = |rule: &str, host: &str| rule.eq_ignore_ascii_case(host);
    !host.is_empty()
        && (same(rule, host)
            || rule.strip_suffix('.').is_some_and(|rule| same(rule, host))
            || host.strip_suffix('.').is_some_and(|host| same(rule, host)))
}

fn each<T>(
    arguments: &[Argument],
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<Box<[T]>, Fault> {
    let checked = arguments
        .iter()
        .map(|argument| check(&argument.text).map_err(|cause| Fault::argument(argument.at, cause)));
    checked.collect()
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = |address: IpAddr| IpNet::from(address.to_canonical());
    text.parse::<IpNet>()
        .or_else(|_| text.parse().map(address))
        .map_err(|_| format!("neither an IP address nor a network in CIDR notation: \"{text}\""))
}

fn ascii(name: &str, host: &str) -> Result<(), String> {
    if host.is_ascii() {
        return Ok(());
    }
    Err(format!(
        "invalid value \"{host}\" for matcher {name}: write non-ASCII names in punycode (xn--...)"
    ))
}

fn slashed(path: &str, target: Target) -> Result<Template, String> {
    if !path.starts_with('/') {
        return Err(format!("mux: path must start with a slash, got \"{path}\""));
    }
    Template::parse(path, target)
}

fn odd(at: usize, texts: &str) -> Fault {
    let cause = format!("mux: number of parameters must be multiple of 2, got {texts}");
    Fault::argument(at, cause)
}

/// Pairs of a header's name and a value; of a repeated name the last counts.
fn fields<T>(
    at: usize,
    arguments: &[Argument],
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<Box<[Field<T>]>, Fault> {
    let mut fields: Vec<Field<T>> = Vec::new();
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return Err(odd(at, &list(arguments))) };
        let checked = check(&value.text).map_err(|cause| Fault::argument(value.at, cause))?;
        let name = HeaderName::from_bytes(name.text.as_bytes()).ok();
        fields.retain(|field| field.name.is_none() || field.name != name);
        fields.push(Field { name, value: checked });
    }
    Ok(fields.into())
}

/// Pairs of a parameter's name and a template, each argument split at its first `=`.
fn parameters(at: usize, arguments: &[Argument]) -> Result<Box<[Parameter]>, Fault> {
    let parts: Vec<(&str, usize)> = arguments
        .iter()
        .flat_map(|argument| argument.text.splitn(2, '=').map(|part| (part, argument.at)))
        .collect();
    let mut parameters = Vec::new();
    for pair in parts.chunks(2) {
        let [(key, _), (value, value_at)] = *pair else {
            return Err(odd(at, &list(arguments)));
        };
        let value = match value {
            "" => None,
            value => Some(
                Template::parse(value, Target::Query)
                    .map_err(|cause| Fault::argument(value_at, cause))?,
            ),
        };
        parameters.push(Parameter { key: key.into(), value });
    }
    Ok(parameters.into())
}

/// As Go prints a list.
fn list(arguments: &[Argument]) -> String {
    let texts: Vec<&str> = arguments.iter().map(|argument| argument.text.as_str()).collect();
    format!("[{}]", texts.join(" "))
}
