//! The rule language: text to tree, tree × request to verdict. Compat: rules.md.
//!
//! ``Host(`a.example`) && (PathPrefix(`/api`) || !Method(`GET`))`` is a Go expression. It is parsed
//! once; negations are pushed down to the matchers (De Morgan), so a tree has only "all of", "any
//! of" and matchers. A rule that does not parse never matches, because there is no [`Rule`] of it.
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;
use matcher::Matcher;
use view::View;

pub(crate) mod condition;
mod matcher;
mod parse;
mod template;
pub mod view;

/// A parsed rule. Two rules are equal when their texts are.
#[derive(Clone, Debug)]
pub struct Rule {
    /// As written.
    pub text: Box<str>,
    root: Node,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Byte column in the rule's text, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// What a rule says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Matches,
    /// No, but with another method it would be yes: 405 instead of 404.
    Method(Denial),
    /// No.
    Denied(Denial),
}

/// The matcher that said no: of a conjunction the first one, of a disjunction one of the alternative
/// that came closest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Where the matcher stands in the rule's text: from this byte …
    pub start: u32,
    /// … up to this one.
    pub end: u32,
    /// Whether it matched, and the rule negates it.
    pub negated: bool,
}

/// An expression without negations above its matchers.
#[derive(Clone, Debug)]
enum Node {
    Leaf(Leaf),
    All(Box<[Self]>),
    Any(Box<[Self]>),
}

#[derive(Clone, Debug)]
struct Leaf {
    matcher: Matcher,
    negated: bool,
    start: u32,
    end: u32,
}

/// A verdict without its reason; ordered, so that "all of" is the least and "any of" the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Denied,
    Method,
    Matches,
}

impl Rule {
    /// Parses and checks a rule.
    ///
    /// # Errors
    /// Text that is no expression of matchers, and arguments that a matcher refuses, in the words of
    /// rules.md "Validation errors". Nesting deeper than 64 levels and regular expressions that
    /// compile to more than 1 MiB are refused too.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        Ok(Self { text: text.into(), root: parse::parse(text)? })
    }

    /// Whether the rule holds for a request.
    #[must_use]
    pub fn matches(&self, view: &View<'_>) -> bool {
        self.root.outcome(view) == Outcome::Matches
    }

    /// Whether the rule holds for a request, and if not, which matcher said no.
    #[must_use]
    pub fn evaluate(&self, view: &View<'_>) -> Verdict {
        self.root.verdict(view)
    }

    /// The part of the rule's text that a denial is about.
    #[must_use]
    pub fn excerpt(&self, denial: Denial) -> &str {
        self.text.get(denial.start as usize..denial.end as usize).unwrap_or("")
    }

    /// The arguments of every `Host`, left to right, lower-cased, with duplicates: the names that a
    /// certificate is asked for. Negated ones do not count. Compat: rules.md "Domains derived from a
    /// rule".
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts = Vec::new();
        self.root.hosts(&mut hosts);
        hosts
    }

    /// As [`Self::evaluate`], without the reason.
    pub(crate) fn outcome(&self, view: &View<'_>) -> Outcome {
        self.root.outcome(view)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Rule {}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (column {})", self.message, self.column)
    }
}

impl core::error::Error for RuleError {}

impl Node {
    fn outcome(&self, view: &View<'_>) -> Outcome {
        match self {
            Self::Leaf(leaf) => leaf.outcome(view),
            Self::All(nodes) => {
                let mut least = Outcome::Matches;
                for node in nodes {
                    least = least.min(node.outcome(view));
                    if least == Outcome::Denied {
                        break;
                    }
                }
                least
            }
            Self::Any(nodes) => {
                let mut greatest = Outcome::Denied;
                for node in nodes {
                    greatest = greatest.max(node.outcome(view));
                    if greatest == Outcome::Matches {
                        break;
                    }
                }
                greatest
            }
        }
    }

    fn verdict(&self, view: &View<'_>) -> Verdict {
        match self {
            Self::Leaf(leaf) => match leaf.outcome(view) {
                Outcome::Matches => Verdict::Matches,
                Outcome::Method => Verdict::Method(leaf.denial()),
                Outcome::Denied => Verdict::Denied(leaf.denial()),
            },
            Self::All(nodes) => {
                let mut least = Verdict::Matches;
                for node in nodes {
                    let verdict = node.verdict(view);
                    if verdict.outcome() < least.outcome() {
                        least = verdict;
                    }
                }
                least
            }
            Self::Any(nodes) => {
                let mut greatest = None;
                for node in nodes {
                    let verdict = node.verdict(view);
                    if greatest.is_none_or(|best: Verdict| best.outcome() < verdict.outcome()) {
                        greatest = Some(verdict);
                    }
                }
                // A disjunction has at least two alternatives.
                greatest.unwrap_or(Verdict::Matches)
            }
        }
    }

    fn hosts<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Self::Leaf(leaf) => {
                if let (Matcher::Host(hosts), false) = (&leaf.matcher, leaf.negated) {
                    into.extend(hosts.iter());
                }
            }
            Self::All(nodes) | Self::Any(nodes) => {
                for node in nodes {
                    node.hosts(into);
                }
            }
        }
    }
}

impl Leaf {
    fn outcome(&self, view: &View<'_>) -> Outcome {
        if self.matcher.matches(view) != self.negated {
            Outcome::Matches
        } else if matches!(self.matcher, Matcher::Method(_)) {
            Outcome::Method
        } else {
            Outcome::Denied
        }
    }

    const fn denial(&self) -> Denial {
        Denial { start: self.start, end: self.end, negated: self.negated }
    }
}

impl Verdict {
    const fn outcome(self) -> Outcome {
        match self {
            Self::Matches => Outcome::Matches,
            Self::Method(_) => Outcome::Method,
            Self::Denied(_) => Outcome::Denied,
        }
    }
}

#[cfg(test)]
mod tests;
