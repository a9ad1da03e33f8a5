use super::*;
use crate::tree::Key;
use alloc::{boxed::Box, collections::BTreeMap, vec};
use serde::Deserialize;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Section {
    text: String,
    flag: bool,
    port: u16,
    signed: i64,
    ratio: f64,
    items: Vec<String>,
    inner: Option<Inner>,
    nested: Plain,
    named: BTreeMap<String, String>,
    sections: Vec<Inner>,
    options: BTreeMap<String, Option<Inner>>,
    max_size: Option<i64>,
    maybe: Option<bool>,
    mode: Option<Mode>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Inner {
    depth: i64,
}

impl Default for Inner {
    fn default() -> Self {
        Self { depth: 7 }
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Plain {
    inner: Option<Inner>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Mode {
    Keep,
    DropAll,
}

fn node(value: Value) -> Node {
    Node { value, place: Place { source: "f.yml".into(), line: 3 } }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_string())
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let key = |(name, value): (&str, Value)| {
        (Key { name: name.to_string(), place: node(Value::Null).place }, node(value))
    };
    Value::Map(entries.into_iter().map(key).collect())
}

fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::List(items.into_iter().map(node).collect())
}

fn section<const N: usize>(entries: [(&str, Value); N]) -> Result<Section, Error> {
    let mut ignored = Vec::new();
    let section = decode(&node(map(entries)), "a.b", &mut ignored)?;
    assert_eq!(ignored, []);
    Ok(section)
}

fn said<const N: usize>(entries: [(&str, Value); N]) -> String {
    let error = section(entries).unwrap_err();
    format!("{} {}: {}", error.place, error.path, error.message)
}

#[test]
fn options_match_in_any_case() {
    let read = section([("TEXT", text("x")), ("maxsize", Value::Int(4))]).unwrap();
    assert_eq!(read, Section { text: "x".into(), max_size: Some(4), ..Section::default() });
}

#[test]
fn booleans_are_read_from_their_words() {
    for word in ["1", "t", "T", "true", "True", "TRUE", "yes", "on", ""] {
        assert!(section([("flag", text(word))]).unwrap().flag, "{word}");
    }
    for word in ["0", "f", "F", "false", "False", "FALSE", "no", "off"] {
        assert!(!section([("flag", text(word))]).unwrap().flag, "{word}");
    }
    assert_eq!(section([("maybe", Value::Bool(false))]).unwrap().maybe, Some(false));
    assert_eq!(
        said([("flag", text("maybe"))]),
        "f.yml:3 a.b.flag: expected true or false, found `maybe`"
    );
}

#[test]
fn numbers_are_read_from_text_within_their_range() {
    let cases = [("8080", 8080), ("+5", 5), ("0x10", 16), ("0o17", 15), (" 7 ", 7)];
    for (word, number) in cases {
        assert_eq!(section([("port", text(word))]).unwrap().port, number);
    }
    assert_eq!(section([("signed", text("-12"))]).unwrap().signed, -12);
    assert_eq!(section([("port", Value::Float(2.0))]).unwrap().port, 2);
    assert_eq!(section([("ratio", text("1.50"))]).unwrap().ratio.to_bits(), 1.5f64.to_bits());
    let wrong = [
        (Value::Int(70_000), "expected a whole number from 0 to 65535, found `70000`"),
        (text("-1"), "expected a whole number from 0 to 65535, found `-1`"),
        (text("--1"), "expected a whole number, found `--1`"),
        (text("1.5"), "expected a whole number, found `1.5`"),
        (text(""), "expected a whole number, found ``"),
        (text("€"), "expected a whole number, found `€`"),
        (Value::Bool(true), "expected a whole number, found `true`"),
        (list([]), "expected a whole number, found a list"),
    ];
    for (value, message) in wrong {
        assert_eq!(said([("port", value)]), format!("f.yml:3 a.b.port: {message}"));
    }
}

#[test]
fn text_is_read_from_numbers_and_booleans() {
    for (value, read) in
        [(Value::Int(5), "5"), (Value::Bool(true), "true"), (Value::Float(1.5), "1.5")]
    {
        assert_eq!(section([("text", value)]).unwrap().text, read);
    }
    assert_eq!(said([("text", map([]))]), "f.yml:3 a.b.text: expected text, found a section");
}

#[test]
fn a_list_is_read_from_text_with_commas_and_from_one_scalar() {
    let cases = [
        (text("a, b,c "), vec!["a", "b", "c"]),
        (text("a"), vec!["a"]),
        (text(""), vec![]),
        (Value::Int(3), vec!["3"]),
        (list([text("a,b"), text("c")]), vec!["a,b", "c"]),
    ];
    for (value, items) in cases {
        assert_eq!(section([("items", value)]).unwrap().items, items);
    }
    assert_eq!(said([("items", map([]))]), "f.yml:3 a.b.items: expected a list, found a section");
}

#[test]
fn an_optional_section_is_switched_on_by_true_or_nothing_and_off_by_false() {
    for on in [Value::Bool(true), text(""), text("true"), map([])] {
        assert_eq!(section([("inner", on)]).unwrap().inner, Some(Inner::default()));
    }
    for off in [Value::Bool(false), text("false"), Value::Int(0)] {
        let nested = map([("inner", off.clone())]);
        let read = section([("inner", off), ("nested", nested), ("port", Value::Int(1))]).unwrap();
        assert_eq!(read, Section { port: 1, ..Section::default() });
    }
    assert_eq!(
        said([("inner", text("maybe"))]),
        "f.yml:3 a.b.inner: expected a section, found `maybe`"
    );
    assert_eq!(
        said([("nested", Value::Bool(false))]),
        "f.yml:3 a.b.nested: expected a section, found `false`"
    );
    assert_eq!(
        said([("sections", list([Value::Bool(false)]))]),
        "f.yml:3 a.b.sections[0]: expected a section, found `false`"
    );
    assert_eq!(
        said([("options", map([("x", text("false"))]))]),
        "f.yml:3 a.b.options.x: expected a section, found `false`"
    );
}

#[test]
fn names_in_a_map_keep_their_case() {
    let read = section([("named", map([("X-A", text("1")), ("x-a", Value::Null)]))]).unwrap();
    assert_eq!(
        read.named.into_iter().collect::<Vec<_>>(),
        [("X-A".to_string(), "1".to_string()), ("x-a".to_string(), String::new())]
    );
}

#[test]
fn unknown_and_empty_options_are_reported_with_path_and_place() {
    let document = map([
        ("sections", list([map([("depht", Value::Int(1))])])),
        ("inner", Value::Null),
        ("txt", map([("flag", Value::Null)])),
        ("port", text("x")),
    ]);
    let mut ignored = Vec::new();
    decode::<Section>(&node(document), "", &mut ignored).unwrap_err();
    let found: Vec<_> = ignored.iter().map(|i| (i.path.as_str(), i.place.line, i.reason)).collect();
    assert_eq!(
        found,
        [
            ("sections[0].depht", 3, Reason::Unknown),
            ("inner", 3, Reason::Empty),
            ("txt", 3, Reason::Unknown)
        ]
    );
}

#[test]
fn an_option_given_twice_is_an_error() {
    assert_eq!(
        said([("port", Value::Int(1)), ("Port", Value::Int(2))]),
        "f.yml:3 a.b: option `port` is given twice; keep one"
    );
}

#[test]
fn a_choice_is_read_in_any_case_and_lists_the_choices() {
    assert_eq!(section([("mode", text("DROPALL"))]).unwrap().mode, Some(Mode::DropAll));
    assert_eq!(
        said([("mode", text("x"))]),
        "f.yml:3 a.b.mode: expected one of keep, dropAll, found `x`"
    );
}

#[test]
fn a_type_without_end_is_stopped_by_its_depth() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Endless {
        next: Option<Box<Self>>,
    }
    let deep = (0..100).fold(map([]), |inner, _| map([("next", inner)]));
    let error = decode::<Endless>(&node(deep), "", &mut Vec::new()).unwrap_err();
    assert_eq!(error.message, "expected less nesting, found a section");
    assert!(decode::<Endless>(&node(map([])), "", &mut Vec::new()).unwrap().next.is_none());
}
