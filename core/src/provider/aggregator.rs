//! When a provider's message is applied: a machine. Compat: providers.md "Throttling".
//!
//! A provider's first message is applied at once; after that at most one an interval, always the
//! latest. What is already applied is not applied again.
use super::{Configurations, Message};
use crate::{config::Configuration, machine::Machine, time::Instant};
use alloc::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    vec::Vec,
};
use core::time::Duration;

/// Collects the configurations of all providers.
#[derive(Debug)]
pub struct Aggregator {
    throttle: Duration,
    applied: Configurations,
    providers: BTreeMap<Arc<str>, Provider>,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
struct Provider {
    /// From when on its next message may be applied.
    open: Instant,
    waiting: Option<Arc<Configuration>>,
}

/// What to do about messages.
#[derive(Clone, Debug)]
pub enum Output {
    /// Compile and apply.
    Apply {
        /// The providers with something new, by name.
        changed: Vec<Arc<str>>,
        /// What all providers have configured now.
        configurations: Configurations,
    },
    /// Nothing: the message says what is applied already.
    Same {
        /// Who sent it.
        provider: Arc<str>,
    },
}

impl Aggregator {
    /// Nothing is configured yet. `throttle`: the least time between two messages of one provider
    /// that are applied; zero: none.
    #[must_use]
    pub const fn new(throttle: Duration) -> Self {
        Self {
            throttle,
            applied: Configurations::new(),
            providers: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    fn apply(&mut self, now: Instant, due: Vec<(Arc<str>, Arc<Configuration>)>) {
        let mut changed = Vec::new();
        for (provider, configuration) in due {
            if let Some(state) = self.providers.get_mut(&provider) {
                state.open = now + self.throttle;
            }
            self.applied.insert(provider.clone(), configuration);
            changed.push(provider);
        }
        if !changed.is_empty() {
            let configurations = self.applied.clone();
            self.outputs.push_back(Output::Apply { changed, configurations });
        }
    }
}

impl Machine for Aggregator {
    type Input = Message;
    type Output = Output;

    fn handle(&mut self, now: Instant, message: Message) {
        let Message { provider, configuration } = message;
        let state =
            self.providers.entry(provider.clone()).or_insert(Provider { open: now, waiting: None });
        if self.applied.get(&provider).is_some_and(|applied| applied.same(&configuration)) {
            state.waiting = None;
            self.outputs.push_back(Output::Same { provider });
        } else if state.open <= now {
            state.waiting = None;
            self.apply(now, Vec::from([(provider, configuration)]));
        } else {
            state.waiting = Some(configuration);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let due = self.providers.iter_mut().filter(|(_, state)| state.open <= now);
        let due = due
            .filter_map(|(provider, state)| Some((provider.clone(), state.waiting.take()?)))
            .collect();
        self.apply(now, due);
        debug_assert!(self.poll_timeout().is_none_or(|at| at > now), "it would not wait");
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.providers.values().filter(|state| state.waiting.is_some());
        waiting.map(|state| state.open).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Defined, http},
        diagnostic::Place,
    };
    use alloc::{format, string::String};
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    /// A configuration with one service called after `version`; none for 0.
    fn configuration(version: u8) -> Arc<Configuration> {
        let mut configuration = Configuration::default();
        if version > 0 {
            let service = Defined { value: Ok(http::Service::default()), place: Place::default() };
            let services = &mut configuration.http.services;
            services.insert(format!("v{version}").into(), Arc::new(service));
        }
        Arc::new(configuration)
    }

    fn message(provider: &str, version: u8) -> Message {
        Message { provider: provider.into(), configuration: configuration(version) }
    }

    fn shown(output: Output) -> String {
        match output {
            Output::Same { provider } => format!("same {provider}"),
            Output::Apply { changed, configurations } => {
                let all = configurations.iter().map(|(provider, configuration)| {
                    format!(
                        "{provider}={}",
                        configuration.http.services.keys().next().map_or("-", |n| n)
                    )
                });
                format!("{changed:?} {}", all.collect::<Vec<_>>().join(" "))
            }
        }
    }

    fn drained(aggregator: &mut Aggregator) -> Vec<String> {
        core::iter::from_fn(|| aggregator.poll_output()).map(shown).collect()
    }

    #[test]
    fn the_first_message_is_applied_at_once_then_the_latest_of_each_interval() {
        let mut aggregator = Aggregator::new(Duration::from_secs(2));
        let at = |seconds: u64| Instant(seconds * SECOND);
        aggregator.handle(at(10), message("file", 1));
        assert_eq!(drained(&mut aggregator), [r#"["file"] file=v1"#]);
        assert_eq!(aggregator.poll_timeout(), None);
        aggregator.handle(at(11), message("file", 2));
        aggregator.handle(at(11), message("rest", 7));
        aggregator.handle(at(11), message("file", 3));
        assert_eq!(drained(&mut aggregator), [r#"["rest"] file=v1 rest=v7"#]);
        assert_eq!(aggregator.poll_timeout(), Some(at(12)));
        aggregator.handle_timeout(at(12));
        assert_eq!(drained(&mut aggregator), [r#"["file"] file=v3 rest=v7"#]);
        aggregator.handle(at(14), message("file", 0));
        assert_eq!(drained(&mut aggregator), [r#"["file"] file=- rest=v7"#]);
    }

    #[test]
    fn what_is_applied_already_is_skipped_and_what_waited_is_dropped() {
        let mut aggregator = Aggregator::new(Duration::from_secs(2));
        aggregator.handle(Instant(0), message("file", 1));
        aggregator.handle(Instant(1), message("file", 2));
        aggregator.handle(Instant(2), message("file", 1));
        assert_eq!(drained(&mut aggregator), [r#"["file"] file=v1"#, "same file"]);
        assert_eq!(aggregator.poll_timeout(), None);
    }

    proptest! {
        #[test]
        fn the_latest_always_comes_and_never_too_often(
            steps in proptest::collection::vec((0_u64..3, 0_u8..3, 0_u8..4), 0..200),
        ) {
            let throttle = 4;
            let mut aggregator = Aggregator::new(Duration::from_nanos(throttle));
            let mut now = Instant(0);
            let mut sent = BTreeMap::new();
            let mut seen: BTreeMap<Arc<str>, Instant> = BTreeMap::new();
            let mut last = Configurations::new();
            for step in 0..steps.len() + 10 {
                if let Some((wait, provider, version)) = steps.get(step) {
                    now = Instant(now.0 + wait);
                    let provider = format!("p{provider}");
                    aggregator.handle(now, message(&provider, *version));
                    sent.insert(Arc::from(provider), configuration(*version));
                } else {
                    now = Instant(now.0 + 1);
                }
                if aggregator.poll_timeout().is_some_and(|at| at <= now) {
                    aggregator.handle_timeout(now);
                    prop_assert!(aggregator.poll_timeout().is_none_or(|at| at > now));
                }
                while let Some(output) = aggregator.poll_output() {
                    let Output::Apply { changed, configurations } = output else { continue };
                    for provider in changed {
                        let before = seen.insert(provider, now);
                        prop_assert!(before.is_none_or(|at| now.0 - at.0 >= throttle));
                    }
                    last = configurations;
                }
            }
            prop_assert_eq!(last, sent);
        }
    }
}
