//! The application log. Compat: observability.md "Application log".
use rutter_core::static_config;
use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

mod format;

/// The target of events about the user's configuration. Its warnings are logged at level error, too:
/// that is the default, and an option without effect must not pass in silence.
pub const CONFIGURATION: &str = "rutter::configuration";

/// The log of this process; [`Log::reopen`] starts a new file.
#[derive(Clone, Debug)]
pub struct Log {
    sink: Arc<Sink>,
}

/// Starts the log. A file that cannot be opened is logged at once, and standard output serves.
///
/// A process has one log; a second start changes nothing.
#[must_use]
pub fn start(options: &static_config::Log) -> Log {
    let (sink, open_error) = Sink::open(options.file_path.as_deref());
    let sink = Arc::new(sink);
    let style = format::Style::new(options.format, sink.is_terminal());
    let layer = tracing_subscriber::fmt::layer()
        .event_format(style)
        .with_writer(Arc::clone(&sink))
        .log_internal_errors(false);
    let ours = filter(options.level);
    let findings = if ours >= LevelFilter::ERROR { ours.max(LevelFilter::WARN) } else { ours };
    // Libraries may warn, but their details would drown ours.
    let targets = Targets::new()
        .with_target("rutter", ours)
        .with_target(CONFIGURATION, findings)
        // What goes wrong with the API server we say ourselves; kube would show what it read, with
        // Secrets.
        .with_target("kube_client", LevelFilter::OFF)
        .with_target("kube_runtime", LevelFilter::OFF)
        .with_default(ours.min(LevelFilter::WARN));
    let started = tracing_subscriber::registry().with(layer).with(targets).try_init();
    if let (Ok(()), Some(error)) = (started, open_error) {
        tracing::error!("log.filePath: {error}; logging to standard output");
    }
    Log { sink }
}

impl Log {
    /// Closes the file and opens one under the same name again, after it was moved away.
    pub fn reopen(&self) {
        if let Err(error) = self.sink.reopen() {
            tracing::error!("log.filePath: {error}; the old file stays open");
        }
    }
}

const fn filter(level: static_config::log::Level) -> LevelFilter {
    use static_config::log::Level;
    match level {
        Level::Panic | Level::Fatal => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

/// How a level is written.
fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[derive(Debug)]
struct Sink {
    path: Option<PathBuf>,
    target: Mutex<Target>,
}

#[derive(Debug)]
enum Target {
    Stdout(io::Stdout),
    File(File),
}

impl Sink {
    fn open(path: Option<&str>) -> (Self, Option<String>) {
        let stdout = || Mutex::new(Target::Stdout(io::stdout()));
        let Some(path) = path else {
            return (Self { path: None, target: stdout() }, None);
        };
        let path = PathBuf::from(path);
        match open_file(&path) {
            Ok(file) => (Self { path: Some(path), target: Mutex::new(Target::File(file)) }, None),
            Err(error) => {
                let message = format!("{}: {error}", path.display());
                (Self { path: Some(path), target: stdout() }, Some(message))
            }
        }
    }

    fn reopen(&self) -> Result<(), String> {
        let Some(path) = &self.path else { return Ok(()) };
        let file = open_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Target::File(file);
        Ok(())
    }

    fn is_terminal(&self) -> bool {
        match &*self.target.lock().unwrap_or_else(PoisonError::into_inner) {
            Target::Stdout(stdout) => stdout.is_terminal(),
            Target::File(_) => false,
        }
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

impl Write for &Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &mut *self.target.lock().unwrap_or_else(PoisonError::into_inner) {
            Target::Stdout(stdout) => stdout.write_all(line).and_then(|()| stdout.flush()),
            Target::File(file) => file.write_all(line),
        }?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_file_gets_its_folders_and_can_be_reopened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/rutter.log");
        let (sink, error) = Sink::open(path.to_str());
        assert_eq!(error, None);
        (&sink).write_all(b"one\n").unwrap();
        std::fs::rename(&path, folder.path().join("old.log")).unwrap();
        (&sink).write_all(b"two\n").unwrap();
        sink.reopen().unwrap();
        (&sink).write_all(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("old.log")).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn a_log_file_that_cannot_be_made_leaves_standard_output() {
        let (sink, error) = Sink::open(Some("/proc/nowhere/rutter.log"));
        assert!(error.unwrap().starts_with("/proc/nowhere/rutter.log: "));
        assert!(matches!(*sink.target.lock().unwrap(), Target::Stdout(_)));
    }
}
