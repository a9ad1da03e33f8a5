//! Objects of the API as trees, which is what the core reads.
use kube::core::DynamicObject;
use rutter_core::{
    diagnostic::Place,
    tree::{DEPTH_MAX, Key, Node, Value},
};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// An object, without what nobody reads of it.
///
/// # Errors
/// It is too deep; one line.
pub(super) fn tree(mut object: DynamicObject) -> Result<Node, serde_json::Error> {
    // The largest part of many objects.
    object.metadata.managed_fields = None;
    let metadata = serde_json::to_value(&object.metadata)?;
    if let Some(rest) = object.data.as_object_mut() {
        rest.insert("metadata".to_owned(), metadata);
    }
    Tree { depth: 0 }.deserialize(object.data)
}

#[derive(Clone, Copy)]
struct Tree {
    depth: usize,
}

impl Tree {
    fn below<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom("too many levels"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

fn node(value: Value) -> Node {
    Node { value, place: Place::default() }
}

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(node(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(node(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(node(Value::Int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        let text = || Value::Text(value.to_string());
        Ok(node(i64::try_from(value).map_or_else(|_| text(), Value::Int)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(node(Value::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(node(Value::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(node(Value::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(below)? {
            list.push(item);
        }
        Ok(node(Value::List(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let below = self.below()?;
        let mut map = Vec::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(below)?;
            map.push((Key { name, place: Place::default() }, value));
        }
        Ok(node(Value::Map(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> DynamicObject {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_object_is_a_tree_without_what_nobody_reads() {
        let read = tree(object(
            r#"{"apiVersion": "v1", "kind": "Service", "a": [1, 1.5, "1", true, null, {}],
                "metadata": {"name": "x", "managedFields": [{}]}}"#,
        ))
        .unwrap();
        let Value::List(items) = &read.option("a").unwrap().value else { panic!() };
        let values: Vec<_> = items.iter().map(|item| item.value.clone()).collect();
        let text = Value::Text("1".into());
        let want = [Value::Int(1), Value::Float(1.5), text, Value::Bool(true), Value::Null];
        assert_eq!(values[..5], want);
        assert_eq!(read.at(&["metadata", "name"]).unwrap().value, Value::Text("x".into()));
        assert!(read.at(&["metadata", "managedFields"]).is_none());
    }

    #[test]
    fn what_is_too_deep_is_refused() {
        let nested = |levels: usize| {
            let list = "[".repeat(levels) + &"]".repeat(levels);
            tree(object(&format!(r#"{{"metadata": {{}}, "a": {list}}}"#)))
        };
        assert!(nested(DEPTH_MAX - 1).is_ok());
        assert!(nested(DEPTH_MAX).unwrap_err().to_string().contains("too many levels"));
    }
}
