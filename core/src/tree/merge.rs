//! One tree over another, the places kept.
use super::{Key, Node, Value};
use alloc::vec::Vec;

/// Lays `over` upon `under`: sections merge, anything else of `over` replaces what is under it.
///
/// A section that is merely switched on (`true`, or nothing) leaves the options under it alone.
/// A name is first looked for as written, then in any case (names from the environment are lower
/// case), and keeps the spelling that is under.
#[must_use]
pub fn merge(under: Node, over: Node) -> Node {
    match (under.value, over.value) {
        (Value::Map(mut entries), Value::Map(upper)) => {
            for (key, node) in upper {
                lay(&mut entries, key, node);
            }
            Node { value: Value::Map(entries), place: under.place }
        }
        (map @ Value::Map(_), value) if switches_on(&value) => {
            Node { value: map, place: under.place }
        }
        (_, value) => Node { value, place: over.place },
    }
}

fn lay(entries: &mut Vec<(Key, Node)>, key: Key, node: Node) {
    let at = entries
        .iter()
        .position(|(known, _)| known.name == key.name)
        .or_else(|| entries.iter().position(|(known, _)| known.is(&key.name)));
    match at.and_then(|at| entries.get_mut(at)) {
        Some((_, slot)) => {
            let under = core::mem::replace(slot, Node::empty());
            *slot = merge(under, node);
        }
        None => entries.push((key, node)),
    }
}

fn switches_on(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) if text.is_empty() => true,
        Value::Bool(_) | Value::Int(_) | Value::Text(_) => value.truth() == Some(true),
        Value::Float(_) | Value::List(_) | Value::Map(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;
    use alloc::string::ToString;

    fn node(value: Value, source: &str) -> Node {
        Node { value, place: Place { source: source.into(), line: 0 } }
    }

    fn text(text: &str, source: &str) -> Node {
        node(Value::Text(text.to_string()), source)
    }

    fn map(source: &str, entries: impl IntoIterator<Item = (&'static str, Node)>) -> Node {
        let entries = entries
            .into_iter()
            .map(|(name, node)| (Key { name: name.to_string(), place: node.place.clone() }, node));
        node(Value::Map(entries.collect()), source)
    }

    #[test]
    fn the_upper_value_wins_and_keeps_its_place() {
        let under = map("file", [("ping", map("file", [("entryPoint", text("web", "file"))]))]);
        let over = map("flag", [("PING", map("flag", [("entrypoint", text("admin", "flag"))]))]);
        let merged = merge(under, over);
        assert_eq!(merged.at(&["ping", "entryPoint"]), Some(&text("admin", "flag")));
        assert_eq!(merged.entries().len(), 1);
    }

    #[test]
    fn what_only_one_of_them_says_stays() {
        let merged =
            merge(map("file", [("a", text("1", "file"))]), map("env", [("b", text("2", "env"))]));
        assert_eq!(merged.at(&["a"]), Some(&text("1", "file")));
        assert_eq!(merged.at(&["b"]), Some(&text("2", "env")));
    }

    #[test]
    fn switching_a_section_on_keeps_its_options_and_switching_it_off_drops_them() {
        let file = || map("file", [("log", map("file", [("level", text("DEBUG", "file"))]))]);
        for on in [text("true", "flag"), text("", "env"), node(Value::Bool(true), "flag")] {
            let merged = merge(file(), map("flag", [("log", on)]));
            assert_eq!(merged.at(&["log", "level"]), Some(&text("DEBUG", "file")));
        }
        let merged = merge(file(), map("flag", [("log", text("false", "flag"))]));
        assert_eq!(merged.at(&["log"]), Some(&text("false", "flag")));
    }

    #[test]
    fn a_list_replaces_a_list() {
        let list =
            |source: &'static str, item| node(Value::List([text(item, source)].into()), source);
        let merged = merge(map("f", [("l", list("f", "a"))]), map("e", [("l", list("e", "b"))]));
        assert_eq!(merged.at(&["l"]), Some(&list("e", "b")));
    }

    #[test]
    fn a_name_goes_to_its_own_spelling_before_another_case() {
        let under = map("f", [("Web", text("1", "f")), ("web", text("2", "f"))]);
        let merged = merge(under, map("e", [("web", text("3", "e"))]));
        let found: Vec<_> =
            merged.entries().iter().map(|(key, node)| (&*key.name, &node.value)).collect();
        assert_eq!(found, [("Web", &Value::Text("1".into())), ("web", &Value::Text("3".into()))]);
    }
}
