//! Where configuration is written: files of two syntaxes, flags, environment.
//!
//! Every source becomes the same [`Node`] tree, with the places kept.
use rutter_core::{
    diagnostic::{Diagnostic, Kind, Place, Severity},
    tree::{Node, Value},
};
use std::{path::Path, sync::Arc};

mod assignment;
mod environment;
mod flags;
pub mod help;
mod load;
mod lookup;
mod toml;
mod yaml;

pub use flags::wants_help;
pub use load::{Loaded, Sources, load, variables};
pub use lookup::{Disk, Files};

/// Reads a document, whose syntax the extension of `path` tells (`.yaml`, `.yml`, `.toml`, in any
/// case), and logs what is doubtful about it.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(path: &Path, text: &str) -> Result<Node, Diagnostic> {
    let (node, warnings) = read(path, text)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(node)
}

/// Like [`parse`], but returns the warnings.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(path: &Path, text: &str) -> Result<(Node, Vec<Diagnostic>), Diagnostic> {
    let source = Source { name: path.to_string_lossy().into() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match syntax(path) {
        Some(Syntax::Yaml) => yaml::read(&source, text),
        Some(Syntax::Toml) => toml::read(&source, text).map(|node| (node, Vec::new())),
        None => {
            let message = "unsupported file extension; call it .yaml, .yml or .toml";
            Err(source.error(0, message.to_owned()))
        }
    }
}

/// Whether the extension of `path` is one that [`parse`] knows.
#[must_use]
pub fn is_supported(path: &Path) -> bool {
    syntax(path).is_some()
}

#[derive(Clone, Copy)]
enum Syntax {
    Yaml,
    Toml,
}

fn syntax(path: &Path) -> Option<Syntax> {
    match path.extension()?.to_ascii_lowercase().to_str()? {
        "yaml" | "yml" => Some(Syntax::Yaml),
        "toml" => Some(Syntax::Toml),
        _ => None,
    }
}

/// A number, unless its spelling says more than that: `1.10` is text.
fn float(text: &str) -> Value {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'));
    match text.parse::<f64>() {
        Ok(number) if plain && number.to_string() == text => Value::Float(number),
        _ => Value::Text(text.to_owned()),
    }
}

/// A file's name, shared by all places in it.
struct Source {
    name: Arc<str>,
}

impl Source {
    /// Line `line`, from 1; 0: the whole file.
    fn place(&self, line: usize) -> Place {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        Place { source: Arc::clone(&self.name), line }
    }

    fn error(&self, line: usize, message: String) -> Diagnostic {
        self.diagnostic(Severity::Error, line, message)
    }

    fn diagnostic(&self, severity: Severity, line: usize, message: String) -> Diagnostic {
        document(severity, self.place(line), message)
    }
}

/// A finding about a whole document, or a source like it.
fn document(severity: Severity, place: Place, message: String) -> Diagnostic {
    let (object, path) = ("".into(), String::new());
    Diagnostic { severity, kind: Kind::Document, object, path, place, message }
}

#[cfg(test)]
mod tests;
