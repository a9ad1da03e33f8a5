//! What counts as one source of requests. Compat: middlewares.md "IP strategies".
use super::Context;
use crate::exchange::target;
use alloc::{borrow::Cow, boxed::Box, format, string::String, vec::Vec};
use core::net::{IpAddr, SocketAddr};
use http::{HeaderName, request};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

mod key;

pub use key::Key;

/// What counts as one source, as written. The first one present counts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SourceCriterion {
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_strategy: Option<IpStrategy>,
    /// The value of this header.
    pub request_header_name: String,
    /// The requested host, with its port.
    pub request_host: bool,
}

/// Which address is the client's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IpStrategy {
    /// That many from the right of `X-Forwarded-For`; 0: see `excludedIPs`.
    pub depth: u32,
    /// The rightmost of `X-Forwarded-For` that is none of these; empty: the peer.
    #[serde(rename = "excludedIPs")]
    pub excluded_ips: Vec<String>,
}

/// A compiled criterion.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The peer's address.
    Peer,
    /// That many from the right of `X-Forwarded-For`.
    Depth(usize),
    /// The rightmost of `X-Forwarded-For` outside these networks.
    Excluding(Box<[IpNet]>),
    /// A header's value.
    Header(HeaderName),
    /// The requested host, with its port.
    RequestHost,
}

impl SourceCriterion {
    /// Compiles it. The error is one line.
    pub fn compile(&self) -> Result<Source, String> {
        if let Some(strategy) = &self.ip_strategy {
            return strategy.compile();
        }
        if !self.request_header_name.is_empty() {
            return HeaderName::from_bytes(self.request_header_name.as_bytes())
                .map(Source::Header)
                .map_err(|_| {
                    format!(
                        "requestHeaderName: {:?} is not a header name",
                        self.request_header_name
                    )
                });
        }
        Ok(if self.request_host { Source::RequestHost } else { Source::Peer })
    }
}

impl IpStrategy {
    /// Compiles it. The error is one line.
    pub fn compile(&self) -> Result<Source, String> {
        if self.depth > 0 {
            return Ok(Source::Depth(usize::try_from(self.depth).unwrap_or(usize::MAX)));
        }
        if self.excluded_ips.is_empty() {
            return Ok(Source::Peer);
        }
        networks("excludedIPs", &self.excluded_ips).map(Source::Excluding)
    }
}

/// Addresses and networks as written in an option. The error is one line.
pub(super) fn networks(option: &str, texts: &[String]) -> Result<Box<[IpNet]>, String> {
    let network = |text: &String| {
        network(text.trim())
            .ok_or_else(|| format!("{option}: {text:?} is not an address or network"))
    };
    texts.iter().map(network).collect()
}

/// An address is a network of one, and IPv4 in the clothes of IPv6 is IPv4.
fn network(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical().into());
    }
    let network: IpNet = text.parse().ok()?;
    let Some(prefix) = network.prefix_len().checked_sub(96) else { return Some(network) };
    match network.addr().to_canonical() {
        address @ IpAddr::V4(_) if network.addr().is_ipv6() => IpNet::new(address, prefix).ok(),
        IpAddr::V4(_) | IpAddr::V6(_) => Some(network),
    }
}

/// The address in an entry of `X-Forwarded-For`, which may have a port. IPv4 in the clothes of IPv6 is
/// IPv4.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    text.parse::<IpAddr>().or_else(|_| with_port()).ok().map(|address| address.to_canonical())
}

impl Source {
    /// The source of a request; empty where it has none.
    #[must_use]
    pub fn of<'a>(&self, context: &Context<'a>, head: &'a request::Parts) -> Cow<'a, str> {
        match self {
            Self::Peer => context.peer.ip.to_str().unwrap_or("").into(),
            Self::Depth(depth) => forwarded_for(head).rev().nth(depth - 1).unwrap_or("").into(),
            Self::Excluding(networks) => {
                let excluded = |text: &str| {
                    let ip = text.parse::<IpAddr>().map(|ip| ip.to_canonical());
                    ip.is_ok_and(|ip| networks.iter().any(|network| network.contains(&ip)))
                };
                forwarded_for(head).rev().find(|text| !excluded(text)).unwrap_or("").into()
            }
            Self::Header(name) => {
                let value = head.headers.get(name).map(http::HeaderValue::as_bytes);
                String::from_utf8_lossy(value.unwrap_or(b""))
            }
            Self::RequestHost => target::authority(head).into(),
        }
    }
}

/// The entries of the first list, empty ones too: each counts.
fn forwarded_for(head: &request::Parts) -> impl DoubleEndedIterator<Item = &str> {
    let value = head.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    value.unwrap_or("").split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;

    fn strategy(depth: u32, excluded: &[&str]) -> SourceCriterion {
        let excluded_ips = excluded.iter().map(|ip| String::from(*ip)).collect();
        SourceCriterion {
            ip_strategy: Some(IpStrategy { depth, excluded_ips }),
            ..SourceCriterion::default()
        }
    }

    fn source(criterion: &SourceCriterion, forwarded_for: &[&str]) -> String {
        let lists = forwarded_for.iter().map(|list| ("x-forwarded-for", *list));
        let headers: Vec<_> = [("host", "a:80"), ("x-key", "k")].into_iter().chain(lists).collect();
        let (source, head) = (criterion.compile().unwrap(), testing::head("/", &headers));
        testing::with_context(|context| source.of(context, &head).into_owned())
    }

    #[test]
    fn each_criterion_finds_its_source() {
        let header =
            SourceCriterion { request_header_name: "X-Key".into(), ..SourceCriterion::default() };
        let host = SourceCriterion { request_host: true, ..SourceCriterion::default() };
        for (criterion, want) in [
            (SourceCriterion::default(), "192.0.2.7"),
            (strategy(0, &[]), "192.0.2.7"),
            (strategy(1, &[]), "10.0.0.3"),
            (strategy(3, &[]), "10.0.0.1"),
            (strategy(4, &[]), ""),
            (strategy(0, &["10.0.0.3"]), "10.0.0.2"),
            (strategy(0, &["10.0.0.0/8"]), ""),
            (strategy(2, &["10.0.0.2"]), "10.0.0.2"),
            (header, "k"),
            (host, "a:80"),
        ] {
            let list = "10.0.0.1, 10.0.0.2,10.0.0.3";
            assert_eq!(source(&criterion, &[list, "10.0.0.4"]), want, "{criterion:?}");
        }
    }

    #[test]
    fn every_entry_of_a_list_counts_whatever_it_is() {
        for (criterion, list, want) in [
            (strategy(1, &[]), "10.0.0.1,", ""),
            (strategy(2, &[]), "10.0.0.1, nobody", "10.0.0.1"),
            (strategy(2, &[]), "10.0.0.1,, 10.0.0.3", ""),
            (strategy(0, &["10.0.0.3"]), "10.0.0.1,,10.0.0.3", ""),
            (strategy(0, &["10.0.0.3"]), "10.0.0.1, nobody, 10.0.0.3", "nobody"),
            (strategy(0, &["10.0.0.3"]), "10.0.0.1, ::ffff:10.0.0.3", "10.0.0.1"),
            (strategy(0, &["::ffff:10.0.0.0/104"]), "1.2.3.4, 10.0.0.3", "1.2.3.4"),
        ] {
            assert_eq!(source(&criterion, &[list]), want, "{criterion:?} {list}");
        }
        assert_eq!(source(&strategy(1, &[]), &[]), "");
    }
}
