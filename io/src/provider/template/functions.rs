//! The functions of dynamic files: Go's own, the useful part of Sprig, and `split` and `normalize`.
use super::{BYTES_MAX, Progress, instrument};
use gotmpl::{Template, TemplateError, Value};
use std::sync::{Arc, atomic::Ordering::Relaxed};

mod collections;
mod numbers;
mod text;

type Result = std::result::Result<Value, TemplateError>;
type Function = fn(&[Value]) -> Result;

/// The deepest that lists and maps may stand inside one another.
const NESTING_MAX: u32 = 16;

/// Go's own functions, which the engine brings.
const BUILTINS: &[&str] = &[
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or",
    "print", "println", "slice", "urlquery",
];

/// Whether a file may call `name`.
pub(super) fn is_known(name: &str) -> bool {
    BUILTINS.contains(&name) || tables().any(|(known, _)| *known == name)
}

fn tables() -> impl Iterator<Item = &'static (&'static str, Function)> {
    text::FUNCTIONS.iter().chain(numbers::FUNCTIONS).chain(collections::FUNCTIONS)
}

/// Makes all functions known to a template and counts their work.
pub(super) fn register(template: Template, progress: &Arc<Progress>) -> Template {
    let mut template = template;
    for (name, function) in tables() {
        template = template.func(name, function);
    }
    let at = Arc::clone(progress);
    template = template.func(instrument::STEP, move |args| {
        let line = args.first().and_then(Value::as_int).unwrap_or(0);
        at.line.store(u32::try_from(line).unwrap_or(0), Relaxed);
        at.in_text.store(matches!(args.get(1), Some(Value::Bool(true))), Relaxed);
        at.spend(1)?;
        Ok(Value::String("".into()))
    });
    let work = Arc::clone(progress);
    template.func(instrument::LIMIT, move |args| {
        let value = args.last().cloned().unwrap_or(Value::Nil);
        work.spend(weigh(&value, 0)? as u64 / 64)?;
        Ok(value)
    })
}

/// About how many bytes a value holds.
fn weigh(value: &Value, depth: u32) -> std::result::Result<usize, TemplateError> {
    if depth > NESTING_MAX {
        return failure(format!(
            "lists and maps may stand at most {NESTING_MAX} deep in one another"
        ));
    }
    let mut bytes = 16;
    let too_big = || failure(format!("a value holds more than {} MiB", BYTES_MAX >> 20));
    match value {
        Value::Nil
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Float(_)
        | Value::Function(_) => {}
        Value::String(text) => bytes += text.len(),
        Value::List(items) => {
            for item in items.iter() {
                bytes += weigh(item, depth + 1)?;
                if bytes > BYTES_MAX {
                    return too_big();
                }
            }
        }
        Value::Map(entries) => {
            for (key, item) in entries.iter() {
                bytes += key.len() + weigh(item, depth + 1)?;
                if bytes > BYTES_MAX {
                    return too_big();
                }
            }
        }
    }
    if bytes > BYTES_MAX + 16 { too_big() } else { Ok(bytes) }
}

fn failure<T>(message: String) -> std::result::Result<T, TemplateError> {
    Err(TemplateError::Exec(message))
}

/// Refuses a result that would not fit, before it is made.
fn fits(bytes: Option<usize>) -> std::result::Result<(), TemplateError> {
    match bytes {
        Some(bytes) if bytes <= BYTES_MAX => Ok(()),
        _ => failure(format!("a value would hold more than {} MiB", BYTES_MAX >> 20)),
    }
}

/// Exactly `N` arguments.
fn exactly<'a, const N: usize>(
    name: &str,
    args: &'a [Value],
) -> std::result::Result<&'a [Value; N], TemplateError> {
    <&[Value; N]>::try_from(args).map_err(|_| {
        TemplateError::Exec(format!("{name} takes {N} arguments, here it has {}", args.len()))
    })
}

/// The text of an argument; numbers and the like as they print.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Nil => String::new(),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Function(_) => value.to_string(),
    }
}

fn string(text: impl Into<Arc<str>>) -> Value {
    Value::String(text.into())
}
