use super::*;
use std::string::String;

/// A document from JSON; every option stands at the line of its own in the text.
fn document(source: &str, json: &str) -> Node {
    let place = |line| Place { source: source.into(), line };
    fn node(value: serde_json::Value, place: &dyn Fn(u32) -> Place, line: &mut u32) -> Node {
        let at = place(*line);
        let value = match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(truth) => Value::Bool(truth),
            serde_json::Value::Number(number) => Value::Int(number.as_i64().unwrap()),
            serde_json::Value::String(text) => Value::Text(text),
            serde_json::Value::Array(items) => {
                Value::List(items.into_iter().map(|item| node(item, place, line)).collect())
            }
            serde_json::Value::Object(entries) => {
                let mut map = Vec::new();
                for (name, value) in entries {
                    *line += 1;
                    map.push((Key { name, place: place(*line) }, node(value, place, line)));
                }
                Value::Map(map)
            }
        };
        Node { value, place: at }
    }
    node(serde_json::from_str(json).unwrap(), &place, &mut 0)
}

fn said(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

#[test]
fn routers_services_and_middlewares_are_read_by_name() {
    let (configuration, diagnostics) = read(&document(
        "a.yml",
        r#"{"HTTP": {
            "routers": {"App": {"rule": "Path(`/`)", "Service": "app", "priority": "7"}},
            "services": {"app": {"loadbalancer": {"servers": [{"url": "http://a"}]}}},
            "middlewares": {"m": {"chain": {"middlewares": "a,b"}}}}}"#,
    ));
    assert_eq!(said(&diagnostics), "");
    let router = configuration.http.routers["App"].value.as_ref().unwrap();
    assert_eq!((router.service.as_str(), router.priority), ("app", 7));
    let service = configuration.http.services["app"].value.as_ref().unwrap();
    assert_eq!(service.load_balancer.as_ref().unwrap().servers[0].url, "http://a");
    let middleware = configuration.http.middlewares["m"].value.as_ref().unwrap();
    assert_eq!(middleware.chain.as_ref().unwrap().middlewares, ["a", "b"]);
}

#[test]
fn a_broken_object_takes_only_itself_out() {
    let (configuration, diagnostics) = read(&document(
        "a.yml",
        r#"{"http": {"routers": {
            "bad": {"priority": "high"}, "good": {"service": "s", "tls": true}}}}"#,
    ));
    insta::assert_snapshot!(said(&diagnostics), @"a.yml:4: error: router bad: http.routers.bad.priority: expected a whole number, found `high`");
    assert_eq!(
        configuration.http.routers["bad"].value,
        Err("http.routers.bad.priority: expected a whole number, found `high`".into())
    );
    let good = configuration.http.routers["good"].value.as_ref().unwrap();
    assert_eq!(good.tls, Some(super::super::http::RouterTls::default()));
}

#[test]
fn what_nobody_knows_is_a_warning_with_its_path() {
    let (_, diagnostics) = read(&document(
        "a.yml",
        r#"{"entryPoints": {"web": {}}, "http": {
            "routers": {"r": {"rulle": "x", "tls": null}}, "router": {}, "services": null},
            "tcp": {"middlewares": {}}, "tls": {"certs": []}, "udp": {"routers": {"r": {"rule": "x"}}},
            "httpp": {}, "middlewares": {}}"#,
    ));
    insta::assert_snapshot!(said(&diagnostics), @"
    a.yml:4: warning: http.router: unknown option, it has no effect; check its spelling and indentation
    a.yml:7: warning: router r: http.routers.r.rulle: unknown option, it has no effect; check its spelling and indentation
    a.yml:8: warning: router r: http.routers.r.tls: nothing follows the key, it has no effect; write `{}` for a section with defaults
    a.yml:10: warning: httpp: unknown option, it has no effect; check its spelling and indentation
    a.yml:11: warning: middlewares: unknown option, it has no effect; check its spelling and indentation
    a.yml:13: warning: tcp.middlewares: unknown option, it has no effect; check its spelling and indentation
    a.yml:15: warning: tls.certs: unknown option, it has no effect; check its spelling and indentation
    a.yml:19: warning: UDP router r: udp.routers.r.rule: unknown option, it has no effect; check its spelling and indentation
    ");
}

#[test]
fn names_that_would_be_resolved_wrongly_are_refused() {
    let (configuration, diagnostics) =
        read(&document("a.yml", r#"{"http": {"services": {"a@file": {}, "": {}, "b": {}}}}"#));
    insta::assert_snapshot!(said(&diagnostics), @"
    a.yml:3: error: service : http.services.: the name is empty; give it one
    a.yml:4: error: service a@file: http.services.a@file: a name cannot contain `@`, the provider is added to it; call it `a`
    ");
    assert_eq!(configuration.http.services.keys().map(|name| &**name).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn sections_of_another_shape_are_errors_and_empty_ones_are_fine() {
    for json in [r#"null"#, r#"{}"#, r#"{"http": null}"#, r#"{"http": {"routers": null}}"#] {
        assert_eq!(read(&document("a.yml", json)), (Configuration::default(), [].into()));
    }
    let mut all = String::new();
    for json in [r#""x""#, r#"{"http": "x"}"#, r#"{"http": {"routers": [1]}}"#] {
        all += &said(&read(&document("a.yml", json)).1);
    }
    insta::assert_snapshot!(all, @"
    a.yml: error: the document is text, expected sections such as `http:`
    a.yml:1: error: http: expected a section with names, found text
    a.yml:2: error: http.routers: expected a section with names, found a list
    ");
}

#[test]
fn of_two_files_with_one_name_the_first_is_kept() {
    let (mut first, _) = read(&document("a.yml", r#"{"http": {"routers": {"r": {"rule": "a"}}}}"#));
    let (second, _) = read(&document(
        "b.yml",
        r#"{"http": {"routers": {"q": {"rule": "b"}, "r": {"rule": "b"}}}}"#,
    ));
    insta::assert_snapshot!(said(&first.merge(second)), @"b.yml:5: warning: router r: http.routers.r: already configured at a.yml:3, skipping this one");
    let rules: Vec<_> =
        first.http.routers.values().map(|router| &*router.value.as_ref().unwrap().rule).collect();
    assert_eq!(rules, ["b", "a"]);
}

#[test]
fn tcp_udp_and_tls_are_read_by_name() {
    let (configuration, diagnostics) = read(&document(
        "a.yml",
        r#"{
            "tcp": {
                "routers": {"db": {"rule": "HostSNI(`*`)", "service": "db", "tls": {"passthrough": "true"}}},
                "services": {"db": {"loadBalancer": {
                    "servers": [{"address": "10.0.0.1:5432"}], "terminationDelay": -1, "proxyProtocol": {}}}}},
            "udp": {
                "routers": {"dns": {"entryPoints": ["dns"], "service": "dns"}},
                "services": {"dns": {"weighted": {"services": [{"name": "a", "weight": 3}]}}}},
            "tls": {
                "options": {"modern": {"minVersion": "VersionTLS13", "clientAuth": {"caFiles": "ca.pem"}}},
                "stores": {"default": {"defaultCertificate": {"certFile": "d.pem", "keyFile": "d.key"}}}},
            "http": {"serversTransports": {"mtls": {
                "rootCAs": ["ca.pem"], "insecureSkipVerify": true, "maxIdleConnsPerHost": 7, "disableHTTP2": true,
                "forwardingTimeouts": {"dialTimeout": "1s", "responseHeaderTimeout": 2}}}}}"#,
    ));
    assert_eq!(said(&diagnostics), "");
    let Configuration { http, tcp, udp, tls } = &configuration;
    let router = tcp.routers["db"].value.as_ref().unwrap();
    assert!(router.tls.as_ref().is_some_and(|tls| tls.passthrough));
    let balancer = tcp.services["db"].value.as_ref().unwrap().load_balancer.as_ref().unwrap();
    assert_eq!(balancer.termination_delay, Some(-1));
    assert_eq!(balancer.proxy_protocol.unwrap().version, 2);
    assert_eq!(udp.routers["dns"].value.as_ref().unwrap().service, "dns");
    let weighted = udp.services["dns"].value.as_ref().unwrap().weighted.as_ref().unwrap();
    assert_eq!(weighted.services[0].weight, Some(3));
    assert_eq!(tls.options["modern"].value.as_ref().unwrap().min_version, "VersionTLS13");
    assert!(tls.stores["default"].value.as_ref().unwrap().default_certificate.is_some());
    let transport = http.servers_transports["mtls"].value.as_ref().unwrap();
    assert!(transport.insecure_skip_verify && transport.disable_http2);
    assert_eq!(transport.max_idle_conns_per_host, 7);
    let timeouts = transport.forwarding_timeouts;
    let timeouts =
        [timeouts.dial_timeout, timeouts.response_header_timeout, timeouts.idle_conn_timeout];
    assert_eq!(timeouts.map(|time| time.0.as_secs()), [1, 2, 90]);
    let files: Vec<&str> = configuration.files().into_iter().collect();
    assert_eq!(files, ["ca.pem", "d.key", "d.pem"]);
}

#[test]
fn certificates_are_called_by_their_files() {
    let (configuration, diagnostics) = read(&document(
        "a.yml",
        r#"{"tls": {"certificates": [
            {"certFile": "a.pem", "keyFile": "a.key"},
            {"certFile": "a.pem", "keyFile": "b.key", "store": "x"},
            {"certFile": "-----BEGIN CERTIFICATE-----", "keyFile": "c.key"},
            {"stores": {}},
            {}]}}"#,
    ));
    insta::assert_snapshot!(said(&diagnostics), @"
    a.yml:7: warning: certificate a.pem (2): tls.certificates[1].store: unknown option, it has no effect; check its spelling and indentation
    a.yml:10: error: certificate number 4: tls.certificates[3].stores: expected a list, found a section
    ");
    let names: Vec<&str> = configuration.tls.certificates.keys().map(|name| &**name).collect();
    let expected = ["a.pem", "a.pem (2)", "in-line ddddb6cbd348", "number 4", "without certFile"];
    assert_eq!(names, expected);
    let (_, diagnostics) = read(&document("a.yml", r#"{"tls": {"certificates": {"a": {}}}}"#));
    insta::assert_snapshot!(said(&diagnostics), @"a.yml:2: error: tls.certificates: expected a list of certificates, found a section");
}
