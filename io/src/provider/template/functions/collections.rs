//! Functions on lists and maps, and choices.
use super::{Function, exactly, failure, fits, string, text_of};
use gotmpl::{TemplateError, Value};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("coalesce", |args| {
        Ok(args.iter().find(|value| value.is_truthy()).cloned().unwrap_or(Value::Nil))
    }),
    ("default", |args| match args {
        [fallback] => Ok(fallback.clone()),
        [fallback, value] => Ok(if value.is_truthy() { value } else { fallback }.clone()),
        _ => failure(format!("default takes 2 arguments, here it has {}", args.len())),
    }),
    ("dict", |args| {
        let pairs = args.chunks(2).map(|pair| {
            let value = pair.get(1).cloned().unwrap_or_else(|| string(""));
            (Arc::from(text_of(&pair[0])), value)
        });
        Ok(Value::Map(Arc::new(pairs.collect())))
    }),
    ("empty", |args| {
        let [value] = exactly("empty", args)?;
        Ok(Value::Bool(!value.is_truthy()))
    }),
    ("first", |args| {
        let [list] = exactly("first", args)?;
        Ok(items("first", list)?.first().cloned().unwrap_or(Value::Nil))
    }),
    ("get", |args| {
        let [map, key] = exactly("get", args)?;
        Ok(map.field(&text_of(key)).cloned().unwrap_or_else(|| string("")))
    }),
    ("has", |args| {
        let [value, list] = exactly("has", args)?;
        Ok(Value::Bool(items("has", list)?.contains(value)))
    }),
    ("hasKey", |args| {
        let [map, key] = exactly("hasKey", args)?;
        Ok(Value::Bool(map.field(&text_of(key)).is_some()))
    }),
    ("join", |args| {
        let [separator, list] = exactly("join", args)?;
        let texts: Vec<String> = if let Value::List(items) = list {
            items.iter().map(text_of).collect()
        } else {
            vec![text_of(list)]
        };
        let separator = text_of(separator);
        let held = texts.iter().map(String::len).sum::<usize>();
        fits(separator.len().checked_mul(texts.len()).and_then(|bytes| bytes.checked_add(held)))?;
        Ok(string(texts.join(&separator)))
    }),
    ("last", |args| {
        let [list] = exactly("last", args)?;
        Ok(items("last", list)?.last().cloned().unwrap_or(Value::Nil))
    }),
    ("list", |args| Ok(Value::List(args.into()))),
    // Traefik's own: the text comes first.
    ("split", |args| {
        let [text, separator] = exactly("split", args)?;
        Ok(split(text, separator))
    }),
    ("splitList", |args| {
        let [separator, text] = exactly("splitList", args)?;
        Ok(split(text, separator))
    }),
    ("ternary", |args| {
        let [yes, no, condition] = exactly("ternary", args)?;
        Ok(if condition.is_truthy() { yes } else { no }.clone())
    }),
];

fn items<'a>(name: &str, value: &'a Value) -> Result<&'a [Value], TemplateError> {
    let Value::List(items) = value else {
        return failure(format!("{name} takes a list, not {value}"));
    };
    Ok(items)
}

fn split(text: &Value, separator: &Value) -> Value {
    let (text, separator) = (text_of(text), text_of(separator));
    if separator.is_empty() {
        return Value::List(text.chars().map(|c| string(c.to_string())).collect());
    }
    Value::List(text.split(&separator).map(string).collect())
}
