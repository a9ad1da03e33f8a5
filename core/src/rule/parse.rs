//! A rule's text to its tree.
use super::{
    Leaf, Node, RuleError,
    lexer::{Kind, Lexer, Token},
    matcher::{self, Argument, Matcher},
};
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};

/// Levels of parentheses and negations.
const DEPTH_MAX: u32 = 64;

/// What is wrong, and at which byte.
#[derive(Debug)]
pub(super) struct Fault {
    at: usize,
    cause: String,
    /// No expression of known matchers, as against a matcher with a bad argument.
    syntax: bool,
}

impl Fault {
    pub(super) fn syntax(at: usize, cause: impl Into<String>) -> Self {
        Self { at, cause: cause.into(), syntax: true }
    }

    pub(super) fn argument(at: usize, cause: impl Into<String>) -> Self {
        Self { at, cause: cause.into(), syntax: false }
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
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    let mut parser = Parser { text, lexer, token, depth: 0 };
    let sketch = parser.either(false)?;
    parser.end()?;
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

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    token: Token,
    depth: u32,
}

impl Parser<'_> {
    fn either(&mut self, negated: bool) -> Result<Sketch, Fault> {
        let mut terms = Vec::from([self.both(negated)?]);
        while self.token.kind == Kind::Or {
            self.advance()?;
            terms.push(self.both(negated)?);
        }
        Ok(if negated { all(terms) } else { any(terms) })
    }

    fn both(&mut self, negated: bool) -> Result<Sketch, Fault> {
        let mut terms = Vec::from([self.operand(negated)?]);
        while self.token.kind == Kind::And {
            self.advance()?;
            terms.push(self.operand(negated)?);
        }
        Ok(if negated { any(terms) } else { all(terms) })
    }

    fn operand(&mut self, negated: bool) -> Result<Sketch, Fault> {
        match self.token.kind {
            Kind::Not | Kind::Open if self.depth == DEPTH_MAX => {
                let cause = format!("nested deeper than {DEPTH_MAX} levels");
                Err(Fault::syntax(self.token.start, cause))
            }
            Kind::Not => {
                self.depth += 1;
                self.advance()?;
                let operand = self.operand(!negated)?;
                self.depth -= 1;
                Ok(operand)
            }
            Kind::Open => {
                self.depth += 1;
                self.advance()?;
                let inner = self.either(negated)?;
                self.expect(&Kind::Close, ")")?;
                self.depth -= 1;
                Ok(inner)
            }
            Kind::Name => self.call(negated).map(Sketch::Call),
            Kind::Text(_)
            | Kind::And
            | Kind::Or
            | Kind::Close
            | Kind::Comma
            | Kind::Line
            | Kind::End
            | Kind::Foreign => Err(self.unexpected("a matcher such as Host(`a.example`)")),
        }
    }

    fn call(&mut self, negated: bool) -> Result<Call, Fault> {
        let start = self.token.start;
        let name = self.text.get(start..self.token.end).unwrap_or("");
        let kind = matcher::Kind::of(name)
            .ok_or_else(|| Fault::syntax(start, format!("unsupported function: {name}")))?;
        self.advance()?;
        self.expect(&Kind::Open, "(")?;
        let mut arguments = Vec::new();
        while self.token.kind != Kind::Close {
            let Kind::Text(text) = &mut self.token.kind else {
                return Err(self.unexpected("a string in quotes or )"));
            };
            let text = core::mem::take(text);
            arguments.push(Argument { text, at: self.token.start });
            self.advance()?;
            if self.token.kind != Kind::Close {
                self.expect(&Kind::Comma, ", or )")?;
            }
        }
        let end = self.token.end;
        self.advance()?;
        Ok(Call { kind, arguments, negated, start, end })
    }

    /// The end of the rule, perhaps after a last line break.
    fn end(&mut self) -> Result<(), Fault> {
        let line = (self.token.kind == Kind::Line).then_some(self.token.start);
        if line.is_some() {
            self.advance()?;
        }
        match (line, &self.token.kind) {
            (_, Kind::End) => Ok(()),
            (Some(at), Kind::And | Kind::Or) => Err(Fault::syntax(
                at,
                "a line break ends the rule here: put it behind the operator",
            )),
            _ => Err(self.unexpected("&& or ||")),
        }
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn expect(&mut self, kind: &Kind, name: &str) -> Result<(), Fault> {
        if self.token.kind == *kind { self.advance() } else { Err(self.unexpected(name)) }
    }

    fn unexpected(&self, expected: &str) -> Fault {
        let Token { kind, start, end } = &self.token;
        let found = match kind {
            Kind::End => "the end".to_string(),
            Kind::Line => "a line break".to_string(),
            Kind::Name
            | Kind::Text(_)
            | Kind::And
            | Kind::Or
            | Kind::Not
            | Kind::Open
            | Kind::Close
            | Kind::Comma
            | Kind::Foreign => self.text.get(*start..*end).unwrap_or("").to_string(),
        };
        Fault::syntax(*start, format!("expected {expected}, found {found}"))
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
