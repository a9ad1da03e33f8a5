//! What must hold: findings of a run are collected, not thrown, so that a run ends with all of them.
use crate::{client::Response, http1::Broken, log::Log};
use std::{cell::RefCell, fmt::Debug, rc::Rc};

/// A handle on a run's findings. All clones write to the same ones.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    failures: Rc<RefCell<Vec<String>>>,
    log: Log,
}

impl Checks {
    /// No findings yet; each one goes to the log too.
    #[must_use]
    pub fn new(log: Log) -> Self {
        Self { failures: Rc::default(), log }
    }

    /// Fails unless the fact holds.
    pub fn that(&self, holds: bool, fact: impl FnOnce() -> String) {
        if !holds {
            self.fail(&fact());
        }
    }

    /// Fails unless both are equal.
    pub fn equal<T: PartialEq + Debug>(&self, what: &str, got: &T, expected: &T) {
        self.that(got == expected, || format!("{what}: got {got:?}, expected {expected:?}"));
    }

    /// Fails unless the number is within the range.
    pub fn within<T: PartialOrd + Debug>(&self, what: &str, got: &T, low: &T, high: &T) {
        let fact = || format!("{what}: got {got:?}, expected {low:?} to {high:?}");
        self.that(low <= got && got <= high, fact);
    }

    /// Fails unless the answer is a whole 200 with the body that belongs to the request.
    pub fn answered(&self, answer: &Result<Response, Broken>) {
        match answer {
            Ok(got) if got.status == 200 && got.end.is_ok() && got.right => {}
            Ok(got) if !got.right => self.fail("a request got another one's body"),
            Ok(got) => self.fail(&format!("a request got {got}")),
            Err(broken) => self.fail(&format!("a request got no answer: {broken}")),
        }
    }

    /// Writes a failure down.
    pub fn fail(&self, fact: &str) {
        self.log.note("check", format_args!("FAILED {fact}"));
        self.failures.borrow_mut().push(fact.to_owned());
    }

    /// The failures so far.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        self.failures.borrow().clone()
    }
}
