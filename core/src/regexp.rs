//! Regular expressions as users write them for Go (RE2), compiled by an engine of a slightly
//! different dialect: Go's classes are ASCII, its sets know no operators, and a brace or bracket
//! that means nothing stands for itself.
use alloc::{
    format,
    string::{String, ToString},
};
use core::{iter::Peekable, str::Chars};
use regex::{Regex, RegexBuilder};

pub(crate) mod replacement;

/// Bytes that a compiled expression may take.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Nested groups and sets.
const DEPTH_MAX: u32 = 100;

/// Compiles an expression of the Go dialect.
///
/// # Errors
/// One line: what is wrong with `pattern`.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    compile_translated(&translate(pattern), pattern)
}

/// Compiles an expression whose parts are translated already; `written` is named in errors.
///
/// # Errors
/// As [`compile`].
pub(crate) fn compile_translated(pattern: &str, written: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(COMPILED_BYTES_MAX)
        .nest_limit(DEPTH_MAX)
        .build()
        .map_err(|error| format!("error parsing regexp: {}: `{written}`", cause(&error)))
}

/// The engine explains syntax errors over several lines, the cause last.
fn cause(error: &regex::Error) -> String {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        return "expression too big".to_string();
    }
    let text = error.to_string();
    text.lines().last().unwrap_or("").trim_start_matches("error: ").to_string()
}

/// An expression of the Go dialect in the engine's dialect.
pub(crate) fn translate(pattern: &str) -> String {
    let mut translation = Translation {
        chars: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len()),
    };
    while let Some(c) = translation.chars.next() {
        match c {
            '\\' => translation.escape(false),
            '[' => translation.class(),
            '{' => translation.brace(),
            '}' => translation.out.push_str("\\}"),
            c => translation.out.push(c),
        }
    }
    translation.out
}

struct Translation<'a> {
    chars: Peekable<Chars<'a>>,
    out: String,
}

impl Translation<'_> {
    fn class(&mut self) {
        self.out.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        if self.chars.next_if_eq(&']').is_some() {
            self.out.push_str("\\]");
        }
        let mut previous = None;
        while let Some(c) = self.chars.next() {
            match c {
                ']' => {
                    self.out.push(']');
                    return;
                }
                '\\' => self.escape(true),
                '[' => match self.named() {
                    Some(name) => self.out.push_str(&name),
                    None => self.out.push_str("\\["),
                },
                '&' | '~' => self.out.extend(['\\', c]),
                '-' if previous == Some('-') => self.out.push_str("\\-"),
                c => self.out.push(c),
            }
            previous = Some(c);
        }
    }

    /// `[:name:]`, whose opening bracket is read.
    fn named(&mut self) -> Option<String> {
        let mut ahead = self.chars.clone();
        ahead.next_if_eq(&':')?;
        let mut name = String::from("[:");
        loop {
            match ahead.next()? {
                c if c == '^' || c.is_ascii_alphabetic() => name.push(c),
                ':' => break,
                _ => return None,
            }
        }
        ahead.next_if_eq(&']')?;
        name.push_str(":]");
        self.chars = ahead;
        Some(name)
    }

    /// A repetition `{n}`, `{n,}` or `{n,m}`; any other brace is a character.
    fn brace(&mut self) {
        let mut ahead = self.chars.clone();
        let mut body = String::new();
        while let Some(c) = ahead.next_if(|&c| c.is_ascii_digit() || c == ',') {
            body.push(c);
        }
        let counts = body.starts_with(|c: char| c.is_ascii_digit())
            && body.matches(',').count() <= 1
            && ahead.next_if_eq(&'}').is_some();
        if counts {
            self.chars = ahead;
            self.out.push('{');
            self.out.push_str(&body);
            self.out.push('}');
        } else {
            self.out.push_str("\\{");
        }
    }

    fn escape(&mut self, in_class: bool) {
        match self.chars.next() {
            None => self.out.push('\\'),
            Some('d') => self.out.push_str("[0-9]"),
            Some('D') => self.out.push_str("[^0-9]"),
            Some('w') => self.out.push_str("[0-9A-Za-z_]"),
            Some('W') => self.out.push_str("[^0-9A-Za-z_]"),
            Some('s') => self.out.push_str("[\\t\\n\\f\\r ]"),
            Some('S') => self.out.push_str("[^\\t\\n\\f\\r ]"),
            Some(c @ ('b' | 'B')) if !in_class => {
                self.out.extend(["(?-u:\\", c.encode_utf8(&mut [0; 4]), ")"])
            }
            Some('Q') if !in_class => self.quotation(),
            Some(c @ '0'..='7') => self.octal(c),
            Some(c @ ('p' | 'P')) => self.property(c),
            Some(c) if c.is_ascii_punctuation() => {
                self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
            }
            Some(c) => self.out.extend(['\\', c]),
        }
    }

    /// The literal text between `\Q` and `\E`.
    fn quotation(&mut self) {
        let mut literal = String::new();
        while let Some(c) = self.chars.next() {
            if c == '\\' && self.chars.next_if_eq(&'E').is_some() {
                break;
            }
            literal.push(c);
        }
        self.out.push_str(&regex::escape(&literal));
    }

    /// An octal code; a lone digit but 0 stays a back-reference, which the engine refuses.
    fn octal(&mut self, first: char) {
        let mut code = first.to_digit(8).unwrap_or(0);
        let mut count = 1;
        while count < 3
            && let Some(c) = self.chars.next_if(|c| c.is_digit(8))
        {
            code = code * 8 + c.to_digit(8).unwrap_or(0);
            count += 1;
        }
        if count == 1 && first != '0' {
            self.out.extend(['\\', first]);
        } else {
            self.out.push_str(&format!("\\x{{{code:x}}}"));
        }
    }

    /// `\p{^Name}` is Go's other way to write `\P{Name}`.
    fn property(&mut self, letter: char) {
        if self.chars.next_if_eq(&'{').is_none() {
            self.out.extend(['\\', letter]);
            return;
        }
        let negated = self.chars.next_if_eq(&'^').is_some();
        self.out.extend(['\\', if negated == (letter == 'p') { 'P' } else { 'p' }, '{']);
        for c in self.chars.by_ref() {
            self.out.push(c);
            if c == '}' {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{compile, translate};
    use alloc::string::ToString;

    #[test]
    fn go_dialect_means_what_it_means_in_go() {
        let cases = [
            (r"^\d+$", "042", true),
            (r"^\d+$", "٣", false),
            (r"^\w+$", "é", false),
            (r"^[\w.-]+$", "a.b-c_9", true),
            (r"^[^\d]$", "x", true),
            (r"^\S+\s\S+$", "a b", true),
            (r"\bfoo\b", "a foo b", true),
            (r"^\Bé\B$", "é", true),
            (r"a\Bb\B", "ab", false),
            (r"^[[]x[]]$", "[x]", true),
            (r"^[a&&b]+$", "a&b", true),
            (r"^[[:alpha:]]+$", "abc", true),
            (r"^[^[:alpha:]]+$", "12", true),
            (r"^{x}$", "{x}", true),
            (r"^x{,2}$", "x{,2}", true),
            (r"^x{2,3}$", "xxx", true),
            (r"^\Qa.b\E.$", "a.bc", true),
            (r"^\Qa.b\E.$", "axbc", false),
            (r"^\101\x42\x{43}$", "ABC", true),
            (r"^\/a\-b\_c\<$", "/a-b_c<", true),
            (r"^\p{Greek}\pL\P{^L}$", "αab", true),
            (r"^\p{^Greek}$", "α", false),
            (r"^(?P<year>[0-9]{4})$", "2024", true),
            (r"(?i)^abc$", "ABC", true),
            (r"(?s)a.b", "a\nb", true),
            (r"a.b", "a\nb", false),
            (r"^(a|b|)$", "", true),
            (r"^a\z", "a", true),
            (r"^[a\]b-]+$", "a]b-", true),
        ];
        for (pattern, text, expected) in cases {
            let regex = compile(pattern).expect(pattern);
            assert_eq!(
                regex.is_match(text),
                expected,
                "{pattern} on {text}: {}",
                translate(pattern)
            );
        }
    }

    #[test]
    fn what_cannot_be_compiled_is_refused_in_one_line() {
        // Of these, RE2 knows only `\C`, a byte without regard to characters.
        for pattern in
            [r"(?=x)", r"(?!x)", r"(a)\1", "(", "[a", "a{1001}{1000}", "*a", r"\8", r"\C"]
        {
            let error = compile(pattern).expect_err(pattern);
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(error.ends_with(&alloc::format!("`{pattern}`")), "{error}");
        }
        assert_eq!(
            compile("(").map_err(|error| error.to_string()).err().as_deref(),
            Some("error parsing regexp: unclosed group: `(`")
        );
    }
}
