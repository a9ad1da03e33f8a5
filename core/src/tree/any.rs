//! A tree from any serde format, for sources whose values have no lines: objects of an API.
use super::{DEPTH_MAX, Key, Node, Value};
use crate::diagnostic::Place;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Values that are nested more than [`DEPTH_MAX`] levels deep are an error.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seed { depth: 0 }.deserialize(deserializer)
    }
}

/// Reads one node.
#[derive(Clone, Copy)]
struct Seed {
    depth: usize,
}

impl Seed {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom("it is nested too deeply"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

const fn node(value: Value, place: Place) -> Node {
    Node { value, place }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let value = deserializer.deserialize_any(self)?;
        Ok(node(value, Place::default()))
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        // What no option can hold stays as it was written.
        Ok(i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_string()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(seed)? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut entries = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(seed)?;
            entries.push((Key { name, place: Place::default() }, value));
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_the_same_tree() {
        let json = r#"{"a": [1, -1, 1.5, true, null, "x"], "b": {"c": 18446744073709551615}}"#;
        let tree: Node = serde_json::from_str(json).unwrap();
        let items = |node: &Node| {
            let Value::List(items) = &node.value else { return Vec::new() };
            items.iter().map(|item| item.value.clone()).collect()
        };
        let expected = [
            Value::Int(1),
            Value::Int(-1),
            Value::Float(1.5),
            Value::Bool(true),
            Value::Null,
            Value::Text("x".into()),
        ];
        assert_eq!(items(tree.option("a").unwrap()), expected);
        let large = tree.at(&["b", "c"]).unwrap();
        assert_eq!(large.value, Value::Text("18446744073709551615".into()));
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(serde_json::from_str::<Node>(&nested(DEPTH_MAX)).is_ok());
        let error = serde_json::from_str::<Node>(&nested(DEPTH_MAX + 1)).unwrap_err();
        assert!(error.to_string().contains("nested too deeply"), "{error}");
    }
}
