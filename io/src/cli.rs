//! The command line: `rutter`, and its sub-commands.
use crate::source::{self, Loaded};
use rutter_core::{
    diagnostic::{Diagnostic, Kind, Severity},
    tree::Node,
};
use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

mod check;
mod demo;
mod healthcheck;
mod help;
mod run;
mod settings;
mod version;

/// Does what the arguments (without the program's name) say.
pub fn main(args: &[String]) -> ExitCode {
    let (command, options) = match args.split_first() {
        Some((first, rest)) if !first.starts_with('-') => (Some(first.as_str()), rest),
        _ => (None, args),
    };
    if source::wants_help(options) {
        return help::print(command);
    }
    let outcome = match command {
        None => run::run(options),
        Some("version") => print(&version::text()),
        Some("healthcheck") => healthcheck::run(options),
        Some("check") => check::run(options),
        Some("demo") => demo::run(options),
        Some("help") => return help::print(None),
        Some(unknown) => {
            help::print(None);
            Err(Failure::new(format!("command not found: {unknown}")))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in &failure.lines {
                let _ = writeln!(io::stderr(), "rutter: error: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Why a command ends with exit code 1. One line for each reason, for standard error.
#[derive(Debug, Default)]
struct Failure {
    lines: Vec<String>,
}

impl Failure {
    fn new(line: impl fmt::Display) -> Self {
        Self { lines: vec![line.to_string()] }
    }

    /// The failure was told already.
    const fn told() -> Self {
        Self { lines: Vec::new() }
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        let errors = diagnostics.iter().filter(|it| it.severity == Severity::Error);
        Self { lines: errors.map(describe).collect() }
    }
}

/// A finding without its severity: where, which option, what.
fn describe(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.place.to_string();
    let path = diagnostic.path.as_str();
    // A flag's place is the option itself.
    let is_told = place.to_ascii_lowercase().contains(&path.to_ascii_lowercase());
    let parts = [place.as_str(), if is_told { "" } else { path }, &diagnostic.message];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

/// Where options were given, for failures that show only when they are used.
#[derive(Debug, Default)]
struct Origins {
    tree: Option<Node>,
}

impl Origins {
    const fn of(tree: Node) -> Self {
        Self { tree: Some(tree) }
    }

    /// What is wrong with the option at `path`, with where it was given.
    fn failure(&self, path: &[&str], message: String) -> Failure {
        let option = self.tree.as_ref().and_then(|tree| tree.at(path));
        let place = option.map(|node| node.place.clone()).unwrap_or_default();
        Failure::from(vec![Diagnostic {
            severity: Severity::Error,
            kind: Kind::Document,
            object: "".into(),
            path: path.join("."),
            place,
            message,
        }])
    }
}

fn print(text: &str) -> Result<(), Failure> {
    // Whoever closed the pipe has read enough.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(())
}

/// The static configuration from all of its sources.
fn load(options: &[String]) -> Result<Loaded, Failure> {
    load_or_diagnose(options).map_err(Failure::from)
}

/// Like [`load`]; what is wrong comes with warnings.
fn load_or_diagnose(options: &[String]) -> Result<Loaded, Vec<Diagnostic>> {
    source::load(options, &source::variables(), &source::Disk)
}
