//! `rateLimit`: so many requests a second from one source. Compat: middlewares.md "rateLimit".
use super::{
    Options,
    source::{Source, SourceCriterion},
};
use crate::config::scalar;
use alloc::{format, string::String};
use core::time::Duration;
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
    /// One token a second, one at once.
    pub const ONE_A_SECOND: Self = Self { average: 1, period: 1_000_000_000, burst: 1 };

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
