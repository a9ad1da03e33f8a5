//! Replacements as users write them for Go: `$1`, `${1}`, `$name`, `${name}`, `$$`.
//!
//! A name reaches as far as it can, so `$1x` is the group named `1x`; a group that the expression
//! does not have is empty; a `$` that begins no name stands for itself.
use alloc::{boxed::Box, string::String, vec::Vec};
use regex::Regex;

/// A replacement for one expression.
#[derive(Debug)]
pub(crate) struct Replacement(Box<[Piece]>);

#[derive(Debug, PartialEq)]
enum Piece {
    Text(Box<str>),
    Group(usize),
}

/// A result that would be longer than allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Replacement {
    /// Reads a replacement for matches of `regex`.
    pub(crate) fn new(template: &str, regex: &Regex) -> Self {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            text.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                text.push('$');
                rest = after;
                continue;
            }
            let Some((name, after)) = name(after) else {
                text.push('$');
                rest = after;
                continue;
            };
            rest = after;
            if let Some(group) = group(name, regex) {
                if !text.is_empty() {
                    pieces.push(Piece::Text(core::mem::take(&mut text).into()));
                }
                pieces.push(Piece::Group(group));
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            pieces.push(Piece::Text(text.into()));
        }
        Self(pieces.into())
    }

    /// `subject` with every match of `regex` replaced; `None` where there is none.
    ///
    /// # Errors
    /// The result would have more than `bytes_max` bytes.
    pub(crate) fn replace_all(
        &self,
        regex: &Regex,
        subject: &str,
        bytes_max: usize,
    ) -> Option<Result<String, TooLong>> {
        let mut matches = regex.captures_iter(subject).peekable();
        matches.peek()?;
        let mut out = String::with_capacity(subject.len());
        let mut end = 0;
        for captures in matches {
            // The whole match is always there.
            let Some(all) = captures.get(0) else { continue };
            out.push_str(&subject[end..all.start()]);
            end = all.end();
            for piece in &self.0 {
                out.push_str(match piece {
                    Piece::Text(text) => text,
                    Piece::Group(group) => captures.get(*group).map_or("", |it| it.as_str()),
                });
                if out.len() > bytes_max {
                    return Some(Err(TooLong));
                }
            }
        }
        out.push_str(&subject[end..]);
        Some(if out.len() > bytes_max { Err(TooLong) } else { Ok(out) })
    }
}

/// The name that follows a `$`, and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    let (inside, braced) = match text.strip_prefix('{') {
        Some(inside) => (inside, true),
        None => (text, false),
    };
    let end = inside.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inside.len());
    let (name, rest) = inside.split_at(end);
    let rest = if braced { rest.strip_prefix('}')? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

/// The group of that number or name. A number with leading zeros is a name.
fn group(name: &str, regex: &Regex) -> Option<usize> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (name == "0" || !name.starts_with('0')) {
        return name.parse().ok().filter(|number| *number < regex.captures_len());
    }
    regex.capture_names().position(|it| it == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regexp::compile;
    use proptest::prelude::*;

    fn replaced(pattern: &str, template: &str, subject: &str) -> Option<String> {
        let regex = compile(pattern).unwrap();
        let replacement = Replacement::new(template, &regex);
        replacement.replace_all(&regex, subject, 1 << 20).map(Result::unwrap)
    }

    #[test]
    fn replacements_mean_what_they_mean_in_go() {
        for (pattern, template, subject, want) in [
            ("a(x*)b", "$1", "-ab-axxb-", "--xx-"),
            ("a(x*)b", "$1W", "-ab-axxb-", "---"),
            ("a(x*)b", "${1}W", "-ab-axxb-", "-W-xxW-"),
            ("a(?P<name>x*)b", "$name|${name}|$0", "axb", "x|x|axb"),
            ("a(?P<name>x*)b", "${1}${name}${2}$names", "axb", "xx"),
            ("a(x*)b", "$$1 $- ${1 ${} ${} $", "ab", "$1 $- ${1 ${} ${} $"),
            ("a(x)?b", "<$1>", "ab", "<>"),
            ("a(x*)b", "$01$00", "axb", ""),
            ("a(x*)b", "$1é", "axb", ""),
            ("a*", "x", "baaac", "xbxcx"),
            ("", "-", "ab", "-a-b-"),
            ("^/old/(.*)", "/new/$1", "/old/a/old/b", "/new/a/old/b"),
            ("o", "0", "foo.foo", "f00.f00"),
            ("(?i)HTTP(S?)", "$1", "https", "s"),
        ] {
            assert_eq!(replaced(pattern, template, subject).as_deref(), Some(want), "{template}");
        }
        assert_eq!(replaced("x", "y", "abc"), None);
    }

    #[test]
    fn a_result_that_grows_too_long_is_given_up() {
        let regex = compile("a").unwrap();
        let replacement = Replacement::new("$0$0$0$0", &regex);
        let subject = "a".repeat(30);
        assert_eq!(replacement.replace_all(&regex, &subject, 119), Some(Err(TooLong)));
        assert!(replacement.replace_all(&regex, &subject, 120).unwrap().is_ok());
    }

    proptest! {
        #[test]
        fn a_dollar_sign_is_kept_where_it_is_doubled(text in "[^$]{0,8}", subject in "[ab]{0,8}") {
            let got = replaced("^.*$", &alloc::format!("$${text}$0"), &subject);
            prop_assert_eq!(got, Some(alloc::format!("${text}{subject}")));
        }

        #[test]
        fn no_template_panics(template in "[$a-c0-3{}_é]{0,12}", subject in "[a-c]{0,6}") {
            let _ = replaced("(a)(?P<b>b)?|c", &template, &subject);
        }
    }
}
