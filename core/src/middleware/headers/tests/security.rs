use super::*;

#[test]
fn a_host_that_is_not_allowed_is_refused() {
    let plain = json!({"allowedHosts": ["a.example", "b.example:8000"]});
    let behind = json!({"allowedHosts": ["a.example"], "hostsProxyHeaders": ["X-Host", "X-Other"]});
    let off = json!({"allowedHosts": ["x"], "isDevelopment": true});
    for (json, headers, passes) in [
        (&plain, &[("host", "a.example")][..], true),
        (&plain, &[("host", "A.EXAMPLE")], true),
        (&plain, &[("host", "a.example:80")], false),
        (&plain, &[("host", "b.example:8000")], true),
        (&plain, &[("host", "b.example")], false),
        (&plain, &[], false),
        (&plain, &[("host", "x"), ("x-host", "a.example")], false),
        (&behind, &[("host", "x"), ("x-host", "a.example")], true),
        (&behind, &[("host", "x"), ("x-host", ""), ("x-other", "a.example")], true),
        (&behind, &[("host", "a.example"), ("x-other", "x")], false),
        (&behind, &[("host", "a.example")], true),
        (&off, &[("host", "a.example")], true),
    ] {
        let result = rules(json.clone()).request(false, &mut request("GET /", headers));
        assert_eq!(result.is_ok(), passes, "{json} {headers:?}");
    }
    let rules = rules(plain);
    insta::assert_snapshot!(pass(&rules, false, request("GET /", &[("host", "x")]), &[]), @r#"
    <- 500
       content-type: text/plain; charset=utf-8
    b"Bad Host\n"
    "#);
}

#[test]
fn a_request_without_tls_is_redirected() {
    let ssl = |more: Value| {
        let mut json = json!({"sslRedirect": true});
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rules(json)
    };
    let said = json!({"sslProxyHeaders": {"X-Proto": "https"}});
    let force = json!({"sslForceHost": true, "sslHost": "b"});
    for (rules, tls, headers, want) in [
        (ssl(json!({})), false, &[][..], "301 https://a:80/x?y=1"),
        (ssl(json!({})), true, &[], "on"),
        (ssl(json!({"sslTemporaryRedirect": true})), false, &[], "307 https://a:80/x?y=1"),
        (ssl(json!({"sslHost": "b:8443"})), false, &[], "301 https://b:8443/x?y=1"),
        (ssl(json!({"hostsProxyHeaders": ["x-host"]})), false, &[("x-host", "c")], "301 https://c/x?y=1"),
        (ssl(json!({"isDevelopment": true, "frameDeny": true})), false, &[], "on"),
        (ssl(said.clone()), false, &[("x-proto", "https")], "on"),
        (ssl(said.clone()), false, &[("x-proto", "http")], "301 https://a:80/x?y=1"),
        (ssl(said), false, &[], "301 https://a:80/x?y=1"),
        (ssl(json!({"sslProxyHeaders": {"X-Proto": ""}})), false, &[], "301 https://a:80/x?y=1"),
        (ssl(json!({"customRequestHeaders": {"Host": "d"}})), false, &[], "301 https://d/x?y=1"),
        (rules(force.clone()), true, &[], "301 https://b/x?y=1"),
        (rules(force.clone()), false, &[("host", "B")], "on"),
        (ssl(force), false, &[("host", "b")], "301 https://b/x?y=1"),
        (rules(json!({"sslForceHost": true})), false, &[], "on"),
        (ssl(json!({})), false, &[("host", "")], "400 "),
    ] {
        let mut head = request("POST /x?y=1", &[("host", "a:80")]);
        for (name, value) in headers {
            head.headers.insert(name.to_string().parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let said = match rules.request(tls, &mut head) {
            Ok(_) => String::from("on"),
            Err(response) => {
                let to = response.headers().get("location").map_or("", |it| it.to_str().unwrap());
                format!("{} {to}", response.status().as_u16())
            }
        };
        assert_eq!(said, want, "{rules:?} {headers:?}");
    }
}

#[test]
fn fields_are_set_over_the_servers() {
    let rules = rules(json!({
        "stsSeconds": 31_536_000, "stsIncludeSubdomains": true, "stsPreload": true,
        "frameDeny": true, "contentTypeNosniff": true, "browserXssFilter": true,
        "contentSecurityPolicy": "default-src 'self'", "publicKey": "pin-sha256=\"x\"",
        "referrerPolicy": "same-origin", "featurePolicy": "vibrate 'none'",
        "permissionsPolicy": "geolocation=()", "customResponseHeaders": {"X-Frame-Options": "x"},
    }));
    let answer = [("x-frame-options", "ALLOWALL"), ("server", "it")];
    insta::assert_snapshot!(pass(&rules, true, request("GET /", &[]), &answer), @r#"
    -> GET /
    <- 200
       content-security-policy: default-src 'self'
       feature-policy: vibrate 'none'
       permissions-policy: geolocation=()
       public-key-pins: pin-sha256="x"
       referrer-policy: same-origin
       server: it
       strict-transport-security: max-age=31536000; includeSubDomains; preload
       x-content-type-options: nosniff
       x-frame-options: DENY
       x-xss-protection: 1; mode=block
    "#);
    insta::assert_snapshot!(pass(&rules, false, request("GET /", &[]), &answer), @"
    -> GET /
    <- 200
       content-security-policy: default-src 'self'
       feature-policy: vibrate 'none'
       permissions-policy: geolocation=()
       referrer-policy: same-origin
       server: it
       x-content-type-options: nosniff
       x-frame-options: DENY
       x-xss-protection: 1; mode=block
    ");
}

#[test]
fn custom_values_win() {
    let rules = rules(json!({
        "frameDeny": true, "customFrameOptionsValue": "SAMEORIGIN",
        "browserXssFilter": true, "customBrowserXSSValue": "0",
    }));
    insta::assert_snapshot!(pass(&rules, false, request("GET /", &[]), &[]), @"
    -> GET /
    <- 200
       x-frame-options: SAMEORIGIN
       x-xss-protection: 0
    ");
}

#[test]
fn transport_security_is_said_over_tls_unless_forced() {
    for (json, tls, headers, want) in [
        (json!({"stsSeconds": 5}), true, &[][..], Some("max-age=5")),
        (json!({"stsSeconds": 5}), false, &[], None),
        (json!({"stsSeconds": 5, "forceSTSHeader": true}), false, &[], Some("max-age=5")),
        (
            json!({"stsSeconds": 5, "sslProxyHeaders": {"x-proto": "https"}}),
            false,
            &[("x-proto", "https")],
            Some("max-age=5"),
        ),
        (json!({"stsPreload": true, "forceSTSHeader": true}), true, &[], None),
        (
            json!({"stsSeconds": 5, "stsPreload": true}),
            true,
            &[],
            Some("max-age=5; preload"),
        ),
        (json!({"stsSeconds": 5, "isDevelopment": true, "publicKey": "x"}), true, &[], None),
    ] {
        let rules = rules(json.clone());
        let seen = rules.request(tls, &mut request("GET /", headers)).unwrap();
        let mut response = testing::response(200, &[]);
        rules.response(&seen, 0, true, &mut response);
        let said = response.headers.get("strict-transport-security");
        assert_eq!(said.map(|value| value.to_str().unwrap()), want, "{json}");
        assert!(!response.headers.contains_key("public-key-pins"));
    }
}

#[test]
fn a_policy_has_a_fresh_nonce_in_every_place() {
    let rules = rules(json!({"contentSecurityPolicy": "script-src $NONCE; style-src $NONCE 'self'"}));
    let policy = |entropy| {
        let mut response = testing::response(200, &[]);
        rules.response(&Seen::default(), entropy, true, &mut response);
        response.headers["content-security-policy"].to_str().unwrap().to_string()
    };
    insta::assert_snapshot!(policy(1), @"script-src 'nonce-7DW1wy0TRJc8rVsOYyCXoQ=='; style-src 'nonce-7DW1wy0TRJc8rVsOYyCXoQ==' 'self'");
    assert_eq!(policy(1), policy(1));
    assert_ne!(policy(1), policy(2));
}

#[test]
fn a_location_at_our_host_is_made_secure() {
    for (tls, location, want) in [
        (true, "http://a.example/x", "https://a.example/x"),
        (true, "http://a.example", "https://a.example"),
        (true, "http://a.example/?to=http://a.example/", "https://a.example/?to=http://a.example/"),
        (true, "http://a.example.org/x", "http://a.example.org/x"),
        (true, "http://a.example:80/x", "http://a.example:80/x"),
        (true, "http://b.example/", "http://b.example/"),
        (true, "/x", "/x"),
        (false, "http://a.example/x", "http://a.example/x"),
    ] {
        let rules = rules(json!({"sslHost": "a.example"}));
        let seen = Seen { allow_origin: None, tls };
        let mut response = testing::response(302, &[("location", location)]);
        rules.response(&seen, 0, true, &mut response);
        assert_eq!(response.headers["location"], want);
    }
    let rules = rules(json!({"sslRedirect": true}));
    let mut response = testing::response(302, &[("location", "http:///x")]);
    rules.response(&Seen { allow_origin: None, tls: true }, 0, true, &mut response);
    assert_eq!(response.headers["location"], "http:///x");
}
