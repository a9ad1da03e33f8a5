//! A document of any syntax (YAML, TOML, flags, environment) as one tree with places.
use crate::diagnostic::Place;
use alloc::{string::String, vec::Vec};

mod any;
pub mod decode;
mod merge;

pub use merge::merge;

/// Levels of maps and lists below the root; a source refuses to build a deeper tree.
pub const DEPTH_MAX: usize = 64;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub place: Place,
}

/// A value as written.
///
/// A source makes a scalar other than text only where that loses nothing (`1.10` and `yes` stay
/// text): what the scalar means depends on the option that it is given to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing after the key.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text; flags and environment have nothing else.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written.
    Map(Vec<(Key, Node)>),
}

/// A key of a map and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// As written; options are compared without regard to case, names of objects with it.
    pub name: String,
    /// Where it was written.
    pub place: Place,
}

impl Key {
    /// Whether this is the option called `name`, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl Node {
    /// An empty map that stands nowhere.
    #[must_use]
    pub fn empty() -> Self {
        Self { value: Value::Map(Vec::new()), place: Place::default() }
    }

    /// The value of the option called `name`, in any case. None too where this is no map.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|(key, _)| key.is(name)).map(|(_, node)| node)
    }

    /// The option at the end of `path`.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.option(name))
    }

    /// The entries of a map; empty for anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_) => &[],
        }
    }
}

impl Value {
    /// What it is, with its article: "a list".
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a section",
        }
    }

    /// What a scalar says about whether something is on: the words of Go and of YAML 1.1.
    ///
    /// Compat: static-config.md "File decoding", booleans.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            Self::Int(1) => Some(true),
            Self::Int(0) => Some(false),
            Self::Text(text) => match text.as_str() {
                "1" | "t" | "T" | "true" | "True" | "TRUE" => Some(true),
                "0" | "f" | "F" | "false" | "False" | "FALSE" => Some(false),
                word if is_any(word, &["yes", "y", "on"]) => Some(true),
                word if is_any(word, &["no", "n", "off"]) => Some(false),
                _ => None,
            },
            Self::Null | Self::Int(_) | Self::Float(_) | Self::List(_) | Self::Map(_) => None,
        }
    }
}

fn is_any(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}
