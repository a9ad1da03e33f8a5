use super::*;
use crate::{
    static_config::{
        entry_point::LifeCycle,
        options::{Kind, OPTIONS, Status},
    },
    tree::{Key, merge},
};
use alloc::sync::Arc;
use std::string::String;

/// A tree of `path = value` lines; each line is its place.
fn tree(text: &str) -> Node {
    let mut tree = Node::empty();
    for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let (path, value) = text.trim().split_once('=').unwrap();
        let line = u32::try_from(line).unwrap() + 1;
        let place = Place { source: Arc::from("t.yml"), line };
        let value = match value.trim() {
            "{}" => Value::Map(Vec::new()),
            "~" => Value::Null,
            value => Value::Text(value.to_string()),
        };
        let leaf = Node { value, place: place.clone() };
        let branch = path.trim().rsplit('.').fold(leaf, |node, name| {
            let key = Key { name: name.to_string(), place: place.clone() };
            Node { value: Value::Map([(key, node)].into()), place: place.clone() }
        });
        tree = merge(tree, branch);
    }
    tree
}

fn said(text: &str) -> String {
    let diagnostics = read(&tree(text)).map_or_else(|errors| errors, |(_, warnings)| warnings);
    diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

fn good(text: &str) -> StaticConfiguration {
    let (configuration, diagnostics) = read(&tree(text)).unwrap();
    assert_eq!(diagnostics, [], "{text}");
    configuration
}

fn addresses(text: &str) -> Vec<String> {
    let entry_points = read(&tree(text)).unwrap().0.entry_points;
    entry_points.iter().map(|(name, point)| format!("{name} {}", point.address)).collect()
}

#[test]
fn nothing_at_all_is_one_entry_point_and_safe_defaults() {
    let configuration = good("");
    let entry_point = EntryPoint::new(Address::port(80));
    assert_eq!(
        configuration,
        StaticConfiguration {
            entry_points: [("http".to_string(), entry_point)].into(),
            ..StaticConfiguration::default()
        }
    );
    let timeouts = configuration.entry_points["http"].transport.responding_timeouts;
    assert_eq!(
        (timeouts.read_timeout, timeouts.write_timeout, timeouts.idle_timeout),
        (Duration::from_secs(60), Duration::default(), Duration::from_secs(180))
    );
    assert_eq!(timeouts.write_timeout.limit(), None);
    assert_eq!(configuration.providers.throttle, Duration::from_secs(2));
}

#[test]
fn options_are_read_in_any_case() {
    let configuration = good(
        "
        ENTRYPOINTS.Web.ADDRESS = 127.0.0.1:8000
        entryPoints.Web.transport.lifecycle.gracetimeout = 3
        entryPoints.Web.transport.lifeCycle.requestAcceptGraceTimeout = 1m
        entryPoints.Web.transport.respondingTimeouts.idleTimeout = 5s
        entryPoints.Web.forwardedHeaders.trustedIPs = 10.0.0.0/8, 127.0.0.1
        entryPoints.Web.proxyProtocol.insecure = true
        entryPoints.Web.http.maxHeaderBytes = 65536
        serversTransport.insecureSkipVerify = true
        serversTransport.rootCAs = a.pem,b.pem
        serversTransport.maxIdleConnsPerHost = 0
        serversTransport.forwardingTimeouts.dialTimeout = 1s
        serversTransport.forwardingTimeouts.responseHeaderTimeout = 2s
        serversTransport.forwardingTimeouts.idleConnTimeout = 3s
        providers.providersThrottleDuration = 0
        providers.file.directory = /etc/dynamic
        providers.file.watch = false
        ping.entryPoint = Web
        log.level = WARNING
        log.format = JSON
        log.filePath = /var/log/x
        accessLog = true
        compat.traefik21 = false
        ",
    );
    let entry_point = &configuration.entry_points["Web"];
    let LifeCycle { request_accept_grace_timeout, grace_timeout } =
        entry_point.transport.life_cycle;
    assert_eq!(request_accept_grace_timeout, Duration::from_secs(60));
    assert_eq!(grace_timeout, Duration::from_secs(3));
    let timeouts = entry_point.transport.responding_timeouts;
    assert_eq!(timeouts.idle_timeout, Duration::from_secs(5));
    assert_eq!(entry_point.address.to_string(), "127.0.0.1:8000");
    assert!(entry_point.proxy_protocol.as_ref().unwrap().insecure);
    insta::assert_snapshot!(
        format!("{:?}", entry_point.forwarded_headers.networks),
        @"[10.0.0.0/8, 127.0.0.1/32]"
    );
    assert_eq!(entry_point.http.max_header_bytes, 65536);
    let transport = &configuration.servers_transport;
    assert!(transport.insecure_skip_verify);
    assert_eq!(transport.root_cas, ["a.pem", "b.pem"]);
    assert_eq!(transport.max_idle_conns_per_host, 2);
    insta::assert_snapshot!(
        format!("{:?}", transport.forwarding_timeouts),
        @"ForwardingTimeouts { dial_timeout: Duration(1s), response_header_timeout: Duration(2s), idle_conn_timeout: Duration(3s) }"
    );
    assert_eq!(configuration.providers.throttle, Duration::default());
    insta::assert_snapshot!(
        format!("{:?}", configuration.providers.file.unwrap()),
        @r#"FileProvider { files: Directory("/etc/dynamic"), watch: false, debug_log_generated_template: false }"#
    );
    insta::assert_snapshot!(
        format!("{:?} {:?} {:?}", configuration.ping, configuration.log, configuration.access_log),
        @r#"Some(Ping { entry_point: "Web", manual_routing: false }) Log { level: Warn, format: Json, file_path: Some("/var/log/x") } Some(AccessLog { format: Common, file_path: None, buffering_size: 0 })"#
    );
}

#[test]
fn the_providers_of_kubernetes_are_read_and_show_no_token() {
    let providers = good(
        "
        providers.kubernetesCRD = true
        providers.kubernetesIngress.endpoint = https://api.test:6443
        providers.kubernetesIngress.token = secret
        providers.kubernetesIngress.namespaces = a,b
        providers.kubernetesIngress.labelSelector = app=traefik
        providers.kubernetesIngress.throttleDuration = 2s
        providers.kubernetesIngress.allowEmptyServices = true
        providers.kubernetesIngress.ingressEndpoint.ip = 192.0.2.1
        ",
    )
    .providers;
    assert_eq!(providers.kubernetes_crd, Some(KubernetesProvider::default()));
    let ingress = providers.kubernetes_ingress.unwrap();
    assert_eq!(ingress.token.0, "secret");
    insta::assert_snapshot!(
        format!("{ingress:?}"),
        @r#"KubernetesProvider { endpoint: "https://api.test:6443", token: Token, cert_auth_file_path: "", namespaces: ["a", "b"], label_selector: "app=traefik", selector: Selector([Requirement { label: "app", negated: false, values: Some(["traefik"]) }]), ingress_class: "", throttle: Duration(2s), allow_cross_namespace: false, allow_external_name_services: false, allow_empty_services: true, strict_prefix_matching: false, ingress_endpoint: Some(Address(Address { ip: "192.0.2.1", hostname: "" })) }"#
    );
    let written = said("providers.kubernetesIngress.ingressEndpoint.publishedService = a");
    assert!(
        written.contains("ingressEndpoint.publishedService: ")
            && written.contains("namespace/name"),
        "{written}"
    );
    let written = said("providers.kubernetesCRD.labelSelector = a b");
    assert!(written.starts_with("t.yml:1: error: providers.kubernetesCRD.labelSelector: "));
}

#[test]
fn what_is_wrong_is_said_with_the_option_and_its_place() {
    insta::assert_snapshot!(
        said(
            "
            entryPoints.web.adress = :80
            entryPoints.web.address = 80
            entryPoints.two.transport.respondingTimeouts.readTimeout = 10 minutes
            entryPoints.udp.address = :53/udp
            entryPoints.far.address = :99999
            entryPoints.far.forwardedHeaders.trustedIPs = 10.0.0.0/8,everybody
            entryPoints.pp.address = :81
            entryPoints.pp.proxyProtocol = true
            entryPoints.big.address = :82
            entryPoints.big.http.maxHeaderBytes = 10
            entryPoints.same.address = :82
            serversTransport.maxIdleConnsPerHost = -1
            serversTransport.insecureSkipVerify = maybe
            providers.file = true
            providers = ~
            ping.entrypoint = nowhere
            ping.manual = x
            log.level = LOUD
            log.format = xml
            api.insecure = maybe
            accessLog.filters.minDuration = x
            metrics = true
            tracing = x
            entryPointz.x = y
            http.routers.x = y
            providers.dockerr.endpoint = x
            "
        ),
        @"
    t.yml:2: error: entryPoints.web.adress: unknown option; is `address` meant?
    t.yml:4: error: entryPoints.two.transport.respondingTimeouts.readTimeout: `10 minutes` is no duration: the unit is unknown (h, m, s, ms, us, ns); write a number with a unit, such as `90s`, `1h5m` or `300ms`
    t.yml:14: error: serversTransport.insecureSkipVerify: expected true or false, found `maybe`
    t.yml:15: error: providers.file: cannot stand alone; give it at least one of its options
    t.yml:27: error: providers.dockerr: unknown option; is `docker` meant?
    t.yml:18: error: ping.manual: unknown option; remove it, or check its spelling
    t.yml:21: warning: api: known, but not available yet: it has no effect
    t.yml:21: error: api.insecure: expected true or false, found `maybe`
    t.yml:22: warning: accessLog.filters: known, but not available yet: it has no effect
    t.yml:22: error: accessLog.filters.minDuration: `x` is no duration: a number is expected; write a number with a unit, such as `90s`, `1h5m` or `300ms`
    t.yml:23: warning: metrics: known, but not available yet: it has no effect
    t.yml:23: error: metrics: cannot stand alone; give it at least one of its options
    t.yml:24: warning: tracing: known, but not available yet: it has no effect
    t.yml:24: error: tracing: expected a section, true or false, found text
    t.yml:25: warning: entryPointz: unknown option, it has no effect; check its spelling and indentation
    t.yml:13: error: serversTransport.maxIdleConnsPerHost: expected a whole number from 0 on, found `-1`
    t.yml:19: warning: log.level: `LOUD` is unknown, `error` is used instead
    t.yml:20: warning: log.format: `xml` is unknown, `common` is used instead
    t.yml:3: error: entryPoints.web.address: `80` is no address: the port is missing; write `:80`, `127.0.0.1:80` or `[::1]:80`
    t.yml:6: error: entryPoints.far.address: `:99999` is no address: the port is no number from 0 to 65535; write `:80`, `127.0.0.1:80` or `[::1]:80`
    t.yml:9: error: entryPoints.pp.proxyProtocol: no trusted IPs provided; set `trustedIPs`, or `insecure`
    t.yml:11: error: entryPoints.big.http.maxHeaderBytes: expected 8192 to 16777216 bytes, found 10
    t.yml:17: error: ping.entryPoint: there is no entry point `nowhere`; define it, or use one of: big, pp, same
    t.yml:12: error: entryPoints.same.address: entry point `big` has the address `:82` too; give each its own
    "
    );
}

#[test]
fn sections_stand_alone_only_where_that_means_something() {
    for text in ["api", "ping", "log", "accessLog", "metrics.prometheus", "global", "tracing"] {
        assert!(read(&tree(&format!("{text} = {{}}"))).is_ok(), "{text}");
        assert!(read(&tree(&format!("{text} = true"))).is_ok(), "{text}");
        assert!(read(&tree(&format!("{text} = false"))).is_ok(), "{text}");
    }
    for text in ["metrics", "providers", "providers.file", "entryPoints", "entryPoints.web"] {
        assert!(read(&tree(&format!("{text} = {{}}"))).is_err(), "{text}");
    }
    assert!(good("ping = {}").ping.is_some());
    assert!(good("ping = false").ping.is_none());
    assert!(read(&tree("api = ~")).is_err());
    assert!(read(&Node { value: Value::Text("x".into()), place: Place::default() }).is_err());
    assert!(read(&Node { value: Value::Null, place: Place::default() }).is_ok());
}

#[test]
fn an_option_given_twice_in_another_case_is_an_error_and_a_name_is_not() {
    let place = |line| Place { source: Arc::from("t.yml"), line };
    let entry = |name: &str, line, node| (Key { name: name.to_string(), place: place(line) }, node);
    let map = |entries| Node { value: Value::Map(entries), place: place(1) };
    let text = |text: &str| Node { value: Value::Text(text.to_string()), place: place(1) };
    let point = |port: &str| map([entry("address", 1, text(port))].into());
    let points = map([entry("web", 2, point(":1")), entry("Web", 3, point(":2"))].into());
    let log = map([entry("level", 5, text("INFO")), entry("LEVEL", 6, text("WARN"))].into());
    let tree =
        map([entry("entryPoints", 1, points), entry("log", 4, log), entry("Log", 7, text(""))]
            .into());
    let errors: Vec<_> = read(&tree).unwrap_err().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(errors.join("\n"), @"
    t.yml:7: error: Log: stands at t.yml:4 too; keep one
    t.yml:6: error: log.LEVEL: stands at t.yml:5 too; keep one
    t.yml:1: error: log: option `level` is given twice; keep one
    ");
}

#[test]
fn an_option_whose_feature_is_to_come_is_one_warning_a_section() {
    insta::assert_snapshot!(
        said(
            "
            certificatesResolvers.le.acme.email = a@b.example
            certificatesResolvers.le.acme.storage = acme.json
            metrics.prometheus.buckets = 0.1,0.2
            metrics.statsD = true
            api.dashboard = true
            api.debug = true
            accessLog.filters.statusCodes = 200
            accessLog.filters.retryAttempts = true
            providers.docker.endpoint = x
            providers.consulCatalog.prefix = x
            providers.consulCatalog.endpoint.address = x
            tracing.jaeger.samplingParam = 0.5
            hostResolver = false
            global.checkNewVersion = true
            global.sendAnonymousUsage = false
            "
        ),
        @"
    t.yml:2: warning: certificatesResolvers: known, but not available yet: it has no effect
    t.yml:4: warning: metrics: known, but not available yet: it has no effect
    t.yml:6: warning: api: known, but not available yet: it has no effect
    t.yml:8: warning: accessLog.filters: known, but not available yet: it has no effect
    t.yml:10: warning: providers.docker: known, but not available yet: it has no effect
    t.yml:11: warning: providers.consulCatalog: known, but not available yet: it has no effect
    t.yml:13: warning: tracing: known, but not available yet: it has no effect
    t.yml:15: warning: global.checkNewVersion: has no effect: Rutter never calls home
    "
    );
}

#[test]
fn the_entry_point_of_the_process_itself_is_added_where_it_is_needed() {
    let cases: [(&str, &[&str]); 9] = [
        ("", &["http :80"]),
        ("ping = true", &["http :80", "traefik :8080"]),
        ("ping.manualRouting = true", &["http :80"]),
        ("ping.entryPoint = http", &["http :80"]),
        ("api = true", &["http :80"]),
        ("api.insecure = true", &["http :80", "traefik :8080"]),
        ("metrics.prometheus = true", &["http :80", "traefik :8080"]),
        ("providers.rest.insecure = true", &["http :80", "traefik :8080"]),
        (
            "entryPoints.traefik.address = :9000\nping = true\nentryPoints.a.address = :1/udp",
            &["traefik :9000"],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(addresses(text), expected, "{text}");
    }
}

#[test]
fn entry_points_of_udp_stand_apart_and_share_ports_with_those_of_tcp() {
    let configuration = good(
        "
        entryPoints.dns.address = :53/udp
        entryPoints.dns-tcp.address = :53
        entryPoints.dns.udp.timeout = 250ms
        entryPoints.dns.transport.lifeCycle.graceTimeOut = 1s
        entryPoints.log.address = :514/UDP
        ",
    );
    let names: Vec<&String> = configuration.entry_points.keys().collect();
    assert_eq!(names, ["dns-tcp"]);
    let timeouts: Vec<_> = configuration
        .udp_entry_points
        .iter()
        .map(|(name, entry_point)| format!("{name} {}", entry_point.udp.timeout))
        .collect();
    assert_eq!(timeouts, ["dns 250ms", "log 3s"]);
}

#[test]
fn what_does_not_go_with_a_protocol_is_said() {
    insta::assert_snapshot!(
        said(
            "
            entryPoints.tcp.address = :53
            entryPoints.tcp.udp.timeout = 4s
            entryPoints.dns.address = :53/udp
            entryPoints.dns.http.maxHeaderBytes = 9000
            entryPoints.dns.proxyProtocol.insecure = true
            entryPoints.again.address = :53/udp
            entryPoints.zero.address = :54/udp
            entryPoints.zero.udp.timeout = 0
            ping.entryPoint = dns
            "
        ),
        @"
    t.yml:3: warning: entryPoints.tcp.udp: has no effect: the entry point is one of TCP
    t.yml:6: warning: entryPoints.dns.proxyProtocol: has no effect: the entry point is one of UDP
    t.yml:5: warning: entryPoints.dns.http: has no effect: the entry point is one of UDP
    t.yml:9: error: entryPoints.zero.udp.timeout: expected a time longer than 0: a session in silence ends after it
    t.yml:10: error: ping.entryPoint: there is no entry point of TCP `dns`; define it, or use one of: tcp
    t.yml:4: error: entryPoints.dns.address: entry point `again` has the address `:53/udp` too; give each its own
    "
    );
}

#[test]
fn the_older_read_timeout_comes_back_where_none_is_written() {
    let text = "
        compat.traefik21 = true
        entryPoints.a.address = :1
        entryPoints.b.address = :2
        entryPoints.b.transport.respondingTimeouts.readTimeout = 5s
        ping = true";
    let entry_points = good(text).entry_points;
    let read_timeout = |name: &str| entry_points[name].transport.responding_timeouts.read_timeout;
    assert_eq!(read_timeout("a"), Duration::default());
    assert_eq!(read_timeout("b"), Duration::from_secs(5));
    assert_eq!(read_timeout("traefik"), Duration::default());
}

/// A value that an option of this kind takes.
fn sample(path: &str, kind: Kind) -> &'static str {
    match kind {
        _ if path.ends_with(".address") => ":1",
        _ if path.ends_with("trustedIPs") => "10.0.0.1",
        _ if path.ends_with("publishedService") => "namespace/name",
        Kind::Bool | Kind::Section => "true",
        Kind::Int => "65536",
        Kind::Float => "0.5",
        Kind::Text | Kind::List => "1",
        Kind::Duration => "1s",
    }
}

#[test]
fn every_known_option_is_accepted_and_warned_about_only_where_it_has_no_effect() {
    for option in OPTIONS {
        let path = option.path.replace(['<', '>'], "");
        let mut text = format!("{path} = {}", sample(&path, option.kind));
        if path.starts_with("entryPoints.name.") && !path.ends_with(".address") {
            let of_udp = path.starts_with("entryPoints.name.udp.");
            text += "\nentryPoints.name.address = :1";
            text += if of_udp { "/udp" } else { "" };
        }
        if path == "entryPoints.name.proxyProtocol" {
            text += "\nentryPoints.name.proxyProtocol.insecure = true";
        }
        if path.starts_with("providers.file.")
            && !path.ends_with("filename")
            && !path.ends_with("directory")
        {
            text += "\nproviders.file.filename = x";
        }
        if path.starts_with("ping") {
            text += "\nping.entryPoint = http";
        }
        let (_, diagnostics) = read(&tree(&text)).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        let words = path.ends_with("level") || path.ends_with("format");
        let effect = diagnostics.iter().all(|found| !found.message.contains("no effect"));
        assert_eq!(effect, option.status == Status::Ready, "{text}: {diagnostics:?}");
        assert!(!effect || words || diagnostics.is_empty(), "{text}: {diagnostics:?}");
    }
}

#[test]
fn the_defaults_in_the_table_are_the_defaults() {
    for option in OPTIONS.iter().filter(|option| option.status == Status::Ready) {
        let path = option.path.replace(['<', '>'], "");
        if option.default.is_empty() || path == "ping.entryPoint" {
            continue;
        }
        let around = match path.split_once('.').unwrap() {
            ("entryPoints", _) if path.contains("proxyProtocol") => {
                "entryPoints.name.address = :1\nentryPoints.name.proxyProtocol.trustedIPs = ::1"
            }
            ("entryPoints", _) if path.contains(".udp.") => "entryPoints.name.address = :1/udp",
            ("entryPoints", _) => "entryPoints.name.address = :1",
            ("providers", rest) if rest.starts_with("kubernetesCRD.") => {
                "providers.kubernetesCRD.endpoint = x"
            }
            ("providers", rest) if rest.starts_with("kubernetesIngress.") => {
                "providers.kubernetesIngress.endpoint = x"
            }
            ("providers", _) => "providers.file.filename = x",
            ("ping", _) => "ping = true",
            ("accessLog", _) => "accessLog = true",
            _ => "",
        };
        let written = good(&format!("{around}\n{path} = {}", option.default));
        assert_eq!(written, good(around), "{path}");
    }
}

/// Trees of the names there are, with anything at all in them.
fn any_tree() -> impl proptest::strategy::Strategy<Value = Node> {
    use proptest::prelude::*;
    let steps = OPTIONS.iter().flat_map(|option| option.path.split('.'));
    let dynamic = ["http", "routers", "services", "middlewares", "loadBalancer", "servers", "tls"];
    let names: Vec<String> = steps.chain(dynamic).map(ToString::to_string).collect();
    let at = |value| Node { value, place: Place::default() };
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        "true|:80|[0-9]{1,3}(s|h|ms)?|\\PC{0,4}".prop_map(Value::Text),
    ];
    scalar.prop_map(at).prop_recursive(6, 64, 6, move |node| {
        let key = proptest::sample::select(names.clone())
            .prop_map(|name| Key { name, place: Place::default() });
        prop_oneof![
            1 => proptest::collection::vec(node.clone(), 0..4).prop_map(Value::List),
            5 => proptest::collection::vec((key, node), 0..6).prop_map(Value::Map),
        ]
        .prop_map(at)
    })
}

proptest::proptest! {
    #[test]
    fn no_tree_panics(tree in any_tree()) {
        let _ = read(&tree);
        let _ = crate::config::read::read(&tree);
    }
}
