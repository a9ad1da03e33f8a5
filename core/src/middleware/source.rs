//! What counts as one source of requests. Compat: middlewares.md "IP strategies".
use super::Context;
use crate::exchange::target;
use alloc::{boxed::Box, format, string::String, string::ToString, vec::Vec};
use core::net::IpAddr;
use http::{HeaderName, request};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

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
        let network = |text: &String| {
            let trimmed = text.trim();
            let host = || trimmed.parse::<IpAddr>().map(IpNet::from);
            trimmed
                .parse::<IpNet>()
                .or_else(|_| host())
                .map_err(|_| format!("excludedIPs: {text:?} is not an address or network"))
        };
        Ok(Source::Excluding(self.excluded_ips.iter().map(network).collect::<Result<_, _>>()?))
    }
}

impl Source {
    /// The source of a request; empty where it has none.
    #[must_use]
    pub fn of(&self, context: &Context<'_>, head: &request::Parts) -> String {
        match self {
            Self::Peer => context.peer.address.ip().to_canonical().to_string(),
            Self::Depth(depth) => forwarded_for(head).rev().nth(depth - 1).unwrap_or("").into(),
            Self::Excluding(networks) => {
                let excluded = |text: &str| {
                    text.parse::<IpAddr>()
                        .is_ok_and(|ip| networks.iter().any(|n| n.contains(&ip.to_canonical())))
                };
                forwarded_for(head).rev().find(|text| !excluded(text)).unwrap_or("").into()
            }
            Self::Header(name) => {
                let value = head.headers.get(name).map(http::HeaderValue::as_bytes);
                String::from_utf8_lossy(value.unwrap_or(b"")).into_owned()
            }
            Self::RequestHost => target::authority(head).into(),
        }
    }
}

fn forwarded_for(head: &request::Parts) -> impl DoubleEndedIterator<Item = &str> {
    let value = head.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    value.unwrap_or("").split(',').map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;

    #[test]
    fn each_criterion_finds_its_source() {
        let strategy = |depth, excluded: &[&str]| SourceCriterion {
            ip_strategy: Some(IpStrategy {
                depth,
                excluded_ips: excluded.iter().map(|ip| String::from(*ip)).collect(),
            }),
            ..SourceCriterion::default()
        };
        let header =
            SourceCriterion { request_header_name: "X-Key".into(), ..SourceCriterion::default() };
        let host = SourceCriterion { request_host: true, ..SourceCriterion::default() };
        let head = testing::head(
            "/",
            &[("host", "a:80"), ("x-key", "k"), ("x-forwarded-for", "10.0.0.1, 10.0.0.2,10.0.0.3")],
        );
        for (criterion, want) in [
            (SourceCriterion::default(), "192.0.2.7"),
            (strategy(0, &[]), "192.0.2.7"),
            (strategy(1, &[]), "10.0.0.3"),
            (strategy(3, &[]), "10.0.0.1"),
            (strategy(4, &[]), ""),
            (strategy(0, &["10.0.0.3"]), "10.0.0.2"),
            (strategy(0, &["10.0.0.0/8"]), ""),
            (header, "k"),
            (host, "a:80"),
        ] {
            let source = criterion.compile().unwrap();
            let found = testing::with_context(|context| source.of(context, &head));
            assert_eq!(found, want, "{criterion:?}");
        }
    }
}
