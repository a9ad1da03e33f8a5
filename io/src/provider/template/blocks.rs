//! Refuses blocks that do not close, before parsing: the engine would take the file's end for an end.
use super::Error;

/// The longest chain of `{{ else if }}`; the engine walks it recursively.
const ELSE_IF_MAX: u32 = 64;

/// Checks that every `{{ if }}`, `{{ range }}`, … has its `{{ end }}` and the other way round.
pub(super) fn check(source: &str) -> Result<(), Error> {
    let mut open: Vec<Block<'_>> = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while let Some(start) = rest.find("{{") {
        let (before, action) = rest.split_at(start);
        line += breaks(before);
        let length = action_length(action);
        let (action, after) = action.split_at(length);
        let words = words(action);
        match words {
            ("if" | "range" | "with" | "define" | "block", _) => {
                open.push(Block { word: words.0, line, else_ifs: 0 });
            }
            ("end", _) if open.pop().is_none() => return error(line, "{{end}} closes nothing"),
            ("else", next) => match open.last_mut() {
                None => return error(line, "{{else}} stands outside of a block"),
                Some(block) if matches!(next, "if" | "with") => {
                    block.else_ifs += 1;
                    if block.else_ifs > ELSE_IF_MAX {
                        return error(
                            line,
                            &format!("more than {ELSE_IF_MAX} {{{{else {next}}}}}"),
                        );
                    }
                }
                Some(_) => {}
            },
            _ => {}
        }
        line += breaks(action);
        rest = after;
    }
    match open.pop() {
        Some(block) => error(block.line, &format!("{{{{{}}}}} has no {{{{end}}}}", block.word)),
        None => Ok(()),
    }
}

struct Block<'a> {
    word: &'a str,
    line: u32,
    else_ifs: u32,
}

fn error(line: u32, message: &str) -> Result<(), Error> {
    Err(Error { line, message: format!("template: {message}") })
}

fn breaks(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// The first two words of an action.
fn words(action: &str) -> (&str, &str) {
    let inside = action.trim_start_matches("{{");
    let inside = inside.strip_prefix('-').unwrap_or(inside).trim_start();
    let (first, rest) = word(inside);
    (first, word(rest.trim_start()).0)
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at(end)
}

/// The bytes of the action at the start of `text`, with both delimiters.
fn action_length(text: &str) -> usize {
    let opening = if text.starts_with("{{- ") { 4 } else { 2 };
    if let Some(comment) = text.get(opening..).filter(|inside| inside.starts_with("/*")) {
        return comment.find("*/").map_or(text.len(), |end| opening + end + 2);
    }
    let bytes = text.as_bytes();
    let mut at = opening;
    let mut quote = None;
    while let Some(byte) = bytes.get(at) {
        match (quote, byte) {
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return at + 2,
            (None, b'"' | b'\'' | b'`') => quote = Some(*byte),
            (Some(b'"' | b'\''), b'\\') => at += 1,
            (Some(mark), byte) if mark == *byte => quote = None,
            _ => {}
        }
        at += 1;
    }
    text.len()
}
