//! The annotations of Ingresses and of their Services. Compat: kubernetes.md "Modern equivalents to
//! implement", annotations.
use crate::{
    config::http::{Cookie, Domain, Router, RouterTls, Sticky},
    tree::Value,
};
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

const PREFIX: &str = "traefik.ingress.kubernetes.io/";

/// An annotation, and what is wrong with it.
type Fault = (String, String);
/// What is read, and annotations that nobody knows.
type Read<T> = Result<(T, Vec<String>), Fault>;

/// What an Ingress says of its routers.
#[derive(Debug, PartialEq)]
pub(super) struct RouterOptions {
    entry_points: Vec<String>,
    middlewares: Vec<String>,
    priority: i64,
    tls: Option<RouterTls>,
    pub(super) path_matcher: String,
}

impl RouterOptions {
    pub(super) fn read(annotations: &BTreeMap<String, String>) -> Read<Self> {
        let mut options = Self {
            entry_points: Vec::new(),
            middlewares: Vec::new(),
            priority: 0,
            tls: None,
            path_matcher: "PathPrefix".to_string(),
        };
        let (mut tls, mut is_on, mut domains) = (RouterTls::default(), None, BTreeMap::new());
        let mut unknown = Vec::new();
        for (annotation, name, value) in ours(annotations, "router.") {
            let at = |message: String| (annotation.to_string(), message);
            match &*name {
                "entrypoints" => options.entry_points = list(value),
                "middlewares" => options.middlewares = list(value),
                "priority" => options.priority = number(value).map_err(at)?,
                "pathmatcher" => options.path_matcher = matcher(value).map_err(at)?,
                "tls" => is_on = Some(truth(value).map_err(at)?),
                "tls.certresolver" => tls.cert_resolver = value.to_string(),
                "tls.options" => tls.options = value.to_string(),
                other if add_domain(&mut domains, other, value) => {}
                _ => unknown.push(annotation.to_string()),
            }
        }
        tls.domains = domains.into_values().collect();
        if is_on.unwrap_or_else(|| tls != RouterTls::default()) {
            options.tls = Some(tls);
        }
        Ok((options, unknown))
    }

    /// A router with these options, and nothing else.
    pub(super) fn router(&self) -> Router {
        Router {
            entry_points: self.entry_points.clone(),
            middlewares: self.middlewares.clone(),
            priority: self.priority,
            tls: self.tls.clone(),
            ..Router::default()
        }
    }
}

/// `tls.domains.0.main`, `tls.domains.0.sans`
fn add_domain(domains: &mut BTreeMap<u32, Domain>, name: &str, value: &str) -> bool {
    let parts = name.strip_prefix("tls.domains.").and_then(|rest| rest.split_once('.'));
    let Some((Ok(number), option)) = parts.map(|(number, option)| (number.parse(), option)) else {
        return false;
    };
    match option {
        "main" => domains.entry(number).or_default().main = value.to_string(),
        "sans" => domains.entry(number).or_default().sans = list(value),
        _ => return false,
    }
    true
}

/// What a Service says of itself.
#[derive(Debug, PartialEq)]
pub(super) struct ServiceOptions {
    pub(super) scheme: String,
    pub(super) pass_host_header: bool,
    pub(super) sticky: Option<Sticky>,
    pub(super) servers_transport: String,
    pub(super) native_lb: bool,
}

impl ServiceOptions {
    pub(super) fn read(annotations: &BTreeMap<String, String>) -> Read<Self> {
        let mut options = Self {
            scheme: String::new(),
            pass_host_header: true,
            sticky: None,
            servers_transport: String::new(),
            native_lb: false,
        };
        let (mut cookie, mut is_on) = (Cookie::default(), None);
        let mut unknown = Vec::new();
        for (annotation, name, value) in ours(annotations, "service.") {
            let at = |message: String| (annotation.to_string(), message);
            match &*name {
                "serversscheme" => options.scheme = value.to_string(),
                "passhostheader" => options.pass_host_header = truth(value).map_err(at)?,
                "serverstransport" => options.servers_transport = value.to_string(),
                "nativelb" => options.native_lb = truth(value).map_err(at)?,
                "sticky.cookie" => is_on = Some(truth(value).map_err(at)?),
                "sticky.cookie.name" => cookie.name = value.to_string(),
                "sticky.cookie.secure" => cookie.secure = truth(value).map_err(at)?,
                "sticky.cookie.httponly" => cookie.http_only = truth(value).map_err(at)?,
                "sticky.cookie.samesite" => cookie.same_site = value.to_string(),
                _ => unknown.push(annotation.to_string()),
            }
        }
        if is_on.unwrap_or_else(|| cookie != Cookie::default()) {
            options.sticky = Some(Sticky { cookie: Some(cookie) });
        }
        Ok((options, unknown))
    }
}

/// The annotations of one family: whole name, what follows the prefix, value.
fn ours<'a>(
    annotations: &'a BTreeMap<String, String>,
    family: &'static str,
) -> impl Iterator<Item = (&'a str, String, &'a str)> {
    annotations.iter().filter_map(move |(annotation, value)| {
        let name = annotation.strip_prefix(PREFIX)?.to_ascii_lowercase();
        Some((&**annotation, name.strip_prefix(family)?.to_string(), value.trim()))
    })
}

fn list(text: &str) -> Vec<String> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(ToString::to_string).collect()
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("{text:?} is no whole number"))
}

fn truth(text: &str) -> Result<bool, String> {
    let truth = Value::Text(text.to_string()).truth();
    truth.ok_or_else(|| format!("{text:?} is neither true nor false"))
}

fn matcher(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric()) {
        Ok(text.to_string())
    } else {
        Err(format!("{text:?} is no matcher such as Path or PathPrefix"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (format!("{PREFIX}{name}"), (*value).to_string())).collect()
    }

    #[test]
    fn annotations_of_an_ingress_are_options_of_its_routers() {
        let (options, unknown) = RouterOptions::read(&annotations(&[
            ("router.entrypoints", "web, websecure"),
            ("router.middlewares", "default-auth@kubernetescrd,x@file"),
            ("router.priority", "7"),
            ("router.pathmatcher", "Path"),
            ("router.tls.certresolver", "le"),
            ("router.tls.domains.10.main", "b.example"),
            ("router.tls.domains.9.main", "a.example"),
            ("router.tls.domains.9.sans", "*.a.example,c.example"),
            ("router.tls.domain", "x"),
            ("service.nativelb", "true"),
        ]))
        .unwrap();
        assert_eq!(unknown, ["traefik.ingress.kubernetes.io/router.tls.domain"]);
        let router = options.router();
        assert_eq!(router.entry_points, ["web", "websecure"]);
        assert_eq!(router.middlewares, ["default-auth@kubernetescrd", "x@file"]);
        assert_eq!((router.priority, &*options.path_matcher), (7, "Path"));
        let tls = router.tls.unwrap();
        assert_eq!(tls.cert_resolver, "le");
        let domains: Vec<_> = tls.domains.iter().map(|it| (&*it.main, it.sans.len())).collect();
        assert_eq!(domains, [("a.example", 2), ("b.example", 0)]);
    }

    #[test]
    fn tls_is_on_where_it_says_so_or_has_options() {
        let tls = |pairs: &[(&str, &str)]| {
            RouterOptions::read(&annotations(pairs)).unwrap().0.tls.is_some()
        };
        assert!(!tls(&[]));
        assert!(tls(&[("router.tls", "true")]));
        assert!(tls(&[("router.tls.options", "x@file")]));
        assert!(!tls(&[("router.tls", "false"), ("router.tls.options", "x@file")]));
    }

    #[test]
    fn a_value_that_does_not_fit_is_told_with_its_annotation() {
        for (name, value) in
            [("router.priority", "high"), ("router.tls", "maybe"), ("router.pathmatcher", "`")]
        {
            let (annotation, _) = RouterOptions::read(&annotations(&[(name, value)])).unwrap_err();
            assert_eq!(annotation, format!("{PREFIX}{name}"));
        }
    }

    #[test]
    fn annotations_of_a_service_are_options_of_its_balancer() {
        let (options, unknown) = ServiceOptions::read(&annotations(&[
            ("service.serversscheme", "h2c"),
            ("service.passhostheader", "false"),
            ("service.sticky.cookie.name", "lb"),
            ("service.sticky.cookie.httponly", "true"),
            ("service.serverstransport", "x@file"),
        ]))
        .unwrap();
        assert!(unknown.is_empty());
        assert_eq!((&*options.scheme, options.pass_host_header), ("h2c", false));
        let cookie = options.sticky.unwrap().cookie.unwrap();
        assert_eq!((&*cookie.name, cookie.http_only, cookie.secure), ("lb", true, false));
        assert_eq!(options.servers_transport, "x@file");
    }
}
