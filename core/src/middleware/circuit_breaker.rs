//! `circuitBreaker`: no requests for a while to a service that fails. Compat: middlewares.md
//! "circuitBreaker".
use super::{Answer, Context, Edits, Kept, Options, Reaction, Verdict, Walk, expression::Expression};
use crate::{
    cells::{BreakerId, CellId, CellSpecs, Cells},
    config::scalar,
    exchange::answer,
};
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::time::Duration;
use function::{Function, Statuses};
use http::{StatusCode, request};
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
    condition: Expression<Function>,
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
            condition,
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

impl Walk for Guard {
    fn inward<C: Cells>(
        &self,
        context: &Context<'_>,
        cells: &C,
        _: &mut request::Parts,
    ) -> Verdict {
        let Some(CellId::Breaker(id)) = context.cell else {
            debug_assert!(false, "circuitBreaker without its cell");
            return Verdict::Continue;
        };
        if cells.breaker(id, |cell| cell.admit(context.now)) {
            return Verdict::Keep(Kept::Passed(context.now, None));
        }
        Verdict::Respond(match self.fallback {
            bodiless @ (StatusCode::NO_CONTENT
            | StatusCode::RESET_CONTENT
            | StatusCode::NOT_MODIFIED) => answer::empty(bodiless),
            status => answer::status(status),
        })
    }

    fn outward<C: Cells>(&self, _: &Context<'_>, _: &C, answer: &mut Answer<'_>) -> Reaction {
        // What this breaker refused was not kept, so it is not counted.
        if let Some(Kept::Passed(_, status)) = &mut answer.kept {
            *status = Some(answer.head.status);
        }
        Reaction::Continue
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }

    fn cell(&self, specs: &mut CellSpecs) -> Option<CellId> {
        let policy = Arc::clone(&self.policy);
        Some(CellId::Breaker(BreakerId(specs.breakers.insert(policy))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn error(json: &str) -> String {
        serde_json::from_str::<CircuitBreaker>(json).unwrap().compile().unwrap_err()
    }

    #[test]
    fn unset_options_have_the_times_and_the_status_of_the_contract() {
        let options = r#"{"expression": "NetworkErrorRatio() > 0.5"}"#;
        let guard = serde_json::from_str::<CircuitBreaker>(options).unwrap().compile().unwrap();
        assert_eq!(guard.fallback, 503);
        assert_eq!(guard.policy.check_period, Duration::from_millis(100));
        assert_eq!(guard.policy.fallback_duration, Duration::from_secs(10));
        assert_eq!(guard.policy.recovery_duration, Duration::from_secs(10));
        let options = r#"{"expression": "NetworkErrorRatio() > 0.5", "checkPeriod": "1s",
            "fallbackDuration": 2, "recoveryDuration": "3s", "responseCode": 429}"#;
        let guard = serde_json::from_str::<CircuitBreaker>(options).unwrap().compile().unwrap();
        assert_eq!(guard.fallback, 429);
        let Policy { check_period, fallback_duration, recovery_duration, .. } = &*guard.policy;
        assert_eq!(
            [check_period, fallback_duration, recovery_duration].map(Duration::as_secs),
            [1, 2, 3]
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_option() {
        let json = [
            "{}",
            r#"{"expression": "NetworkErrorRatio() > 1"}"#,
            r#"{"expression": "LatencyAtQuantileMS(50) > 100"}"#,
            r#"{"expression": "LatencyAtQuantileMS(50.0) > 100.0"}"#,
            r#"{"expression": "ResponseCodeRatio(500, 600) > 0.5"}"#,
            r#"{"expression": "NetworkErrorRatio() > 0.5", "responseCode": 101}"#,
        ];
        insta::assert_snapshot!(json.map(error).join("\n"), @r#"
        expression: expected a condition such as NetworkErrorRatio() > 0.5, found the end (column 1)
        expression: expected a number with a decimal point such as 0.5 to compare NetworkErrorRatio() with, found 1 (column 23)
        expression: expected a number with a decimal point such as 0.5 as in LatencyAtQuantileMS(0.5), found 50 (column 21)
        expression: expected a whole number such as 500 to compare LatencyAtQuantileMS() with, found 100.0 (column 29)
        expression: expected , as in ResponseCodeRatio(500, 500, 500, 500), found ) (column 27)
        responseCode: 101 is not from 200 to 599
        "#);
    }

    proptest! {
        #[test]
        fn no_expression_panics_and_what_is_printed_parses_to_the_same(
            text in "(NetworkErrorRatio\\(\\) > 0.5|LatencyAtQuantileMS\\([0-9]{1,9}\\.5\\) < [0-9]{1,9}\
                     |ResponseCodeRatio\\([0-9]{1,20}, 600, 0, 7\\) != 0.1| && | \\|\\| |[()]){0,12}",
        ) {
            if let Ok(parsed) = Expression::<Function>::parse(&text) {
                prop_assert_eq!(Expression::parse(&parsed.to_string()), Ok(parsed));
            }
        }
    }
}
