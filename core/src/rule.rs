//! The rule language: text to tree, tree × request to verdict. Compat: rules.md.
use alloc::{boxed::Box, string::String};

pub mod view;

/// A parsed rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// As written.
    pub text: Box<str>,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Byte column in the rule's text, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl Rule {
    /// Parses a rule.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        Ok(Self { text: text.into() })
    }
}
