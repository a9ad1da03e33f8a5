//! Tokens of a Go expression, which rules and conditions are, with Go's rule that a line ends a
//! finished operand; and the place of a parser among them.
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{iter::Peekable, str::CharIndices};

/// Levels of parentheses and negations.
const DEPTH_MAX: u32 = 64;

/// What is wrong, and at which byte.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) cause: String,
}

impl Fault {
    pub(crate) fn new(at: usize, cause: impl Into<String>) -> Self {
        Self { at, cause: cause.into() }
    }
}

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A name.
    Name,
    /// A string, unquoted.
    Text(String),
    /// A number, well formed or not.
    Number,
    And,
    Or,
    Not,
    Compare(Comparison),
    Open,
    Close,
    Comma,
    /// A line break behind a finished operand.
    Line,
    End,
    /// Anything else that Go has a token for.
    Foreign,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A parser's place in a text: the token it looks at, and how deep it is nested.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    pub(crate) token: Token,
    depth: u32,
}

impl<'a> Tokens<'a> {
    /// At the first token.
    pub(crate) fn new(text: &'a str) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        Ok(Self { text, lexer, token, depth: 0 })
    }

    /// The token as it is written.
    pub(crate) fn written(&self) -> &'a str {
        self.text.get(self.token.start..self.token.end).unwrap_or("")
    }

    pub(crate) fn advance(&mut self) -> Result<(), Fault> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    /// Behind a token of this kind; `name` is for whoever left it out.
    pub(crate) fn expect(&mut self, kind: &Kind, name: &str) -> Result<(), Fault> {
        if self.token.kind == *kind { self.advance() } else { Err(self.unexpected(name)) }
    }

    /// The arguments of a function, whose opening parenthesis stands here, each with its place, and the
    /// place behind its closing one.
    pub(crate) fn arguments(&mut self) -> Result<(Vec<(String, usize)>, usize), Fault> {
        self.expect(&Kind::Open, "(")?;
        let mut arguments = Vec::new();
        while self.token.kind != Kind::Close {
            let Kind::Text(text) = &mut self.token.kind else {
                return Err(self.unexpected("a string in quotes or )"));
            };
            let text = core::mem::take(text);
            arguments.push((text, self.token.start));
            self.advance()?;
            if self.token.kind != Kind::Close {
                self.expect(&Kind::Comma, ", or )")?;
            }
        }
        let end = self.token.end;
        self.advance()?;
        Ok((arguments, end))
    }

    /// Behind a token that opens another level.
    pub(crate) fn descend(&mut self) -> Result<(), Fault> {
        if self.depth == DEPTH_MAX {
            let cause = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(Fault::new(self.token.start, cause));
        }
        self.depth += 1;
        self.advance()
    }

    /// Out of that level.
    pub(crate) const fn ascend(&mut self) {
        self.depth -= 1;
    }

    /// The end of the text, perhaps after a last line break.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        let line = (self.token.kind == Kind::Line).then_some(self.token.start);
        if line.is_some() {
            self.advance()?;
        }
        match (line, &self.token.kind) {
            (_, Kind::End) => Ok(()),
            (Some(at), Kind::And | Kind::Or) => {
                let cause = "a line break ends the expression here: put it behind the operator";
                Err(Fault::new(at, cause))
            }
            _ => Err(self.unexpected("&& or ||")),
        }
    }

    /// Something else than was expected stands here.
    pub(crate) fn unexpected(&self, expected: &str) -> Fault {
        let found = match self.token.kind {
            Kind::End => "the end",
            Kind::Line => "a line break",
            Kind::Name
            | Kind::Text(_)
            | Kind::Number
            | Kind::And
            | Kind::Or
            | Kind::Not
            | Kind::Compare(_)
            | Kind::Open
            | Kind::Close
            | Kind::Comma
            | Kind::Foreign => self.written(),
        };
        Fault::new(self.token.start, format!("expected {expected}, found {found}"))
    }
}

/// Whether a name as written means the function called `name`: as it is called, in one case, or with
/// one capital. Compat: rules.md "Grammar".
pub(crate) fn means(written: &str, name: &str) -> bool {
    let Some(rest) = written.get(1..).filter(|_| written.eq_ignore_ascii_case(name)) else {
        return false;
    };
    written == name
        || !written.contains(|c: char| c.is_ascii_uppercase())
        || !written.contains(|c: char| c.is_ascii_lowercase())
        || written.starts_with(|c: char| c.is_ascii_uppercase())
            && !rest.contains(|c: char| c.is_ascii_uppercase())
}

struct Lexer<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    /// The token before ends an operand, so a line break counts.
    operand_ended: bool,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, chars: text.char_indices().peekable(), operand_ended: false }
    }

    fn next(&mut self) -> Result<Token, Fault> {
        if let Some(line) = self.skip_blanks()? {
            return Ok(line);
        }
        let start = self.position();
        let kind = match self.chars.next() {
            None => Kind::End,
            Some((_, '(')) => Kind::Open,
            Some((_, ')')) => Kind::Close,
            Some((_, ',')) => Kind::Comma,
            Some((_, '!')) if self.take('=') => Kind::Compare(Comparison::NotEqual),
            Some((_, '!')) => Kind::Not,
            Some((_, '&')) if self.take('&') => Kind::And,
            Some((_, '|')) if self.take('|') => Kind::Or,
            Some((_, '=')) if self.take('=') => Kind::Compare(Comparison::Equal),
            Some((_, '<')) if self.take('=') => Kind::Compare(Comparison::LessOrEqual),
            Some((_, '<')) => Kind::Compare(Comparison::Less),
            Some((_, '>')) if self.take('=') => Kind::Compare(Comparison::GreaterOrEqual),
            Some((_, '>')) => Kind::Compare(Comparison::Greater),
            Some((_, '`')) => Kind::Text(self.raw(start)?),
            Some((_, '"')) => Kind::Text(self.quoted(start)?),
            Some((_, first)) if is_letter(first) => {
                while self.chars.next_if(|&(_, c)| is_letter(c) || c.is_numeric()).is_some() {}
                Kind::Name
            }
            Some((_, first)) if first.is_numeric() => {
                self.number();
                Kind::Number
            }
            Some((_, '.')) if self.chars.peek().is_some_and(|(_, c)| c.is_ascii_digit()) => {
                self.number();
                Kind::Number
            }
            Some((_, '\'')) => {
                return Err(Fault::new(start, "quote strings with backquotes or double quotes"));
            }
            Some(_) => Kind::Foreign,
        };
        self.operand_ended =
            matches!(kind, Kind::Name | Kind::Text(_) | Kind::Number | Kind::Close | Kind::Foreign);
        Ok(Token { kind, start, end: self.position() })
    }

    fn position(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |&(at, _)| at)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.chars.next_if(|&(_, c)| c == wanted).is_some()
    }

    /// The rest of a number: all that could belong to one, such as `1.5e-3`.
    fn number(&mut self) {
        let mut exponent = false;
        while let Some((_, c)) = self.chars.next_if(|&(_, c)| {
            c.is_alphanumeric() || matches!(c, '.' | '_') || exponent && matches!(c, '+' | '-')
        }) {
            exponent = matches!(c, 'e' | 'E');
        }
    }

    /// Skips blanks and comments; a token when a line break among them ends an operand.
    fn skip_blanks(&mut self) -> Result<Option<Token>, Fault> {
        loop {
            let start = self.position();
            let broken = match self.text.get(start..).unwrap_or("") {
                rest if rest.starts_with("//") => {
                    while self.chars.next_if(|&(_, c)| c != '\n').is_some() {}
                    false
                }
                rest if rest.starts_with("/*") => {
                    let Some(length) = rest.find("*/") else {
                        return Err(Fault::new(start, "the comment is not closed by */"));
                    };
                    let end = start + length + 2;
                    while self.chars.next_if(|&(at, _)| at < end).is_some() {}
                    rest.get(..length).is_some_and(|comment| comment.contains('\n'))
                }
                _ => match self.chars.next_if(|&(_, c)| matches!(c, ' ' | '\t' | '\r' | '\n')) {
                    Some((_, c)) => c == '\n',
                    None => return Ok(None),
                },
            };
            if broken && self.operand_ended {
                self.operand_ended = false;
                return Ok(Some(Token { kind: Kind::Line, start, end: start + 1 }));
            }
        }
    }

    /// The rest of a backquoted string: as it stands, but without carriage returns.
    fn raw(&mut self, start: usize) -> Result<String, Fault> {
        let mut text = String::new();
        for (_, c) in self.chars.by_ref() {
            match c {
                '`' => return Ok(text),
                '\r' => {}
                c => text.push(c),
            }
        }
        Err(Fault::new(start, "the string is not closed by a backquote"))
    }

    /// The rest of a double-quoted string, with Go's escapes.
    fn quoted(&mut self, start: usize) -> Result<String, Fault> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4];
        loop {
            match self.chars.next() {
                Some((_, '"')) => break,
                Some((at, '\\')) => self.escape(at, &mut bytes)?,
                None | Some((_, '\n')) => {
                    return Err(Fault::new(start, "the string is not closed by a double quote"));
                }
                Some((_, c)) => bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
            }
        }
        String::from_utf8(bytes).map_err(|_| Fault::new(start, "the string is not valid UTF-8"))
    }

    fn escape(&mut self, at: usize, into: &mut Vec<u8>) -> Result<(), Fault> {
        let simple = match self.chars.next().map(|(_, c)| c) {
            Some('a') => 0x07,
            Some('b') => 0x08,
            Some('f') => 0x0c,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('v') => 0x0b,
            Some('\\') => b'\\',
            Some('"') => b'"',
            Some('x') => self.digits(at, 16, 2, 0).and_then(|code| byte(at, code))?,
            Some('u') => return self.character(at, 4, into),
            Some('U') => return self.character(at, 8, into),
            Some(c @ '0'..='7') => {
                let first = c.to_digit(8).unwrap_or(0);
                self.digits(at, 8, 2, first).and_then(|code| byte(at, code))?
            }
            other => {
                let what = other.map_or_else(|| "the end".to_string(), |c| format!("`{c}`"));
                return Err(Fault::new(at, format!("no escape sequence: {what} after \\")));
            }
        };
        into.push(simple);
        Ok(())
    }

    fn character(&mut self, at: usize, count: u32, into: &mut Vec<u8>) -> Result<(), Fault> {
        let code = self.digits(at, 16, count, 0)?;
        let c = char::from_u32(code)
            .ok_or_else(|| Fault::new(at, "the escape sequence is no Unicode character"))?;
        into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn digits(&mut self, at: usize, base: u32, count: u32, first: u32) -> Result<u32, Fault> {
        let mut value = first;
        for _ in 0..count {
            let digit = self.chars.next().and_then(|(_, c)| c.to_digit(base));
            let digit =
                digit.ok_or_else(|| Fault::new(at, "the escape sequence has too few digits"))?;
            value = value.wrapping_mul(base).wrapping_add(digit);
        }
        Ok(value)
    }
}

fn byte(at: usize, code: u32) -> Result<u8, Fault> {
    u8::try_from(code).map_err(|_| Fault::new(at, "the escape sequence exceeds one byte"))
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}
