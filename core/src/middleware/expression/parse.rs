//! An expression's text to its tree.
use super::{ExpressionError, Function, Kind, LENGTH_MAX, Literal, Node, Signature};
use crate::lexer::{self, Comparison, Fault, Tokens};
use alloc::{format, string::String, vec::Vec};

pub(super) fn parse<F: Function>(text: &str) -> Result<Node<F>, ExpressionError> {
    tree(text).map_err(|Fault { at, cause }| ExpressionError { column: at + 1, message: cause })
}

fn tree<F: Function>(text: &str) -> Result<Node<F>, Fault> {
    if text.len() > LENGTH_MAX {
        return Err(Fault::new(LENGTH_MAX, format!("longer than {LENGTH_MAX} bytes")));
    }
    let mut tokens = Tokens::new(text)?;
    let node = any(&mut tokens)?;
    tokens.end()?;
    Ok(node)
}

fn any<F: Function>(tokens: &mut Tokens<'_>) -> Result<Node<F>, Fault> {
    let first = all(tokens)?;
    if tokens.token.kind != lexer::Kind::Or {
        return Ok(first);
    }
    let mut nodes = Vec::new();
    let mut add = |node| match node {
        Node::Any(inner) => nodes.extend(inner),
        node @ (Node::All(_) | Node::Holds(_) | Node::Compares(..)) => nodes.push(node),
    };
    add(first);
    while tokens.token.kind == lexer::Kind::Or {
        tokens.advance()?;
        add(all(tokens)?);
    }
    Ok(Node::Any(nodes.into()))
}

fn all<F: Function>(tokens: &mut Tokens<'_>) -> Result<Node<F>, Fault> {
    let first = operand(tokens)?;
    if tokens.token.kind != lexer::Kind::And {
        return Ok(first);
    }
    let mut nodes = Vec::new();
    let mut add = |node| match node {
        Node::All(inner) => nodes.extend(inner),
        node @ (Node::Any(_) | Node::Holds(_) | Node::Compares(..)) => nodes.push(node),
    };
    add(first);
    while tokens.token.kind == lexer::Kind::And {
        tokens.advance()?;
        add(operand(tokens)?);
    }
    Ok(Node::All(nodes.into()))
}

fn operand<F: Function>(tokens: &mut Tokens<'_>) -> Result<Node<F>, Fault> {
    if tokens.token.kind == lexer::Kind::Name {
        return comparison(tokens);
    }
    if tokens.token.kind != lexer::Kind::Open {
        return Err(tokens.unexpected(&format!("a condition such as {}", F::EXAMPLE)));
    }
    tokens.descend()?;
    let inner = any(tokens)?;
    tokens.expect(&lexer::Kind::Close, ")")?;
    tokens.ascend();
    Ok(inner)
}

fn comparison<F: Function>(tokens: &mut Tokens<'_>) -> Result<Node<F>, Fault> {
    let (function, signature) = call(tokens)?;
    if signature.value == Kind::Truth {
        return Ok(Node::Holds(function));
    }
    let lexer::Kind::Compare(comparison) = tokens.token.kind else {
        return Err(tokens.unexpected("a comparison such as =="));
    };
    if signature.value == Kind::Text
        && !matches!(comparison, Comparison::Equal | Comparison::NotEqual)
    {
        return Err(tokens.unexpected(&format!("== or != behind {}()", signature.name)));
    }
    tokens.advance()?;
    let purpose = format!("to compare {}() with", signature.name);
    Ok(Node::Compares(function, comparison, literal(tokens, signature.value, &purpose)?))
}

fn call<F: Function>(tokens: &mut Tokens<'_>) -> Result<(F, &'static Signature), Fault> {
    let (name, start) = (tokens.written(), tokens.token.start);
    let Some(signature) = F::SIGNATURES.iter().find(|signature| signature.name == name) else {
        let names: Vec<&str> = F::SIGNATURES.iter().map(|signature| signature.name).collect();
        let cause = format!("unsupported function: {name}; there are {}", names.join(", "));
        return Err(Fault::new(start, cause));
    };
    tokens.advance()?;
    tokens.expect(&lexer::Kind::Open, "(")?;
    let mut arguments = Vec::new();
    for (i, kind) in signature.arguments.iter().enumerate() {
        if i > 0 {
            tokens.expect(&lexer::Kind::Comma, &format!(", as in {}", usage(signature)))?;
        }
        arguments.push(literal(tokens, *kind, &format!("as in {}", usage(signature)))?);
    }
    tokens.expect(&lexer::Kind::Close, &format!(") as in {}", usage(signature)))?;
    let function = F::new(name, &arguments);
    // There is a function for each of its signatures.
    let function = function.ok_or_else(|| Fault::new(start, format!("no {name} of these")))?;
    Ok((function, signature))
}

/// A call with the kinds of its arguments.
fn usage(signature: &Signature) -> String {
    let kinds: Vec<&str> = signature.arguments.iter().map(|kind| kind.example()).collect();
    format!("{}({})", signature.name, kinds.join(", "))
}

fn literal(tokens: &mut Tokens<'_>, kind: Kind, purpose: &str) -> Result<Literal, Fault> {
    let literal = if let lexer::Kind::Text(text) = &mut tokens.token.kind {
        Some(Literal::Text(core::mem::take(text).into()))
    } else if tokens.token.kind == lexer::Kind::Number {
        number(tokens.written())
    } else {
        None
    };
    match literal.filter(|literal| literal.kind() == kind) {
        Some(literal) => {
            tokens.advance()?;
            Ok(literal)
        }
        None => {
            let expected = format!("{} such as {} {purpose}", kind.name(), kind.example());
            Err(tokens.unexpected(&expected))
        }
    }
}

fn number(text: &str) -> Option<Literal> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Literal::Whole);
    }
    let fraction = text.parse().ok().filter(|number: &f64| number.is_finite());
    fraction.map(Literal::Fraction)
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Whole => "a whole number",
            Self::Fraction => "a number with a decimal point",
            Self::Text => "a string in quotes",
            Self::Truth => "true or false",
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::Whole => "500",
            Self::Fraction => "0.5",
            Self::Text => "\"GET\"",
            Self::Truth => "true",
        }
    }
}
