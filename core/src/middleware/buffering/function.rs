//! What the `retryExpression` of a `buffering` can ask. Compat: middlewares.md "buffering".
//!
//! * `Attempts()`: how often the request was sent.
//! * `ResponseCode()`: the status of the answer.
//! * `RequestMethod()`: the request's method.
//! * `IsNetworkError()`: whether the status is 502 or 504.
use crate::middleware::expression::{self, Kind, Literal, Signature};
use core::fmt;

/// A function of a `retryExpression`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `Attempts()`.
    Attempts,
    /// `ResponseCode()`.
    ResponseCode,
    /// `RequestMethod()`.
    RequestMethod,
    /// `IsNetworkError()`.
    IsNetworkError,
}

impl Function {
    const ALL: [Self; 4] =
        [Self::Attempts, Self::ResponseCode, Self::RequestMethod, Self::IsNetworkError];

    const fn signature(self) -> Signature {
        let (name, value) = match self {
            Self::Attempts => ("Attempts", Kind::Whole),
            Self::ResponseCode => ("ResponseCode", Kind::Whole),
            Self::RequestMethod => ("RequestMethod", Kind::Text),
            Self::IsNetworkError => ("IsNetworkError", Kind::Truth),
        };
        Signature { name, arguments: &[], value }
    }
}

impl expression::Function for Function {
    const SIGNATURES: &'static [Signature] = &[
        Self::Attempts.signature(),
        Self::ResponseCode.signature(),
        Self::RequestMethod.signature(),
        Self::IsNetworkError.signature(),
    ];
    const EXAMPLE: &'static str = "IsNetworkError() && Attempts() < 3";

    fn new(name: &str, _: &[Literal]) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.signature().name == name)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}()", self.signature().name)
    }
}
