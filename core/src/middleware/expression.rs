//! Conditions that are written as expressions: `NetworkErrorRatio() > 0.5 && Attempts() < 3`.
//! Compat: middlewares.md "circuitBreaker".
//!
//! A comparison has a function on its left and a literal of the function's kind on its right; a
//! function that is true or false stands alone. `&&` binds closer than `||`. What the functions are
//! is up to the middleware: see [`Function`].
use crate::lexer::Comparison;
use alloc::{boxed::Box, string::String};
use core::fmt;

mod parse;

/// Bytes of an expression's text.
pub const LENGTH_MAX: usize = 4096;

/// A parsed expression over functions of type `F`.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression<F>(Node<F>);

#[derive(Clone, Debug, PartialEq)]
enum Node<F> {
    /// At least two, none of which is an `All`.
    All(Box<[Self]>),
    /// At least two, none of which is an `Any`; or none, in an expression that never holds.
    Any(Box<[Self]>),
    Holds(F),
    Compares(F, Comparison, Literal),
}

/// The functions of a middleware's expressions.
pub trait Function: fmt::Display + Sized {
    /// What all of them look like.
    const SIGNATURES: &'static [Signature];

    /// An expression, for those who wrote none.
    const EXAMPLE: &'static str;

    /// The function of this name, with arguments as its signature has them.
    fn new(name: &str, arguments: &[Literal]) -> Option<Self>;
}

/// What a function looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: &'static str,
    /// The kinds of its arguments.
    pub arguments: &'static [Kind],
    /// The kind of its value.
    pub value: Kind,
}

/// What kind a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number, written as one: `3`.
    Whole,
    /// Any other number, written so: `0.5`, `3.0`.
    Fraction,
    /// Text, in double quotes or backquotes.
    Text,
    /// True or false, which is never written.
    Truth,
}

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Not negative.
    Whole(i64),
    /// Finite and not negative.
    Fraction(f64),
    /// Unquoted.
    Text(Box<str>),
}

/// What a function says.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Value<'a> {
    /// A whole number.
    Whole(i64),
    /// Any number.
    Fraction(f64),
    /// Text.
    Text(&'a str),
    /// True or false.
    Truth(bool),
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// Byte column in the text, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Never holds.
impl<F> Default for Expression<F> {
    fn default() -> Self {
        Self(Node::Any(Box::default()))
    }
}

impl<F: Function> Expression<F> {
    /// Parses an expression.
    ///
    /// # Errors
    /// Text that is no expression of known functions with the arguments and literals that they take,
    /// that is longer than [`LENGTH_MAX`], or nested deeper than 64 levels.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        parse::parse(text).map(Self)
    }
}

impl<F> Expression<F> {
    /// Whether it holds, given the values of the functions.
    pub fn holds<'v>(&self, value: &mut impl FnMut(&F) -> Value<'v>) -> bool {
        self.0.holds(value)
    }

    /// The functions, left to right, with duplicates.
    pub fn functions<'a>(&'a self, each: &mut impl FnMut(&'a F)) {
        self.0.functions(each);
    }
}

impl<F> Node<F> {
    fn holds<'v>(&self, value: &mut impl FnMut(&F) -> Value<'v>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.holds(value)),
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(value)),
            Self::Holds(function) => value(function) == Value::Truth(true),
            Self::Compares(function, comparison, literal) => {
                comparison.holds(&value(function), &literal.value())
            }
        }
    }

    fn functions<'a>(&'a self, each: &mut impl FnMut(&'a F)) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                nodes.iter().for_each(|node| node.functions(each));
            }
            Self::Holds(function) | Self::Compares(function, ..) => each(function),
        }
    }
}

impl Literal {
    /// As the value of a function.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Whole(number) => Value::Whole(*number),
            Self::Fraction(number) => Value::Fraction(*number),
            Self::Text(text) => Value::Text(text),
        }
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::Whole(_) => Kind::Whole,
            Self::Fraction(_) => Kind::Fraction,
            Self::Text(_) => Kind::Text,
        }
    }
}

impl Comparison {
    /// The parser lets nobody compare values of two kinds.
    fn holds(self, left: &Value<'_>, right: &Value<'_>) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// As it is written, with the parentheses it needs.
impl<F: fmt::Display> fmt::Display for Expression<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<F: fmt::Display> fmt::Display for Node<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nodes, sign) = match self {
            Self::Holds(function) => return write!(f, "{function}"),
            Self::Compares(function, comparison, literal) => {
                return write!(f, "{function} {} {literal}", comparison.sign());
            }
            Self::All(nodes) => (nodes, " && "),
            Self::Any(nodes) => (nodes, " || "),
        };
        for (i, node) in nodes.iter().enumerate() {
            if i > 0 {
                f.write_str(sign)?;
            }
            match node {
                Self::Any(_) => write!(f, "({node})")?,
                Self::All(_) | Self::Holds(_) | Self::Compares(..) => write!(f, "{node}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            // With a decimal point or an exponent, always.
            Self::Fraction(number) => write!(f, "{number:?}"),
            Self::Text(text) => {
                f.write_str("\"")?;
                for c in text.chars() {
                    match c {
                        '"' | '\\' => write!(f, "\\{c}")?,
                        c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("\"")
            }
        }
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (column {})", self.message, self.column)
    }
}

impl core::error::Error for ExpressionError {}

#[cfg(test)]
mod tests;
