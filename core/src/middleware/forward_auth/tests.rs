use super::*;
use crate::{
    entry_point::{EntryPoint, Peer, Trust, forwarded::on_entry},
    middleware::testing,
    time::Instant,
};
use alloc::string::ToString;
use bytes::Bytes;

const ADDRESS: &str = "http://auth.example:9000/verify?realm=x";

fn options() -> ForwardAuth {
    ForwardAuth { address: ADDRESS.into(), ..ForwardAuth::default() }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// What the auth server is sent for a request that came in by an entry point.
fn question(options: &ForwardAuth, trusted: bool, headers: &[(&str, &str)]) -> request::Parts {
    let forwarded_trust = Trust { insecure: trusted, networks: Box::default() };
    let entry_point = EntryPoint { forwarded_trust, ..testing::entry_point() };
    let peer = Peer::new(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], 443).into(), true);
    let mut head = testing::head("/app?x=1", headers);
    head.method = Method::POST;
    on_entry(&entry_point, &peer, &mut head);
    let context =
        Context { now: Instant(0), peer: &peer, entry_point: &entry_point, entropy: 0, cell: None };
    let verdict =
        options.compile().unwrap().inward(&context, &testing::Nothing, &mut head);
    let Verdict::Ask(question) = verdict else { panic!("{verdict:?}") };
    assert_eq!(&*question.server.url, "http://auth.example:9000");
    assert_eq!(question.timeout, Duration::from_secs(30));
    question.head
}

fn lines(head: &request::Parts) -> String {
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    let mut lines: Vec<String> = head.headers.iter().map(line).collect();
    lines.sort();
    format!("{} {}\n{}", head.method, head.uri, lines.join("\n"))
}

const CLIENT: [(&str, &str); 13] = [
    ("host", "app.example:8443"),
    ("authorization", "Bearer t"),
    ("cookie", "sid=1"),
    ("content-length", "12"),
    ("expect", "100-continue"),
    ("te", "trailers"),
    ("x-forwarded-for", "6.6.6.6"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-method", "GET"),
    ("x-forwarded-port", "1"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-uri", "/public"),
    ("x_forwarded_uri", "/public"),
];

#[test]
fn an_auth_server_is_told_the_truth_about_a_client_that_is_not_trusted() {
    let asked = question(&options(), false, &CLIENT);
    insta::assert_snapshot!(lines(&asked), @r"
    GET /verify?realm=x
    authorization: Bearer t
    cookie: sid=1
    host: auth.example:9000
    x-forwarded-for: 192.0.2.7
    x-forwarded-host: app.example:8443
    x-forwarded-method: POST
    x-forwarded-port: 8443
    x-forwarded-proto: https
    x-forwarded-server: edge
    x-forwarded-uri: /app?x=1
    x-real-ip: 192.0.2.7
    ");
    // There is nothing left to trust.
    let trusting = ForwardAuth { trust_forward_header: true, ..options() };
    assert_eq!(lines(&question(&trusting, false, &CLIENT)), lines(&asked));
}

#[test]
fn with_trust_what_a_trusted_peer_says_stays_and_the_list_grows() {
    let trusting = ForwardAuth { trust_forward_header: true, ..options() };
    insta::assert_snapshot!(lines(&question(&trusting, true, &CLIENT)), @r"
    GET /verify?realm=x
    authorization: Bearer t
    cookie: sid=1
    host: auth.example:9000
    x-forwarded-for: 6.6.6.6, 192.0.2.7
    x-forwarded-host: evil.example
    x-forwarded-method: GET
    x-forwarded-port: 1
    x-forwarded-proto: http
    x-forwarded-server: edge
    x-forwarded-uri: /public
    x-real-ip: 192.0.2.7
    ");
}

#[test]
fn without_trust_even_a_trusted_peer_does_not_say_what_was_asked_for() {
    insta::assert_snapshot!(lines(&question(&options(), true, &CLIENT)), @r"
    GET /verify?realm=x
    authorization: Bearer t
    cookie: sid=1
    host: auth.example:9000
    x-forwarded-for: 192.0.2.7
    x-forwarded-host: app.example:8443
    x-forwarded-method: POST
    x-forwarded-port: 1
    x-forwarded-proto: https
    x-forwarded-server: edge
    x-forwarded-uri: /app?x=1
    x-real-ip: 192.0.2.7
    ");
}

#[test]
fn the_auth_server_sees_the_listed_headers_and_no_others() {
    let some = ForwardAuth { auth_request_headers: strings(&["Cookie", "Content-Length"]), ..options() };
    insta::assert_snapshot!(lines(&question(&some, false, &CLIENT)), @r"
    GET /verify?realm=x
    cookie: sid=1
    host: auth.example:9000
    x-forwarded-for: 192.0.2.7
    x-forwarded-host: app.example:8443
    x-forwarded-method: POST
    x-forwarded-proto: https
    x-forwarded-uri: /app?x=1
    ");
}

#[test]
fn user_information_of_the_address_is_sent_where_the_client_sends_none() {
    let address = "http://u:p@auth.example:9000".into();
    let options = ForwardAuth { address, ..options() };
    let sent = |headers| question(&options, false, headers).headers[AUTHORIZATION].clone();
    assert_eq!(sent(&[][..]), "Basic dTpw");
    assert_eq!(sent(&[("authorization", "Bearer t")]), "Bearer t");
}

fn asked(
    options: &ForwardAuth,
    head: &mut request::Parts,
    answer: Result<&mut response::Parts, SendError>,
) -> Verdict {
    let guard = options.compile().unwrap();
    testing::with_context(|context| guard.asked(context, head, answer))
}

#[test]
fn a_request_that_passes_gets_the_listed_headers_from_the_answer_alone() {
    let listed = strings(&["X-User", "X-Groups", "X-Missing", "Content-Length", "Host"]);
    let regex = "^x-scope-".into();
    let options = ForwardAuth {
        auth_response_headers: listed,
        auth_response_headers_regex: regex,
        ..options()
    };
    let mut head = testing::head("/", &[
        ("host", "app"),
        ("content-length", "3"),
        ("x-user", "root"),
        ("X-USER", "root"),
        ("x-missing", "1"),
        ("x-scope-admin", "1"),
        ("x-own", "1"),
    ]);
    let mut answer = testing::response(204, &[
        ("host", "evil"),
        ("content-length", "0"),
        ("x-user", "a"),
        ("x-groups", "g"),
        ("x-groups", "h"),
        ("X-Scope-Read", "1"),
        ("x-other", "1"),
    ]);
    let verdict = asked(&options, &mut head, Ok(&mut answer));
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    insta::assert_snapshot!(lines(&head), @r"
    GET /
    content-length: 3
    host: app
    x-groups: g
    x-groups: h
    x-own: 1
    x-scope-read: 1
    x-user: a
    ");
}

#[test]
fn any_other_answer_is_delivered_with_a_location_that_can_be_followed() {
    for (status, location, want) in [
        (302, Some("/login?rd=x"), Some("http://auth.example:9000/login?rd=x")),
        (302, Some("https://login.example/"), Some("https://login.example/")),
        (401, None, None),
        (199, None, None),
        (304, Some(""), Some("")),
    ] {
        let headers: Vec<(&str, &str)> =
            location.iter().map(|location| ("location", *location)).collect();
        let mut answer = testing::response(status, &headers);
        let verdict = asked(&options(), &mut testing::head("/", &[]), Ok(&mut answer));
        assert!(matches!(verdict, Verdict::Deliver), "{status} {verdict:?}");
        let got = answer.headers.get(LOCATION).map(|it| it.to_str().unwrap());
        assert_eq!(got, want, "{status}");
    }
}

#[test]
fn no_answer_or_a_bad_location_is_500_without_a_body() {
    let mut bad = testing::response(302, &[("location", "/%zz")]);
    for answer in [Ok(&mut bad), Err(SendError::Timeout)] {
        let verdict = asked(&options(), &mut testing::head("/", &[]), answer);
        let Verdict::Respond(response) = verdict else { panic!("{verdict:?}") };
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.body().is_empty() && response.headers().is_empty());
    }
}

fn file(pem: &'static str) -> File {
    let mut file = File::new("some.pem");
    file.fill(Ok(Bytes::from_static(pem.as_bytes())));
    file
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n";

#[test]
fn tls_reaches_the_server() {
    let tls = ClientTls {
        ca: File::new(CERTIFICATE),
        cert: file(CERTIFICATE),
        key: file(KEY),
        ..ClientTls::default()
    };
    let options = ForwardAuth { tls: Some(tls), ..options() };
    let guard = options.compile().unwrap();
    let transport = guard.server.transport.as_ref().unwrap();
    assert_eq!(&*transport.root_cas, [CERTIFICATE]);
    assert_eq!(transport.certificates[0].key, KEY);
    assert!(!transport.insecure_skip_verify);
    let insecure = ClientTls { insecure_skip_verify: true, ..ClientTls::default() };
    let guard = ForwardAuth { tls: Some(insecure), ..options }.compile().unwrap();
    assert!(guard.server.transport.as_ref().unwrap().insecure_skip_verify);
}

#[test]
fn what_is_wrong_is_said_without_the_secret() {
    let address = |text: &str| ForwardAuth { address: text.into(), ..options() };
    let tls = |tls| ForwardAuth { tls: Some(tls), ..options() };
    let both = ClientTls { cert: file(CERTIFICATE), key: file(KEY), ..ClientTls::default() };
    let cases = [
        address(""),
        address("auth:80"),
        address("http://u:hunter2@:80"),
        ForwardAuth { auth_response_headers: strings(&["a b"]), ..options() },
        ForwardAuth { auth_request_headers: strings(&["a b"]), ..options() },
        ForwardAuth { auth_response_headers_regex: "(".into(), ..options() },
        tls(ClientTls { ca: file(CERTIFICATE), ..ClientTls::default() }),
        tls(ClientTls { cert: file(CERTIFICATE), ..ClientTls::default() }),
        tls(ClientTls { ca: File::new("missing.pem"), ..both.clone() }),
        tls(ClientTls { ca: file(KEY), ..both.clone() }),
        tls(ClientTls { key: file(CERTIFICATE), ..both.clone() }),
    ];
    let errors = cases.iter().map(|options| options.compile().unwrap_err());
    insta::assert_snapshot!(errors.collect::<Vec<_>>().join("\n"), @r#"
    address: empty string
    address: the scheme is missing: write http://host:port
    address: the host is missing
    authResponseHeaders: "a b" is not a header name
    authRequestHeaders: "a b" is not a header name
    authResponseHeadersRegex: error parsing regexp: unclosed group: `(`
    tls: TLS Certificate or Key file must be set when TLS configuration is created; give tls.cert and tls.key
    tls: TLS Certificate or Key file must be set when TLS configuration is created; give tls.cert and tls.key
    tls.ca: "missing.pem" was not read
    tls.ca: no certificate in it; PEM text or the path of a PEM file is needed
    tls.key: no private key in it; PEM text or the path of a PEM file is needed
    "#);
}

#[test]
fn the_files_of_tls_are_found() {
    let tls = ClientTls { ca: File::new("ca.pem"), ..ClientTls::default() };
    let options = ForwardAuth { tls: Some(tls), ..options() };
    let paths: Vec<_> = options.files().into_iter().filter_map(File::path).collect();
    assert_eq!(paths, ["ca.pem"]);
}
