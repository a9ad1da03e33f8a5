//! A proxy with one entry point and a dynamic file, ready to be asked.
use crate::{Client, Reply, Rutter, curl, eventually, free_address, message::Message};
use std::{
    fmt::Write,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A temporary directory, removed when dropped.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// An empty one.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Self {
        Self(TempDir::with_prefix("rutter-e2e-").expect("a temporary directory"))
    }

    /// An empty one in another folder, which may outlive it.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn inside(folder: &Path) -> Self {
        Self(TempDir::with_prefix_in("rutter-e2e-", folder).expect("a temporary directory"))
    }

    /// A path in it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file in place by renaming it there, so that nobody ever sees half of it.
    ///
    /// # Panics
    /// If it cannot.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, next) = (self.path(name), self.path(&format!(".{name}.next")));
        fs::write(&next, text).expect("the file is written");
        fs::rename(&next, &path).expect("the file is renamed");
        path
    }
}

/// A dynamic configuration with one router and one service of one server for each `(host, URL)`;
/// they are named `r0`, `s0`, …
#[must_use]
pub fn routes(routes: &[(&str, &str)]) -> String {
    let (mut routers, mut services) = (String::new(), String::new());
    for (i, (host, url)) in routes.iter().enumerate() {
        let _ = writeln!(routers, "    r{i}: {{ rule: \"Host(`{host}`)\", service: s{i} }}");
        let _ = writeln!(
            services,
            "    s{i}: {{ loadBalancer: {{ servers: [ {{ url: \"{url}\" }} ] }} }}"
        );
    }
    format!("http:\n  routers:\n{routers}  services:\n{services}")
}

/// A running proxy, its entry point `web`, and the folder with its dynamic file.
#[derive(Debug)]
pub struct Setup {
    /// The process.
    pub rutter: Rutter,
    /// Where it serves.
    pub web: SocketAddr,
    /// Holds [`Self::FILE`].
    pub folder: Folder,
}

impl Setup {
    /// The dynamic file's name.
    pub const FILE: &str = "dynamic.yml";

    /// Starts a proxy with the dynamic configuration `text` and further `arguments`, and waits until
    /// requests for `host` are routed (which costs one of them).
    ///
    /// # Panics
    /// If that does not happen.
    #[must_use]
    pub fn start(text: &str, host: &str, arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let file = folder.write(Self::FILE, text);
        Self::start_in(
            folder,
            &format!("--providers.file.filename={}", show(&file)),
            host,
            arguments,
        )
    }

    /// The same with any file provider option, over a folder that is filled already.
    ///
    /// # Panics
    /// If requests for `host` are not routed.
    #[must_use]
    pub fn start_in(folder: Folder, provider: &str, host: &str, arguments: &[&str]) -> Self {
        let web = free_address();
        let entry_point = format!("--entryPoints.web.address={web}");
        let mut all =
            vec![entry_point.as_str(), provider, "--providers.providersThrottleDuration=1ms"];
        all.extend_from_slice(arguments);
        let setup = Self { rutter: Rutter::listening(web, &all), web, folder };
        setup.await_routed(host);
        setup
    }

    /// Waits until requests for `host` are not answered 404.
    ///
    /// # Panics
    /// If that does not happen.
    pub fn await_routed(&self, host: &str) {
        self.await_routed_at(host, "/");
    }

    /// The same with another path.
    ///
    /// # Panics
    /// If that does not happen.
    pub fn await_routed_at(&self, host: &str, path: &str) {
        eventually(&format!("{host}{path} is routed"), || {
            let answer =
                Client::connect(self.web).and_then(|mut client| client.get(host, path)).ok()?;
            (answer.status() != 404).then_some(())
        });
    }

    /// Rewrites the dynamic file by renaming a new one into its place.
    pub fn rewrite(&self, text: &str) {
        self.folder.write(Self::FILE, text);
    }

    /// One exchange on a connection of its own.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn get(&self, host: &str, target: &str) -> Message {
        let mut client = Client::connect(self.web).expect("the entry point accepts");
        client.get(host, target).expect("a whole response")
    }

    /// Runs curl for `http://ENTRY-POINT/path` with a Host header and further arguments.
    #[must_use]
    pub fn curl(&self, host: &str, path: &str, arguments: &[&str]) -> Reply {
        let (url, header) = (format!("http://{}{path}", self.web), format!("Host: {host}"));
        let mut all = vec!["-H", header.as_str(), url.as_str()];
        all.extend_from_slice(arguments);
        curl(&all)
    }
}

/// A path as an argument.
#[must_use]
pub fn show(path: &Path) -> String {
    path.display().to_string()
}
