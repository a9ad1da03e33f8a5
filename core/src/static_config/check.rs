//! Every option that was given against the table of those there are.
use super::options::{self, Found, Kind, OPTIONS, StaticOption, Status};
use crate::{
    config::{read::SECTIONS, scalar::Duration},
    diagnostic::{self, Diagnostic, Place, Severity},
    tree::{
        Key, Node, Value,
        decode::{self, Reason},
    },
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde::de::DeserializeOwned;

/// A finding about the option at `path`.
pub(super) fn diagnostic(
    severity: Severity,
    path: &str,
    place: &Place,
    message: String,
) -> Diagnostic {
    Diagnostic {
        severity,
        kind: diagnostic::Kind::Document,
        object: "".into(),
        path: path.to_string(),
        place: place.clone(),
        message,
    }
}

/// Options that do not exist, are of another type, or have no effect.
pub(super) fn check(tree: &Node) -> Vec<Diagnostic> {
    let mut checker = Checker::default();
    if !matches!(tree.value, Value::Map(_) | Value::Null) {
        let message =
            format!("the document is {}, expected options such as `log:`", tree.value.kind());
        checker.say(Severity::Error, &tree.place, message);
    }
    checker.twice(tree);
    for (key, node) in tree.entries() {
        let dynamic = SECTIONS.iter().any(|section| key.is(section));
        match options::find(&[&key.name]) {
            Some(found) => checker.option(key, node, found, false),
            None if dynamic => {}
            None => {
                checker.path.push(key.name.clone());
                checker.say(Severity::Warning, &key.place, Reason::Unknown.message().to_string());
                checker.path.pop();
            }
        }
    }
    checker.diagnostics
}

#[derive(Default)]
struct Checker {
    path: Vec<String>,
    diagnostics: Vec<Diagnostic>,
}

impl Checker {
    /// `told`: that it has no effect was said of a section around it.
    fn option(&mut self, key: &Key, node: &Node, found: Found, told: bool) {
        self.path.push(key.name.clone());
        if node.value == Value::Null {
            let message = "nothing follows the key; write `{}` for a section with defaults, or \
                           remove it";
            self.say(Severity::Error, &key.place, message.to_string());
        } else {
            match found {
                Found::Option(option) if option.kind == Kind::Section => {
                    let told = self.effect(option, key, node, told);
                    self.section(node, told);
                }
                Found::Option(option) => {
                    self.effect(option, key, node, told);
                    self.leaf(option.kind, node);
                }
                Found::Section => {
                    let told = told || self.tell_of_section(key);
                    if node.entries().is_empty() {
                        let message = "cannot stand alone; give it at least one of its options";
                        self.say(Severity::Error, &key.place, message.to_string());
                    }
                    self.entries(node, told);
                }
            }
        }
        self.path.pop();
    }

    /// Options that stand twice, in different case; names of entry points may.
    fn twice(&mut self, section: &Node) {
        let entries = section.entries();
        for (at, (key, _)) in entries.iter().enumerate() {
            let mut path: Vec<&str> = self.path.iter().map(String::as_str).collect();
            path.push(&key.name);
            let first = entries.iter().take(at).find(|(first, _)| first.is(&key.name));
            if let Some((first, _)) = first.filter(|_| !options::is_name(&path)) {
                let message = format!("stands at {} too; keep one", first.place);
                self.path.push(key.name.clone());
                self.say(Severity::Error, &key.place, message);
                self.path.pop();
            }
        }
    }

    fn entries(&mut self, section: &Node, told: bool) {
        self.twice(section);
        for (key, node) in section.entries() {
            let mut path: Vec<&str> = self.path.iter().map(String::as_str).collect();
            path.push(&key.name);
            match options::find(&path) {
                Some(found) => self.option(key, node, found, told),
                None => {
                    let message = match options::nearest(&path) {
                        Some(known) => format!("unknown option; is `{known}` meant?"),
                        None => "unknown option; remove it, or check its spelling".to_string(),
                    };
                    self.path.push(key.name.clone());
                    self.say(Severity::Error, &key.place, message);
                    self.path.pop();
                }
            }
        }
    }

    /// A section that may stand alone: options, or a switch.
    fn section(&mut self, node: &Node, told: bool) {
        let empty = matches!(&node.value, Value::Text(text) if text.is_empty());
        let switch = empty || node.value.truth().is_some();
        if !switch && !matches!(node.value, Value::Map(_)) {
            let found = node.value.kind();
            let message = format!("expected a section, true or false, found {found}");
            self.say(Severity::Error, &node.place, message);
        }
        self.entries(node, told);
    }

    fn leaf(&mut self, kind: Kind, node: &Node) {
        match kind {
            Kind::Bool => self.fits::<bool>(node),
            Kind::Int => self.fits::<i64>(node),
            Kind::Float => self.fits::<f64>(node),
            Kind::Text => self.fits::<String>(node),
            Kind::Duration => self.fits::<Duration>(node),
            Kind::List => self.fits::<Vec<String>>(node),
            Kind::Section => {}
        }
    }

    fn fits<T: DeserializeOwned>(&mut self, node: &Node) {
        if let Err(error) = decode::decode::<T>(node, "", &mut Vec::new()) {
            self.say(Severity::Error, &node.place, error.message);
        }
    }

    /// Says once if what was set has no effect; returns whether that has been said.
    fn effect(&mut self, option: &StaticOption, key: &Key, node: &Node, told: bool) -> bool {
        let off = node.value.truth() == Some(false);
        match option.status {
            Status::Ready => told,
            _ if told || off => true,
            Status::Later => {
                self.say(Severity::Warning, &key.place, LATER.to_string());
                true
            }
            Status::Without(reason) => {
                let message = format!("has no effect: {reason}");
                self.say(Severity::Warning, &key.place, message);
                true
            }
        }
    }

    /// Says it of a section in which nothing has an effect yet.
    fn tell_of_section(&mut self, key: &Key) -> bool {
        let below = |option: &&StaticOption| options::is_below(option.path, &self.path);
        let later = OPTIONS.iter().filter(below).all(|option| option.status == Status::Later);
        if later {
            self.say(Severity::Warning, &key.place, LATER.to_string());
        }
        later
    }

    fn say(&mut self, severity: Severity, place: &Place, message: String) {
        self.diagnostics.push(diagnostic(severity, &self.path.join("."), place, message));
    }
}

const LATER: &str = "known, but not available yet: it has no effect";
