//! `rateLimit`: so many requests a second from one source. Compat: middlewares.md "rateLimit".
use super::{
    Context, Edits, Options, Verdict, Walk,
    source::{Key, Source, SourceCriterion},
};
use crate::{
    cells::{CellId, CellSpecs, Cells, RateLimitId},
    config::scalar,
    exchange::answer,
};
use alloc::{
    format,
    string::{String, ToString},
};
use bytes::Bytes;
use core::time::Duration;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::RETRY_AFTER,
    request,
};
use serde::{Deserialize, Serialize};

pub mod buckets;

pub use buckets::{Buckets, Grant};

/// The options of `rateLimit`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RateLimit {
    /// Requests in a period; 0: any number.
    pub average: i64,
    /// Requests at once; less than 1: 1.
    pub burst: i64,
    /// The period of `average`; 0 or absent: a second.
    pub period: scalar::Duration,
    /// What counts as one source; absent: the client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_criterion: Option<SourceCriterion>,
}

/// Compiled `rateLimit`.
#[derive(Debug)]
pub struct Limit {
    /// None: any number of requests.
    rate: Option<Rate>,
    source: Source,
}

/// How fast tokens come, and how many there may be. A request takes one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come in a period, at least 1.
    average: u64,
    /// Nanoseconds, at least 1.
    period: u64,
    /// Tokens of a full bucket, at least 1.
    burst: u64,
}

impl Options for RateLimit {
    type Middleware = Limit;

    fn compile(&self) -> Result<Limit, String> {
        let average = u64::try_from(self.average)
            .map_err(|_| format!("average must not be negative ({})", self.average))?;
        let source = self.source_criterion.as_ref().map_or(Ok(Source::Peer), |it| it.compile())?;
        let burst = u64::try_from(self.burst).unwrap_or(0);
        Ok(Limit { rate: Rate::new(average, self.period.0, burst), source })
    }
}

impl Rate {
    /// `average` tokens in a period (zero: a second), `burst` at once (0: 1); none if `average` is 0.
    #[must_use]
    pub fn new(average: u64, period: Duration, burst: u64) -> Option<Self> {
        let period = match u64::try_from(period.as_nanos()).unwrap_or(u64::MAX) {
            0 => 1_000_000_000,
            nanos => nanos,
        };
        (average > 0).then_some(Self { average, period, burst: burst.max(1) })
    }
}

const X_RETRY_IN: HeaderName = HeaderName::from_static("x-retry-in");

impl Walk for Limit {
    fn inward<C: Cells>(
        &self,
        context: &Context<'_>,
        cells: &C,
        head: &mut request::Parts,
    ) -> Verdict {
        let Some(CellId::RateLimit(id)) = context.cell else {
            debug_assert!(self.rate.is_none(), "rateLimit without its cell");
            return Verdict::Continue;
        };
        let source = Key::new(&self.source.of(context, head));
        match cells.rate_limit(id, |cell| cell.take(context.now, &source)) {
            Grant::Now => Verdict::Continue,
            Grant::At(until) => Verdict::Sleep { until },
            Grant::Refused { retry_after } => Verdict::Respond(too_many(retry_after)),
        }
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }

    fn cell(&self, specs: &mut CellSpecs) -> Option<CellId> {
        let rate = self.rate?;
        Some(CellId::RateLimit(RateLimitId(specs.rate_limits.insert(rate))))
    }
}

fn too_many(retry_after: Duration) -> Response<Bytes> {
    let mut response = answer::status(StatusCode::TOO_MANY_REQUESTS);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from(rounded(retry_after)));
    // Digits, letters and `µ`, which is no ASCII but may stand in a header.
    if let Ok(text) = HeaderValue::from_bytes(scalar::Duration(retry_after).to_string().as_bytes())
    {
        headers.insert(X_RETRY_IN, text);
    }
    response
}

/// Whole seconds, the nearest, and of two as near ones the even one: as Go rounds.
const fn rounded(duration: Duration) -> u64 {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let up = nanos > 500_000_000 || (nanos == 500_000_000 && seconds % 2 == 1);
    seconds + up as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;

    fn limit(json: &str) -> Limit {
        serde_json::from_str::<RateLimit>(json).unwrap().compile().unwrap()
    }

    #[test]
    fn options_mean_what_the_contract_says() {
        for (json, rate) in [
            (r#"{"average": 0, "burst": 5}"#, None),
            ("{}", None),
            (r#"{"average": 100}"#, Some((100, 1_000_000_000, 1))),
            (r#"{"average": 6, "period": "1m", "burst": 3}"#, Some((6, 60_000_000_000, 3))),
            (r#"{"average": 1, "burst": -3}"#, Some((1, 1_000_000_000, 1))),
        ] {
            let rate = rate.map(|(average, period, burst)| Rate { average, period, burst });
            assert_eq!(limit(json).rate, rate, "{json}");
            let mut specs = CellSpecs::default();
            assert_eq!(limit(json).cell(&mut specs).is_some(), rate.is_some());
        }
        let negative = RateLimit { average: -1, ..RateLimit::default() };
        assert_eq!(negative.compile().unwrap_err(), "average must not be negative (-1)");
        assert_eq!(limit("{}").source, Source::Peer);
        let host = r#"{"average": 1, "sourceCriterion": {"requestHost": true}}"#;
        assert_eq!(limit(host).source, Source::RequestHost);
    }

    #[test]
    fn no_average_lets_everything_pass() {
        let verdict = testing::inward(&limit("{}"), &mut testing::head("/", &[]));
        assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    }

    #[test]
    fn a_refused_request_hears_when_to_come_again() {
        for (nanos, after, exact) in [
            (51_000_000, "0", "51ms"),
            (1_500, "0", "1.5µs"),
            (500_000_000, "0", "500ms"),
            (500_000_001, "1", "500.000001ms"),
            (1_500_000_000, "2", "1.5s"),
            (2_500_000_000, "2", "2.5s"),
            (90_000_000_000, "90", "1m30s"),
        ] {
            let response = too_many(Duration::from_nanos(nanos));
            let header = |name: HeaderName| {
                String::from_utf8(response.headers()[name].as_bytes().to_vec()).unwrap()
            };
            assert_eq!((&*header(RETRY_AFTER), &*header(X_RETRY_IN)), (after, exact));
            assert_eq!(response.status(), 429);
            assert_eq!(&response.body()[..], b"Too Many Requests");
        }
    }
}
