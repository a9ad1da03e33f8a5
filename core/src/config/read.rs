//! Tree to dynamic configuration: each object on its own, so that a broken one takes only itself out.
use super::{Configuration, Defined, Definitions, Http, Tcp, Tls, Udp, tls};
use crate::{
    diagnostic::{Diagnostic, Kind, Place, Severity},
    static_config,
    tree::{
        Key, Node, Value,
        decode::{self, Ignored},
    },
};
use alloc::{
    collections::BTreeMap,
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
            reader.http(&mut configuration.http, node);
        } else if key.is("tcp") {
            reader.tcp(&mut configuration.tcp, node);
        } else if key.is("udp") {
            reader.udp(&mut configuration.udp, node);
        } else if key.is("tls") {
            reader.tls(&mut configuration.tls, node);
        } else if !static_config::is_root(&key.name) {
            reader.unknown(&key.name, &key.place);
        }
    }
    (configuration, reader.diagnostics)
}

#[derive(Default)]
struct Reader {
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    fn http(&mut self, http: &mut Http, section: &Node) {
        self.section("http", section);
        for (key, node) in section.entries() {
            let path = format!("http.{}", key.name);
            if key.is("routers") {
                self.objects(Kind::Router, &path, node, &mut http.routers);
            } else if key.is("services") {
                self.objects(Kind::Service, &path, node, &mut http.services);
            } else if key.is("middlewares") {
                self.objects(Kind::Middleware, &path, node, &mut http.middlewares);
            } else if key.is("serversTransports") {
                let transports = &mut http.servers_transports;
                self.objects(Kind::ServersTransport, &path, node, transports);
            } else {
                self.unknown(&path, &key.place);
            }
        }
    }

    fn tcp(&mut self, tcp: &mut Tcp, section: &Node) {
        self.section("tcp", section);
        for (key, node) in section.entries() {
            let path = format!("tcp.{}", key.name);
            if key.is("routers") {
                self.objects(Kind::TcpRouter, &path, node, &mut tcp.routers);
            } else if key.is("services") {
                self.objects(Kind::TcpService, &path, node, &mut tcp.services);
            } else {
                self.unknown(&path, &key.place);
            }
        }
    }

    fn udp(&mut self, udp: &mut Udp, section: &Node) {
        self.section("udp", section);
        for (key, node) in section.entries() {
            let path = format!("udp.{}", key.name);
            if key.is("routers") {
                self.objects(Kind::UdpRouter, &path, node, &mut udp.routers);
            } else if key.is("services") {
                self.objects(Kind::UdpService, &path, node, &mut udp.services);
            } else {
                self.unknown(&path, &key.place);
            }
        }
    }

    fn tls(&mut self, tls: &mut Tls, section: &Node) {
        self.section("tls", section);
        for (key, node) in section.entries() {
            let path = format!("tls.{}", key.name);
            if key.is("certificates") {
                self.certificates(&path, node, &mut tls.certificates);
            } else if key.is("options") {
                self.objects(Kind::TlsOptions, &path, node, &mut tls.options);
            } else if key.is("stores") {
                self.objects(Kind::TlsStore, &path, node, &mut tls.stores);
            } else {
                self.unknown(&path, &key.place);
            }
        }
    }

    /// A list: its items get names.
    fn certificates(&mut self, path: &str, list: &Node, into: &mut Definitions<tls::Certificate>) {
        if !matches!(list.value, Value::List(_) | Value::Null) {
            let found = list.value.kind();
            let message = format!("expected a list of certificates, found {found}");
            self.say(Severity::Error, path, &list.place, message);
        }
        let items = if let Value::List(items) = &list.value { &**items } else { &[] };
        let mut namesakes = BTreeMap::new();
        for (index, node) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let (ignored, value) = decoded::<tls::Certificate>(node, &path);
            let base = match &value {
                Ok(certificate) => certificate.name(),
                Err(_) => format!("number {}", index + 1),
            };
            let count = namesakes.entry(base.clone()).or_insert(0);
            *count += 1;
            let name = if *count == 1 { base } else { format!("{base} ({count})") };
            let value = self.told(Kind::Certificate, &name, ignored, value);
            into.insert(name.into(), Arc::new(Defined { value, place: node.place.clone() }));
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
            let (ignored, value) = decoded(node, &path);
            let value = self.told(kind, &key.name, ignored, value);
            let defined = Arc::new(Defined { value, place: key.place.clone() });
            into.insert(key.name.as_str().into(), defined);
        }
    }

    /// An object, after telling what is wrong with it.
    fn told<T>(
        &mut self,
        kind: Kind,
        name: &str,
        ignored: Vec<Ignored>,
        value: Result<T, decode::Error>,
    ) -> Result<T, String> {
        for Ignored { path, place, reason } in ignored {
            let message = reason.message().to_string();
            self.push(Severity::Warning, kind, name, (path, &place), message);
        }
        value.map_err(|error| {
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

/// What stands at `path`, and what of it has no effect.
fn decoded<T: DeserializeOwned>(
    node: &Node,
    path: &str,
) -> (Vec<Ignored>, Result<T, decode::Error>) {
    let mut ignored = Vec::new();
    let value = decode::decode(node, path, &mut ignored);
    (ignored, value)
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
