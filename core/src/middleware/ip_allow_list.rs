//! `ipAllowList`: `ipWhiteList` under its later name, with a status of choice. Compat: middlewares.md
//! "ipWhiteList".
use super::{Options, ip_white_list::Admission, source::IpStrategy};
use alloc::{format, string::String, vec::Vec};
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The options of `ipAllowList`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IpAllowList {
    /// Addresses and networks whose requests pass.
    pub source_range: Vec<String>,
    /// Which address is the client's; absent: the peer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_strategy: Option<IpStrategy>,
    /// The status of the answer to other requests; 0: 403.
    pub reject_status_code: i64,
}

impl Options for IpAllowList {
    type Middleware = Admission;

    fn compile(&self) -> Result<Admission, String> {
        if self.source_range.is_empty() {
            return Err("sourceRange is empty, IPAllowLister not created".into());
        }
        let refusal = match self.reject_status_code {
            0 => StatusCode::FORBIDDEN,
            code => u16::try_from(code)
                .ok()
                .and_then(|code| StatusCode::from_u16(code).ok())
                .filter(|status| !status.is_informational() && status.canonical_reason().is_some())
                .ok_or_else(|| format!("rejectStatusCode: invalid HTTP status code {code}"))?,
        };
        Admission::new(&self.source_range, self.ip_strategy.as_ref(), refusal)
            .map_err(|cause| format!("cannot parse CIDRs: {cause}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;

    fn options(range: &str, reject_status_code: i64) -> IpAllowList {
        IpAllowList { source_range: [range.into()].into(), ip_strategy: None, reject_status_code }
    }

    fn told(range: &str, reject_status_code: i64) -> String {
        let middleware = options(range, reject_status_code).compile().unwrap();
        testing::told(&middleware, &mut testing::head("/", &[]))
    }

    #[test]
    fn who_is_not_admitted_gets_the_status_of_choice() {
        assert_eq!(told("192.0.2.7", 404), "GET /\n");
        assert!(told("::1", 0).starts_with("403\n"));
        insta::assert_snapshot!(told("::1", 404), @r"
        404
        content-type: text/plain; charset=utf-8

        Not Found
        ");
        assert_eq!(told("::1", 204), "204\n\n");
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for code in [-1, 1, 101, 299, 999, 70_000] {
            assert_eq!(
                options("::1", code).compile().unwrap_err(),
                format!("rejectStatusCode: invalid HTTP status code {code}")
            );
        }
    }

    #[test]
    fn a_list_that_is_empty_or_cannot_be_read_is_refused() {
        let error = IpAllowList::default().compile().unwrap_err();
        assert_eq!(error, "sourceRange is empty, IPAllowLister not created");
        assert_eq!(
            options("x", 0).compile().unwrap_err(),
            "cannot parse CIDRs: sourceRange: \"x\" is not an address or network"
        );
    }
}
