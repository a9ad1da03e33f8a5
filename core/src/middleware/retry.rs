//! `retry`: another try when a request provably reached no server. Compat: middlewares.md "retry".
//!
//! The waits between tries are those that 2.4 documents, a first one and at most twice as long ones,
//! but without its random share: the same requests wait equally long in every run.
use super::{Context, Edits, Options, Verdict, Walk};
use crate::cells::Cells;
use crate::config::scalar;
use alloc::{format, string::String};
use core::time::Duration;
use http::request;
use serde::{Deserialize, Serialize};

/// The options of `retry`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Retry {
    /// Tries in all, the first included.
    pub attempts: i64,
    /// The wait before the second try; twice that before each later one; 0 or absent: none.
    pub initial_interval: scalar::Duration,
}

/// Compiled `retry`.
#[derive(Debug)]
pub struct Attempts {
    attempts: u32,
    initial_interval: Duration,
}

impl Options for Retry {
    type Middleware = Attempts;

    fn compile(&self) -> Result<Attempts, String> {
        match u32::try_from(self.attempts) {
            Ok(attempts @ 1..) => {
                Ok(Attempts { attempts, initial_interval: self.initial_interval.0 })
            }
            _ => Err(format!("incorrect (or empty) value for attempt ({})", self.attempts)),
        }
    }
}

impl Walk for Attempts {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, _: &mut request::Parts) -> Verdict {
        Verdict::Retry { attempts: self.attempts, initial_interval: self.initial_interval }
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;

    #[test]
    fn a_request_is_tried_so_often_in_all_and_at_least_once() {
        for (attempts, want) in [
            (1, Ok(1)),
            (4_294_967_295, Ok(u32::MAX)),
            (0, Err("incorrect (or empty) value for attempt (0)")),
            (-1, Err("incorrect (or empty) value for attempt (-1)")),
            (4_294_967_296, Err("incorrect (or empty) value for attempt (4294967296)")),
        ] {
            let compiled = Retry { attempts, ..Retry::default() }.compile();
            let got = compiled.as_ref().map(|it| it.attempts).map_err(String::as_str);
            assert_eq!(got, want);
        }
        let retry = Retry { attempts: 2, ..Retry::default() }.compile().unwrap();
        let verdict = testing::inward(&retry, &mut testing::head("/", &[]));
        let Verdict::Retry { attempts: 2, initial_interval: Duration::ZERO } = verdict else {
            panic!("{verdict:?}")
        };
    }
}
