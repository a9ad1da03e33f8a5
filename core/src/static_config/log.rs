//! Logs as configured. Compat: observability.md.
use alloc::string::String;

/// The application's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// What is logged.
    pub level: Level,
    /// How.
    pub format: Format,
    /// The file to append to; none: stdout.
    pub file_path: Option<String>,
}

/// One line a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLog {
    /// How.
    pub format: Format,
    /// The file to append to; none: stdout.
    pub file_path: Option<String>,
    /// Lines that may wait to be written; 0: the built-in number.
    pub buffering_size: usize,
}

/// From silent to loud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing but a crash.
    Panic,
    /// And what ends the process.
    Fatal,
    /// And what does not work.
    #[default]
    Error,
    /// And what is doubtful.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// The level of that name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let levels = [
            ("panic", Self::Panic),
            ("fatal", Self::Fatal),
            ("error", Self::Error),
            ("warn", Self::Warn),
            ("warning", Self::Warn),
            ("info", Self::Info),
            ("debug", Self::Debug),
            ("trace", Self::Trace),
        ];
        levels.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, level)| *level)
    }
}

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: logfmt, or the common log format.
    #[default]
    Common,
    /// For machines.
    Json,
}

impl Format {
    /// The format of that name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Common, Self::Json]
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::Json => "json",
        }
    }
}
