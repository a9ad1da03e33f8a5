//! The file provider: dynamic configuration from one file or a directory, live when they change.
//! Compat: providers.md "File provider".
//!
//! It runs on a thread of its own. Every change leads to a complete [`Message`]; a mistake leads to
//! an error in the log and to nothing else. Unchanged files are not parsed again, and objects that
//! did not change stay the same `Arc`, so that what follows costs what the change costs.
use crate::log::CONFIGURATION;
use rutter_core::{
    config::Configuration,
    diagnostic::{Diagnostic, Severity},
    provider::Message,
};
use std::{io, path::PathBuf, sync::Arc, thread, time::Duration};
use tokio::sync::mpsc;

mod find;
mod parse;
mod pieces;
mod read;
#[cfg(test)]
mod tests;
mod watch;

use watch::Woken;

/// The provider's name: objects are called `app@file`.
pub const NAME: &str = "file";

/// A change is taken up when nothing else happened for so long: changes come in groups.
const QUIET: Duration = Duration::from_millis(10);
/// The same where changes are not told.
const QUIET_WITHOUT_EVENTS: Duration = Duration::from_millis(200);
/// The same when changes keep coming.
const QUIET_WHEN_BUSY: Duration = Duration::from_millis(1);
/// The same for a file that has become empty. Who writes a file anew empties it first, and the kernel
/// tells of that only when it is done.
const QUIET_WHEN_EMPTY: Duration = Duration::from_millis(200);
/// After so many changes in a row they keep coming.
const CHANGES_CALM: u32 = 3;
/// After so many changes in a row, there is a pause.
const CHANGES_MAX: u32 = 100;
/// A file that is open for writing is waited for so many times [`QUIET`].
const WAITS_FOR_WRITERS: u32 = 50;
/// A look at the files in case that an event was missed.
const LOOK: Duration = Duration::from_secs(2);
/// The same when there are no events.
const LOOK_WITHOUT_EVENTS: Duration = Duration::from_secs(1);

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// One file.
    File(PathBuf),
    /// Every `.toml`, `.yaml` and `.yml` file in a directory and below.
    Directory(PathBuf),
}

/// What the static configuration says about the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What to read.
    pub source: Source,
    /// Whether changes are followed.
    pub watch: bool,
    /// Whether templates and what they generate are logged at level debug.
    pub debug_log_generated_template: bool,
}

/// A configuration that was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// All objects.
    pub configuration: Arc<Configuration>,
    /// What is doubtful or wrong in single objects.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the configuration once.
///
/// # Errors
/// A file that cannot be read, rendered or parsed.
pub fn load(options: &Options) -> Result<Loaded, Diagnostic> {
    let (_, texts) = read::Reader::default().read(&options.source, &watch::Touched::default());
    let parsed = parse::Parser::new(options.debug_log_generated_template).parse(texts?)?;
    Ok(Loaded { configuration: parsed.configuration, diagnostics: parsed.all_diagnostics })
}

/// Starts the provider on a thread of its own, which ends when the receiver is gone.
///
/// # Errors
/// The thread could not be started.
pub fn start(options: Options, messages: mpsc::Sender<Message>) -> io::Result<()> {
    thread::Builder::new().name("file-provider".into()).spawn(move || {
        let parser = parse::Parser::new(options.debug_log_generated_template);
        let provider =
            Provider { options, messages, reader: read::Reader::default(), parser, reported: None };
        // The receiver is gone: nobody is left to tell.
        let _ = provider.run();
    })?;
    Ok(())
}

struct Provider {
    options: Options,
    messages: mpsc::Sender<Message>,
    reader: read::Reader,
    parser: parse::Parser,
    /// The failure that was logged last.
    reported: Option<Diagnostic>,
}

/// The receiver of messages is gone.
struct Closed;

impl Provider {
    fn run(mut self) -> Result<(), Closed> {
        let mut touched = watch::Touched::default();
        if !self.options.watch {
            let (_, texts) = self.reader.read(&self.options.source, &touched);
            return self.take_up(texts);
        }
        let mut watch = watch::Watch::new();
        let (mut interest, mut texts) = self.reader.read(&self.options.source, &touched);
        while watch.follow(&interest) {
            (interest, texts) = self.reader.read(&self.options.source, &touched);
        }
        if watch.wait(Duration::ZERO, &interest, &mut touched) == Woken::Changed {
            (interest, texts) = self.settle(&mut watch, &mut touched)?;
        }
        self.take_up(texts)?;
        loop {
            let time = if watch.is_live() { LOOK } else { LOOK_WITHOUT_EVENTS };
            let woken = watch.wait(time, &interest, &mut touched);
            if self.messages.is_closed() {
                return Err(Closed);
            }
            if woken == Woken::Quiet && !self.reader.looks_changed(&self.options.source) {
                continue;
            }
            (interest, texts) = self.settle(&mut watch, &mut touched)?;
            self.take_up(texts)?;
        }
    }

    /// Reads until nothing changes any more. It reads first and waits then: nothing that happened
    /// before the end of a read that is returned was heard of after it.
    fn settle(
        &mut self,
        watch: &mut watch::Watch,
        touched: &mut watch::Touched,
    ) -> Result<(find::Interest, read::Texts), Closed> {
        let mut changes = 0;
        loop {
            let (interest, texts) = self.reader.read(&self.options.source, touched);
            touched.clear();
            let is_emptied = texts.as_ref().is_ok_and(|texts| self.parser.is_emptied(texts));
            let time = match changes {
                _ if is_emptied => QUIET_WHEN_EMPTY,
                0..=CHANGES_CALM => QUIET,
                _ => QUIET_WHEN_BUSY,
            };
            if !watch.follow(&interest) && self.is_quiet(time, watch, &interest, touched) {
                touched.forget_writers();
                return Ok((interest, texts));
            }
            changes += 1;
            if changes % CHANGES_MAX == 0 {
                watch.wait(QUIET, &interest, touched);
            }
            if self.messages.is_closed() {
                return Err(Closed);
            }
        }
    }

    /// Whether nothing happens for a time and nobody is writing, so that what was read is whole.
    fn is_quiet(
        &self,
        time: Duration,
        watch: &watch::Watch,
        interest: &find::Interest,
        touched: &mut watch::Touched,
    ) -> bool {
        if !watch.is_live() {
            watch.wait(QUIET_WITHOUT_EVENTS, interest, touched);
            return !self.reader.looks_changed(&self.options.source);
        }
        if watch.wait(time, interest, touched) == Woken::Changed {
            return false;
        }
        for _ in 0..WAITS_FOR_WRITERS {
            if !touched.has_writers() {
                break;
            }
            if watch.wait(QUIET, interest, touched) == Woken::Changed {
                return false;
            }
        }
        true
    }

    /// Parses and sends, or says why not.
    fn take_up(&mut self, texts: read::Texts) -> Result<(), Closed> {
        match texts.and_then(|texts| self.parser.parse(texts)) {
            Ok(parsed) => {
                self.reported = None;
                for diagnostic in &parsed.new_diagnostics {
                    if !is_told_later(diagnostic, &parsed.configuration) {
                        report(diagnostic);
                    }
                }
                if !parsed.is_changed {
                    return Ok(());
                }
                let message =
                    Message { provider: NAME.into(), configuration: parsed.configuration };
                self.messages.blocking_send(message).map_err(|_| Closed)
            }
            Err(failure) => {
                if self.reported.as_ref() != Some(&failure) {
                    tracing::error!(
                        providerName = NAME,
                        "{failure}; the configuration stays as it was"
                    );
                    self.reported = Some(failure);
                }
                Ok(())
            }
        }
    }
}

/// Whether the object stays in the configuration with the reason, and the plan's compiler tells it.
fn is_told_later(diagnostic: &Diagnostic, configuration: &Configuration) -> bool {
    let Some(name) = diagnostic.object.strip_suffix("@file") else { return false };
    diagnostic.severity == Severity::Error && configuration.is_broken(diagnostic.kind, name)
}

fn report(diagnostic: &Diagnostic) {
    match diagnostic.severity {
        Severity::Warning => {
            tracing::warn!(target: CONFIGURATION, providerName = NAME, "{diagnostic}")
        }
        Severity::Error => {
            tracing::error!(target: CONFIGURATION, providerName = NAME, "{diagnostic}")
        }
    }
}
