//! `--accesslog`: one line in Common Log Format a request, on standard output.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Server, Setup, eventually, routes};

fn line(setup: &Setup, target: &str) -> String {
    eventually(&format!("{target} is logged"), || {
        setup.rutter.stdout().lines().find(|line| line.contains(target)).map(str::to_owned)
    })
}

/// The text of one request's line, its time and duration replaced.
fn shape(line: &str) -> String {
    let (before, rest) = line.split_once('[').unwrap();
    let (time, after) = rest.split_once(']').unwrap();
    // 02/Jan/2006:15:04:05 +0000
    assert_eq!(time.len(), 26, "{time}");
    assert!(time.ends_with(" +0000"), "{time}");
    let (fields, duration) = after.rsplit_once(' ').unwrap();
    let milliseconds = duration.strip_suffix("ms").unwrap();
    assert!(milliseconds.bytes().all(|digit| digit.is_ascii_digit()), "{duration}");
    // The request counter differs with how often readiness was asked.
    let fields: Vec<&str> = fields.split(' ').collect();
    let counter = fields.len() - 3;
    assert!(fields[counter].parse::<u64>().is_ok(), "{line}");
    format!(
        "{before}[T] {} N {} Dms",
        fields[1..counter].join(" "),
        fields[counter + 1..].join(" ")
    )
}

#[test]
fn a_forwarded_request_is_logged_with_its_router_and_server() {
    let server = Server::named("twelve bytes");
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &["--accesslog"]);
    let reply = setup.curl("a.test", "/found?q=1", &["-A", "agent"]);
    assert_eq!(reply.status, 200);
    assert_eq!(
        shape(&line(&setup, "/found")),
        format!(
            "127.0.0.1 - - [T] \"GET /found?q=1 HTTP/1.1\" 200 12 \"-\" \"-\" N \"r0@file\" \"{}\" Dms",
            server.url()
        )
    );
}

#[test]
fn a_request_without_a_router_is_logged_too() {
    let server = Server::named("up");
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &["--accesslog"]);
    assert_eq!(setup.curl("nobody.test", "/lost", &[]).status, 404);
    assert_eq!(
        shape(&line(&setup, "/lost")),
        "127.0.0.1 - - [T] \"GET /lost HTTP/1.1\" 404 19 \"-\" \"-\" N \"-\" \"-\" Dms"
    );
}

#[test]
fn text_of_the_client_cannot_forge_a_line() {
    let server = Server::named("up");
    let setup = Setup::start(
        &routes(&[("a.test", &server.url())]),
        "a.test",
        &["--accesslog", "--accesslog.fields.headers.defaultmode=keep"],
    );
    assert_eq!(setup.curl("a.test", "/quoted", &["-A", "\" 200 \""]).status, 200);
    let line = line(&setup, "/quoted");
    assert!(!line.contains("\"\" 200 \"\""), "{line}");
}
