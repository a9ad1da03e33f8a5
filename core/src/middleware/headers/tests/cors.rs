use super::*;

fn preflight(origin: &str) -> request::Parts {
    request("OPTIONS /", &[("origin", origin), ("access-control-request-method", "PUT")])
}

#[test]
fn a_preflight_is_answered_and_goes_no_further() {
    let all = rules(json!({
        "accessControlAllowOrigin": "origin-list-or-null", "accessControlAllowCredentials": true,
        "accessControlAllowHeaders": ["X-A", "X-B"], "accessControlAllowMethods": ["GET", "PUT"],
        "accessControlExposeHeaders": ["X-C"], "accessControlMaxAge": 100, "addVaryHeader": true,
        "allowedHosts": ["other.example"], "sslRedirect": true,
    }));
    insta::assert_snapshot!(pass(&all, false, preflight(ORIGIN), &[]), @r#"
    <- 200
       access-control-allow-credentials: true
       access-control-allow-headers: X-A,X-B
       access-control-allow-methods: GET,PUT
       access-control-allow-origin: https://a.example
       access-control-max-age: 100
    b""
    "#);
    // Whichever of these options is set.
    let one = rules(json!({"addVaryHeader": true}));
    insta::assert_snapshot!(pass(&one, false, preflight(ORIGIN), &[]), @r#"
    <- 200
       access-control-max-age: 0
    b""
    "#);
}

#[test]
fn what_is_no_preflight_goes_on() {
    let rules = rules(json!({"accessControlAllowOrigin": "*"}));
    let asks = ("access-control-request-method", "PUT");
    for (line, headers) in [
        ("GET /", &[("origin", ORIGIN), asks][..]),
        ("OPTIONS /", &[asks]),
        ("OPTIONS /", &[("origin", ""), asks]),
        ("OPTIONS /", &[("origin", ORIGIN)]),
        ("OPTIONS /", &[("origin", ORIGIN), ("access-control-request-method", "")]),
    ] {
        rules.request(false, &mut request(line, headers)).unwrap();
    }
}

#[test]
fn without_an_option_about_origins_a_preflight_is_the_servers() {
    let rules = rules(json!({"frameDeny": true, "customRequestHeaders": {"A": "1"}}));
    rules.request(false, &mut preflight(ORIGIN)).unwrap();
}

#[test]
fn fields_of_the_server_are_overwritten() {
    let rules = rules(json!({
        "accessControlAllowOriginList": [ORIGIN], "accessControlAllowCredentials": true,
        "accessControlAllowHeaders": ["X-A"], "accessControlAllowMethods": ["GET"],
        "accessControlExposeHeaders": ["X-C", "X-D"], "accessControlMaxAge": 100,
    }));
    let answer = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-origin", "null"),
        ("access-control-allow-credentials", "false"),
        ("access-control-expose-headers", "*"),
    ];
    insta::assert_snapshot!(pass(&rules, false, request("GET /", &[("origin", ORIGIN)]), &answer), @"
    -> GET /
       origin: https://a.example
    <- 200
       access-control-allow-credentials: true
       access-control-allow-origin: https://a.example
       access-control-expose-headers: X-C,X-D
    ");
}

#[test]
fn an_origin_is_allowed_by_the_option_that_says_so() {
    let allowed = |json: Value, origin: Option<&str>| {
        let headers: Vec<_> = origin.iter().map(|origin| ("origin", *origin)).collect();
        let seen = rules(json).request(false, &mut request("GET /", &headers)).unwrap();
        seen.allow_origin.map(|value| value.to_str().unwrap().to_string())
    };
    let one = |value: &str| json!({"accessControlAllowOrigin": value});
    let list = |values: &[&str]| json!({"accessControlAllowOriginList": values});
    let regex = |value: &str| json!({"accessControlAllowOriginListRegex": [value]});
    for (json, origin, want) in [
        (one("*"), Some(ORIGIN), Some("*")),
        (one("*"), None, Some("*")),
        (one("origin-list-or-null"), Some(ORIGIN), Some(ORIGIN)),
        (one("origin-list-or-null"), Some(""), Some("null")),
        (one("origin-list-or-null"), None, Some("null")),
        (one("null"), Some("null"), None),
        (one(ORIGIN), Some(ORIGIN), None),
        (list(&["https://b.example", ORIGIN]), Some(ORIGIN), Some(ORIGIN)),
        (list(&["https://b.example", "*"]), Some(ORIGIN), Some("*")),
        (list(&["*"]), None, Some("*")),
        (list(&["https://A.example"]), Some(ORIGIN), None),
        (list(&["https://a.example.org"]), Some(ORIGIN), None),
        (list(&[ORIGIN]), None, None),
        (regex(r"^https://\w+\.example$"), Some(ORIGIN), Some(ORIGIN)),
        (regex(r"^https://\w+\.example$"), Some("https://a.example.org"), None),
        (regex("a.example"), Some("https://a.example.org"), Some("https://a.example.org")),
        (regex(".*"), None, None),
        (json!({"addVaryHeader": true}), Some(ORIGIN), None),
    ] {
        assert_eq!(allowed(json.clone(), origin).as_deref(), want, "{json} {origin:?}");
    }
}

#[test]
fn vary_names_the_origin_once() {
    let rules = rules(json!({"addVaryHeader": true}));
    for (before, want) in [
        (&[][..], "Origin"),
        (&["Origin"], "Origin"),
        (&["Accept-Encoding"], "Accept-Encoding,Origin"),
        (&["Accept-Encoding", "Cookie"], "Accept-Encoding,Cookie,Origin"),
        (&["Accept-Encoding, origin"], "Accept-Encoding, origin"),
        (&["*"], "*"),
    ] {
        let answer: Vec<_> = before.iter().map(|value| ("vary", *value)).collect();
        let mut response = testing::response(200, &answer);
        rules.response(&Seen::default(), 0, true, &mut response);
        assert_eq!(testing::all(&response.headers, "vary"), [want]);
    }
}

#[test]
fn only_fields_about_origins_are_set_on_answers_that_are_no_servers() {
    let rules = rules(json!({
        "accessControlAllowOrigin": "*", "accessControlAllowCredentials": true,
        "addVaryHeader": true, "customResponseHeaders": {"X-Edge": "1"}, "frameDeny": true,
    }));
    let seen = rules.request(false, &mut request("GET /", &[])).unwrap();
    let mut response = testing::response(502, &[]);
    rules.response(&seen, 0, false, &mut response);
    insta::assert_snapshot!(lines(&response.headers), @"
    access-control-allow-credentials: true
    access-control-allow-origin: *
    ");
}

proptest! {
    #[test]
    fn an_origin_that_is_not_listed_is_never_allowed(
        origin in "(https?://)?[a-c.]{0,4}", listed in prop::collection::vec("https?://[a-c.]{1,4}", 0..4),
        method in "GET|OPTIONS|POST", asks in any::<bool>(),
    ) {
        let rules = rules(json!({"accessControlAllowOriginList": listed, "addVaryHeader": true}));
        let mut headers = vec![("origin", origin.as_str())];
        headers.extend(asks.then_some(("access-control-request-method", "PUT")));
        let mut head = request(&format!("{method} /"), &headers);
        let said = match rules.request(false, &mut head) {
            Ok(seen) => {
                let mut response = testing::response(200, &[]);
                rules.response(&seen, 0, true, &mut response);
                response.headers
            }
            Err(response) => response.headers().clone(),
        };
        let allowed = said.get("access-control-allow-origin").map(|it| it.to_str().unwrap());
        prop_assert_eq!(allowed, listed.contains(&origin).then_some(origin.as_str()));
    }

    #[test]
    fn a_preflight_never_reaches_the_server(
        origin in "[ -~]{1,20}", method in "[A-Z]{1,8}", name in 0..3_usize,
    ) {
        let json = [json!({"accessControlMaxAge": 1}), json!({"accessControlAllowMethods": ["GET"]}),
            json!({"accessControlAllowOrigin": "x", "customRequestHeaders": {"Origin": ""}})];
        let headers = [("origin", &*origin), ("access-control-request-method", &*method)];
        prop_assume!(!origin.trim().is_empty());
        let mut head = request("OPTIONS /", &headers);
        let response = rules(json[name].clone()).request(false, &mut head).unwrap_err();
        prop_assert_eq!(response.status(), 200);
        prop_assert!(response.body().is_empty());
    }
}
