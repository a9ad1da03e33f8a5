//! The Kubernetes providers, against an API server of our own.
use crate::{
    https::{certificate, secure_with},
    proxy::run,
    wire::Server,
};
use api::Api;
use rutter::{
    clock::Clock,
    net::tcp::Tcp,
    provider::kubernetes::{self, Options, Surroundings, Times},
};
use rutter_core::{
    diagnostic::Diagnostic,
    leader,
    provider::{
        Message,
        kubernetes::{Options as Translation, Provider},
    },
    static_config::Token,
};
use serde_json::{Value, json};
use std::{cell::Cell, fs, rc::Rc, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

mod api;
mod notes;

const ROUTES: &str = "/apis/traefik.io/v1alpha1/ingressroutes";

fn options(url: &str) -> Options {
    Options {
        provider: Provider::Crd,
        server: kubernetes::Server {
            endpoint: url.to_owned(),
            token: Token::default(),
            certificate_authority: String::new(),
        },
        translation: Translation::default(),
        label_selector: String::new(),
        throttle: Duration::ZERO,
        times: Times {
            back_off_min: Duration::from_millis(1),
            back_off_max: Duration::from_millis(4),
            denied: Duration::from_millis(4),
            lease: leader::Times {
                retry_period: Duration::from_millis(5),
                ..leader::Times::default()
            },
        },
    }
}

/// What a provider sends.
struct Provided {
    messages: mpsc::Receiver<Message>,
    /// What is wrong with the plan.
    plan: watch::Sender<Arc<[Diagnostic]>>,
}

impl Provided {
    fn by(options: Options) -> Self {
        Self::within(options, |_| None)
    }

    fn within(options: Options, environment: impl Fn(&str) -> Option<String> + 'static) -> Self {
        let (messages, inbox) = mpsc::channel(1);
        let surroundings = Surroundings { environment, clock: Clock::start(), seed: 7 };
        let (plan, findings) = watch::channel(Arc::from([]));
        let running = kubernetes::run(options, Tcp::default(), surroundings, messages, findings);
        tokio::task::spawn_local(running);
        Self { messages: inbox, plan }
    }

    /// Router rules and servers of the next configuration.
    async fn next(&mut self) -> String {
        let message = self.messages.recv().await.expect("the provider runs");
        let http = &message.configuration.http;
        let routers = http.routers.values().filter_map(|it| it.value.as_ref().ok());
        let mut told: Vec<_> = routers.map(|router| router.rule.to_string()).collect();
        let services = http.services.values().filter_map(|it| it.value.as_ref().ok());
        let balancers = services.filter_map(|it| it.load_balancer.as_ref());
        told.extend(balancers.flat_map(|it| it.servers.iter().map(|server| server.url.clone())));
        told.join(" ")
    }

    /// Waits for a configuration.
    async fn until(&mut self, wanted: &str) {
        while self.next().await != wanted {}
    }
}

fn route(name: &str, rule: &str) -> Value {
    let service = json!({"name": "app", "port": 80});
    let route = json!({"kind": "Rule", "match": rule, "services": [service]});
    json!({
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "IngressRoute",
        "metadata": {"namespace": "default", "name": name, "uid": name},
        "spec": {"routes": [route]},
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "default", "name": "app"},
        "spec": {"ports": [{"name": "web", "port": 80}]},
    })
}

/// Pods; those behind a `-` terminate and still serve.
fn slice(pods: &[&str]) -> Value {
    let endpoint = |pod: &&str| {
        let ready = !pod.starts_with('-');
        let conditions = json!({"ready": ready, "serving": true, "terminating": !ready});
        json!({"addresses": [pod.trim_start_matches('-')], "conditions": conditions})
    };
    let labels = json!({"kubernetes.io/service-name": "app"});
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": "default", "name": "app-1", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "web", "port": 8080}],
        "endpoints": pods.iter().map(endpoint).collect::<Vec<_>>(),
    })
}

fn fill(api: &Api) {
    api.put(service());
    api.put(slice(&["10.0.0.1"]));
    api.put(route("a", "Path(`/a`)"));
}

const FULL: &str = "Path(`/a`) http://10.0.0.1:8080";

#[test]
fn routes_come_change_and_go() {
    run(async {
        let (api, url) = Api::start().await;
        fill(&api);
        let mut provided = Provided::by(options(&url));
        assert_eq!(provided.next().await, FULL, "nothing half read is sent");
        api.put(route("a", "Path(`/b`)"));
        assert_eq!(provided.next().await, "Path(`/b`) http://10.0.0.1:8080");
        api.put(slice(&["10.0.0.2"]));
        assert_eq!(provided.next().await, "Path(`/b`) http://10.0.0.2:8080");
        api.delete(&route("a", ""));
        assert_eq!(provided.next().await, "");
    });
}

#[test]
fn a_pod_that_terminates_gets_nothing_new() {
    run(async {
        let (api, url) = Api::start().await;
        fill(&api);
        let mut provided = Provided::by(options(&url));
        assert_eq!(provided.next().await, FULL);
        api.put(slice(&["-10.0.0.1", "10.0.0.2"]));
        assert_eq!(provided.next().await, "Path(`/a`) http://10.0.0.2:8080");
        // Better than nobody.
        api.put(slice(&["-10.0.0.1"]));
        assert_eq!(provided.next().await, FULL);
    });
}

#[test]
fn a_list_comes_in_pages() {
    run(async {
        let (api, url) = Api::start().await;
        fill(&api);
        api.put(route("b", "Path(`/b`)"));
        api.put(route("c", "Path(`/c`)"));
        api.page(1);
        let mut provided = Provided::by(options(&url));
        let rules = provided.next().await;
        assert!(["`/a`", "`/b`", "`/c`"].iter().all(|rule| rules.contains(rule)), "{rules}");
    });
}

#[test]
fn a_watch_that_breaks_goes_on_where_it_was() {
    run(async {
        let (api, url) = Api::start().await;
        fill(&api);
        let mut provided = Provided::by(options(&url));
        assert_eq!(provided.next().await, FULL);
        let lists = |api: &Api| api.asked(&format!("{ROUTES}?&limit")).len();
        let watches = format!("{ROUTES}?&watch");
        api.wait_asked(&watches, 1).await;
        for turn in 0..5 {
            let before = api.asked(&watches).len();
            api.break_watches();
            // Nobody watches now, or not for long.
            api.put(route("a", &format!("Path(`/{turn}`)")));
            provided.until(&format!("Path(`/{turn}`) http://10.0.0.1:8080")).await;
            api.wait_asked(&watches, before + 1).await;
        }
        assert_eq!(lists(&api), 1);
        let asked = api.asked(&watches);
        let last = asked.iter().filter_map(|it| it.rsplit('=').next());
        let versions: Vec<u64> = last.map(|it| it.parse().unwrap()).collect();
        assert!(versions[0] == 4 && versions.last() >= Some(&8), "{versions:?}");
    });
}

#[test]
fn what_is_forgotten_is_listed_again_and_nothing_is_missing_meanwhile() {
    for by_answer in [false, true] {
        run(async move {
            let (api, url) = Api::start().await;
            fill(&api);
            let mut provided = Provided::by(options(&url));
            assert_eq!(provided.next().await, FULL);
            api.wait_asked(&format!("{ROUTES}?&watch"), 1).await;
            api.delete(&route("a", ""));
            api.put(route("b", "Path(`/b`)"));
            api.forget(by_answer);
            loop {
                let now = provided.next().await;
                assert!(now.is_empty() || now.starts_with("Path(`/"), "{now}");
                if now == "Path(`/b`) http://10.0.0.1:8080" {
                    break;
                }
            }
            api.wait_asked(&format!("{ROUTES}?&limit"), 2).await;
        });
    }
}

#[test]
fn what_is_refused_leaves_the_others_alone_until_it_is_allowed() {
    run(async {
        let (api, url) = Api::start().await;
        fill(&api);
        api.refuse("/api/v1/secrets", 403);
        for kind in ["middlewares", "ingressroutes"] {
            api.refuse(&format!("/apis/traefik.containo.us/v1alpha1/{kind}"), 404);
        }
        api.refuse(ROUTES, 403);
        let mut provided = Provided::by(options(&url));
        assert_eq!(provided.next().await, "");
        api.wait_asked(&format!("{ROUTES}?&limit"), 3).await;
        api.refuse(ROUTES, 200);
        assert_eq!(provided.next().await, FULL);
    });
}

#[test]
fn a_server_that_comes_late_or_comes_again_is_waited_for() {
    run(async {
        let server = Server::start().await;
        let url = server.url();
        let address = server.address;
        drop(server);
        let mut provided = Provided::by(options(&url));
        let listener = loop {
            // The port is ours unless somebody took it in between.
            if let Ok(listener) = tokio::net::TcpListener::bind(address).await {
                break listener;
            }
        };
        let api = Api::new();
        fill(&api);
        api.clone().serve(Server::on(listener));
        assert_eq!(provided.next().await, FULL);
        // Everything fails for a while, and nothing is taken back.
        api.refuse(ROUTES, 503);
        api.break_watches();
        api.wait_asked(&format!("{ROUTES}?"), 6).await;
        api.put(route("a", "Path(`/later`)"));
        api.refuse(ROUTES, 200);
        assert_eq!(provided.next().await, "Path(`/later`) http://10.0.0.1:8080");
    });
}

#[test]
fn a_token_is_read_again_when_it_changes() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (api, url) = Api::start().await;
        fill(&api);
        api.need_token("one");
        let file = |name: &str| folder.path().join(name);
        fs::write(file("token"), "one\n").unwrap();
        let text = json!({
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "clusters": [{"name": "x", "cluster": {"server": url}}],
            "users": [{"name": "x", "user": {"tokenFile": "token"}}],
        });
        fs::write(file("config"), text.to_string()).unwrap();
        let config = file("config").to_string_lossy().into_owned();
        let variable = move |name: &str| (name == "KUBECONFIG").then(|| config.clone());
        let mut provided = Provided::within(options(""), variable);
        assert_eq!(provided.next().await, FULL);
        api.need_token("two");
        api.put(route("a", "Path(`/two`)"));
        let before = api.asked(ROUTES).len();
        api.wait_asked(ROUTES, before + 2).await;
        fs::write(file("token"), "two").unwrap();
        assert_eq!(provided.next().await, "Path(`/two`) http://10.0.0.1:8080");
    });
}

/// With so many users.
fn secret(name: &str, users: usize) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": "default", "name": name},
        "data": {"users": STANDARD.encode("alice:{SHA}tiY7sUhYKUwI5L3866kDY+ENcrQ=\n".repeat(users))},
    })
}

fn auth(secret: &str) -> Value {
    json!({
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "Middleware",
        "metadata": {"namespace": "default", "name": "auth"},
        "spec": {"basicAuth": {"secret": secret}},
    })
}

#[test]
fn where_secrets_may_not_be_listed_those_that_objects_name_are_read_one_by_one() {
    const ALL: &str = "/api/v1/secrets";
    const ONE: &str = "/api/v1/namespaces/default/secrets?&fieldSelector=metadata.name%3D";
    run(async {
        let (api, url) = Api::start().await;
        fill(&api);
        api.refuse(ALL, 403);
        api.put(secret("one", 1));
        api.put(secret("other", 9));
        api.put(auth("one"));
        let mut provided = Provided::by(options(&url));
        let users = async |provided: &mut Provided| {
            let message = provided.messages.recv().await.unwrap();
            let middleware = message.configuration.http.middlewares.get("default-auth");
            middleware.map(|it| format!("{:?}", it.value)).unwrap_or_default()
        };
        let first = users(&mut provided).await;
        assert!(first.contains("Lines(1)"), "nothing is sent before it is read: {first}");
        assert!(api.asked(&format!("{ONE}other")).is_empty());
        // It changes; another one is named; the first one is not needed any more.
        api.put(secret("one", 2));
        assert!(users(&mut provided).await.contains("Lines(2)"));
        api.put(secret("two", 3));
        api.put(auth("two"));
        assert!(users(&mut provided).await.contains("Lines(3)"));
        assert!(!api.asked(&format!("{ONE}two")).is_empty());
        // It goes, and then all may be read.
        api.delete(&secret("two", 0));
        assert_eq!(users(&mut provided).await, "");
        api.refuse(ALL, 200);
        api.put(secret("two", 4));
        assert!(users(&mut provided).await.contains("Lines(4)"));
    });
}

#[test]
fn only_what_is_needed_is_asked_for() {
    run(async {
        let (api, url) = Api::start().await;
        let mut options = options(&url);
        options.provider = Provider::Ingress;
        options.translation.namespaces = ["one".to_owned(), "two".to_owned()].into();
        options.label_selector = "app in (a, b)".to_owned();
        let mut provided = Provided::by(options);
        provided.next().await;
        let mut lists = api.asked("limit=");
        lists.sort();
        insta::assert_snapshot!(
            lists.join("\n"),
            @"
        /api/v1/namespaces/one/secrets?&fieldSelector=type%21%3Dhelm.sh%2Frelease.v1&limit=100
        /api/v1/namespaces/one/services?&limit=100
        /api/v1/namespaces/two/secrets?&fieldSelector=type%21%3Dhelm.sh%2Frelease.v1&limit=100
        /api/v1/namespaces/two/services?&limit=100
        /apis/discovery.k8s.io/v1/namespaces/one/endpointslices?&limit=100
        /apis/discovery.k8s.io/v1/namespaces/two/endpointslices?&limit=100
        /apis/networking.k8s.io/v1/ingressclasses?&limit=100
        /apis/networking.k8s.io/v1/namespaces/one/ingresses?&labelSelector=app+in+%28a%2C+b%29&limit=100
        /apis/networking.k8s.io/v1/namespaces/two/ingresses?&labelSelector=app+in+%28a%2C+b%29&limit=100
        "
        );
    });
}

#[test]
fn over_tls_all_requests_share_one_connection_of_http2_where_there_is_one() {
    let cases: [(&[&[u8]], _); 2] = [(&[b"h2"], "HTTP/2.0"), (&[b"http/1.1"], "HTTP/1.1")];
    for (protocols, version) in cases {
        run(async move {
            let handshakes = Rc::new(Cell::new(0));
            let answer = move |request: http::Request<hyper::body::Incoming>| async move {
                assert_eq!(format!("{:?}", request.version()), version);
                assert_eq!(request.headers()["authorization"], "Bearer secret");
                if request.uri().query().is_some_and(|query| query.contains("watch")) {
                    std::future::pending::<()>().await;
                }
                json!({"metadata": {"resourceVersion": "1"}, "items": []}).to_string()
            };
            let port = secure_with(protocols, Rc::clone(&handshakes), answer).await;
            let folder = tempfile::tempdir().unwrap();
            let authority = folder.path().join("ca.pem");
            fs::write(&authority, certificate()).unwrap();
            let mut options = options(&format!("https://localhost:{port}"));
            options.server.certificate_authority = authority.to_string_lossy().into_owned();
            options.server.token = Token("secret".to_owned());
            let mut provided = Provided::by(options);
            assert_eq!(provided.next().await, "");
            assert_eq!(handshakes.get() == 1, version == "HTTP/2.0", "{}", handshakes.get());
        });
    }
}
