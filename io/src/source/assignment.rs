//! Options that are set one by one, by text: flags and variables.
use rutter_core::{
    diagnostic::Place,
    tree::{Key, Node, Value, merge},
};
use std::collections::BTreeMap;

/// One option set by one flag or variable.
pub(super) struct Assignment {
    /// The option's path.
    pub(super) path: Vec<String>,
    /// Its place in a list, where one is given: `trustedIPs[1]`.
    pub(super) index: Option<usize>,
    /// What it is set to.
    pub(super) text: String,
    /// The flag or variable.
    pub(super) place: Place,
}

/// `trustedIPs[1]` in two parts.
pub(super) fn split_index(name: &str) -> (&str, Option<usize>) {
    let parts = name.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    match parts.and_then(|(name, index)| Some((name, index.parse().ok()?))) {
        Some((name, index)) => (name, Some(index)),
        None => (name, None),
    }
}

/// The tree of `assignments`: of two for one option the last wins, but those for a list add up.
pub(super) fn tree(assignments: Vec<Assignment>, is_list: impl Fn(&[String]) -> bool) -> Node {
    let mut lists: BTreeMap<String, Vec<(Option<usize>, String)>> = BTreeMap::new();
    let mut tree = Node::empty();
    for Assignment { path, index, text, place } in assignments {
        let text = if is_list(&path) {
            let items = lists.entry(path.join(".").to_ascii_lowercase()).or_default();
            items.push((index, text));
            // Those without index follow, in the order given.
            items.sort_by_key(|(index, _)| index.unwrap_or(usize::MAX));
            let texts: Vec<&str> = items.iter().map(|(_, text)| text.as_str()).collect();
            texts.join(",")
        } else {
            text
        };
        let leaf = Node { value: Value::Text(text), place: place.clone() };
        let branch = path.into_iter().rev().fold(leaf, |node, name| {
            let key = Key { name, place: place.clone() };
            Node { value: Value::Map(vec![(key, node)]), place: place.clone() }
        });
        tree = merge(tree, branch);
    }
    tree
}
