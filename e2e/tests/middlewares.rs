//! Middlewares as programs that we did not write meet them.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Answer, Server, Setup, routes};

/// A router for `a.test` through one middleware, to a server that answers with 5,000 bytes.
fn through(middleware: &str) -> (Setup, Server) {
    let server = Server::start(|_| Answer::Text("five bytes".repeat(500)));
    let text = routes(&[("plain.test", &server.url())]).replace(
        "  services:\n",
        &format!(
            "    a: {{ rule: \"Host(`a.test`)\", service: s0, middlewares: [ m ] }}\n  \
             middlewares:\n    m: {middleware}\n  services:\n"
        ),
    );
    (Setup::start(&text, "plain.test", &[]), server)
}

#[test]
fn curl_proves_its_password_by_digest() {
    // MD5 of `a:traefik:right`.
    let user = "a:traefik:2683263f61cad514816f803a3a577340";
    let (setup, server) = through(&format!("{{ digestAuth: {{ users: [ '{user}' ] }} }}"));
    let ask = |user: &str| setup.curl("a.test", "/x?y=1", &["--digest", "--user", user]).status;
    assert_eq!(ask("a:right"), 200);
    assert_eq!(ask("a:wrong"), 401);
    assert_eq!(ask("nobody:right"), 401);
    assert_eq!(setup.curl("a.test", "/", &[]).status, 401);
    let passed = server.seen().iter().filter(|it| it.target() == "/x?y=1").count();
    assert_eq!(passed, 1, "only who proved it");
}

#[test]
fn curl_passes_with_its_password_and_not_with_another() {
    // By `htpasswd -nbB -C 5 a right`.
    let user = "a:$2y$05$Aavot0nhDSS4PNK3zHHoseGMQpvBNCCSw5mYHyEaVXdVzKQ20WlIa";
    let (setup, _server) = through(&format!("{{ basicAuth: {{ users: [ '{user}' ] }} }}"));
    let ask = |user: &str| setup.curl("a.test", "/", &["--user", user]).status;
    assert_eq!(
        [ask("a:right"), ask("a:right"), ask("a:wrong"), ask("b:right")],
        [200, 200, 401, 401]
    );
    let refused = setup.curl("a.test", "/", &[]);
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"traefik\""));
    assert_eq!((refused.status, &*refused.body), (401, "401 Unauthorized\n"));
}

#[test]
fn curl_reads_what_was_compressed_for_it() {
    let (setup, _server) = through("{ compress: {} }");
    let reply = setup.curl("a.test", "/", &["--compressed"]);
    assert_eq!((reply.status, &*reply.body), (200, &*"five bytes".repeat(500)));
    assert!(reply.head.to_ascii_lowercase().contains("\ncontent-encoding: "), "{}", reply.head);
    assert_eq!(reply.header("vary"), Some("Accept-Encoding"));
    let plain = setup.curl("a.test", "/", &[]);
    assert_eq!(
        (plain.header("content-encoding"), plain.header("content-length")),
        (None, Some("5000"))
    );
}

#[test]
fn a_body_over_the_limit_is_refused_before_any_server_hears_of_it() {
    let (setup, server) =
        through("{ buffering: { maxRequestBodyBytes: 1000, memRequestBodyBytes: 10 } }");
    let before = server.seen().len();
    let post = |length: usize| setup.curl("a.test", "/", &["--data", &"x".repeat(length)]).status;
    assert_eq!([post(1000), post(1001)], [200, 413]);
    let chunked = ["--header", "Transfer-Encoding: chunked", "--data", &"x".repeat(1001)];
    assert_eq!(setup.curl("a.test", "/", &chunked).status, 413);
    let seen = server.seen();
    assert_eq!(seen.len() - before, 1);
    assert_eq!(seen.last().unwrap().text(), "x".repeat(1000), "whole, out of a file");
}
