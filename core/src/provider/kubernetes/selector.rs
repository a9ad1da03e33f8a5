//! Label selectors, as `kubectl -l` has them. Compat: kubernetes.md "labelSelector".
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::str::FromStr;

/// Conditions that all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    label: String,
    /// Whether it is the contrary that must hold.
    negated: bool,
    /// The values that will do; none: any.
    values: Option<Vec<String>>,
}

impl Selector {
    /// Whether an object with these labels is meant.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.label);
            let fits = value.is_some_and(|value| {
                requirement.values.as_ref().is_none_or(|values| values.contains(value))
            });
            fits != requirement.negated
        })
    }
}

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = split(text);
        let written = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
        written.map(requirement).collect::<Result<_, _>>().map(Self)
    }
}

/// At commas that are not in parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth <= 0
    })
    .collect()
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let (label, negated, values) = parts(text);
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
    };
    if !is_word(label) || values.iter().flatten().any(|value| !value.is_empty() && !is_word(value))
    {
        return Err(format!(
            "labelSelector: {text:?} is no condition; write `name=value`, `name!=value`, \
             `name in (a, b)`, `name notin (a, b)`, `name` or `!name`"
        ));
    }
    Ok(Requirement { label: label.to_string(), negated, values })
}

/// Label, whether it is negated, and values.
fn parts(text: &str) -> (&str, bool, Option<Vec<String>>) {
    let one = |value: &str| Some(Vec::from([value.trim().to_string()]));
    if let Some((label, value)) = text.split_once("!=") {
        return (label.trim(), true, one(value));
    }
    if let Some((label, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return (label.trim(), false, one(value));
    }
    if let Some((head, list)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let values = list.split(',').map(|value| value.trim().to_string()).collect();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(label), Some("in"), None) => (label, false, Some(values)),
            (Some(label), Some("notin"), None) => (label, true, Some(values)),
            // No label: an error.
            _ => ("", false, None),
        };
    }
    match text.strip_prefix('!') {
        Some(label) => (label.trim(), true, None),
        None => (text, false, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_says_which_labels_an_object_must_have() {
        let labels = |text: &str| -> BTreeMap<String, String> {
            let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
            pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        for (selector, yes, no) in [
            ("", "", "none=x"),
            ("app=traefik", "app=traefik x=y", "app=other"),
            ("app == traefik", "app=traefik", ""),
            ("app!=traefik", "app=other", "app=traefik"),
            ("app!=traefik", "", "app=traefik"),
            ("app in (a, b),tier", "app=b tier=x", "app=b"),
            ("app notin (a,b)", "app=c", "app=a"),
            ("!app", "x=y", "app=z"),
            ("traefik.io/lb", "traefik.io/lb=1", "lb=1"),
            ("a=", "a=", "a=b"),
        ] {
            let parsed: Selector = selector.parse().unwrap();
            assert!(parsed.matches(&labels(yes)), "{selector} {yes}");
            assert!(selector.is_empty() || !parsed.matches(&labels(no)), "{selector} {no}");
        }
    }

    #[test]
    fn what_is_no_selector_says_what_one_looks_like() {
        for text in ["a=b c", "=b", "a in b", "in (b)", "a b", "!", "a within (b)"] {
            let error = text.parse::<Selector>().unwrap_err();
            assert!(error.starts_with("labelSelector: "), "{text}: {error}");
        }
    }
}
