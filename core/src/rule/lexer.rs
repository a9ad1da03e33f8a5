//! A rule's text as tokens of a Go expression, with Go's rule that a line ends a finished operand.
use super::parse::Fault;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{iter::Peekable, str::CharIndices};

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A name.
    Name,
    /// A string, unquoted.
    Text(String),
    And,
    Or,
    Not,
    Open,
    Close,
    Comma,
    /// A line break behind a finished operand.
    Line,
    End,
    /// Anything else that Go has a token for: numbers, other operators.
    Foreign,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    /// The token before ends an operand, so a line break counts.
    operand_ended: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, chars: text.char_indices().peekable(), operand_ended: false }
    }

    pub(super) fn next(&mut self) -> Result<Token, Fault> {
        if let Some(line) = self.skip_blanks()? {
            return Ok(line);
        }
        let start = self.position();
        let kind = match self.chars.next() {
            None => Kind::End,
            Some((_, '(')) => Kind::Open,
            Some((_, ')')) => Kind::Close,
            Some((_, ',')) => Kind::Comma,
            Some((_, '!')) if !self.take('=') => Kind::Not,
            Some((_, '&')) if self.take('&') => Kind::And,
            Some((_, '|')) if self.take('|') => Kind::Or,
            Some((_, '`')) => Kind::Text(self.raw(start)?),
            Some((_, '"')) => Kind::Text(self.quoted(start)?),
            Some((_, first)) if is_letter(first) => {
                while self.chars.next_if(|&(_, c)| is_letter(c) || c.is_numeric()).is_some() {}
                Kind::Name
            }
            Some((_, first)) if first.is_numeric() => {
                while self.chars.next_if(|&(_, c)| c.is_alphanumeric() || c == '.').is_some() {}
                Kind::Foreign
            }
            Some((_, '\'')) => {
                return Err(Fault::syntax(start, "quote strings with backquotes or double quotes"));
            }
            Some(_) => Kind::Foreign,
        };
        self.operand_ended =
            matches!(kind, Kind::Name | Kind::Text(_) | Kind::Close | Kind::Foreign);
        Ok(Token { kind, start, end: self.position() })
    }

    fn position(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |&(at, _)| at)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.chars.next_if(|&(_, c)| c == wanted).is_some()
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
                        return Err(Fault::syntax(start, "the comment is not closed by */"));
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
        Err(Fault::syntax(start, "the string is not closed by a backquote"))
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
                    return Err(Fault::syntax(start, "the string is not closed by a double quote"));
                }
                Some((_, c)) => bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
            }
        }
        String::from_utf8(bytes).map_err(|_| Fault::syntax(start, "the string is not valid UTF-8"))
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
                return Err(Fault::syntax(at, format!("no escape sequence: {what} after \\")));
            }
        };
        into.push(simple);
        Ok(())
    }

    fn character(&mut self, at: usize, count: u32, into: &mut Vec<u8>) -> Result<(), Fault> {
        let code = self.digits(at, 16, count, 0)?;
        let c = char::from_u32(code)
            .ok_or_else(|| Fault::syntax(at, "the escape sequence is no Unicode character"))?;
        into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn digits(&mut self, at: usize, base: u32, count: u32, first: u32) -> Result<u32, Fault> {
        let mut value = first;
        for _ in 0..count {
            let digit = self.chars.next().and_then(|(_, c)| c.to_digit(base));
            let digit =
                digit.ok_or_else(|| Fault::syntax(at, "the escape sequence has too few digits"))?;
            value = value.wrapping_mul(base).wrapping_add(digit);
        }
        Ok(value)
    }
}

fn byte(at: usize, code: u32) -> Result<u8, Fault> {
    u8::try_from(code).map_err(|_| Fault::syntax(at, "the escape sequence exceeds one byte"))
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}
