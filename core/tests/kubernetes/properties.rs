//! What must be so whatever happens in a cluster.
use super::manifest::objects;
use proptest::{prelude::*, sample::Index};
use rutter_core::{
    config::Configuration,
    provider::kubernetes::{
        Event, Finding, IngressEndpoint, Object, Options, Provider, Translator,
    },
};
use std::{collections::BTreeSet, sync::Arc};

const NAMESPACES: [&str; 2] = ["a", "a-b"];
const NAMES: [&str; 3] = ["b-c", "c", "x.y"];

/// Something that may be in a cluster: what, where, called what, and which of several versions.
type Draw = (u8, usize, usize, u8);

/// Objects that get in each other's way as much as they can.
fn manifest((what, namespace, name, version): Draw) -> String {
    let (ns, name) = (NAMESPACES[namespace % 2], NAMES[name % 3]);
    let other = NAMES[usize::from(version) % 3];
    let far = NAMESPACES[usize::from(version / 2) % 2];
    let ready = version % 3 != 0;
    let port = if version % 4 == 3 { 81 } else { 80 };
    let (kind, body) = match what % 15 {
        0 => ("v1 Service", format!("spec: {{ports: [{{name: web, port: {port}}}]}}")),
        1 => {
            let endpoints =
                format!("{{addresses: [10.0.0.{version}], conditions: {{ready: {ready}}}}}");
            let slice = format!(
                "addressType: IPv4\nports: [{{name: web, port: 8080}}]\nendpoints: [{endpoints}]"
            );
            let labels = format!("labels: {{kubernetes.io/service-name: {other}}}");
            return head("discovery.k8s.io/v1 EndpointSlice", ns, name, &labels) + &slice;
        }
        2 => (
            "v1 Secret",
            match version % 3 {
                0 => "stringData: {users: 'a:b'}".into(),
                1 => "stringData: {tls.crt: '-----BEGIN', tls.key: '-----BEGIN'}".into(),
                _ => "stringData: {}".into(),
            },
        ),
        3 | 4 => ("traefik.io/v1alpha1 IngressRoute", ingress_route(version, other, far)),
        5 => ("traefik.containo.us/v1alpha1 IngressRoute", ingress_route(version, other, far)),
        6 => ("traefik.io/v1alpha1 Middleware", middleware(version, other)),
        7 => (
            "traefik.io/v1alpha1 TraefikService",
            format!(
                "spec: {{weighted: {{services: [{{name: {other}, port: web, scheme: h2c}}, \
             {{name: c, kind: TraefikService}}]}}}}"
            ),
        ),
        8 => (
            "traefik.io/v1alpha1 IngressRouteTCP",
            format!(
                "spec: {{routes: [{{match: HostSNI(`{version}`), services: [{{name: {other}, port: 80}}, \
             {{name: c, port: web}}]}}], tls: {{secretName: c}}}}"
            ),
        ),
        9 => {
            let spec = format!("spec: {{minVersion: 'VersionTLS1{}'}}", version % 2 + 2);
            let created = format!("creationTimestamp: '202{}-01-01T00:00:00Z'", version % 3);
            return head("traefik.io/v1alpha1 TLSOption", ns, "default", &created) + &spec;
        }
        10 | 11 => ("networking.k8s.io/v1 Ingress", ingress(version, other)),
        12 => {
            let ours = ["traefik.io/ingress-controller", "other"][usize::from(version) % 2];
            let spec = format!("spec: {{controller: {ours}}}");
            return head("networking.k8s.io/v1 IngressClass", ns, name, "uid: x") + &spec;
        }
        13 => {
            let scheme = ["http", "ftp", "h2c"][usize::from(version) % 3];
            let annotations = format!(
                "annotations: {{traefik.ingress.kubernetes.io/service.serversscheme: {scheme}}}"
            );
            return head("v1 Service", ns, name, &annotations)
                + "spec: {ports: [{name: web, port: 80}]}";
        }
        _ => ("traefik.io/v1alpha1 TLSStore", "spec: {certificates: [{secretName: c}]}".into()),
    };
    let created = format!("creationTimestamp: '202{}-01-01T00:00:00Z'", version % 3);
    head(kind, ns, name, &created) + &body
}

fn head(kind: &str, namespace: &str, name: &str, more: &str) -> String {
    let (api_version, kind) = kind.split_once(' ').unwrap();
    format!(
        "apiVersion: {api_version}\nkind: {kind}\n\
         metadata: {{namespace: {namespace}, name: {name}, {more}}}\n"
    )
}

fn middleware(version: u8, other: &str) -> String {
    match version % 4 {
        0 => "spec: {basicAuth: {secret: c}}".into(),
        1 => format!("spec: {{chain: {{middlewares: [{{name: {other}}}]}}}}"),
        2 => {
            let service = format!("{{name: {other}, port: 80}}");
            format!("spec: {{errors: {{status: ['500'], service: {service}}}}}")
        }
        _ => "spec: {stripPrefix: 7}".into(),
    }
}

fn ingress_route(version: u8, service: &str, far: &str) -> String {
    let service = format!("{{name: {service}, port: 80, namespace: {far}}}");
    let services = match version % 4 {
        0 => service,
        1 => format!("{service}, {{name: c, port: web, scheme: https}}"),
        2 => "{name: b-c, kind: TraefikService}".into(),
        _ => format!("{service}, {{name: c, kind: TraefikService}}"),
    };
    format!(
        "spec: {{routes: [{{match: Host(`h{}`), kind: Rule, services: [{services}], middlewares: \
         [{{name: c}}, {{name: b-c, namespace: {far}}}]}}, {{match: Host(`plain`), kind: Rule, \
         services: [{{name: c, port: 80}}]}}], tls: {{secretName: c, options: {{name: default}}}}}}",
        version % 2
    )
}

fn ingress(version: u8, service: &str) -> String {
    let backend = format!("{{service: {{name: {service}, port: {{number: 80}}}}}}");
    let class = if version & 1 == 0 { "ingressClassName: c, " } else { "" };
    match version % 4 {
        0 | 1 => format!("spec: {{{class}defaultBackend: {backend}}}"),
        _ => format!(
            "spec: {{{class}tls: [{{secretName: c}}], rules: [{{host: h, http: {{paths: [\
             {{path: /a, backend: {backend}}}, {{path: /a/, backend: {backend}}}]}}}}]}}"
        ),
    }
}

fn provider() -> impl Strategy<Value = Provider> {
    prop_oneof![3 => Just(Provider::Crd), 2 => Just(Provider::Ingress)]
}

fn draw() -> impl Strategy<Value = Draw> {
    (0_u8..15, 0_usize..2, 0_usize..3, 0_u8..8)
}

fn object(draw: Draw) -> Arc<Object> {
    objects(&manifest(draw)).pop().unwrap()
}

fn translator(provider: Provider) -> Translator {
    let endpoint = IngressEndpoint::Published("a".into(), "c".into());
    let ingress_endpoint = Some(endpoint);
    let options = Options { allow_cross_namespace: true, ingress_endpoint, ..Options::default() };
    Translator::new(provider, options)
}

type Result = (Configuration, BTreeSet<Finding>);

fn state(translator: &mut Translator, last: &mut Arc<Configuration>) -> Result {
    if let Some(message) = translator.update().message {
        *last = message.configuration;
    }
    (Configuration::clone(last), translator.findings().cloned().collect())
}

fn fresh(provider: Provider, objects: impl IntoIterator<Item = Arc<Object>>) -> Result {
    let mut translator = translator(provider);
    objects.into_iter().for_each(|object| translator.handle(Event::Applied(object)));
    state(&mut translator, &mut Arc::default())
}

/// The objects that are left when all has happened.
fn left(objects: impl IntoIterator<Item = (Arc<Object>, bool)>) -> Vec<Arc<Object>> {
    let mut left: Vec<Arc<Object>> = Vec::new();
    for (object, is_there) in objects {
        left.retain(|it| it.reference() != object.reference());
        if is_there {
            left.push(object);
        }
    }
    left
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_changes_piecemeal_ends_as_if_it_had_always_been_so(
        provider in provider(),
        steps in proptest::collection::vec((draw(), 0_u8..5, any::<bool>()), 0..60),
    ) {
        let mut translator = translator(provider);
        let mut last = Arc::default();
        let mut history = Vec::new();
        let mut before = BTreeSet::new();
        for (draw, is_there, pauses) in steps {
            let (object, is_there) = (object(draw), is_there != 0);
            history.push((object.clone(), is_there));
            translator.handle(if is_there {
                Event::Applied(object)
            } else {
                Event::Deleted(object.reference())
            });
            if pauses {
                let update = translator.update();
                if let Some(message) = update.message {
                    last = message.configuration;
                }
                let after: BTreeSet<_> = translator.findings().cloned().collect();
                let told: Vec<_> = update.findings.into_iter().collect();
                let news: BTreeSet<_> = after.difference(&before).cloned().collect();
                prop_assert_eq!(told.len(), news.len(), "each finding is told once");
                prop_assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), news);
                before = after;
            }
        }
        prop_assert_eq!(state(&mut translator, &mut last), fresh(provider, left(history)));
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        provider in provider(),
        (some, other) in proptest::collection::vec(draw(), 0..40)
            .prop_flat_map(|draws| (Just(draws.clone()), Just(draws).prop_shuffle())),
    ) {
        // Of two versions of one object it would be the last that counts.
        let there = left(some.into_iter().map(|draw| (object(draw), true)));
        let is_there = |object: &Arc<Object>| there.iter().any(|it| it == object);
        let shuffled = left(other.into_iter().map(object).filter(is_there).map(|it| (it, true)));
        prop_assert_eq!(fresh(provider, there.clone()), fresh(provider, shuffled));
        prop_assert_eq!(fresh(provider, there.clone()), fresh(provider, there.into_iter().rev()));
    }

    #[test]
    fn a_list_is_as_good_as_events(
        provider in provider(),
        first in proptest::collection::vec(draw(), 0..30),
        second in proptest::collection::vec(draw(), 0..30),
    ) {
        let objects = |draws: Vec<Draw>| left(draws.into_iter().map(|it| (object(it), true)));
        let (first, second) = (objects(first), objects(second));
        let mut translator = translator(provider);
        let mut last = Arc::default();
        let resources: BTreeSet<_> =
            first.iter().chain(&second).map(|object| object.resource()).collect();
        for all in [&first, &second] {
            for resource in &resources {
                let of = all.iter().filter(|object| object.resource() == *resource);
                translator.handle(Event::Listed {
                    resource: *resource,
                    namespace: None,
                    objects: of.cloned().collect(),
                });
            }
            state(&mut translator, &mut last);
        }
        prop_assert_eq!(state(&mut translator, &mut last), fresh(provider, second.clone()));
        for object in second {
            translator.handle(Event::Applied(object));
        }
        prop_assert!(translator.update().message.is_none(), "nothing is new in it");
    }

    #[test]
    fn an_unrelated_object_never_changes_a_router(
        provider in Just(Provider::Crd),
        draws in proptest::collection::vec(draw(), 0..40),
        added in 3_u8..6,
        version in 0_u8..8,
    ) {
        // With one namespace no two objects want one name.
        let objects = |(what, _, name, version): Draw| object((what, 0, name, version));
        let there = left(draws.into_iter().map(|draw| (objects(draw), true)));
        let text = manifest((added, 0, 0, version)).replacen("name: b-c", "name: newcomer", 1);
        let newcomer = super::manifest::objects(&text).pop().unwrap();
        let (without, _) = fresh(provider, there.clone());
        let (with, _) = fresh(provider, there.into_iter().chain([newcomer]));
        for (name, router) in &without.http.routers {
            prop_assert_eq!(with.http.routers.get(name), Some(router));
        }
    }

    #[test]
    fn a_bad_object_never_takes_a_good_one_with_it(
        provider in Just(Provider::Crd),
        draws in proptest::collection::vec(draw(), 0..30),
        kind in any::<Index>(),
        junk in "(spec|data|endpoints|ports): (\\{(routes|chain|weighted|users|minVersion|certificates): )?[0-9x\\[\\{]?",
    ) {
        let kinds = [
            "traefik.io/v1alpha1 IngressRoute", "traefik.io/v1alpha1 Middleware",
            "traefik.io/v1alpha1 TraefikService", "traefik.io/v1alpha1 TLSStore",
            "traefik.io/v1alpha1 IngressRouteTCP", "traefik.io/v1alpha1 IngressRouteUDP",
            "traefik.io/v1alpha1 TLSOption", "v1 Secret", "v1 Service",
            "discovery.k8s.io/v1 EndpointSlice",
        ];
        let closed = |open: char, close| {
            close_all(&junk, open, close)
        };
        let body = format!("{junk}{}{}", closed('[', ']'), closed('{', '}'));
        let text = head(kinds[kind.index(kinds.len())], "a", "bad", "uid: x") + &body;
        let bad = objects(&text).pop().unwrap();
        let there = left(draws.into_iter().map(|draw| (object(draw), true)));
        let (without, findings) = fresh(provider, there.clone());
        let (mut with, more) = fresh(provider, there.into_iter().chain([bad.clone()]));
        // Where it is good after all, it may add something.
        for name in ["a-bad", "a-bad-errorpage-service"] {
            with.http.services.remove(name);
            with.http.middlewares.remove(name);
            with.tls.options.remove(name);
        }
        prop_assert_eq!(without, with);
        prop_assert!(findings.is_subset(&more));
    }
}

fn close_all(text: &str, open: char, close: char) -> String {
    std::iter::repeat_n(close, text.matches(open).count()).collect()
}
