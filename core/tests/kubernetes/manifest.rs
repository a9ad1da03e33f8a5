//! Manifests as users write them: YAML to objects.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a manifest that is no such YAML is a mistake here"
)]
use rutter_core::{
    diagnostic::Place,
    provider::kubernetes::{Object, Resource},
    tree::{Key, Node, Value},
};
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::sync::Arc;

/// The documents of a file.
pub(crate) fn documents(text: &str) -> Vec<Node> {
    let mut parser = Parser::new_from_str(text);
    let mut documents = Vec::new();
    while let Some(event) = parser.next_event() {
        if let Event::DocumentStart(_) = event.unwrap().0 {
            let (event, _) = parser.next_event().unwrap().unwrap();
            documents.push(node(event, &mut parser));
        }
    }
    documents
}

fn node(event: Event<'_>, parser: &mut Parser<'_, saphyr_parser::StrInput<'_>>) -> Node {
    let next = |parser: &mut Parser<'_, saphyr_parser::StrInput<'_>>| -> Event<'static> {
        match parser.next_event().unwrap().unwrap().0 {
            Event::Scalar(text, style, anchor, _) => {
                Event::Scalar(text.into_owned().into(), style, anchor, None)
            }
            Event::SequenceStart(anchor, _) => Event::SequenceStart(anchor, None),
            Event::MappingStart(anchor, _) => Event::MappingStart(anchor, None),
            Event::SequenceEnd => Event::SequenceEnd,
            Event::MappingEnd => Event::MappingEnd,
            other => panic!("{other:?}"),
        }
    };
    let value = match event {
        Event::Scalar(text, style, ..) => scalar(&text, style),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next(parser) {
                    Event::SequenceEnd => break Value::List(items),
                    event => items.push(node(event, parser)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            loop {
                let name = match next(parser) {
                    Event::MappingEnd => break Value::Map(entries),
                    Event::Scalar(text, ..) => text.into_owned(),
                    other => panic!("{other:?} is no key"),
                };
                let event = next(parser);
                entries.push((Key { name, place: Place::default() }, node(event, parser)));
            }
        }
        other => panic!("{other:?}"),
    };
    Node { value, place: Place::default() }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.into());
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text.parse().map_or_else(|_| Value::Text(text.into()), Value::Int),
    }
}

pub(crate) fn text<'a>(node: &'a Node, path: &[&str]) -> &'a str {
    match node.at(path).map(|node| &node.value) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}

/// The object of a document, if it is one that is looked at. As in `kubectl apply`, one without
/// namespace is in `default`, and what it is made of in a Secret's `stringData` is encoded.
pub(crate) fn object(document: &Node) -> Option<Arc<Object>> {
    let resource = Resource::parse(text(document, &["apiVersion"]), text(document, &["kind"]))?;
    let mut document = document.clone();
    let Value::Map(entries) = &mut document.value else { return None };
    for (key, node) in entries.iter_mut() {
        let Value::Map(fields) = &mut node.value else { continue };
        if key.name == "metadata" && !fields.iter().any(|(key, _)| key.name == "namespace") {
            fields.push(entry("namespace", "default"));
        }
        if key.name == "stringData" {
            key.name = "data".into();
            for (_, node) in fields {
                let Value::Text(plain) = &node.value else { continue };
                node.value = Value::Text(base64(plain.as_bytes()));
            }
        }
    }
    Some(Arc::new(Object::decode(resource, &document).unwrap()))
}

/// The objects of a file.
pub(crate) fn objects(text: &str) -> Vec<Arc<Object>> {
    documents(text).iter().filter_map(object).collect()
}

fn entry(name: &str, value: &str) -> (Key, Node) {
    let place = Place::default();
    let key = Key { name: name.into(), place: place.clone() };
    (key, Node { value: Value::Text(value.into()), place })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let at = (word >> (18 - 6 * digit) & 63) as usize;
            text.push(if digit <= chunk.len() { char::from(DIGITS[at]) } else { '=' });
        }
    }
    text
}
