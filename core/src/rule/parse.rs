//! A rule's text to its tree.
use super::{
    Leaf, Node, RuleError,
    matcher::{self, Argument, Matcher},
};
use crate::lexer::{self, Kind, Tokens};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// What is wrong, and at which byte.
#[derive(Debug)]
pub(super) struct Fault {
    at: usize,
    cause: String,
    /// No expression of known matchers, as against a matcher with a bad argument.
    syntax: bool,
}

impl Fault {
    fn syntax(at: usize, cause: impl Into<String>) -> Self {
        lexer::Fault::new(at, cause).into()
    }

    pub(super) fn argument(at: usize, cause: impl Into<String>) -> Self {
        Self { at, cause: cause.into(), syntax: false }
    }
}

impl From<lexer::Fault> for Fault {
    fn from(lexer::Fault { at, cause }: lexer::Fault) -> Self {
        Self { at, cause, syntax: true }
    }
}

/// The tree of a rule.
pub(super) fn parse(text: &str) -> Result<Node, RuleError> {
    tree(text).map_err(|fault| RuleError {
        column: fault.at + 1,
        message: if fault.syntax {
            let line = text.replace('\n', "\\n");
            format!("error while parsing rule {line}: {}", fault.cause)
        } else {
            fault.cause
        },
    })
}

/// Arguments are checked only once the whole text is known to be an expression.
fn tree(text: &str) -> Result<Node, Fault> {
    if u32::try_from(text.len()).is_err() {
        return Err(Fault::syntax(0, "the rule is too long"));
    }
    let mut parser = Parser(Tokens::new(text)?);
    let sketch = parser.either(false)?;
    parser.0.end()?;
    let node = check(sketch)?;
    variables(&node, &mut Vec::new())?;
    Ok(node)
}

/// An expression whose matchers are not checked yet.
enum Sketch {
    Call(Call),
    All(Vec<Self>),
    Any(Vec<Self>),
}

struct Call {
    kind: matcher::Kind,
    arguments: Vec<Argument>,
    negated: bool,
    start: usize,
    end: usize,
}

struct Parser<'a>(Tokens<'a>);

impl Parser<'_> {
    fn either(&mut self, negated: bool) -> Result<Sketch, Fault> {
        let mut terms = Vec::from([self.both(negated)?]);
        while self.0.token.kind == Kind::Or {
            self.0.advance()?;
            terms.push(self.both(negated)?);
        }
        Ok(if negated { all(terms) } else { any(terms) })
    }

    fn both(&mut self, negated: bool) -> Result<Sketch, Fault> {
        let mut terms = Vec::from([self.operand(negated)?]);
        while self.0.token.kind == Kind::And {
            self.0.advance()?;
            terms.push(self.operand(negated)?);
        }
        Ok(if negated { any(terms) } else { all(terms) })
    }

    fn operand(&mut self, negated: bool) -> Result<Sketch, Fault> {
        match self.0.token.kind {
            Kind::Not => {
                self.0.descend()?;
                let operand = self.operand(!negated)?;
                self.0.ascend();
                Ok(operand)
            }
            Kind::Open => {
                self.0.descend()?;
                let inner = self.either(negated)?;
                self.0.expect(&Kind::Close, ")")?;
                self.0.ascend();
                Ok(inner)
            }
            Kind::Name => self.call(negated).map(Sketch::Call),
            Kind::Text(_)
            | Kind::Number
            | Kind::And
            | Kind::Or
            | Kind::Compare(_)
            | Kind::Close
            | Kind::Comma
            | Kind::Line
            | Kind::End
            | Kind::Foreign => Err(self.0.unexpected("a matcher such as Host(`a.example`)").into()),
        }
    }

    fn call(&mut self, negated: bool) -> Result<Call, Fault> {
        let Self(tokens) = self;
        let start = tokens.token.start;
        let name = tokens.written();
        let kind = matcher::Kind::of(name)
            .ok_or_else(|| Fault::syntax(start, format!("unsupported function: {name}")))?;
        tokens.advance()?;
        let (arguments, end) = tokens.arguments()?;
        let arguments = arguments.into_iter().map(|(text, at)| Argument { text, at }).collect();
        Ok(Call { kind, arguments, negated, start, end })
    }
}

fn all(mut terms: Vec<Sketch>) -> Sketch {
    if terms.len() == 1 { terms.remove(0) } else { Sketch::All(terms) }
}

fn any(mut terms: Vec<Sketch>) -> Sketch {
    if terms.len() == 1 { terms.remove(0) } else { Sketch::Any(terms) }
}

fn check(sketch: Sketch) -> Result<Node, Fault> {
    let checked = |terms: Vec<Sketch>| terms.into_iter().map(check).collect::<Result<Box<_>, _>>();
    Ok(match sketch {
        Sketch::All(terms) => Node::All(checked(terms)?),
        Sketch::Any(terms) => Node::Any(checked(terms)?),
        Sketch::Call(Call { kind, arguments, negated, start, end }) => {
            let matcher = Matcher::new(kind, start, &arguments)?;
            // The text is shorter than 4 GiB.
            let [start, end] = [start, end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
            Node::Leaf(Leaf { matcher, negated, start, end })
        }
    })
}

/// Refuses a template variable of a `Query` that a later path or host of the same conjunction
/// repeats. Compat: rules.md "Path / PathPrefix".
fn variables<'a>(node: &'a Node, taken: &mut Vec<&'a str>) -> Result<(), Fault> {
    match node {
        Node::Leaf(leaf) if leaf.negated => Ok(()),
        Node::Leaf(leaf) => {
            let names = leaf.matcher.variables();
            if matches!(leaf.matcher, Matcher::Query(_)) {
                taken.extend(names);
                return Ok(());
            }
            match names.into_iter().find(|name| taken.contains(name)) {
                Some(name) => Err(Fault::argument(
                    leaf.start as usize,
                    format!("mux: duplicated route variable \"{name}\""),
                )),
                None => Ok(()),
            }
        }
        Node::All(nodes) => nodes.iter().try_for_each(|node| variables(node, taken)),
        Node::Any(nodes) => {
            let before = taken.len();
            nodes.iter().try_for_each(|node| {
                variables(node, taken)?;
                taken.truncate(before);
                Ok(())
            })
        }
    }
}
