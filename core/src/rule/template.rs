//! Templates: text with variables, `{name}` or `{name:regexp}`. Compat: rules.md "HostRegexp",
//! "Path / PathPrefix", "Query".
use crate::regexp;
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::ops::Range;
use regex::Regex;

/// What a template is compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A whole host name, in any case.
    Host,
    /// A whole path.
    Path,
    /// The beginning of a path.
    Prefix,
    /// The whole value of a query parameter.
    Query,
}

impl Target {
    /// What a variable without an expression stands for.
    const fn variable(self) -> &'static str {
        match self {
            Self::Host => "[^.]+",
            Self::Path | Self::Prefix => "[^/]+",
            Self::Query => ".*",
        }
    }
}

/// A checked template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// The text before the first variable; everything, where there is none.
    pub(super) head: Box<str>,
    /// The text behind the last variable.
    tail: Box<str>,
    /// Absent: there are no variables.
    regex: Option<Regex>,
    names: Box<[Box<str>]>,
    whole: bool,
}

impl Template {
    /// Checks and compiles a template.
    ///
    /// # Errors
    /// In the words of rules.md "Validation errors".
    pub(super) fn parse(text: &str, target: Target) -> Result<Self, String> {
        let variables = braces(text)?;
        let mut pattern = String::from(if target == Target::Host { "(?i)^" } else { "^" });
        let mut names = Vec::new();
        let mut end = 0;
        for Range { start, end: next } in variables.iter().cloned() {
            let variable = text.get(start..next).unwrap_or("");
            let inside = variable.trim_start_matches('{');
            let inside = variable.get(1..variable.len() - 1).unwrap_or(inside);
            let (name, expression) = inside
                .split_once(':')
                .map_or((inside, None), |(name, expression)| (name, Some(expression)));
            if name.is_empty() || expression == Some("") {
                return Err(format!("mux: missing name or pattern in \"{variable}\""));
            }
            if let Some(expression) = expression {
                // Alone first, so that it cannot close the group that is put around it.
                regexp::compile(expression)?;
            }
            let expression =
                expression.map_or_else(|| target.variable().to_string(), regexp::translate);
            pattern.push_str(&regex::escape(text.get(end..start).unwrap_or("")));
            pattern.push_str(&format!("({expression})"));
            names.push(name.into());
            end = next;
        }
        let tail = text.get(end..).unwrap_or("");
        pattern.push_str(&regex::escape(tail));
        let whole = target != Target::Prefix;
        if whole {
            pattern.push('$');
        }
        let head = variables.first().map_or(text, |first| text.get(..first.start).unwrap_or(""));
        let regex = match (variables.is_empty(), target) {
            (true, _) => None,
            (false, _) => Some(regexp::compile_translated(&pattern, text)?),
        };
        Ok(Self { head: head.into(), tail: tail.into(), regex, names: names.into(), whole })
    }

    /// Whether a text is of the template's form. Compares byte for byte what is no variable.
    pub(super) fn matches(&self, text: &str) -> bool {
        match &self.regex {
            None if self.whole => text == &*self.head,
            None => text.starts_with(&*self.head),
            Some(regex) => text.starts_with(&*self.head) && regex.is_match(text),
        }
    }

    /// As [`Self::matches`], whatever the case of letters.
    pub(super) fn matches_any_case(&self, text: &str) -> bool {
        let Some(regex) = &self.regex else { return text.eq_ignore_ascii_case(&self.head) };
        let begins = text.get(..self.head.len());
        let ends = text.len().checked_sub(self.tail.len()).and_then(|at| text.get(at..));
        begins.is_some_and(|begin| begin.eq_ignore_ascii_case(&self.head))
            && ends.is_some_and(|end| end.eq_ignore_ascii_case(&self.tail))
            && regex.is_match(text)
    }

    /// Whether there is no variable.
    pub(super) const fn is_literal(&self) -> bool {
        self.regex.is_none()
    }

    /// The names of the variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}

/// Where the variables are: the outermost pairs of braces.
fn braces(text: &str) -> Result<Vec<Range<usize>>, String> {
    let unbalanced = || format!("mux: unbalanced braces in \"{text}\"");
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            '}' => {
                depth = depth.checked_sub(1).ok_or_else(unbalanced)?;
                if depth == 0 {
                    found.push(start..at + 1);
                }
            }
            _ => {}
        }
    }
    if depth == 0 { Ok(found) } else { Err(unbalanced()) }
}
