//! A tutorial for Traefik 2.1, its manifests in its order: what it says works.
use rutter_e2e::{
    Certificates, Cluster, Reply, Setup, cluster::slice, curl, eventually, free_address,
    setup::show,
};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The manifests, as they are written: most name no namespace, some `default`.
const MANIFESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cluster/tutorial");

/// Somebody who follows it.
struct Reader {
    cluster: &'static Cluster,
    group: &'static str,
    namespace: &'static str,
    certificates: Certificates,
    setup: Setup,
    websecure: SocketAddr,
    mongo: SocketAddr,
}

impl Reader {
    /// None: there is no cluster.
    fn new(group: &'static str, namespace: &'static str) -> Option<Self> {
        let cluster = Cluster::shared()?;
        if namespace != "default" {
            cluster.make_namespace(namespace);
        }
        let (websecure, mongo) = (free_address(), free_address());
        let setup = cluster.rutter(&[
            &format!("--entryPoints.websecure.address={websecure}"),
            &format!("--entryPoints.mongo.address={mongo}"),
            "--api=true",
            "--api.dashboard=true",
            "--providers.kubernetesingress",
            "--providers.kubernetescrd",
            &format!("--providers.kubernetescrd.namespaces={namespace}"),
            &format!("--providers.kubernetesingress.namespaces={namespace}"),
        ]);
        let certificates = Certificates::new();
        Some(Self { cluster, group, namespace, certificates, setup, websecure, mongo })
    }

    /// Applies a manifest, to the namespace and in the group of this reader.
    fn apply(&self, name: &str) {
        let text = fs::read_to_string(file(name)).unwrap();
        let text = text.replace("traefik.containo.us", self.group);
        let text = text.replace("namespace: default", &format!("namespace: {}", self.namespace));
        self.cluster.apply(self.namespace, &text);
    }

    /// Makes the Secret of a host's certificate as the tutorial does.
    fn make_secret(&self, name: &str, host: &str) {
        let (certificate, key) = self.certificates.make(host);
        let (certificate, key) = (format!("--cert={certificate}"), format!("--key={key}"));
        let words = ["create", "secret", "tls", name, &certificate, &key, "-n", self.namespace];
        self.cluster.done(&words, "");
    }

    fn await_body(&self, host: &str, path: &str, body: &str) {
        eventually(&format!("{host}{path} answers {body}"), || {
            (self.setup.get(host, path).text() == body).then_some(())
        });
    }

    /// curl over TLS for `host`, with the authority of the tests or whatever `arguments` say.
    fn secure(&self, to: SocketAddr, host: &str, path: &str, arguments: &[&str]) -> Reply {
        let port = to.port();
        let (authority, _) = self.certificates.paths("ca");
        let url = format!("https://{host}:{port}{path}");
        let resolve = format!("{host}:{port}:{}", to.ip());
        curl(&[&["--cacert", &authority, "--resolve", &resolve, &url], arguments].concat())
    }

    fn await_secure(&self, to: SocketAddr, host: &str, path: &str, arguments: &[&str], body: &str) {
        eventually(&format!("{host}{path} answers {body} over TLS"), || {
            (self.secure(to, host, path, arguments).body == body).then_some(())
        });
    }

    fn whoami(&self) {
        let pods = ["whoami", "whoami"].map(|name| self.cluster.pod(name, 80));
        self.apply("01-whoami.yaml");
        self.cluster.apply(self.namespace, &slice("whoami", "web", &[&pods[0], &pods[1]]));
        self.apply("02-ingressroute.yaml");
        self.await_body("who.example.com", "/notls", "whoami");
        assert_eq!(self.setup.curl("who.example.com", "/notls/x", &[]).status, 200);
        assert_eq!(self.setup.curl("who.example.com", "/", &[]).status, 404);
        assert_eq!(self.setup.curl("other.example.com", "/notls", &[]).status, 404);
        eventually("both pods take turns", || {
            let _ = self.setup.curl("who.example.com", "/notls", &[]);
            pods.iter().all(|pod| !pod.seen().is_empty()).then_some(())
        });

        self.make_secret("who-tls", "who.example.com");
        self.apply("03-ingressroute-tls.yaml");
        self.await_secure(self.websecure, "who.example.com", "/tls", &[], "whoami");
        // It is not at the other entry point, until it says so, or until who comes is sent on.
        assert_eq!(self.setup.curl("who.example.com", "/tls", &[]).status, 404);
        self.apply("06-ingressroute-http.yaml");
        self.await_body("who.example.com", "/tls", "whoami");
        self.apply("07-redirect-https.yaml");
        self.apply("08-ingressroute-redirected.yaml");
        let location = eventually("the redirection", || {
            let reply = self.setup.curl("who.example.com", "/tls", &[]);
            reply.header("location").map(str::to_owned)
        });
        assert!(location.starts_with("https://who.example.com"), "{location}");

        // The certificate is the resolver's now, and there is none: the Secret is not used any more.
        self.cluster.apply_file(&file("04-deployment-acme.yaml"), &[]);
        self.apply("05-ingressroute-acme.yaml");
        eventually("the certificate of the Secret is gone", || {
            let reply = self.secure(self.websecure, "who.example.com", "/tls", &[]);
            (reply.status == 0).then_some(())
        });
    }

    fn weights(&self) {
        let pods = ["appv1", "appv2"].map(|name| self.cluster.pod(name, 80));
        for (name, pod) in ["09-appv1.yaml", "10-appv2.yaml"].into_iter().zip(&pods) {
            self.apply(name);
            let service = &name[3..8];
            self.cluster.apply(self.namespace, &slice(service, "http", &[pod]));
        }
        self.apply("11-wrr.yaml");
        self.apply("12-ingressroute-wrr.yaml");
        self.setup.await_routed("wrr.example.com");
        let bodies: Vec<_> =
            (0..4).map(|_| self.setup.curl("wrr.example.com", "/", &[]).body).collect();
        let first = bodies.iter().filter(|body| *body == "appv1").count();
        let second = bodies.iter().filter(|body| *body == "appv2").count();
        assert_eq!((first, second), (3, 1), "{bodies:?}");
    }

    fn mirror(&self) {
        let pods = ["v1", "v2"].map(|name| self.cluster.pod(name, 80));
        self.apply("13-mirrored.yaml");
        for (service, pod) in ["v1", "v2"].into_iter().zip(&pods) {
            self.cluster.apply(self.namespace, &slice(service, "web", &[pod]));
        }
        self.apply("14-mirror-ingress-route.yaml");
        self.await_body("mirror.example.com", "/", "v1");
        for _ in 0..4 {
            assert_eq!(self.setup.curl("mirror.example.com", "/four", &[]).body, "v1");
        }
        eventually("two of the four are copied", || {
            let seen = pods[1].seen();
            let copies = seen.iter().filter(|request| request.target() == "/four").count();
            assert!(copies <= 2, "{copies}");
            (copies == 2).then_some(())
        });
    }

    fn mongo(&self) {
        let pod = self.cluster.pod("mongo", 27017);
        self.apply("15-mongo.yaml");
        self.cluster.apply(self.namespace, &slice("mongo-traefik", "", &[&pod]));
        self.apply("16-mongo-ingressroute-tcp.yaml");
        let clear = || curl(&[&format!("http://{}/", self.mongo)]).body;
        eventually("the connection is routed", || (clear() == "mongo").then_some(()));

        self.make_secret("traefik-mongo-certs", "mongo.local");
        self.apply("17-mongo-ingressroute-tls.yaml");
        self.await_secure(self.mongo, "mongo.local", "/", &["--http1.1"], "mongo");
        assert_ne!(clear(), "mongo");
        let other = self.secure(self.mongo, "mongo.k8s.local", "/", &["--http1.1", "--insecure"]);
        assert_ne!(other.body, "mongo", "{other:?}");

        self.apply("18-mongo-ingressroute-acme.yaml");
        self.await_secure(
            self.mongo,
            "mongo.example.com",
            "/",
            &["--http1.1", "--insecure"],
            "mongo",
        );
    }
}

/// Where a manifest is.
pub(super) fn file(name: &str) -> PathBuf {
    Path::new(MANIFESTS).join(name)
}

fn follow(group: &'static str, namespace: &'static str) {
    let Some(reader) = Reader::new(group, namespace) else { return };
    reader.whoami();
    reader.weights();
    reader.mirror();
    reader.mongo();
    // Everything that it asked for it was given.
    let said = reader.setup.rutter.stdout();
    assert!(!said.contains("(403 "), "{said}");
}

#[test]
fn the_tutorial_works_as_it_is_written() {
    follow("traefik.containo.us", "default");
}

#[test]
fn the_tutorial_works_in_the_group_of_today() {
    follow("traefik.io", "today");
}

#[test]
fn the_tutorial_has_no_manifest_that_is_not_followed() {
    let source = include_str!("tutorial.rs");
    for entry in fs::read_dir(MANIFESTS).unwrap() {
        let name = show(Path::new(&entry.unwrap().file_name()));
        assert!(source.contains(&format!("\"{name}\"")), "{name}");
    }
}
