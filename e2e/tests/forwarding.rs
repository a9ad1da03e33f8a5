//! What reaches the server, and what comes back.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Answer, Client, Server, Setup, free_address, routes};

#[test]
fn the_server_learns_who_asked_for_what() {
    let server = Server::echo();
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    let reply = setup.curl("a.test", "/p%2Fq//r?x=%zz", &["-H", "X-Forwarded-For: 9.9.9.9"]);
    assert_eq!(reply.status, 200);
    let head = reply.body.to_lowercase();
    for line in [
        "x-forwarded-for: 127.0.0.1",
        "x-real-ip: 127.0.0.1",
        "x-forwarded-proto: http",
        "x-forwarded-host: a.test",
        "x-forwarded-port: 80",
        "host: a.test",
    ] {
        assert!(head.lines().any(|found| found == line), "no `{line}` in\n{head}");
    }
    assert!(!head.contains("9.9.9.9"), "an untrusted peer was believed\n{head}");
    assert!(head.contains("x-forwarded-server: "), "{head}");
}

#[test]
fn headers_of_the_connection_stay_on_their_connection() {
    let server = Server::echo();
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    let reply = setup.curl(
        "a.test",
        "/",
        &["-H", "Connection: X-Secret, X-Real-Ip", "-H", "X-Secret: 1", "-H", "Keep-Alive: 5"],
    );
    let head = reply.body.to_lowercase();
    assert!(!head.contains("x-secret"), "{head}");
    assert!(!head.contains("keep-alive: 5"), "{head}");
    assert!(head.contains("x-real-ip: 127.0.0.1"), "{head}");
}

#[test]
fn http_2_with_prior_knowledge_is_served() {
    let server = Server::named("up");
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    let reply = setup.curl("a.test", "/", &["--http2-prior-knowledge"]);
    assert_eq!((reply.version.as_str(), reply.status, reply.body.as_str()), ("2", 200, "up"));
    let posted = setup.curl("a.test", "/", &["--http2-prior-knowledge", "--data", "sent"]);
    assert_eq!(posted.body, "up");
    assert_eq!(server.seen().last().unwrap().text(), "sent");
}

#[test]
fn http_1_0_is_served_and_closed() {
    let server = Server::named("up");
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    let mut client = Client::connect(setup.web).unwrap();
    client.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").unwrap();
    let all = String::from_utf8(client.read_to_close().unwrap()).unwrap();
    assert!(all.starts_with("HTTP/1.0 200 ") || all.starts_with("HTTP/1.1 200 "), "{all}");
    assert!(all.ends_with("\r\n\r\nup"), "{all}");
}

#[test]
fn bodies_arrive_whole_in_both_directions() {
    let server = Server::start(|request| {
        let body = &request.body;
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        Answer::Raw(answer)
    });
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    let text: String = (0..400_000).map(|i| format!("{i} ")).collect();
    let file = setup.folder.write("body", &text);
    let file = format!("@{}", file.display());
    for arguments in [
        &["--data-binary", &file][..],
        &["--data-binary", &file, "-H", "Transfer-Encoding: chunked"],
        &["--data-binary", &file, "-H", "Expect: 100-continue"],
        &["--data-binary", &file, "--http2-prior-knowledge"],
    ] {
        let reply = setup.curl("a.test", "/", arguments);
        assert_eq!(reply.status, 200, "{arguments:?}");
        assert!(reply.body == text, "{arguments:?}: {} bytes came back", reply.body.len());
    }
}

#[test]
fn a_chunked_response_of_unknown_length_is_streamed() {
    let server = Server::start(|_| {
        Answer::Raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
                .to_vec(),
        )
    });
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    let reply = setup.curl("a.test", "/", &[]);
    assert_eq!(reply.body, "onetwo");
    assert_eq!(reply.header("content-length"), None);
}

#[test]
fn failures_have_the_statuses_users_know() {
    let nobody = format!("http://{}", free_address());
    let silent = Server::start(|_| Answer::Take(Box::new(drop)));
    let garbage = Server::start(|_| Answer::Raw(b"garbage\r\n\r\n".to_vec()));
    let text = routes(&[
        ("dead.test", &nobody),
        ("silent.test", &silent.url()),
        ("garbage.test", &garbage.url()),
    ])
    .replace(
        "  services:\n",
        "    r9: { rule: \"Host(`none.test`)\", service: none }\n  services:\n",
    ) + "    none: { loadBalancer: { servers: [] } }\n";
    let setup = Setup::start(&text, "none.test", &[]);
    for (host, status, body) in [
        ("dead.test", 502, "Bad Gateway"),
        ("silent.test", 502, "Bad Gateway"),
        ("garbage.test", 500, "Internal Server Error"),
        ("none.test", 503, "Service Unavailable"),
        ("lost.test", 404, "404 page not found\n"),
    ] {
        let reply = setup.curl(host, "/", &[]);
        assert_eq!((reply.status, reply.body.as_str()), (status, body), "{host}");
    }
    let lost = setup.curl("lost.test", "/", &[]);
    assert_eq!(lost.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(lost.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn requests_beyond_the_limits_are_refused() {
    let server = Server::named("up");
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    let mut client = Client::connect(setup.web).unwrap();
    let header =
        format!("GET / HTTP/1.1\r\nHost: a.test\r\nX-Long: {}\r\n\r\n", "x".repeat(3 << 20));
    // The refusal may come, and the connection close, before all of it is sent.
    let _ = client.send(header);
    assert_eq!(client.response_head().unwrap().status(), 431);
    assert_eq!(setup.get("a.test", "/").text(), "up");
}
