//! A serde deserializer over [`super::Node`]: case-insensitive options, weak scalars, unknown keys
//! reported with their path.
//!
//! * An option matches a field in any case; names in a map keep theirs.
//! * Numbers and booleans are read from text (`"1"`, `t`, `TRUE`, `yes`), text from either, a list
//!   from one scalar or from text with commas.
//! * An optional section is switched on with its defaults by `true` or the empty text, and off by
//!   `false`.
//! * An option that nobody knows, or that has nothing after it, is left out and reported.
//!
//! Compat: static-config.md "File decoding".
use super::{Node, Value};
use crate::diagnostic::Place;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{cell::RefCell, fmt};
use serde::de::{self, DeserializeOwned};

mod access;
mod number;
mod scalar;
#[cfg(test)]
mod tests;

/// Decodes `node`, which stands at `path` (`http.routers.app`), as a `T`.
///
/// What had no effect is added to `ignored`, whether or not the rest can be decoded.
///
/// # Errors
/// The first value that does not fit, with its path and place.
pub fn decode<T: DeserializeOwned>(
    node: &Node,
    path: &str,
    ignored: &mut Vec<Ignored>,
) -> Result<T, Error> {
    let context = Context::default();
    let root = Path { parent: None, step: Step::Root(path), depth: 0 };
    loop {
        context.ignored.borrow_mut().clear();
        let off = context.off.borrow().len();
        let decoder =
            Decoder { node, path: &root, context: &context, field: false, optional: false };
        let result = T::deserialize(decoder);
        // A section found to be switched off is left out of the next pass.
        if context.off.borrow().len() == off {
            ignored.append(&mut context.ignored.borrow_mut());
            return result;
        }
    }
}

/// An option that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its path, e.g. `http.routers.app.rul`.
    pub path: String,
    /// Where it was written.
    pub place: Place,
    /// Why.
    pub reason: Reason,
}

/// Why an option has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no such option.
    Unknown,
    /// Nothing follows the key.
    Empty,
}

impl Reason {
    /// One line: what is wrong and what to do.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Unknown => "unknown option, it has no effect; check its spelling and indentation",
            Self::Empty => {
                "nothing follows the key, it has no effect; write `{}` for a section with defaults"
            }
        }
    }
}

/// A value that does not fit its option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The option's path.
    pub path: String,
    /// Where it was written.
    pub place: Place,
    /// What was expected and found.
    pub message: String,
}

impl Error {
    fn new(message: String) -> Self {
        Self { path: String::new(), place: Place::default(), message }
    }

    /// Says where, unless a value further inside has said so.
    fn at(mut self, path: &Path<'_>, node: &Node) -> Self {
        if self.path.is_empty() {
            self.path = path.to_string();
            self.place = node.place.clone();
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("option `{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("option `{field}` is given twice; keep one"))
    }
}

/// What one decoding shares between its decoders.
#[derive(Default)]
struct Context {
    ignored: RefCell<Vec<Ignored>>,
    /// Optional sections that are switched off, by address.
    off: RefCell<Vec<*const Node>>,
}

/// The way to a node; spelled out only when something is wrong.
#[derive(Clone, Copy)]
struct Path<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root(&'a str),
    Name(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    fn then(&'a self, step: Step<'a>) -> Self {
        Path { parent: Some(self), step, depth: self.depth + 1 }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = match self.parent {
            Some(parent) => {
                parent.fmt(f)?;
                matches!(parent.step, Step::Root(""))
            }
            None => true,
        };
        match self.step {
            Step::Root(name) => f.write_str(name),
            Step::Name(name) if first => f.write_str(name),
            Step::Name(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// The deserializer of one node.
#[derive(Clone, Copy)]
struct Decoder<'a> {
    node: &'a Node,
    path: &'a Path<'a>,
    context: &'a Context,
    /// Whether it is an option of a section, which can be left out.
    field: bool,
    /// Whether `false` may switch the section off.
    optional: bool,
}

impl<'a> Decoder<'a> {
    fn child<'b>(self, node: &'b Node, path: &'b Path<'b>) -> Decoder<'b>
    where
        'a: 'b,
    {
        Decoder { node, path, context: self.context, field: false, optional: false }
    }

    fn located<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.at(self.path, self.node))
    }

    fn mismatch(self, expected: &str) -> Error {
        let message = match scalar::shown(&self.node.value) {
            Some(found) => format!("expected {expected}, found `{found}`"),
            None => format!("expected {expected}, found {}", self.node.value.kind()),
        };
        Error::new(message).at(self.path, self.node)
    }

    /// Whether this node, as a section, is on with its defaults (`true`) or off.
    fn switch(self) -> Option<bool> {
        let value = &self.node.value;
        let empty = matches!(value, Value::Text(text) if text.is_empty());
        if empty || *value == Value::Null { Some(true) } else { value.truth() }
    }
}
