//! A document of any syntax (YAML, TOML, flags, environment) as one tree with places.
use crate::diagnostic::Place;
use alloc::{string::String, vec::Vec};

pub mod decode;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub place: Place,
}

/// A value as written.
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
