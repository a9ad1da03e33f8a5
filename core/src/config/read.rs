//! Tree to dynamic configuration: each object on its own, so that a broken one takes only itself out.
use super::{Configuration, Defined, Definitions};
use crate::{
    diagnostic::{Diagnostic, Kind, Place, Severity},
    static_config,
    tree::{
        Key, Node, Value,
        decode::{self, Ignored},
    },
};
use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use serde::de::DeserializeOwned;

/// Top-level sections of a dynamic document.
pub const SECTIONS: [&str; 4] = ["http", "tcp", "udp", "tls"];

/// Reads a document. Sections of the static configuration in it are skipped.
///
/// A diagnostic's `object` is the name as written in the document, without its provider.
/// Compat: providers.md "File provider".
#[must_use]
pub fn read(document: &Node) -> (Configuration, Vec<Diagnostic>) {
    let mut reader = Reader::default();
    let mut configuration = Configuration::default();
    if !matches!(document.value, Value::Map(_) | Value::Null) {
        let message =
            format!("the document is {}, expected sections such as `http:`", document.value.kind());
        reader.say(Severity::Error, "", &document.place, message);
    }
    for (key, node) in document.entries() {
        if key.is("http") {
            reader.http(&mut configuration, node);
        } else if SECTIONS.iter().any(|section| key.is(section)) {
            let message = "not supported yet, ignored".to_string();
            reader.say(Severity::Warning, &key.name, &key.place, message);
        } else if !static_config::is_root(&key.name) {
            reader.unknown(&key.name, &key.place);
        }
    }
    (configuration, reader.diagnostics)
}

/// Adds what `from` defines to `into`. Of two objects with one name the first stays.
///
/// Compat: providers.md, "Same object name in two files".
#[must_use]
pub fn merge(into: &mut Configuration, from: Configuration) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let (http, from) = (&mut into.http, from.http);
    join(Kind::Router, "http.routers", &mut http.routers, from.routers, &mut diagnostics);
    join(Kind::Service, "http.services", &mut http.services, from.services, &mut diagnostics);
    join(
        Kind::Middleware,
        "http.middlewares",
        &mut http.middlewares,
        from.middlewares,
        &mut diagnostics,
    );
    diagnostics
}

fn join<T>(
    kind: Kind,
    section: &str,
    into: &mut Definitions<T>,
    from: Definitions<T>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (name, defined) in from {
        let Some(first) = into.get(&name) else {
            into.insert(name, defined);
            continue;
        };
        diagnostics.push(Diagnostic {
            severity: Severity::Warning,
            kind,
            path: format!("{section}.{name}"),
            place: defined.place.clone(),
            message: format!("already configured at {}, skipping this one", first.place),
            object: name,
        });
    }
}

#[derive(Default)]
struct Reader {
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    fn http(&mut self, configuration: &mut Configuration, section: &Node) {
        self.section("http", section);
        for (key, node) in section.entries() {
            let path = format!("http.{}", key.name);
            let http = &mut configuration.http;
            if key.is("routers") {
                self.objects(Kind::Router, &path, node, &mut http.routers);
            } else if key.is("services") {
                self.objects(Kind::Service, &path, node, &mut http.services);
            } else if key.is("middlewares") {
                self.objects(Kind::Middleware, &path, node, &mut http.middlewares);
            } else {
                self.unknown(&path, &key.place);
            }
        }
    }

    fn objects<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        path: &str,
        section: &Node,
        into: &mut Definitions<T>,
    ) {
        self.section(path, section);
        for (key, node) in section.entries() {
            let path = format!("{path}.{}", key.name);
            if let Some(message) = refusal(key) {
                self.push(Severity::Error, kind, &key.name, (path, &key.place), message);
                continue;
            }
            let value = self.object(kind, &key.name, &path, node);
            let defined = Arc::new(Defined { value, place: key.place.clone() });
            into.insert(key.name.as_str().into(), defined);
        }
    }

    fn object<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        name: &str,
        path: &str,
        node: &Node,
    ) -> Result<T, String> {
        let mut ignored = Vec::new();
        let result = decode::decode(node, path, &mut ignored);
        for Ignored { path, place, reason } in ignored {
            let message = reason.message().to_string();
            self.push(Severity::Warning, kind, name, (path, &place), message);
        }
        result.map_err(|error| {
            let reason = format!("{}: {}", error.path, error.message);
            self.push(Severity::Error, kind, name, (error.path, &error.place), error.message);
            reason
        })
    }

    /// Complains where a section is something else. One without anything in it is fine.
    fn section(&mut self, path: &str, node: &Node) {
        if !matches!(node.value, Value::Map(_) | Value::Null) {
            let message = format!("expected a section with names, found {}", node.value.kind());
            self.say(Severity::Error, path, &node.place, message);
        }
    }

    fn unknown(&mut self, path: &str, place: &Place) {
        let message = decode::Reason::Unknown.message().to_string();
        self.say(Severity::Warning, path, place, message);
    }

    fn say(&mut self, severity: Severity, path: &str, place: &Place, message: String) {
        self.push(severity, Kind::Document, "", (path.to_string(), place), message);
    }

    fn push(
        &mut self,
        severity: Severity,
        kind: Kind,
        object: &str,
        (path, place): (String, &Place),
        message: String,
    ) {
        let (object, place) = (object.into(), place.clone());
        self.diagnostics.push(Diagnostic { severity, kind, object, path, place, message });
    }
}

/// Why an object cannot have this name.
fn refusal(key: &Key) -> Option<String> {
    if key.name.contains('@') {
        let bare = key.name.split('@').next().unwrap_or_default();
        return Some(format!(
            "a name cannot contain `@`, the provider is added to it; call it `{bare}`"
        ));
    }
    key.name.trim().is_empty().then(|| "the name is empty; give it one".to_string())
}

#[cfg(test)]
mod tests;
