//! The event log: everything observable that happened, with simulated time.
use std::{
    cell::{Cell, RefCell},
    fmt::{Display, Write as _},
    rc::Rc,
    time::Duration,
};

/// A handle on a run's event log. All clones write to the same one.
#[derive(Clone, Debug, Default)]
pub struct Log(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    text: RefCell<String>,
    /// The simulated time between two steps, when no host is running.
    now: Cell<Duration>,
}

impl Log {
    /// Writes one event of a host down.
    pub fn note(&self, host: &str, event: impl Display) {
        let now = turmoil::sim_elapsed().unwrap_or_else(|| self.0.now.get());
        let mut text = self.0.text.borrow_mut();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:>4}.{:06} {host:<8} {event}", now.as_secs(), now.subsec_micros());
    }

    /// Tells the log the time of what happens outside of all hosts.
    pub fn set_now(&self, now: Duration) {
        self.0.now.set(now);
    }

    /// The whole log so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text.borrow().clone()
    }
}

/// The last lines of a log.
#[must_use]
pub fn tail(text: &str, lines: usize) -> &str {
    let mut starts = text.rmatch_indices('\n').map(|(at, _)| at + 1).skip(1);
    starts.nth(lines.saturating_sub(1)).map_or(text, |start| &text[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(tail("a\nb\nc\n", 3), "a\nb\nc\n");
        assert_eq!(tail("", 3), "");
    }
}
