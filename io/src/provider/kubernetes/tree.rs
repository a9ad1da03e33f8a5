//! Objects of the API as trees, which is what the core reads.
use kube::core::DynamicObject;
use rutter_core::tree::Node;
use serde::Deserialize;

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
    Node::deserialize(object.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rutter_core::tree::{DEPTH_MAX, Value};

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
        assert!(nested(DEPTH_MAX).unwrap_err().to_string().contains("it is nested too deeply"));
    }
}
