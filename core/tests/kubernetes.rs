//! Manifests, and what they are translated to: `kubernetes/manifests/*.yaml`, each with a snapshot.
#![allow(clippy::unwrap_used, reason = "a test panics on what should not be")]
use manifest::{documents, objects, text};
use rutter_core::{
    config::{Configuration, Definitions},
    entry_point::{EntryPoint, Trust},
    plan::{Settings, compile::compile},
    provider::kubernetes::{
        Address, Event, IngressEndpoint, Options, Provider, Translator, Update,
    },
    tree::{Node, Value},
};
use serde::Serialize;
use std::{fmt::Write, fs, path::Path};

#[path = "kubernetes/manifest.rs"]
mod manifest;
#[path = "kubernetes/properties.rs"]
mod properties;

/// A document of kind `Options` says what the static configuration does.
fn options(document: &Node) -> Options {
    let is = |name: &str| document.option(name).is_some_and(|it| it.value == Value::Bool(true));
    let published = text(document, &["publishedService"]).split_once('/');
    let published = published.map(|(n, s)| IngressEndpoint::Published(n.into(), s.into()));
    let ip = Address { ip: text(document, &["ip"]).into(), ..Address::default() };
    Options {
        namespaces: text(document, &["namespaces"]).split_whitespace().map(Into::into).collect(),
        label_selector: text(document, &["labelSelector"]).parse().unwrap(),
        ingress_class: text(document, &["ingressClass"]).into(),
        allow_cross_namespace: is("allowCrossNamespace"),
        allow_external_name_services: is("allowExternalNameServices"),
        allow_empty_services: is("allowEmptyServices"),
        strict_prefix_matching: is("strictPrefixMatching"),
        tls_routers: is("tlsRouters"),
        ingress_endpoint: published
            .or_else(|| (!ip.ip.is_empty()).then_some(IngressEndpoint::Address(ip))),
    }
}

fn translated(provider: Provider, manifests: &str) -> (Translator, Update) {
    let of_test = documents(manifests).into_iter().find(|it| text(it, &["kind"]) == "Options");
    let options = of_test.map(|it| options(&it)).unwrap_or_default();
    let mut translator = Translator::new(provider, options);
    for object in objects(manifests) {
        translator.handle(Event::Applied(object));
    }
    let update = translator.update();
    (translator, update)
}

/// All that is configured, an object a line, without options that are not set.
fn shown(configuration: &Configuration) -> String {
    let mut shown = String::new();
    let Configuration { http, tcp, udp, tls } = configuration;
    list(&mut shown, "router", &http.routers);
    list(&mut shown, "service", &http.services);
    list(&mut shown, "middleware", &http.middlewares);
    list(&mut shown, "servers transport", &http.servers_transports);
    list(&mut shown, "TCP router", &tcp.routers);
    list(&mut shown, "TCP service", &tcp.services);
    list(&mut shown, "UDP router", &udp.routers);
    list(&mut shown, "UDP service", &udp.services);
    list(&mut shown, "certificate", &tls.certificates);
    list(&mut shown, "TLS options", &tls.options);
    list(&mut shown, "TLS store", &tls.stores);
    shown
}

fn list<T: Serialize>(shown: &mut String, kind: &str, definitions: &Definitions<T>) {
    for (name, defined) in definitions {
        let mut value = serde_json::to_value(defined.value.as_ref().unwrap()).unwrap();
        prune(&mut value);
        writeln!(shown, "{kind} {name}: {value}").unwrap();
    }
}

/// Whether anything is left of a value without what is not set.
fn prune(value: &mut serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => false,
        serde_json::Value::Bool(truth) => *truth,
        serde_json::Value::Number(number) => number.as_i64() != Some(0),
        serde_json::Value::String(text) => !text.is_empty() && text != "0s",
        serde_json::Value::Array(items) => {
            for item in items.iter_mut() {
                prune(item);
            }
            !items.is_empty()
        }
        serde_json::Value::Object(fields) => {
            // Off is what is worth telling.
            fields.retain(|name, value| {
                let is_section = value.is_object();
                prune(value) || is_section || name == "passHostHeader"
            });
            if fields.get("passHostHeader").is_some_and(|it| *it == true) {
                fields.remove("passHostHeader");
            }
            !fields.is_empty()
        }
    }
}

fn report(manifests: &str) -> String {
    let mut report = String::new();
    for provider in [Provider::Crd, Provider::Ingress] {
        let (_, update) = translated(provider, manifests);
        let configured = shown(&update.message.unwrap().configuration);
        if !configured.is_empty() {
            writeln!(report, "@{}\n{configured}", provider.name()).unwrap();
        }
        update.findings.iter().for_each(|it| writeln!(report, "{it}").unwrap());
        for (object, status) in update.statuses {
            writeln!(report, "status of {object}: {status:?}").unwrap();
        }
    }
    report
}

fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("kubernetes/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn manifests_become_the_configuration_that_was_agreed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes/manifests");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10, "the manifests were not found");
    snapshots().bind(|| {
        for file in files {
            let manifests = fs::read_to_string(&file).unwrap();
            let name = file.file_stem().unwrap().to_str().unwrap();
            insta::assert_snapshot!(name, report(&manifests));
        }
    });
}

/// What the plan says of manifests, with the objects that it is about.
fn planned(manifests: &str) -> String {
    let (translator, update) = translated(Provider::Crd, manifests);
    let message = update.message.unwrap();
    let web = EntryPoint {
        name: "web".into(),
        forwarded_trust: Trust::default(),
        hostname: http::HeaderValue::from_static("edge"),
        raw_paths: false,
    };
    let settings = Settings { entry_points: [web].into(), ..Settings::default() };
    let configurations = [(message.provider, message.configuration)].into();
    let (_, diagnostics) = compile(None, &settings, &configurations);
    let mut planned = String::new();
    for diagnostic in diagnostics {
        writeln!(planned, "{diagnostic}").unwrap();
        let name = diagnostic.object.split('@').next().unwrap();
        for object in translator.objects(diagnostic.kind, name) {
            writeln!(planned, "    on {object}").unwrap();
        }
    }
    planned
}

#[test]
fn what_the_plan_finds_is_found_at_the_objects_of_the_cluster() {
    let manifests = "
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: {name: round}
spec: {weighted: {services: [{name: about, kind: TraefikService}]}}
---
apiVersion: traefik.containo.us/v1alpha1
kind: TraefikService
metadata: {name: about}
spec: {mirroring: {name: round, kind: TraefikService}}
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {name: nothing}
spec: {}
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: faulty}
spec:
  entryPoints: [web]
  routes:
    - match: Host(`a.example`)
      services: [{name: round, kind: TraefikService}]
    - match: Host(`b.example`)
      services: [{name: missing, kind: TraefikService}]
    - match: Host(`c.example`)
      services: [{name: x@internal, kind: TraefikService}]
      middlewares: [{name: missing}, {name: nothing}]
    - match: Hostess(`d.example`)
      services: [{name: round, kind: TraefikService}]
";
    snapshots().bind(|| insta::assert_snapshot!("what-the-plan-finds", planned(manifests)));
}
