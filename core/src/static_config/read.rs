//! Tree to static configuration.
use super::{
    AccessLog, EntryPoint, FileProvider, Files, INTERNAL, KubernetesProvider, Log, Prometheus,
    Providers, Rest, StaticConfiguration,
    address::{Address, Protocol},
    check::{self, diagnostic},
    kubernetes,
    log::{Format, Level},
};
use crate::{
    config::scalar::Duration,
    diagnostic::{Diagnostic, Place, Severity},
    tree::{Node, Value, decode},
};
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Display;
use serde::{Deserialize, de::DeserializeOwned};

/// Reads what all sources together say. Dynamic sections in it are skipped.
///
/// # Errors
/// Everything that is wrong, warnings included: with any error nothing should start.
pub fn read(tree: &Node) -> Result<(StaticConfiguration, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut reader = Reader { tree, diagnostics: check::check(tree) };
    let mut configuration = StaticConfiguration {
        compat: reader.section("compat"),
        entry_points: BTreeMap::new(),
        udp_entry_points: BTreeMap::new(),
        servers_transport: reader.section("serversTransport"),
        providers: reader.providers(),
        ping: reader.switched("ping"),
        api: reader.switched("api"),
        prometheus: reader.prometheus(),
        log: reader.log(),
        access_log: reader.access_log(),
    };
    // Go's transport keeps two where none are asked for.
    if configuration.servers_transport.max_idle_conns_per_host == 0 {
        configuration.servers_transport.max_idle_conns_per_host = 2;
    }
    let traefik21 = configuration.compat.traefik21;
    let all = reader.entry_points(traefik21).into_iter();
    (configuration.udp_entry_points, configuration.entry_points) =
        all.partition(|(_, entry_point)| entry_point.address.protocol == Protocol::Udp);
    reader.default_entry_points(&mut configuration);
    reader.cross_check(&configuration);
    let diagnostics = reader.diagnostics;
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(diagnostics);
    }
    Ok((configuration, diagnostics))
}

struct Reader<'a> {
    tree: &'a Node,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// A section with its defaults where it is absent or wrong.
    fn section<T: DeserializeOwned + Default>(&mut self, name: &str) -> T {
        self.switched(name).unwrap_or_default()
    }

    /// A section, unless it is absent, switched off or wrong.
    fn switched<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        self.switched_at(self.tree.option(name), name)
    }

    fn switched_at<T: DeserializeOwned>(&mut self, node: Option<&Node>, path: &str) -> Option<T> {
        let on = node.filter(|node| node.value.truth() != Some(false));
        on.and_then(|node| self.decode(node, path))
    }

    fn decode<T: DeserializeOwned>(&mut self, node: &Node, path: &str) -> Option<T> {
        if node.value == Value::Null {
            return None;
        }
        // Names were checked against the table.
        match decode::decode(node, path, &mut Vec::new()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(&error.path, &error.place, error.message);
                None
            }
        }
    }

    /// Adds an error, unless one was found at that option before.
    fn error(&mut self, path: &str, place: &Place, message: String) {
        let same = |known: &Diagnostic| {
            known.severity == Severity::Error
                && known.place == *place
                && known.path.eq_ignore_ascii_case(path)
        };
        if !self.diagnostics.iter().any(same) {
            self.diagnostics.push(diagnostic(Severity::Error, path, place, message));
        }
    }

    fn warn(&mut self, path: &str, place: &Place, message: String) {
        self.diagnostics.push(diagnostic(Severity::Warning, path, place, message));
    }

    /// Where an option was written; else nowhere.
    fn place(&self, path: &[&str]) -> Place {
        self.tree.at(path).map(|node| node.place.clone()).unwrap_or_default()
    }

    fn entry_points(&mut self, traefik21: bool) -> BTreeMap<String, EntryPoint> {
        let mut entry_points = BTreeMap::new();
        let nodes = self.tree.option("entryPoints").map(Node::entries).unwrap_or_default();
        for (key, node) in nodes {
            let path = format!("entryPoints.{}", key.name);
            let Some(mut entry_point) = self.decode::<EntryPoint>(node, &path) else { continue };
            let timeouts = &mut entry_point.transport.responding_timeouts;
            if traefik21 && node.at(&["transport", "respondingTimeouts", "readTimeout"]).is_none() {
                timeouts.read_timeout = Duration::default();
            }
            if entry_point
                .proxy_protocol
                .as_ref()
                .is_some_and(|trust| !trust.insecure && trust.networks.is_empty())
            {
                let message = "no trusted IPs provided; set `trustedIPs`, or `insecure`";
                let path = format!("{path}.proxyProtocol");
                let place = node.option("proxyProtocol").unwrap_or(node).place.clone();
                self.error(&path, &place, message.to_string());
            }
            if !(HEADER_BYTES_LEAST..=HEADER_BYTES_MOST)
                .contains(&entry_point.http.max_header_bytes)
            {
                let message = format!(
                    "expected {HEADER_BYTES_LEAST} to {HEADER_BYTES_MOST} bytes, found {}",
                    entry_point.http.max_header_bytes
                );
                let place = node.at(&["http", "maxHeaderBytes"]).unwrap_or(node).place.clone();
                self.error(&format!("{path}.http.maxHeaderBytes"), &place, message);
            }
            self.of_its_protocol(&path, node, &entry_point);
            entry_points.insert(key.name.clone(), entry_point);
        }
        entry_points
    }

    /// Options of the other protocol have no effect.
    fn of_its_protocol(&mut self, path: &str, node: &Node, entry_point: &EntryPoint) {
        let is_udp = entry_point.address.protocol == Protocol::Udp;
        let (others, protocol): (&[&[&str]], _) = if is_udp {
            let timeouts = &["transport", "respondingTimeouts"];
            (&[timeouts, &["proxyProtocol"], &["forwardedHeaders"], &["http"]], "UDP")
        } else {
            (&[&["udp"]], "TCP")
        };
        for option in others {
            if let Some(node) = node.at(option) {
                let path = format!("{path}.{}", option.join("."));
                let message = format!("has no effect: the entry point is one of {protocol}");
                self.warn(&path, &node.place, message);
            }
        }
        if entry_point.udp.timeout == Duration::default() {
            let place = node.at(&["udp", "timeout"]).unwrap_or(node).place.clone();
            let message = "expected a time longer than 0: a session in silence ends after it";
            self.error(&format!("{path}.udp.timeout"), &place, message.to_string());
        }
    }

    /// Compat: static-config.md "Entry points".
    fn default_entry_points(&self, configuration: &mut StaticConfiguration) {
        if self.tree.option("entryPoints").is_none() {
            let entry_point = with_defaults(80, configuration.compat.traefik21);
            configuration.entry_points.insert("http".to_string(), entry_point);
        }
        let on_internal = |entry_point: &str, manual: bool| !manual && entry_point == INTERNAL;
        let needed = configuration.api.is_some_and(|api| api.insecure)
            || configuration.providers.rest.is_some_and(|rest| rest.insecure)
            || configuration
                .ping
                .as_ref()
                .is_some_and(|ping| on_internal(&ping.entry_point, ping.manual_routing))
            || configuration
                .prometheus
                .as_ref()
                .is_some_and(|metrics| on_internal(&metrics.entry_point, metrics.manual_routing));
        let is_taken = configuration.entry_points.contains_key(INTERNAL)
            || configuration.udp_entry_points.contains_key(INTERNAL);
        if needed && !is_taken {
            let entry_point = with_defaults(8080, configuration.compat.traefik21);
            configuration.entry_points.insert(INTERNAL.to_string(), entry_point);
        }
    }

    /// What two options say together.
    fn cross_check(&mut self, configuration: &StaticConfiguration) {
        let entry_points = &configuration.entry_points;
        let ping = configuration.ping.as_ref().filter(|ping| !ping.manual_routing);
        let written = self.tree.option("entryPoints").map(Node::entries).unwrap_or_default();
        let is_udp = |name: &String| configuration.udp_entry_points.contains_key(name);
        // What was written and could not be read has been told.
        let is_there = |name: &String| {
            entry_points.contains_key(name)
                || (written.iter().any(|(key, _)| key.name == *name) && !is_udp(name))
        };
        if let Some(ping) = ping.filter(|ping| !is_there(&ping.entry_point)) {
            let known: Vec<_> = entry_points.keys().map(String::as_str).collect();
            let of = if is_udp(&ping.entry_point) { " of TCP" } else { "" };
            let message = format!(
                "there is no entry point{of} `{}`; define it, or use one of: {}",
                ping.entry_point,
                known.join(", ")
            );
            let place = self.place(&["ping", "entryPoint"]);
            self.error("ping.entryPoint", &place, message);
        }
        let mut taken: BTreeMap<&Address, &str> = BTreeMap::new();
        for (name, entry_point) in entry_points.iter().chain(&configuration.udp_entry_points) {
            let address = &entry_point.address;
            if address.port == 0 {
                continue;
            }
            if let Some(other) = taken.insert(address, name) {
                let message = format!(
                    "entry point `{other}` has the address `{address}` too; give each its own"
                );
                let place = self.place(&["entryPoints", name, "address"]);
                self.error(&format!("entryPoints.{name}.address"), &place, message);
            }
        }
    }

    fn providers(&mut self) -> Providers {
        #[derive(Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct AsWritten {
            providers_throttle_duration: Duration,
        }
        impl Default for AsWritten {
            fn default() -> Self {
                Self { providers_throttle_duration: Providers::default().throttle }
            }
        }
        let written: AsWritten = self.section("providers");
        let rest = self.tree.at(&["providers", "rest"]);
        Providers {
            throttle: written.providers_throttle_duration,
            file: self.file_provider(),
            kubernetes_crd: self.kubernetes("kubernetesCRD"),
            kubernetes_ingress: self.kubernetes("kubernetesIngress"),
            rest: self.switched_at::<Rest>(rest, "providers.rest"),
        }
    }

    fn file_provider(&mut self) -> Option<FileProvider> {
        #[derive(Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct AsWritten {
            filename: String,
            directory: String,
            watch: bool,
            debug_log_generated_template: bool,
        }
        impl Default for AsWritten {
            fn default() -> Self {
                Self {
                    filename: String::new(),
                    directory: String::new(),
                    watch: true,
                    debug_log_generated_template: false,
                }
            }
        }
        const PATH: &str = "providers.file";
        let node = self.tree.at(&["providers", "file"])?;
        let written: AsWritten = self.switched_at(Some(node), PATH)?;
        let files = match (written.filename, written.directory) {
            (filename, directory) if filename.is_empty() && directory.is_empty() => {
                let message = "neither `filename` nor `directory` is set; set one".to_string();
                self.error(PATH, &node.place, message);
                return None;
            }
            (filename, directory) if directory.is_empty() => Files::Filename(filename),
            (filename, directory) => {
                if !filename.is_empty() {
                    let message = "`directory` is set too and wins; remove one of them";
                    let place = self.place(&["providers", "file", "filename"]);
                    self.warn("providers.file.filename", &place, message.to_string());
                }
                Files::Directory(directory)
            }
        };
        Some(FileProvider {
            files,
            watch: written.watch,
            debug_log_generated_template: written.debug_log_generated_template,
        })
    }

    fn kubernetes(&mut self, section: &str) -> Option<KubernetesProvider> {
        let path = format!("providers.{section}");
        let node = self.tree.at(&["providers", section]);
        let written: kubernetes::AsWritten = self.switched_at(node, &path)?;
        match written.read() {
            Ok(provider) => Some(provider),
            Err(message) => {
                let place = self.place(&["providers", section, "labelSelector"]);
                let message = message.trim_start_matches("labelSelector: ").to_string();
                self.error(&format!("{path}.labelSelector"), &place, message);
                None
            }
        }
    }

    fn prometheus(&mut self) -> Option<Prometheus> {
        let node = self.tree.at(&["metrics", "prometheus"]);
        self.switched_at(node, "metrics.prometheus")
    }

    fn log(&mut self) -> Log {
        let written: LogAsWritten = self.section("log");
        let level = self.word("log", "level", &written.level, Level::named, "error");
        let format = self.word("log", "format", &written.format, Format::named, "common");
        Log { level, format, file_path: given(written.file_path) }
    }

    fn access_log(&mut self) -> Option<AccessLog> {
        let written: LogAsWritten = self.switched("accessLog")?;
        let format = self.word("accessLog", "format", &written.format, Format::named, "common");
        let buffering_size = usize::try_from(written.buffering_size).unwrap_or_default();
        Some(AccessLog { format, file_path: given(written.file_path), buffering_size })
    }

    /// A word that stands for a value; another one is a warning, and the default is used.
    fn word<T: Default>(
        &mut self,
        section: &str,
        option: &str,
        word: &str,
        named: impl Fn(&str) -> Option<T>,
        default: impl Display,
    ) -> T {
        if word.is_empty() {
            return T::default();
        }
        named(word).unwrap_or_else(|| {
            let place = self.place(&[section, option]);
            let message = format!("`{word}` is unknown, `{default}` is used instead");
            self.warn(&format!("{section}.{option}"), &place, message);
            T::default()
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LogAsWritten {
    level: String,
    format: String,
    file_path: String,
    buffering_size: i64,
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn with_defaults(port: u16, traefik21: bool) -> EntryPoint {
    let mut entry_point = EntryPoint::new(Address::port(port));
    if traefik21 {
        entry_point.transport.responding_timeouts.read_timeout = Duration::default();
    }
    entry_point
}

/// What the HTTP implementation needs at least to read a header.
const HEADER_BYTES_LEAST: usize = 8192;
/// Every connection may hold so much.
const HEADER_BYTES_MOST: usize = 16 << 20;

#[cfg(test)]
mod tests;
