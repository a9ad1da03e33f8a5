//! `ipWhiteList`: requests of some addresses only. Compat: middlewares.md "ipWhiteList".
use super::{
    Context, Edits, Options, Verdict, Walk,
    source::{IpStrategy, Source, address, networks},
};
use crate::{cells::Cells, exchange::answer};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use bytes::Bytes;
use http::{Response, StatusCode, request};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The options of `ipWhiteList`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IpWhiteList {
    /// Addresses and networks whose requests pass.
    pub source_range: Vec<String>,
    /// Which address is the client's; absent: the peer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_strategy: Option<IpStrategy>,
}

/// Compiled `ipWhiteList` or `ipAllowList`.
#[derive(Debug)]
pub struct Admission {
    networks: Box<[IpNet]>,
    source: Source,
    refusal: StatusCode,
}

impl Admission {
    /// Who is admitted, and with which status others are not. The error is one line.
    pub(super) fn new(
        ranges: &[String],
        strategy: Option<&IpStrategy>,
        refusal: StatusCode,
    ) -> Result<Self, String> {
        let source = strategy.map_or(Ok(Source::Peer), IpStrategy::compile)?;
        Ok(Self { networks: networks("sourceRange", ranges)?, source, refusal })
    }

    fn refuse(&self) -> Response<Bytes> {
        match self.refusal {
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => {
                answer::empty(self.refusal)
            }
            status => answer::status(status),
        }
    }
}

impl Options for IpWhiteList {
    type Middleware = Admission;

    fn compile(&self) -> Result<Admission, String> {
        if self.source_range.is_empty() {
            return Err("sourceRange is empty, IPWhiteLister not created".into());
        }
        Admission::new(&self.source_range, self.ip_strategy.as_ref(), StatusCode::FORBIDDEN)
            .map_err(|cause| format!("cannot parse CIDR whitelist: {cause}"))
    }
}

impl Walk for Admission {
    fn inward<C: Cells>(&self, context: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let client = if self.source == Source::Peer {
            Some(context.peer.address.ip().to_canonical())
        } else {
            address(&self.source.of(context, head))
        };
        let is_in = |client| self.networks.iter().any(|network| network.contains(&client));
        if client.is_some_and(is_in) {
            return Verdict::Continue;
        }
        Verdict::Respond(self.refuse())
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;
    use alloc::string::ToString;

    fn admits(ranges: &[&str], strategy: Option<IpStrategy>, forwarded_for: &str) -> bool {
        let source_range = ranges.iter().map(|it| String::from(*it)).collect();
        let options = IpWhiteList { source_range, ip_strategy: strategy };
        let mut head = testing::head("/", &[("x-forwarded-for", forwarded_for)]);
        let verdict = testing::inward(&options.compile().unwrap(), &mut head);
        matches!(verdict, Verdict::Continue)
    }

    /// The peer of these tests is 192.0.2.7.
    #[test]
    fn a_peer_passes_if_its_address_is_listed() {
        for (ranges, want) in [
            (&["192.0.2.7"][..], true),
            (&["10.0.0.0/8", "192.0.2.0/24"], true),
            (&[" 192.0.2.9/24 "], true),
            (&["::ffff:192.0.2.7"], true),
            (&["::ffff:192.0.2.0/120"], true),
            (&["0.0.0.0/0"], true),
            (&["::/0"], false),
            (&["192.0.2.8", "::1"], false),
        ] {
            assert_eq!(admits(ranges, None, "10.0.0.1"), want, "{ranges:?}");
            assert_eq!(admits(ranges, Some(IpStrategy::default()), "10.0.0.1"), want);
        }
    }

    #[test]
    fn a_strategy_takes_the_address_from_the_list_that_was_received() {
        let depth = |depth| Some(IpStrategy { depth, excluded_ips: Vec::new() });
        let excluding = |ip: &str| {
            Some(IpStrategy { depth: 0, excluded_ips: ["127.0.0.1".into(), ip.into()].into() })
        };
        for (strategy, forwarded_for, want) in [
            (depth(1), "10.0.0.1", true),
            (depth(1), "10.0.0.1, 11.0.0.1", false),
            (depth(2), "10.0.0.1, 11.0.0.1", true),
            (depth(3), "10.0.0.1, 11.0.0.1", false),
            (depth(2), "10.0.0.1,, 11.0.0.1", false),
            (depth(1), "10.0.0.1:4711", true),
            (depth(1), "::ffff:10.0.0.1", true),
            (depth(1), "[fe80::1]:80", false),
            (depth(1), "10.0.0.256", false),
            (depth(1), "", false),
            (excluding("11.0.0.0/8"), "10.0.0.1, 11.0.0.1", true),
            (excluding("11.0.0.0/8"), "10.0.0.1, nobody, 11.0.0.1", false),
            (excluding("10.0.0.0/8"), "10.0.0.1", false),
        ] {
            let got = admits(&["10.0.0.0/8"], strategy.clone(), forwarded_for);
            assert_eq!(got, want, "{strategy:?} {forwarded_for}");
        }
    }

    #[test]
    fn who_is_not_admitted_is_told_so() {
        let options = IpWhiteList { source_range: ["10.0.0.0/8".into()].into(), ip_strategy: None };
        let told = testing::told(&options.compile().unwrap(), &mut testing::head("/", &[]));
        insta::assert_snapshot!(told, @r"
        403
        content-type: text/plain; charset=utf-8

        Forbidden
        ");
    }

    #[test]
    fn a_list_that_is_empty_or_cannot_be_read_is_refused() {
        let error = |ranges: &[&str]| {
            let source_range = ranges.iter().map(ToString::to_string).collect();
            IpWhiteList { source_range, ip_strategy: None }.compile().unwrap_err()
        };
        insta::assert_snapshot!(error(&[]), @"sourceRange is empty, IPWhiteLister not created");
        insta::assert_snapshot!(
            error(&["10.0.0.0/8", "10.0.0.0/33"]),
            @r#"cannot parse CIDR whitelist: sourceRange: "10.0.0.0/33" is not an address or network"#
        );
        let strategy = IpStrategy { depth: 0, excluded_ips: ["x".into()].into() };
        let options =
            IpWhiteList { source_range: ["::1".into()].into(), ip_strategy: Some(strategy) };
        insta::assert_snapshot!(
            options.compile().unwrap_err(),
            @r#"cannot parse CIDR whitelist: excludedIPs: "x" is not an address or network"#
        );
    }
}
