//! A real API server of Kubernetes with its etcd, as plain processes in a network of their own, and
//! `kubectl`. There are no nodes, so nothing runs in it: objects are what is real.
//!
//! Rutter reads it as the service account of `deploy/rbac.yaml`, so it may do what that allows.
use crate::{
    Certificates, Folder, Rutter, Server, Setup, binary as rutter, eventually, eventually_within,
    free_address, network::Network, server::Answer, setup::show,
};
use programs::{Keeper, Program, Yard};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

mod arguments;
mod binary;
mod helm;
mod programs;

pub use helm::helm;

/// How long the API server may take to start: a few seconds on an idle machine.
const START: Duration = Duration::from_secs(120);

/// The folder of the manifests that users apply.
pub const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");

/// A cluster. It ends when dropped, or with the process.
#[derive(Debug)]
pub struct Cluster {
    // In the order in which they go.
    api_server: Mutex<Option<Program>>,
    _etcd: Program,
    keeper: Keeper,
    certificates: Certificates,
    network: Network,
    kube: PathBuf,
    store: SocketAddr,
    address: SocketAddr,
    yard: Yard,
}

/// What `kubectl` or `helm` said.
#[derive(Debug)]
pub struct Said {
    /// Whether it did what it was told.
    pub is_done: bool,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Cluster {
    /// The one of this process, which the calling thread enters. None, and a line on standard error:
    /// its programs were not built, or this user may not make a network.
    ///
    /// # Panics
    /// If it does not start; in place of none where `RUTTER_CLUSTER` is set.
    #[must_use]
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        let cluster = SHARED.get_or_init(Self::start).as_ref()?;
        cluster.network.enter();
        Some(cluster)
    }

    /// One of one's own, which the calling thread enters. None: as with [`Self::shared`].
    ///
    /// # Panics
    /// As [`Self::shared`].
    #[must_use]
    pub fn start() -> Option<Self> {
        let skip = |why: String| binary::skip("on a Kubernetes API server", &why);
        let kube = binary::path("kube", "RUTTER_CLUSTER").map_err(skip).ok()?;
        let network = Network::new().map_err(|why| skip(format!("it takes root: {why}"))).ok()?;
        // There is no registry in there, should it be missing still.
        rutter::path();
        network.enter();
        let yard = Yard::new();
        let certificates = Certificates::in_folder(Folder::inside(yard.folder()));
        certificates.issue("server", "/O=Test", "DNS:localhost,IP:127.0.0.1");
        certificates.issue("admin", "/O=system:masters/CN=admin", "DNS:admin");
        certificates.issue("accounts", "/O=Test", "DNS:accounts");
        let keeper = Keeper::start();
        let (store, peers, address) = (free_address(), free_address(), free_address());
        let _etcd =
            keeper.run(&kube, "etcd", &arguments::etcd(store, peers, yard.folder()), yard.folder());
        let api_server = Mutex::new(None);
        let cluster =
            Self { api_server, _etcd, keeper, certificates, network, kube, store, address, yard };
        cluster.start_api_server();
        cluster.install();
        Some(cluster)
    }

    /// Starts the API server and waits until it is ready; after a stop it is where it was, and knows
    /// what it knew.
    ///
    /// # Panics
    /// If it does not get ready.
    pub fn start_api_server(&self) {
        let arguments = arguments::api_server(self.address, self.store, &self.certificates);
        let folder = self.yard.folder();
        let mut program = self.keeper.run(&self.kube, "kube-apiserver", &arguments, folder);
        let url = format!("https://{}/readyz", self.address);
        let (authority, _) = self.certificates.paths("ca");
        eventually_within(START, "the API server is ready", || {
            program.assert_running();
            std::net::TcpStream::connect(self.address).ok()?;
            (crate::curl(&["--cacert", &authority, &url]).status == 200).then_some(())
        });
        *self.api_server.lock().unwrap_or_else(PoisonError::into_inner) = Some(program);
    }

    /// Ends the API server as a crash does.
    pub fn stop_api_server(&self) {
        drop(self.api_server.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Puts in what Rutter needs, and a kubeconfig for it.
    fn install(&self) {
        let (authority, _) = self.certificates.paths("ca");
        let (certificate, key) = self.certificates.paths("admin");
        let admin = format!("client-certificate: '{certificate}', client-key: '{key}'");
        self.write_config("admin", &authority, &admin);
        eventually("the namespace kube-system is there", || {
            self.kubectl(&["get", "namespace", "kube-system"], "").is_done.then_some(())
        });
        for file in ["crds.yaml", "rbac.yaml"] {
            self.apply_file(&Path::new(DEPLOY).join(file), &[]);
        }
        self.done(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], "");
        let token = self.done(&["create", "token", "traefik", "--namespace=kube-system"], "");
        fs::write(self.path("token"), token).expect("the file is written");
        self.write_config("rutter", &authority, &format!("tokenFile: '{}'", self.path("token")));
    }

    fn write_config(&self, name: &str, authority: &str, user: &str) {
        let server = format!("https://{}", self.address);
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: it,
  contexts: [{{name: it, context: {{cluster: it, user: it, namespace: kube-system}}}}],
  clusters: [{{name: it, cluster: {{server: '{server}', certificate-authority: '{authority}'}}}}],
  users: [{{name: it, user: {{{user}}}}}]}}\n"
        );
        fs::write(self.path(name), text).expect("the file is written");
    }

    fn path(&self, name: &str) -> String {
        show(&self.yard.folder().join(name))
    }

    /// Runs `kubectl` as the administrator, with a text as its input.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = Command::new(&self.kube);
        command.args(["kubectl", "--request-timeout=30s"]).args(arguments);
        command.env_clear().env("HOME", self.yard.folder()).env("KUBECONFIG", self.path("admin"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("piped");
        let text = input.to_owned();
        // One that has ended already does not listen.
        let writer =
            std::thread::spawn(move || std::io::Write::write_all(&mut stdin, text.as_bytes()));
        let out = child.wait_with_output().expect("kubectl ends");
        let _ = writer.join();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { is_done: out.status.success(), stdout: text(&out.stdout), stderr: text(&out.stderr) }
    }

    /// The same where it has to work; returns its standard output.
    ///
    /// # Panics
    /// If it does not.
    pub fn done(&self, arguments: &[&str], input: &str) -> String {
        let said = self.kubectl(arguments, input);
        assert!(said.is_done, "kubectl {arguments:?}: {}{}", said.stdout, said.stderr);
        said.stdout
    }

    /// Makes a namespace.
    ///
    /// # Panics
    /// If it cannot, as when there is one.
    pub fn make_namespace(&self, name: &str) {
        self.done(&["create", "namespace", name], "");
    }

    /// Applies objects to a namespace; every field of theirs has to be known.
    ///
    /// # Panics
    /// If they are refused.
    pub fn apply(&self, namespace: &str, objects: &str) -> String {
        self.done(&[&APPLY[..], &["-n", namespace, "-f", "-"]].concat(), objects)
    }

    /// Applies a file; every field has to be known.
    ///
    /// # Panics
    /// If it is refused.
    pub fn apply_file(&self, path: &Path, arguments: &[&str]) -> String {
        self.done(&[&APPLY[..], &["-f", &show(path)], arguments].concat(), "")
    }

    /// Tries to apply objects that have to be refused; returns what is said.
    ///
    /// # Panics
    /// If they are not.
    pub fn refused(&self, namespace: &str, objects: &str) -> String {
        let said = self.kubectl(&[&APPLY[..], &["-n", namespace, "-f", "-"]].concat(), objects);
        assert!(!said.is_done, "accepted: {}\n{objects}", said.stdout);
        said.stderr
    }

    /// A server as a pod would be, with an address of its own. It answers by its name.
    #[must_use]
    pub fn pod(&self, name: &str, port: u16) -> Server {
        let name = name.to_owned();
        Server::start_at(self.network.next_address(port), move |_| Answer::Text(name.clone()))
    }

    /// The same; it answers with the head of the request.
    #[must_use]
    pub fn echo(&self, port: u16) -> Server {
        Server::start_at(self.network.next_address(port), |request| Answer::Text(request.head()))
    }

    /// Starts Rutter with the entry points `web` and `arguments`, reading this cluster.
    ///
    /// # Panics
    /// If it does not listen.
    #[must_use]
    pub fn rutter(&self, arguments: &[&str]) -> Setup {
        let (web, folder) = (free_address(), Folder::inside(self.yard.folder()));
        let entry_point = format!("--entryPoints.web.address={web}");
        let mut all = vec![entry_point.as_str(), "--providers.providersThrottleDuration=1ms"];
        all.extend_from_slice(arguments);
        let mut rutter = Rutter::spawn(&all, &[("KUBECONFIG", &self.path("rutter"))]);
        rutter.await_listener(web);
        Setup { rutter, web, folder }
    }
}

/// What every object goes through.
const APPLY: [&str; 3] = ["apply", "--server-side", "--validate=strict"];

/// The EndpointSlice of a Service: port `name` of pods that are ready.
#[must_use]
pub fn slice(service: &str, name: &str, pods: &[&Server]) -> String {
    let ready = "{ready: true, serving: true, terminating: false}";
    slice_of(service, name, &pods.iter().map(|pod| (*pod, ready)).collect::<Vec<_>>())
}

/// The same with conditions of each, such as `{ready: false}`.
///
/// # Panics
/// If there is none, or they do not agree on a port.
#[must_use]
pub fn slice_of(service: &str, name: &str, pods: &[(&Server, &str)]) -> String {
    let port = pods.first().expect("one says which port").0.address.port();
    let endpoint = |(pod, conditions): &(&Server, &str)| {
        assert_eq!(pod.address.port(), port, "a slice has one port");
        format!("- {{addresses: ['{}'], conditions: {conditions}}}\n", pod.address.ip())
    };
    let endpoints: String = pods.iter().map(endpoint).collect();
    format!(
        "---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {service}-1, labels: {{kubernetes.io/service-name: {service}}}}}
addressType: IPv4
ports: [{{name: '{name}', port: {port}, protocol: TCP}}]
endpoints:
{endpoints}"
    )
}
