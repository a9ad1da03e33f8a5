//! Certificates, TLS options by host, and servers transports.
use super::*;
use crate::{
    tcp::table::Secure,
    tls::{
        options::Options,
        store::{Asked, Choice},
    },
};

const RSA: &[u16] = &[0x0804];

fn shown_certificate(plan: &Plan, name: &str) -> String {
    match plan.certificates().choose(Asked::Name(name), RSA, false) {
        Choice::Certificate(certificate) => certificate.name.to_string(),
        other @ (Choice::Generated | Choice::Refused) => format!("{other:?}"),
    }
}

fn options(plan: &Plan, host: &str) -> String {
    match plan.connections(EntryPointId(0)).unwrap().secure(Some(host)) {
        Secure::Http(options) => options.name.to_string(),
        Secure::Refused => "refused".into(),
        other @ (Secure::Terminate(..) | Secure::Passthrough(_)) => format!("{other:?}"),
    }
}

/// HTTPS routers, each for the host of its name and with these options.
fn https(routers: &[(&str, &str, &str)], rest: &str) -> Objects {
    let router = |(name, host, options): &(&str, &str, &str)| {
        format!(
            r#""{name}": {{"rule": "Host(`{host}`)", "service": "s", "tls": {{"options": "{options}"}}}}"#
        )
    };
    let routers: Vec<_> = routers.iter().map(router).collect();
    let json = format!(r#"{{"http": {{"routers": {{{}}}}}, {rest}}}"#, routers.join(","));
    Objects::default().service("s", servers(&["http://a"])).json(&json)
}

const TWO: &str = r#""tls": {"options": {"mtls": {"clientAuth": {"clientAuthType": "RequireAnyClientCert"}}, "new": {}, "bad": {"maxVersion": "VersionTLS10"}}}"#;

#[test]
fn broken_pairs_are_left_out_and_the_rest_is_loaded() {
    let (plan, _) = Objects::default()
        .json(
            r#"{"tls": {"certificates": {
                "a.pem": {"certFile": "@rsa", "keyFile": "@key"},
                "b.pem": {"certFile": "@p256", "keyFile": "b.key"},
                "c.pem": {"certFile": "@rsa", "keyFile": "@rsa"},
                "d.pem": {"certFile": "", "keyFile": "@key"},
                "e.pem": {"certFile": "@p256", "keyFile": "@key", "stores": ["other"]}}}}"#,
        )
        .compiled();
    insta::assert_snapshot!(told(&plan), @r#"
    dynamic.yml:7: error: certificate b.pem@file: tls.certificates[b.pem].keyFile: "b.key" was not read
    dynamic.yml:7: error: certificate c.pem@file: tls.certificates[c.pem].keyFile: no private key in it; PEM text or the path of a PEM file is needed
    dynamic.yml:7: error: certificate d.pem@file: tls.certificates[d.pem].certFile: it is missing: write PEM text or the path of a PEM file
    dynamic.yml:7: warning: certificate e.pem@file: tls.certificates[e.pem].stores: it is in no store that is used: only `default` is
    "#);
    assert_eq!(shown_certificate(&plan, "rsa.example.com"), "a.pem@file");
    assert_eq!(shown_certificate(&plan, "p256.example"), "Generated");
}

#[test]
fn certificates_go_and_others_take_their_place() {
    let with = |names: &[&str]| {
        let pair = |name: &&str| format!(r#""{name}": {{"certFile": "@rsa", "keyFile": "@key"}}"#);
        let pairs: Vec<_> = names.iter().map(pair).collect();
        Objects::default()
            .json(&format!(r#"{{"tls": {{"certificates": {{{}}}}}}}"#, pairs.join(",")))
    };
    let (both, _) = with(&["a.pem", "b.pem"]).compiled();
    assert_eq!(shown_certificate(&both, "x.example.com"), "a.pem@file");
    let (one, _) = compile(Some(&both), &settings(), &with(&["b.pem"]).alone());
    assert_eq!(shown_certificate(&one, "x.example.com"), "b.pem@file");
    let (none, _) = compile(Some(&one), &settings(), &Configurations::new());
    assert_eq!(shown_certificate(&none, "x.example.com"), "Generated");
}

#[test]
fn the_default_store_says_what_is_shown_where_no_name_fits() {
    let store = |name: &str, pair: &str| {
        let json =
            format!(r#"{{"tls": {{"stores": {{"{name}": {{"defaultCertificate": {pair}}}}}}}}}"#);
        Arc::new(Objects::default().json(&json).configuration)
    };
    let good = r#"{"certFile": "@rsa", "keyFile": "@key"}"#;
    let all = [
        ("a".into(), store("default", r#"{"certFile": "@rsa", "keyFile": "gone.key"}"#)),
        ("b".into(), store("default", good)),
        ("c".into(), store("default", good)),
        ("d".into(), store("other", good)),
    ];
    let (plan, _) = compile(None, &settings(), &all.into());
    assert_eq!(shown_certificate(&plan, "unknown.example"), "default@b");
    insta::assert_snapshot!(told(&plan), @r#"
    dynamic.yml:7: error: TLS store default@a: tls.stores.default.defaultCertificate.keyFile: "gone.key" was not read; a certificate made at the start is used
    dynamic.yml:7: warning: TLS store default@c: tls.stores.default.defaultCertificate: there is one default certificate, and it is that of b
    dynamic.yml:7: warning: TLS store other@d: tls.stores.other: it has no effect: only the store `default` is used
    "#);
    let (after, diagnostics) = compile(Some(&plan), &settings(), &Configurations::new());
    assert_eq!(
        (shown_certificate(&after, "unknown.example"), diagnostics),
        ("Generated".into(), vec![])
    );
}

#[test]
fn hosts_are_served_under_the_options_that_their_routers_ask_for() {
    let (plan, _) = https(
        &[
            ("one", "mtls.example", "mtls"),
            ("two", "mtls.example", ""),
            ("three", "new.example", "new@file"),
            ("four", "plain.example", "default"),
        ],
        TWO,
    )
    .compiled();
    let hosts = ["mtls.example", "new.example", "plain.example", "other.example"];
    assert_eq!(
        hosts.map(|host| options(&plan, host)),
        ["mtls@file", "new@file", "default", "default"]
    );
    let table = plan.connections(EntryPointId(0)).unwrap();
    assert!(table.is_misdirected(Options::DEFAULT, "mtls.example"));
    assert!(!table.is_misdirected(Options::DEFAULT, "plain.example"));
    assert!(!told(&plan).contains("found different"));
}

#[test]
fn routers_that_disagree_about_a_host_are_both_told() {
    let agreed = https(&[("one", "a.example", "mtls"), ("two", "a.example", "mtls")], TWO);
    let disputed = https(&[("one", "a.example", "mtls"), ("two", "a.example", "new")], TWO);
    let found = |plan: &Plan| {
        told(plan)
            .lines()
            .filter(|line| line.contains("found different"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (before, _) = agreed.compiled();
    assert_eq!((options(&before, "a.example"), found(&before)), ("mtls@file".into(), "".into()));
    let (during, _) = compile(Some(&before), &settings(), &disputed.alone());
    assert_eq!(options(&during, "a.example"), "default");
    insta::assert_snapshot!(found(&during), @"
    dynamic.yml:7: warning: router one@file: http.routers.one.tls.options: found different TLS options for routers on the same host a.example, so using the default TLS options instead
    dynamic.yml:7: warning: router two@file: http.routers.two.tls.options: found different TLS options for routers on the same host a.example, so using the default TLS options instead
    ");
    assert!(during.routers().all(|router| router.object.status() == Status::Warning));
    let (after, _) = compile(Some(&during), &settings(), &agreed.alone());
    assert_eq!((options(&after, "a.example"), found(&after)), ("mtls@file".into(), "".into()));
}

#[test]
fn options_that_are_unknown_or_broken_refuse_their_hosts() {
    let routers = [
        ("gone", "gone.example", "gone"),
        ("bad", "bad.example", "bad"),
        ("lax", "bad.example", ""),
        ("other", "bad.example", "mtls"),
    ];
    let (plan, _) = https(&routers, TWO).compiled();
    let hosts = ["gone.example", "bad.example", "lax.example"];
    assert_eq!(hosts.map(|host| options(&plan, host)), ["refused", "refused", "default"]);
    insta::assert_snapshot!(told(&plan), @"
    dynamic.yml:7: error: router bad@file: http.routers.bad.tls.options: unknown TLS options: bad@file
    dynamic.yml:7: warning: router bad@file: http.routers.bad.tls.options: found different TLS options for routers on the same host bad.example, so refusing connections, as some of them are unknown
    dynamic.yml:7: error: router gone@file: http.routers.gone.tls.options: unknown TLS options: gone@file
    dynamic.yml:7: warning: router other@file: http.routers.other.tls.options: found different TLS options for routers on the same host bad.example, so refusing connections, as some of them are unknown
    dynamic.yml:7: error: TLS options bad@file: tls.options.bad.maxVersion: VersionTLS10 is not safe and not spoken
    ");
    let mended = TWO.replace("VersionTLS10", "VersionTLS12");
    let (after, _) = compile(Some(&plan), &settings(), &https(&routers, &mended).alone());
    assert_eq!(options(&after, "bad.example"), "default", "they disagree now");
}

#[test]
fn options_are_kept_though_their_router_serves_no_more() {
    let routers = [("mtls", "a.example", "mtls"), ("lax", "a.example", "")];
    let mut objects = https(&routers, TWO);
    let router = objects.configuration.http.routers.get_mut("mtls").unwrap();
    if let Ok(router) = &mut Arc::make_mut(router).value {
        router.service = "gone".into();
    }
    assert_eq!(options(&objects.compiled().0, "a.example"), "mtls@file");
}

#[test]
fn options_without_a_host_have_no_effect() {
    let json = r#"{"http": {"routers": {"r": {"rule": "Path(`/`)", "service": "s", "tls": {"options": "o"}}}},
        "tls": {"options": {"o": {"minVersion": "VersionTLS11", "cipherSuites": ["TLS_RSA_WITH_RC4_128_SHA"]}}}}"#;
    let (plan, _) = Objects::default().service("s", servers(&[])).json(json).compiled();
    insta::assert_snapshot!(told(&plan), @"
    dynamic.yml:7: warning: router r@file: http.routers.r.tls.options: no Host in the rule: the options have no effect, as they are chosen by the name that clients ask for
    dynamic.yml:7: warning: TLS options o@file: tls.options.o.minVersion: VersionTLS11 is not safe and not spoken
    dynamic.yml:7: warning: TLS options o@file: tls.options.o.cipherSuites: not spoken, as it is not safe or not common: TLS_RSA_WITH_RC4_128_SHA
    ");
}

#[test]
fn default_options_are_everybodys_unless_nobody_can_tell_which_they_are() {
    let with = |options: &str| {
        let json = format!(r#"{{"tls": {{"options": {{"default": {options}}}}}}}"#);
        Arc::new(Objects::default().json(&json).configuration)
    };
    let compiled = |all: &[(&str, &str)], before: Option<&Plan>| {
        let all = all.iter().map(|(provider, options)| (Arc::from(*provider), with(options)));
        compile(before, &settings(), &all.collect()).0
    };
    let strict = |plan: &Plan| match plan.connections(EntryPointId(1)).unwrap().secure(None) {
        Secure::Http(options) => Some(options.sni_strict),
        Secure::Refused | Secure::Terminate(..) | Secure::Passthrough(_) => None,
    };
    let one = compiled(&[("a", r#"{"sniStrict": true}"#)], None);
    assert_eq!((strict(&one), told(&one)), (Some(true), "".into()));
    let two = compiled(&[("a", r#"{"sniStrict": true}"#), ("b", "{}")], Some(&one));
    assert_eq!(strict(&two), None);
    insta::assert_snapshot!(told(&two), @"
    dynamic.yml:7: error: TLS options default@a: tls.options.default: Default TLS Options defined multiple times in [a b]: connections are refused that need them
    dynamic.yml:7: error: TLS options default@b: tls.options.default: Default TLS Options defined multiple times in [a b]: connections are refused that need them
    ");
    let broken = compiled(&[("a", r#"{"maxVersion": "VersionTLS10"}"#)], Some(&two));
    assert_eq!(strict(&broken), None);
    let none = compiled(&[], Some(&broken));
    assert_eq!((strict(&none), told(&none)), (Some(false), "".into()));
}

#[test]
fn services_reach_their_servers_by_the_transport_they_name() {
    let with = |transport: &str| {
        Objects::default().router("app", |_| {}).json(&format!(
            r#"{{"http": {{
                "serversTransports": {{"t": {transport}}},
                "services": {{
                    "app": {{"weighted": {{"services": [{{"name": "inner"}}]}}}},
                    "inner": {{"loadBalancer": {{"servers": [{{"url": "https://a"}}], "serversTransport": "t"}}}}}}}}}}"#
        ))
    };
    let reached = |plan: &Plan| {
        let router = plan.routers().next()?.router?.clone();
        let Instance::Weighted { children, .. } = &*router.service else { return None };
        let Some(Instance::LoadBalancer { service, .. }) = children.first() else { return None };
        Some((service.clone(), service.servers[0].transport.clone()?))
    };
    let (before, _) = with(r#"{"serverName": "a.example", "rootCAs": ["@rsa"]}"#).compiled();
    let (service, transport) = reached(&before).unwrap();
    assert_eq!(transport.server_name.as_deref(), Some("a.example"));
    insta::assert_snapshot!(format!("{:?}", transport.limits), @"Some(Limits { idle_per_host_max: 200, dial_timeout: Some(30s), response_header_timeout: None, idle_timeout: Some(90s) })");
    let again = with(r#"{"serverName": "a.example", "rootCAs": ["@rsa"]}"#).router("b", |_| {});
    let (same, _) = compile(Some(&before), &settings(), &again.alone());
    assert!(Arc::ptr_eq(&reached(&same).unwrap().0, &service));
    let (other, _) = compile(
        Some(&same),
        &settings(),
        &with(r#"{"disableHTTP2": true, "maxIdleConnsPerHost": 0}"#).alone(),
    );
    let transport = reached(&other).unwrap().1;
    assert!(transport.http1_only);
    assert_eq!(transport.limits.map(|limits| limits.idle_per_host_max), Some(2));
    let broken = r#"{"rootCAs": ["@rsa", "nonsense"], "certificates": [{"certFile": "@rsa"}]}"#;
    let (after, _) = compile(Some(&other), &settings(), &with(broken).alone());
    assert!(reached(&after).is_none());
    insta::assert_snapshot!(told(&after), @r#"
    dynamic.yml:7: error: router app@file: http.routers.app.service: servers transport not found or broken: t@file
    dynamic.yml:7: error: service app@file: http.services.app: servers transport not found or broken: t@file
    dynamic.yml:7: error: service inner@file: http.services.inner: servers transport not found or broken: t@file
    dynamic.yml:7: error: servers transport t@file: http.serversTransports.t.rootCAs[1]: "nonsense" was not read
    "#);
}
