//! What an expression of a `circuitBreaker` can ask. Compat: middlewares.md "circuitBreaker".
//!
//! * `NetworkErrorRatio()`: the share of answers with status 502 or 504.
//! * `ResponseCodeRatio(a, b, c, d)`: answers with a status from `a` to below `b`, by those from `c`
//!   to below `d`; 0 where there are none of these.
//! * `LatencyAtQuantileMS(q)`: the latency in whole milliseconds that `q` percent of the answers did
//!   not exceed; 0 where there are none. Above 100 is 100.
use crate::middleware::expression::{self, Kind, Literal, Signature};
use core::fmt;

/// A function of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// `NetworkErrorRatio()`.
    NetworkErrorRatio,
    /// `ResponseCodeRatio(a, b, c, d)`.
    ResponseCodeRatio([u16; 4]),
    /// `LatencyAtQuantileMS(q)`.
    LatencyAtQuantileMs(f64),
}

/// Some statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Statuses {
    /// 502 and 504.
    NetworkErrors,
    /// From the first to below the second.
    Range(u16, u16),
}

impl Function {
    /// The counts that make a ratio; none for what is no ratio.
    pub(super) const fn ratio(&self) -> Option<[Statuses; 2]> {
        match self {
            Self::NetworkErrorRatio => {
                Some([Statuses::NetworkErrors, Statuses::Range(0, u16::MAX)])
            }
            Self::ResponseCodeRatio([a, b, c, d]) => {
                Some([Statuses::Range(*a, *b), Statuses::Range(*c, *d)])
            }
            Self::LatencyAtQuantileMs(_) => None,
        }
    }
}

impl Statuses {
    pub(super) fn contain(self, status: u16) -> bool {
        match self {
            Self::NetworkErrors => matches!(status, 502 | 504),
            Self::Range(from, to) => (from..to).contains(&status),
        }
    }
}

impl expression::Function for Function {
    const SIGNATURES: &'static [Signature] = &[
        Signature { name: "NetworkErrorRatio", arguments: &[], value: Kind::Fraction },
        Signature {
            name: "ResponseCodeRatio",
            arguments: &[Kind::Whole, Kind::Whole, Kind::Whole, Kind::Whole],
            value: Kind::Fraction,
        },
        Signature { name: "LatencyAtQuantileMS", arguments: &[Kind::Fraction], value: Kind::Whole },
    ];
    const EXAMPLE: &'static str = "NetworkErrorRatio() > 0.5";

    fn new(name: &str, arguments: &[Literal]) -> Option<Self> {
        match (name, arguments) {
            ("NetworkErrorRatio", []) => Some(Self::NetworkErrorRatio),
            (
                "ResponseCodeRatio",
                [Literal::Whole(a), Literal::Whole(b), Literal::Whole(c), Literal::Whole(d)],
            ) => {
                let status = |number: &i64| u16::try_from(*number).unwrap_or(u16::MAX);
                Some(Self::ResponseCodeRatio([a, b, c, d].map(status)))
            }
            ("LatencyAtQuantileMS", [Literal::Fraction(q)]) => Some(Self::LatencyAtQuantileMs(*q)),
            _ => None,
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NetworkErrorRatio => f.write_str("NetworkErrorRatio()"),
            Self::ResponseCodeRatio([a, b, c, d]) => {
                write!(f, "ResponseCodeRatio({a}, {b}, {c}, {d})")
            }
            Self::LatencyAtQuantileMs(q) => write!(f, "LatencyAtQuantileMS({q:?})"),
        }
    }
}
