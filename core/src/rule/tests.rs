use super::{Rule, Verdict, view::View};
use alloc::{format, string::String, vec::Vec};
use core::net::{IpAddr, Ipv4Addr};
use http::{Request, request};
use proptest::prelude::*;

/// A head from `METHOD target` and header lines.
fn head(request: &str) -> request::Parts {
    let mut lines = request.lines().map(str::trim);
    let (method, target) = lines.next().and_then(|line| line.split_once(' ')).expect("a line");
    let mut builder = Request::builder().method(method).uri(target);
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header");
        builder = builder.header(name, value.trim());
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

#[test]
fn a_host_template_sees_the_host_as_sent() {
    table(&[
        ("HostRegexp(`{sub}.b`)", "GET / ; Host: a.b", true),
        ("HostRegexp(`{sub}.B`)", "GET / ; Host: A.b:80", true),
        ("HostRegexp(`{sub}.b`)", "GET / ; Host: x.a.b", false),
        ("HostRegexp(`{sub}.b`)", "GET / ; Host: a.b.", false),
        ("HostRegexp(`{sub:.+}.b`)", "GET / ; Host: x.a.b", true),
        ("HostRegexp(`{sub:(x|y)[0-9]{2}}.b`)", "GET / ; Host: y42.b", true),
        ("HostRegexp(`{sub:(x|y)[0-9]{2}}.b`)", "GET / ; Host: z42.b", false),
        ("HostRegexp(`{a:x|y}{b:z|}.b`)", "GET / ; Host: yz.b", true),
        ("HostRegexp(`a.b`)", "GET / ; Host: A.b", true),
        ("HostRegexp(`a.b`)", "GET / ; Host: axb", false),
        ("HostRegexp(`^a.*`)", "GET / ; Host: a", false),
        ("HostRegexp(`[`)", "GET / ; Host: [::1]:80", true),
        ("HostRegexp(`{any:.*}`)", "GET /", true),
        ("HostRegexp(`{any}`)", "GET http://a/ ; Host: b", true),
        ("HostRegexp(`a`)", "GET http://a:80/", false),
        ("HostRegexp(`a:80`)", "GET http://a:80/", true),
        ("HostRegexp(`a`, `{b:b+}`)", "GET / ; Host: bb", true),
        ("HostRegexp(`{a}`)", "GET / ; Host: ab ; Host: b", true),
    ]);
}

#[test]
fn paths_are_compared_decoded_and_without_the_query() {
    table(&[
        ("Path(`/foo`)", "GET /foo?bar", true),
        ("Path(`/foo`)", "GET /foo/", false),
        ("Path(`/foo`)", "GET /Foo", false),
        ("Path(`/foo`, `/bar`)", "GET /bar", true),
        ("Path(`/a/b`)", "GET /a%2Fb", true),
        ("Path(`/a b`)", "GET /a%20b", true),
        ("Path(`/a+b`)", "GET /a+b", true),
        ("Path(`/ä`)", "GET /%C3%A4", true),
        ("Path(`/{x}`)", "GET /%FF", true),
        ("Path(`/{x:..}`)", "GET /%FF%FE", true),
        ("Path(`//a`)", "GET //a", true),
        ("Path(`/a`)", "GET //a", false),
        ("PathPrefix(`/foo`)", "GET /foobar", true),
        ("PathPrefix(`/foo/`)", "GET /foo", false),
        ("PathPrefix(`/`)", "GET /", true),
        ("Path(`/p/{id}`)", "GET /p/7", true),
        ("Path(`/p/{id}`)", "GET /p/", false),
        ("Path(`/p/{id}`)", "GET /p/7/x", false),
        ("Path(`/p/{id:[0-9]+}/x`)", "GET /p/7/x", true),
        ("Path(`/p/{id:[0-9]+}/x`)", "GET /p/seven/x", false),
        ("Path(`/p{rest:(/.*)?}`)", "GET /p", true),
        ("Path(`/p{rest:(/.*)?}`)", "GET /p/q/r", true),
        ("Path(`/p{rest:(/.*)?}`)", "GET /pq", false),
        ("Path(`/a.b`)", "GET /axb", false),
        ("PathPrefix(`/p/{id}`)", "GET /p/7/x", true),
        ("PathPrefix(`/{l:de|en}/`)", "GET /en/x", true),
        ("PathPrefix(`/{l:de|en}/`)", "GET /fr/x", false),
        ("Path(`/*`)", "OPTIONS /x", false),
    ]);
}

#[test]
fn a_method_is_written_in_any_case_and_sent_in_upper_case() {
    table(&[
        ("Method(`get`)", "GET /", true),
        ("Method(`GET`)", "get /", false),
        ("Method(`POST`, `PUT`)", "PUT /", true),
        ("Method(`purge`)", "PURGE /", true),
    ]);
    let verdicts = [
        ("Method(`POST`)", true),
        ("Path(`/`) && Method(`POST`)", true),
        ("Method(`POST`) && Path(`/x`)", false),
        ("Path(`/x`) || Path(`/`) && Method(`POST`)", true),
        ("Path(`/`) && (Method(`POST`) || Method(`PUT`) && Path(`/x`))", true),
        ("!Method(`GET`)", true),
        ("!(Method(`GET`) || Path(`/`))", false),
    ];
    for (rule, method_only) in verdicts {
        let verdict = evaluate(rule, "GET /");
        assert_eq!(matches!(verdict, Verdict::Method(_)), method_only, "{rule}: {verdict:?}");
        assert!(!matches!(verdict, Verdict::Matches), "{rule}");
    }
}

#[test]
fn any_line_of_a_header_may_match() {
    table(&[
        ("Headers(`X-A`, `1`)", "GET / ; x-a: 1", true),
        ("Headers(`x-a`, `1`)", "GET / ; X-A: 2 ; X-A: 1", true),
        ("Headers(`X-A`, `1`)", "GET / ; X-A: 2,1", false),
        ("Headers(`X-A`, `a`)", "GET / ; X-A: A", false),
        ("Headers(`X-A`, `1`)", "GET /", false),
        ("Headers(`X-A`, `1`, `X-B`, `2`)", "GET / ; X-A: 1", false),
        ("Headers(`X-A`, `1`, `X-B`, `2`)", "GET / ; X-A: 1 ; X-B: 2", true),
        ("Headers(`X-A`, `1`, `x-a`, `2`)", "GET / ; X-A: 2", true),
        ("Headers(`X A`, `1`)", "GET / ; X-A: 1", false),
        ("Headers(`Host`, `a`)", "GET / ; Host: a", false),
        ("HeadersRegexp(`X-A`, `b+`)", "GET / ; X-A: abbc", true),
        ("HeadersRegexp(`X-A`, `^b+$`)", "GET / ; X-A: abbc", false),
        ("HeadersRegexp(`X-A`, `.*`)", "GET / ; X-A: ", true),
        ("HeadersRegexp(`X-A`, `.*`)", "GET /", false),
        ("HeadersRegexp(`X-A`, `{`)", "GET / ; X-A: {", true),
        ("HeadersRegexp(`Host`, `.*`)", "GET / ; Host: a", false),
    ]);
}

#[test]
fn a_header_that_is_no_utf8_is_searched_byte_by_byte() {
    let mut head = head("GET /");
    let value = http::HeaderValue::from_bytes(b"a\xff\xfeb").expect("a value");
    head.headers.insert("X", value);
    let view = View::new(&head, "", CLIENT);
    let rule = Rule::parse("HeadersRegexp(`X`, `^a..b$`)").expect("a rule");
    assert!(rule.matches(&view));
}

#[test]
fn the_first_value_of_a_query_parameter_counts() {
    table(&[
        ("Query(`a=b`)", "GET /?a=b", true),
        ("Query(`a`, `b`)", "GET /?a=b", true),
        ("Query(`a=b`)", "GET /?x=y&a=b", true),
        ("Query(`a=b`)", "GET /?a=x&a=b", false),
        ("Query(`a=b`)", "GET /?a=bc", false),
        ("Query(`a=b`)", "GET /?A=b", false),
        ("Query(`a=b`)", "GET /", false),
        ("Query(`a=b`, `c=d`)", "GET /?a=b", false),
        ("Query(`a=b`, `c=d`)", "GET /?c=d&a=b", true),
        ("Query(`a=`)", "GET /?a", true),
        ("Query(`a=`)", "GET /?a=x", true),
        ("Query(`a=`)", "GET /?b", false),
        ("Query(`a={x}`)", "GET /?a=", true),
        ("Query(`a={x:[0-9]+}`)", "GET /?a=7", true),
        ("Query(`a={x:[0-9]+}`)", "GET /?a=x7", false),
        ("Query(`a=b c`)", "GET /?a=b+c", true),
        ("Query(`a=b c`)", "GET /?%61=b%20c", true),
        ("Query(`a=b=c`)", "GET /?a=b=c", true),
        ("Query(`a=b`)", "GET /?a=%zz&a=b", true),
        ("Query(`c=d`)", "GET /?a=b;c=d", true),
        ("Query(`a=b`)", "GET /?a=b;c=d", true),
        ("Query(`a=b`)", "GET /?&&a=b", true),
    ]);
}

#[test]
fn a_client_is_matched_by_address_or_network() {
    table(&[
        ("ClientIP(`10.1.2.3`)", "GET /", true),
        ("ClientIP(`10.1.2.4`)", "GET /", false),
        ("ClientIP(`192.168.0.0/16`, `10.0.0.0/8`)", "GET /", true),
        ("ClientIP(`::ffff:10.1.2.3`)", "GET /", true),
        ("ClientIP(`::/0`)", "GET /", false),
        ("!ClientIP(`10.0.0.0/8`)", "GET /", false),
    ]);
    let head = head("GET /");
    let view = View::new(&head, "", "::ffff:10.1.2.3".parse().expect("an address"));
    assert!(Rule::parse("ClientIP(`10.0.0.0/8`)").expect("a rule").matches(&view));
}

#[test]
fn an_expression_is_read_as_go_reads_it() {
    let deep = format!("{}Path(`/`){}", "(".repeat(64), ")".repeat(64));
    let long = format!("Path(`/x`){}", " || Path(`/`)".repeat(20_000));
    table(&[
        ("Path(`/`) || Path(`/`) && Path(`/x`)", "GET /", true),
        ("(Path(`/`) || Path(`/`)) && Path(`/x`)", "GET /", false),
        ("!Path(`/x`) && !(Path(`/`) && Path(`/y`))", "GET /", true),
        ("!!Path(`/`)", "GET /", true),
        ("!(!Path(`/`) || Path(`/x`))", "GET /", true),
        ("\tPath(`/x`) ||\n  Path(\n`/`,\n)\n\n", "GET /", true),
        ("Path(`/`) // the root", "GET /", true),
        ("Path(/* a\nb */ `/`)", "GET /", true),
        ("Path(\"\\x2f\\u0061\\142\\U00000063\")", "GET /abc", true),
        ("Path(\"/\\\\\")", "GET /%5C", true),
        ("Path(`/\\x61`)", "GET /%5Cx61", true),
        ("Path(`/a\r\nb`)", "GET /a%0Ab", true),
        ("path(`/`) && PATH(`/`) && Pathprefix(`/`)", "GET /", true),
        ("pathprefix(`/`) && PATHPREFIX(`/`) && clientip(`10.1.2.3`)", "GET /", true),
        (&deep, "GET /", true),
        (&long, "GET /", true),
    ]);
}

#[test]
fn what_is_no_expression_is_refused_with_its_column() {
    let deep = format!("{}Path(`/`)", "!".repeat(100_000));
    let message = Rule::parse(&deep).expect_err("too deep");
    assert_eq!(message.column, 65);
    assert!(message.message.ends_with(": nested deeper than 64 levels"));
    let rules = [
        "",
        " ",
        "`a`",
        "Host",
        "Host(`a`",
        "Host(a)",
        "Host('a')",
        "Host(1)",
        "Host(`a` `b`)",
        "Host(`a`,,)",
        "Host(`a",
        "Host(\"a\nb\")",
        "Host(\"\\q\")",
        "Host(\"\\u00\")",
        "Host(\"\\777\")",
        "Host(\"\\xff\")",
        "Host(`a`) && ",
        "Host(`a`) & Host(`b`)",
        "Host(`a`) == Host(`b`)",
        "Host(`a`) Host(`b`)",
        "Host(`a`)\n&& Host(`b`)",
        "(Host(`a`)\n)",
        "Host(`a`\n)",
        "(Host(`a`)",
        "Host(`a`))",
        "Host(`a`); Host(`b`)",
        "hOST(`a`)",
        "HostSNI(`a`)",
        "pathPrefix(`/`)",
        "Host.Port(`a`)",
        "Host(`a`) /* x",
        "Host(``) && !",
    ];
    let errors: Vec<String> = rules.iter().map(|rule| error(rule)).collect();
    insta::assert_snapshot!(errors.join("\n"), @r#"
    1: error while parsing rule : expected a matcher such as Host(`a.example`), found the end
    2: error while parsing rule  : expected a matcher such as Host(`a.example`), found the end
    1: error while parsing rule `a`: expected a matcher such as Host(`a.example`), found `a`
    5: error while parsing rule Host: expected (, found the end
    9: error while parsing rule Host(`a`: expected , or ), found the end
    6: error while parsing rule Host(a): expected a string in quotes or ), found a
    6: error while parsing rule Host('a'): quote strings with backquotes or double quotes
    6: error while parsing rule Host(1): expected a string in quotes or ), found 1
    10: error while parsing rule Host(`a` `b`): expected , or ), found `b`
    10: error while parsing rule Host(`a`,,): expected a string in quotes or ), found ,
    6: error while parsing rule Host(`a: the string is not closed by a backquote
    6: error while parsing rule Host("a\nb"): the string is not closed by a double quote
    7: error while parsing rule Host("\q"): no escape sequence: `q` after \
    7: error while parsing rule Host("\u00"): the escape sequence has too few digits
    7: error while parsing rule Host("\777"): the escape sequence exceeds one byte
    6: error while parsing rule Host("\xff"): the string is not valid UTF-8
    14: error while parsing rule Host(`a`) && : expected a matcher such as Host(`a.example`), found the end
    11: error while parsing rule Host(`a`) & Host(`b`): expected && or ||, found &
    11: error while parsing rule Host(`a`) == Host(`b`): expected && or ||, found ==
    11: error while parsing rule Host(`a`) Host(`b`): expected && or ||, found Host
    10: error while parsing rule Host(`a`)\n&& Host(`b`): a line break ends the expression here: put it behind the operator
    11: error while parsing rule (Host(`a`)\n): expected ), found a line break
    9: error while parsing rule Host(`a`\n): expected , or ), found a line break
    11: error while parsing rule (Host(`a`): expected ), found the end
    10: error while parsing rule Host(`a`)): expected && or ||, found )
    10: error while parsing rule Host(`a`); Host(`b`): expected && or ||, found ;
    1: error while parsing rule hOST(`a`): unsupported function: hOST
    1: error while parsing rule HostSNI(`a`): unsupported function: HostSNI
    1: error while parsing rule pathPrefix(`/`): unsupported function: pathPrefix
    5: error while parsing rule Host.Port(`a`): expected (, found .
    11: error while parsing rule Host(`a`) /* x: the comment is not closed by */
    14: error while parsing rule Host(``) && !: expected a matcher such as Host(`a.example`), found the end
    "#);
}

#[test]
fn what_a_matcher_cannot_use_is_refused_with_its_column() {
    let rules = [
        "Host()",
        "Host(`a`) && host(``)",
        "Host(`a`, ``)",
        "Path(`foo`)",
        "PathPrefix(`/x`, `{x}`)",
        "Path(`/{x`)",
        "Path(`/x}`)",
        "Path(`/{x}}`)",
        "Path(`/{:x}`)",
        "Path(`/{x:}`)",
        "Path(`/{}`)",
        "Headers(`a`)",
        "Headers(`a`, `b`, `c`)",
        "HeadersRegexp(`a`)",
        "HeadersRegexp(`a`, `(`)",
        "Query(`a`)",
        "Query(`a=b`, `c`)",
        "Path(`/{x:(}`)",
        "Path(`/{x:a)|(b}`)",
        "Path(`/{x:(?=y)}`)",
        "Path(`/{x:((a{100}){100}){100}}`)",
        "HostRegexp(`{x:[}`)",
        "Host(`ä`)",
        "HostRegexp(`ä`)",
        "ClientIP(`10.0.0.0/33`)",
        "ClientIP(`a`)",
        "Query(`a={x}`) && (Path(`/{y}`) || Path(`/{x}`))",
        "Host(``) && Nope(`a`)",
    ];
    let errors: Vec<String> = rules.iter().map(|rule| error(rule)).collect();
    insta::assert_snapshot!(errors.join("\n"), @r#"
    1: no args for matcher Host
    19: empty args for matcher Host, []
    11: empty args for matcher Host, [a ]
    6: mux: path must start with a slash, got "foo"
    18: mux: path must start with a slash, got "{x}"
    6: mux: unbalanced braces in "/{x"
    6: mux: unbalanced braces in "/x}"
    6: mux: unbalanced braces in "/{x}}"
    6: mux: missing name or pattern in "{:x}"
    6: mux: missing name or pattern in "{x:}"
    6: mux: missing name or pattern in "{}"
    1: mux: number of parameters must be multiple of 2, got [a]
    1: mux: number of parameters must be multiple of 2, got [a b c]
    1: mux: number of parameters must be multiple of 2, got [a]
    20: error parsing regexp: unclosed group: `(`
    1: mux: number of parameters must be multiple of 2, got [a]
    1: mux: number of parameters must be multiple of 2, got [a=b c]
    6: error parsing regexp: unclosed group: `(`
    6: error parsing regexp: unopened group: `a)|(b`
    6: error parsing regexp: look-around, including look-ahead and look-behind, is not supported: `(?=y)`
    6: error parsing regexp: expression too big: `((a{100}){100}){100}`
    12: error parsing regexp: unclosed character class: `[`
    6: invalid value "ä" for matcher Host: write non-ASCII names in punycode (xn--...)
    12: invalid value "ä" for matcher HostRegexp: write non-ASCII names in punycode (xn--...)
    10: neither an IP address nor a network in CIDR notation: "10.0.0.0/33"
    10: neither an IP address nor a network in CIDR notation: "a"
    36: mux: duplicated route variable "x"
    13: error while parsing rule Host(``) && Nope(`a`): unsupported function: Nope
    "#);
}

#[test]
fn the_hosts_of_a_rule_are_listed_from_left_to_right() {
    let rule =
        "Host(`A.`, `b`) && (Path(`/`) || host(`c`)) || HostRegexp(`d`) || Host(`b`) && !Host(`e`)";
    assert_eq!(Rule::parse(rule).expect("a rule").hosts(), ["a.", "b", "c", "b"]);
}

#[test]
fn rules_are_equal_when_their_texts_are() {
    let parse = |text| Rule::parse(text).expect("a rule");
    assert_eq!(parse("Host(`a`)"), parse("Host(`a`)"));
    assert_ne!(parse("Host(`a`)"), parse("Host(\"a\")"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[A-Za-z`\"'(){}&|!,:/\\\\ \n.*+?\\[\\]^$0-9é-]{0,40}") {
        let _ = Rule::parse(&text);
        let _ = Rule::parse(&format!("Path(`/{{x:{text}}}`)"));
        let _ = Rule::parse(&format!("HeadersRegexp(`x`, `{text}`)"));
        let _ = Rule::parse(&format!("Host(\"{text}\")"));
    }

    #[test]
    fn no_host_makes_a_view_panic(host in "[\\[\\]:a.1@ ]{0,10}", path in "/[a%0-9fF?+&=]{0,10}") {
        if let Ok(request) = Request::builder().uri(path).body(()) {
            let head = request.into_parts().0;
            let view = View::new(&head, &host, CLIENT);
            for rule in ["Host(`a`)", "HostRegexp(`{x}`)", "Path(`/{x}`)", "Query(`a=1`)"] {
                let _ = Rule::parse(rule).expect(rule).matches(&view);
            }
        }
    }
}
