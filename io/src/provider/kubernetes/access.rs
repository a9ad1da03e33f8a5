//! Where the API server is, whom to believe that it is it, and who we are to it.
//! Compat: kubernetes.md "Connection and options".
use super::Server;
use crate::{source, upstream::tls};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Uri};
use rutter_core::{
    service::transport::{Certificate, ServersTransport, Settings},
    tree::{Node, Value},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What Kubernetes puts into every pod.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// A token or certificate longer than this is none.
const FILE_MAX: u64 = 1 << 20;

/// How the API server is reached.
pub(super) struct Access {
    /// Scheme, authority, and what all paths begin with.
    pub(super) server: Uri,
    authority: Option<Text>,
    certificate: Option<(Text, Text)>,
    token: Option<Text>,
    namespace: Option<Text>,
    server_name: Option<Box<str>>,
    is_insecure: bool,
}

/// Written out, or in a file that may change.
enum Text {
    Plain(Bytes),
    File(PathBuf),
}

impl Text {
    fn read(&self) -> Result<Bytes, String> {
        match self {
            Self::Plain(text) => Ok(text.clone()),
            Self::File(path) => {
                let wrong = |what: String| format!("{}: {what}", path.display());
                let length = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
                if length > FILE_MAX {
                    return Err(wrong("too long".to_owned()));
                }
                fs::read(path).map(Bytes::from).map_err(|error| wrong(error.to_string()))
            }
        }
    }
}

impl Access {
    /// Looks where `environment` says that this process is.
    ///
    /// # Errors
    /// No server is named, or what names it cannot be read; one line.
    pub(super) fn find(
        options: &Server,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let variable = |name| environment(name).filter(|value| !value.is_empty());
        let inside = variable("KUBERNETES_SERVICE_HOST").zip(variable("KUBERNETES_SERVICE_PORT"));
        if let Some((host, port)) = inside {
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            let url = match &*options.endpoint {
                "" => format!("https://{host}:{port}"),
                endpoint => endpoint.to_owned(),
            };
            let file = |name| Some(Text::File(Path::new(SERVICE_ACCOUNT).join(name)));
            return Ok(Self {
                authority: file("ca.crt"),
                token: file("token"),
                namespace: file("namespace"),
                ..Self::at(&url)?
            });
        }
        if let Some(paths) = variable("KUBECONFIG") {
            let path = std::env::split_paths(&paths).next().unwrap_or_default();
            let wrong = |what: String| format!("KUBECONFIG: {}: {what}", path.display());
            let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
            return kubeconfig(&path, &text).map_err(wrong);
        }
        if options.endpoint.is_empty() {
            return Err(
                "outside a cluster the API server has to be named: set `endpoint`, or the \
                        variable KUBECONFIG"
                    .to_owned(),
            );
        }
        let authority = Some(&options.certificate_authority).filter(|path| !path.is_empty());
        let token = Some(&options.token.0).filter(|token| !token.is_empty());
        Ok(Self {
            authority: authority.map(|path| Text::File(path.into())),
            token: token.map(|token| Text::Plain(token.clone().into())),
            ..Self::at(&options.endpoint)?
        })
    }

    fn at(url: &str) -> Result<Self, String> {
        let wrong = || format!("`{url}` is no URL of an API server, such as https://10.0.0.1:6443");
        let server: Uri = url.parse().map_err(|_| wrong())?;
        let is_known = matches!(server.scheme_str(), Some("http" | "https"));
        if !is_known || server.authority().is_none() {
            return Err(wrong());
        }
        Ok(Self {
            server,
            authority: None,
            certificate: None,
            token: None,
            namespace: None,
            server_name: None,
            is_insecure: false,
        })
    }

    /// Where this process's own objects are.
    pub(super) fn namespace(&self) -> String {
        let text = self.namespace.as_ref().and_then(|text| text.read().ok()).unwrap_or_default();
        let name = str::from_utf8(&text).unwrap_or_default().trim();
        if name.is_empty() { "default" } else { name }.to_owned()
    }

    /// `Authorization`, with the token as it is now.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>, String> {
        let Some(token) = &self.token else { return Ok(None) };
        let token = token.read()?;
        let written = [b"Bearer ", token.trim_ascii()].concat();
        let mut value = HeaderValue::from_bytes(&written)
            .map_err(|_| "the token has characters that no token has".to_owned())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The TLS settings as they are now.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn tls(&self) -> Result<Arc<ServersTransport>, String> {
        let roots = self.authority.iter().map(Text::read).collect::<Result<_, _>>()?;
        let pair = |(chain, key): &(Text, Text)| {
            Ok::<_, String>(Certificate { chain: chain.read()?, key: key.read()? })
        };
        let shown = self.certificate.iter().map(pair).collect::<Result<_, _>>()?;
        Ok(Arc::new(ServersTransport::new(Settings {
            server_name: self.server_name.clone(),
            root_cas: roots,
            certificates: shown,
            insecure_skip_verify: self.is_insecure,
            http1_only: false,
            limits: None,
        })))
    }
}

/// TLS towards the API server, made anew when its files say something else.
#[derive(Default)]
pub(super) struct Tls(Option<(Arc<ServersTransport>, Arc<tls::Configs>)>);

impl Tls {
    /// As the files are now.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn configs(&mut self, access: &Access) -> Result<Arc<tls::Configs>, String> {
        let now = access.tls()?;
        match &self.0 {
            Some((known, configs)) if known.id() == now.id() => Ok(Arc::clone(configs)),
            _ => {
                let configs = Arc::new(tls::Configs::own(Arc::clone(&now)));
                self.0 = Some((now, Arc::clone(&configs)));
                Ok(configs)
            }
        }
    }
}

/// What `kubectl` would do with this file.
fn kubeconfig(path: &Path, text: &str) -> Result<Access, String> {
    // Its name need not say what it is.
    let tree = source::parse(&path.with_extension("yaml"), text).map_err(|it| it.to_string())?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let context = word(&tree, "current-context");
    let context = named(&tree, "contexts", context, "context")?;
    let cluster = named(&tree, "clusters", word(context, "cluster"), "cluster")?;
    let nobody = Node::empty();
    let user = match word(context, "user") {
        "" => &nobody,
        user => named(&tree, "users", user, "user")?,
    };
    for unknown in ["exec", "auth-provider", "username"] {
        if user.option(unknown).is_some() {
            return Err(format!(
                "`{unknown}` of a user is not supported; give it a token or a certificate"
            ));
        }
    }
    let mut access = Access::at(word(cluster, "server"))?;
    access.authority = file_or_data(cluster, "certificate-authority", folder)?;
    let name = Some(word(cluster, "tls-server-name")).filter(|name| !name.is_empty());
    access.server_name = name.map(Into::into);
    let insecure = cluster.option("insecure-skip-tls-verify");
    access.is_insecure = insecure.and_then(|it| it.value.truth()) == Some(true);
    let chain = file_or_data(user, "client-certificate", folder)?;
    access.certificate = chain.zip(file_or_data(user, "client-key", folder)?);
    let namespace = word(context, "namespace");
    access.namespace = Some(Text::Plain(namespace.to_owned().into()));
    access.token = match (word(user, "tokenFile"), word(user, "token")) {
        ("", "") => None,
        ("", token) => Some(Text::Plain(token.to_owned().into())),
        (file, _) => Some(Text::File(folder.join(file))),
    };
    Ok(access)
}

/// The text of an option; empty where there is none.
fn word<'a>(node: &'a Node, name: &str) -> &'a str {
    match node.option(name).map(|it| &it.value) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}

/// What is called `name` in a list of a kubeconfig.
fn named<'a>(tree: &'a Node, list: &str, name: &str, part: &str) -> Result<&'a Node, String> {
    let items = match tree.option(list).map(|node| &node.value) {
        Some(Value::List(items)) => &items[..],
        _ => &[],
    };
    let item = items.iter().find(|item| !name.is_empty() && word(item, "name") == name);
    item.and_then(|item| item.option(part)).ok_or_else(|| format!("{list}: `{name}` is missing"))
}

/// `<name>-data`, or the file called `<name>`.
fn file_or_data(node: &Node, name: &str, folder: &Path) -> Result<Option<Text>, String> {
    let data = format!("{name}-data");
    match (word(node, &data), word(node, name)) {
        ("", "") => Ok(None),
        ("", file) => Ok(Some(Text::File(folder.join(file)))),
        (text, _) => {
            let text = STANDARD.decode(text).map_err(|_| format!("{data}: no base64"))?;
            Ok(Some(Text::Plain(text.into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rutter_core::static_config::Token;

    fn server(endpoint: &str, token: &str) -> Server {
        let (endpoint, token) = (endpoint.to_owned(), Token(token.to_owned()));
        Server { endpoint, token, certificate_authority: String::new() }
    }

    #[test]
    fn inside_a_cluster_the_service_account_counts_and_the_endpoint_only_replaces_the_host() {
        let inside = |name: &str| {
            let value = match name {
                "KUBERNETES_SERVICE_HOST" => "fd00::1",
                "KUBERNETES_SERVICE_PORT" => "443",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let found =
            Access::find(&server("", "ignored"), inside).unwrap_or_else(|it| panic!("{it}"));
        assert_eq!(found.server.to_string(), "https://[fd00::1]:443/");
        assert!(matches!(&found.token, Some(Text::File(path)) if path.ends_with("token")));
        let found = Access::find(&server("https://api.test", ""), inside);
        assert_eq!(found.map(|it| it.server.to_string()), Ok("https://api.test/".to_owned()));
    }

    #[test]
    fn outside_a_cluster_the_server_has_to_be_named() {
        let outside = |_: &str| None;
        let error = |endpoint| Access::find(&server(endpoint, ""), outside).err().unwrap();
        assert!(error("").contains("set `endpoint`"));
        assert!(error("10.0.0.1").contains("is no URL"));
        assert!(error("ftp://x").contains("is no URL"));
        let found = Access::find(&server("http://api.test:1/base", "t"), outside).ok().unwrap();
        assert_eq!(found.authorization().unwrap().unwrap(), "Bearer t");
    }

    #[test]
    fn a_kubeconfig_is_read_as_kubectl_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let text = "
current-context: two
contexts:
- {name: one, context: {cluster: none}}
- {name: two, context: {cluster: c, user: u}}
clusters:
- name: c
  cluster: {server: 'https://api.test:6443', certificate-authority-data: QQ==}
users:
- name: u
  user: {tokenFile: token, client-certificate-data: Qg==, client-key-data: Qw==}
";
        fs::write(folder.path().join("token"), "abc\n").unwrap();
        let read = kubeconfig(&path, text).ok().unwrap();
        assert_eq!(read.authorization().unwrap().unwrap(), "Bearer abc");
        fs::write(folder.path().join("token"), "def\n").unwrap();
        assert_eq!(read.authorization().unwrap().unwrap(), "Bearer def");
        let tls = read.tls().unwrap();
        assert_eq!(tls.root_cas[0], "A");
        assert_eq!(
            (&tls.certificates[0].chain[..], &tls.certificates[0].key[..]),
            (&b"B"[..], &b"C"[..])
        );
        for (from, to, want) in [
            ("current-context: two", "current-context: x", "contexts: `x` is missing"),
            ("cluster: c,", "cluster: d,", "clusters: `d` is missing"),
            ("tokenFile: token", "exec: {}", "`exec` of a user is not supported"),
            ("QQ==", "?", "certificate-authority-data: no base64"),
        ] {
            let error = kubeconfig(&path, &text.replace(from, to)).err().unwrap();
            assert!(error.contains(want), "{error}");
        }
    }
}
