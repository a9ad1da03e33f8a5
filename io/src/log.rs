//! The application log. Compat: observability.md "Application log".
use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

mod format;

/// What the static configuration says about the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// panic, fatal, error, warn, warning, info, debug or trace, in any case; empty: error.
    pub level: String,
    /// `json`; anything else is the common format.
    pub format: String,
    /// Empty: standard output.
    pub file_path: String,
}

/// The log of this process; [`Log::reopen`] starts a new file.
#[derive(Clone, Debug)]
pub struct Log {
    sink: Arc<Sink>,
}

/// Starts the log. What is wrong with the settings is logged at once, never fatal.
///
/// A process has one log; a second start changes nothing.
#[must_use]
pub fn start(settings: &Settings) -> Log {
    let (sink, open_error) = Sink::open(&settings.file_path);
    let sink = Arc::new(sink);
    let level = parse_level(&settings.level);
    let filter = level.unwrap_or(LevelFilter::ERROR);
    let style = format::Style::new(&settings.format, sink.is_terminal());
    let layer = tracing_subscriber::fmt::layer()
        .event_format(style)
        .with_writer(Arc::clone(&sink))
        .log_internal_errors(false);
    // Libraries may warn, but their details would drown ours.
    let targets =
        Targets::new().with_target("rutter", filter).with_default(filter.min(LevelFilter::WARN));
    let started = tracing_subscriber::registry().with(layer).with(targets).try_init();
    if started.is_ok() {
        if let Some(error) = open_error {
            tracing::error!("log.filePath: {error}; logging to standard output");
        }
        if level.is_none() {
            tracing::error!("log.level: unknown level {:?}; using error", settings.level);
        }
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

fn parse_level(level: &str) -> Option<LevelFilter> {
    match level.to_ascii_lowercase().as_str() {
        "panic" | "fatal" => Some(LevelFilter::OFF),
        "" | "error" => Some(LevelFilter::ERROR),
        "warn" | "warning" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
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
    fn open(path: &str) -> (Self, Option<String>) {
        let stdout = || Mutex::new(Target::Stdout(io::stdout()));
        if path.is_empty() {
            return (Self { path: None, target: stdout() }, None);
        }
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
    fn levels_are_those_of_traefik_in_any_case() {
        let levels =
            ["", "PANIC", "fatal", "Error", "warn", "WARNING", "info", "debug", "trace", "loud"];
        let parsed =
            levels.map(|level| (level, parse_level(level).map(|filter| filter.to_string())));
        insta::assert_debug_snapshot!(parsed, @r#"
    [
        (
            "",
            Some(
                "error",
            ),
        ),
        (
            "PANIC",
            Some(
                "off",
            ),
        ),
        (
            "fatal",
            Some(
                "off",
            ),
        ),
        (
            "Error",
            Some(
                "error",
            ),
        ),
        (
            "warn",
            Some(
                "warn",
            ),
        ),
        (
            "WARNING",
            Some(
                "warn",
            ),
        ),
        (
            "info",
            Some(
                "info",
            ),
        ),
        (
            "debug",
            Some(
                "debug",
            ),
        ),
        (
            "trace",
            Some(
                "trace",
            ),
        ),
        (
            "loud",
            None,
        ),
    ]
    "#);
    }

    #[test]
    fn a_log_file_gets_its_folders_and_can_be_reopened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/rutter.log");
        let (sink, error) = Sink::open(path.to_str().unwrap());
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
        let (sink, error) = Sink::open("/proc/nowhere/rutter.log");
        assert!(error.unwrap().starts_with("/proc/nowhere/rutter.log: "));
        assert!(matches!(*sink.target.lock().unwrap(), Target::Stdout(_)));
    }
}
