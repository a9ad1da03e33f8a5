use super::{Rule, Verdict, view::View};
use alloc::{format, string::String};
use core::net::{IpAddr, Ipv4Addr};
use http::{Request, request};

/// A head from `METHOD target` and header lines.
fn head(request: &str) -> request::Parts {
    let mut lines = request.lines().map(str::trim);
    let (method, target) = lines.next().and_then(|line| line.split_once(' ')).expect("a line");
    let mut builder = Request::builder().method(method).uri(target);
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a header");
        builder = builder.header(name, value);
    }
    builder.body(()).expect("a request").into_parts().0
}

fn authority(head: &request::Parts) -> &str {
    let of_target = head.uri.authority().map(http::uri::Authority::as_str);
    of_target.unwrap_or_else(|| {
        let host = head.headers.get(http::header::HOST);
        host.and_then(|host| host.to_str().ok()).unwrap_or("")
    })
}

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));

fn evaluate(rule: &str, request: &str) -> Verdict {
    let head = head(request);
    let view = View::new(&head, authority(&head), CLIENT);
    Rule::parse(rule).expect(rule).evaluate(&view)
}

fn matches(rule: &str, request: &str) -> bool {
    let verdict = evaluate(rule, request) == Verdict::Matches;
    let head = head(request);
    let view = View::new(&head, authority(&head), CLIENT);
    assert_eq!(Rule::parse(rule).expect(rule).matches(&view), verdict, "{rule}");
    verdict
}

/// Lines of `rule | request | yes or no`; in a request, `;` parts lines.
fn table(cases: &[(&str, &str, bool)]) {
    for &(rule, request, expected) in cases {
        let request = request.replace(" ; ", "\n");
        assert_eq!(matches(rule, &request), expected, "{rule} on {request}");
    }
}

fn error(rule: &str) -> String {
    match Rule::parse(rule) {
        Ok(_) => format!("{rule} parses"),
        Err(error) => format!("{}: {}", error.column, error.message),
    }
}

#[test]
fn a_host_is_compared_without_port_case_and_one_trailing_dot() {
    table(&[
        ("Host(`a.b`)", "GET / ; Host: a.b", true),
        ("Host(`A.b`)", "GET / ; Host: a.B:8080", true),
        ("Host(`a.b`)", "GET / ; Host: a.b:abc", true),
        ("Host(`a.b`)", "GET / ; Host: a.b.", true),
        ("Host(`a.b.`)", "GET / ; Host: a.b", true),
        ("Host(`a.b.`)", "GET / ; Host: a.b.", true),
        ("Host(`a.b`)", "GET / ; Host: a.b..", false),
        ("Host(`a.b`)", "GET / ; Host: x.a.b", false),
        ("Host(`a`, `b`)", "GET / ; Host: b", true),
        ("Host(`a,b`)", "GET / ; Host: b", false),
        ("Host(`::1`)", "GET / ; Host: [::1]:80", true),
        ("Host(`::1`)", "GET / ; Host: [::1]", false),
        ("Host(`[::1]`)", "GET / ; Host: [::1]", true),
        ("Host(`a`)", "GET /", false),
        ("Host(`.`)", "GET /", false),
        ("!Host(`a`)", "GET /", true),
        ("Host(`*.b`)", "GET / ; Host: a.b", false),
        ("Host(`a`)", "GET http://a:8080/ ; Host: b", true),
        ("Host(`b`)", "GET http://a/ ; Host: b", false),
    ]);
}
