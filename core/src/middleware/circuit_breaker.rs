//! `circuitBreaker`: no requests for a while to a service that fails. Compat: middlewares.md
//! "circuitBreaker".
use super::{Options, expression::Expression};
use crate::config::scalar;
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::time::Duration;
use function::{Function, Statuses};
use http::StatusCode;
use serde::{Deserialize, Serialize};

pub mod breaker;
pub mod function;
mod latency;
mod window;

pub use breaker::Breaker;

/// The options of `circuitBreaker`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CircuitBreaker {
    /// The condition under which it trips: see [`function`].
    pub expression: String,
    /// The least time between two looks at the condition; 0 or absent: 100 ms.
    pub check_period: scalar::Duration,
    /// How long no request passes once it tripped; 0 or absent: 10 s.
    pub fallback_duration: scalar::Duration,
    /// How long a growing share passes after that; 0 or absent: 10 s.
    pub recovery_duration: scalar::Duration,
    /// The status of what does not pass; 0 or absent: 503.
    pub response_code: i64,
}

/// Compiled `circuitBreaker`.
#[derive(Debug)]
pub struct Guard {
    policy: Arc<Policy>,
    fallback: StatusCode,
}

/// When a breaker trips, and for how long. By default never.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    condition: Option<Expression<Function>>,
    /// The statuses whose answers the condition counts, sorted.
    counted: Box<[Statuses]>,
    /// Whether the condition asks for latencies.
    latencies: bool,
    check_period: Duration,
    fallback_duration: Duration,
    recovery_duration: Duration,
}

impl Options for CircuitBreaker {
    type Middleware = Guard;

    fn compile(&self) -> Result<Guard, String> {
        Ok(Guard { policy: Arc::new(self.policy()?), fallback: self.fallback()? })
    }
}

impl CircuitBreaker {
    fn policy(&self) -> Result<Policy, String> {
        let condition = Expression::<Function>::parse(&self.expression)
            .map_err(|error| format!("expression: {error}"))?;
        let (mut counted, mut latencies) = (Vec::new(), false);
        condition.functions(&mut |function| match function.ratio() {
            Some(ratio) => counted.extend(ratio),
            None => latencies = true,
        });
        counted.sort();
        counted.dedup();
        let or = |written: scalar::Duration, default| written.limit().unwrap_or(default);
        Ok(Policy {
            condition: Some(condition),
            counted: counted.into(),
            latencies,
            check_period: or(self.check_period, Duration::from_millis(100)),
            fallback_duration: or(self.fallback_duration, Duration::from_secs(10)),
            recovery_duration: or(self.recovery_duration, Duration::from_secs(10)),
        })
    }

    fn fallback(&self) -> Result<StatusCode, String> {
        match self.response_code {
            0 => Ok(StatusCode::SERVICE_UNAVAILABLE),
            code => u16::try_from(code)
                .ok()
                .filter(|code| (200..600).contains(code))
                .and_then(|code| StatusCode::from_u16(code).ok())
                .ok_or_else(|| format!("responseCode: {code} is not from 200 to 599")),
        }
    }
}
