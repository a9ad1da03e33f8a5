//! Files that configurations name: read before a configuration is taken up, and again when they
//! change. Both happen beside the event loop.
//!
//! A file that has gone bad stays as it was: it costs no request. One that was never good is an error
//! of the object that names it.
use rutter_core::{config::Configuration, provider::Message, time::Instant};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

mod look;
mod stamp;
#[cfg(test)]
mod tests;

use look::Known;
pub(crate) use stamp::Stamp;

/// Between two looks for changes.
const LOOK: Duration = Duration::from_secs(2);
/// The same while a file is changing: half of a file is no good.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A configuration with what is in the files that it names. Blocks.
pub(crate) fn read(configuration: &Arc<Configuration>) -> Arc<Configuration> {
    let known = Known::default().look(&paths(configuration));
    configuration.with_files(&known.contents())
}

/// Holds back messages that name files until these were read, and sends them again when they change.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// The latest message of each provider, if it names files.
    latest: BTreeMap<Arc<str>, Latest>,
    known: Arc<Known>,
    next_look: Option<Instant>,
    looking: bool,
}

#[derive(Debug)]
struct Latest {
    configuration: Arc<Configuration>,
    paths: BTreeSet<Arc<str>>,
    /// Whether it was passed on.
    sent: bool,
}

/// What there was to see.
#[derive(Debug)]
pub(crate) struct Seen(Known);

impl Files {
    /// Takes a message. Returned at once: it names no file.
    pub(crate) fn take(&mut self, message: Message) -> Option<Message> {
        let paths = paths(&message.configuration);
        if paths.is_empty() {
            self.latest.remove(&message.provider);
            return Some(message);
        }
        let Message { provider, configuration } = message;
        self.latest.insert(provider, Latest { configuration, paths, sent: false });
        None
    }

    /// A look at the files, if one is due: it blocks, and what it returns goes to [`Files::seen`].
    pub(crate) fn look(&mut self, now: Instant) -> Option<impl FnOnce() -> Seen + Send + 'static> {
        let is_due = self.latest.values().any(|latest| !latest.sent)
            || self.poll_timeout().is_some_and(|at| at <= now);
        if self.looking || self.latest.is_empty() || !is_due {
            return None;
        }
        self.looking = true;
        let known = Arc::clone(&self.known);
        let paths = self.latest.values().flat_map(|latest| latest.paths.iter().cloned()).collect();
        Some(move || Seen(known.look(&paths)))
    }

    /// Takes what a look saw, or that there was none, and returns the messages to pass on.
    pub(crate) fn seen(&mut self, now: Instant, seen: Option<Seen>) -> Vec<Message> {
        self.looking = false;
        let Some(Seen(known)) = seen else {
            self.next_look = Some(now + LOOK);
            return Vec::new();
        };
        for (path, reason) in known.lost(&self.known) {
            tracing::warn!(
                "{path:?} cannot be read any more ({reason}); what was in it stays in use"
            );
        }
        self.next_look = Some(now + if known.is_unsettled() { LOOK_AGAIN } else { LOOK });
        let before = std::mem::replace(&mut self.known, Arc::new(known));
        let known = &self.known;
        let mut messages = Vec::new();
        let mut contents = None;
        // A message that came meanwhile waits for the next look.
        for (provider, latest) in self.latest.iter_mut().filter(|(_, it)| known.has(&it.paths)) {
            if !latest.sent || known.differs(&before, &latest.paths) {
                latest.sent = true;
                let contents = contents.get_or_insert_with(|| known.contents());
                let configuration = latest.configuration.with_files(contents);
                messages.push(Message { provider: Arc::clone(provider), configuration });
            }
        }
        messages
    }

    /// When the next look is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next_look.filter(|_| !self.looking && !self.latest.is_empty())
    }
}

fn paths(configuration: &Configuration) -> BTreeSet<Arc<str>> {
    configuration.files().into_iter().map(Arc::from).collect()
}
