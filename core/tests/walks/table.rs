//! The walks that are written down in `tests/snapshots`.

/// A request, and what comes back.
pub(crate) struct Ask {
    /// Method and target.
    pub(crate) line: &'static str,
    /// Header fields besides `Host`.
    pub(crate) fields: &'static [(&'static str, &'static str)],
    /// What servers answer (a status, `typeless` or `unsent`) and whether passwords are `wrong`, in order.
    pub(crate) answers: &'static [&'static str],
    /// Whether the client shows a certificate.
    pub(crate) shows_certificate: bool,
}

const fn get(line: &'static str) -> Ask {
    Ask { line, fields: &[], answers: &[], shows_certificate: false }
}

impl Ask {
    const fn with(self, fields: &'static [(&'static str, &'static str)]) -> Self {
        Self { fields, ..self }
    }

    const fn answered(self, answers: &'static [&'static str]) -> Self {
        Self { answers, ..self }
    }

    const fn shown(self) -> Self {
        Self { shows_certificate: true, ..self }
    }
}

/// A type, a middleware of it and those it names, and what is asked through it, one after the other.
pub(crate) type Walk = (&'static str, &'static [&'static str], &'static [Ask]);

/// The answer to the nonce of the first request; a second time it is a replay.
const DIGEST: &[(&str, &str)] = &[(
    "authorization",
    "Digest username=\"a\", realm=\"traefik\", nonce=\"lJUsYoEIk7nq6gnq\", uri=\"/\", qop=auth, nc=00000001, cnonce=\"c\", response=\"80f9f56da729e1c35c311650590d32d2\", opaque=\"GDR2sqryAlpn9DzF\"",
)];

/// One of each type: what it lets pass, and what it does not.
pub(crate) const WALKS: &[Walk] = &[
    ("addPrefix", &[r#"{"addPrefix": {"prefix": "/p"}}"#], &[get("GET /a?b=c")]),
    (
        "basicAuth",
        &[
            r#"{"basicAuth": {"users": ["a:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0="], "headerField": "X-User"}}"#,
        ],
        &[
            get("GET /").with(&[("authorization", "Basic YTpodW50ZXIy"), ("x-user", "root")]),
            get("GET /").with(&[("authorization", "Basic YTpodW50ZXIz")]).answered(&["wrong"]),
            get("GET /"),
        ],
    ),
    (
        "buffering",
        &[
            r#"{"buffering": {"maxRequestBodyBytes": 10, "retryExpression": "ResponseCode() == 503 && Attempts() < 2"}}"#,
        ],
        &[
            get("POST /").with(&[("content-length", "5")]).answered(&["503", "200"]),
            get("POST /").with(&[("content-length", "11")]),
        ],
    ),
    (
        "chain",
        &[
            r#"{"chain": {"middlewares": ["m1", "m2"]}}"#,
            r#"{"stripPrefix": {"prefixes": ["/a"]}}"#,
            r#"{"addPrefix": {"prefix": "/p"}}"#,
        ],
        &[get("GET /a/b")],
    ),
    (
        "circuitBreaker",
        &[r#"{"circuitBreaker": {"expression": "ResponseCodeRatio(500, 600, 0, 600) > 0.5"}}"#],
        &[get("GET /").answered(&["500"]), get("GET /")],
    ),
    (
        "compress",
        &[r#"{"compress": {}}"#],
        &[get("GET /").with(&[("accept-encoding", "br;q=0.5, zstd")]), get("GET /")],
    ),
    (
        "contentType",
        &[r#"{"contentType": {"autoDetect": false}}"#],
        &[get("GET /").answered(&["typeless"])],
    ),
    (
        "digestAuth",
        &[r#"{"digestAuth": {"users": ["a:traefik:0123456789abcdef0123456789abcdef"]}}"#],
        &[get("GET /"), get("GET /").with(DIGEST), get("GET /").with(DIGEST)],
    ),
    (
        "errors",
        &[r#"{"errors": {"status": ["500-599"], "service": "app", "query": "/{status}"}}"#],
        &[get("GET /a").answered(&["500", "200"]), get("GET /a").answered(&["404"])],
    ),
    (
        "forwardAuth",
        &[
            r#"{"forwardAuth": {"address": "http://auth/check", "authResponseHeaders": ["X-User"]}}"#,
        ],
        &[
            get("GET /a?b").with(&[("x-user", "root")]).answered(&["200", "200"]),
            get("GET /a?b").answered(&["401"]),
        ],
    ),
    (
        "headers",
        &[
            r#"{"headers": {"customRequestHeaders": {"X-In": "1", "X-Gone": ""}, "customResponseHeaders": {"X-User": ""}, "allowedHosts": ["a.example"], "frameDeny": true, "stsSeconds": 60, "forceSTSHeader": true}}"#,
        ],
        &[get("GET /").with(&[("x-gone", "1")]), get("GET http://b.example/")],
    ),
    ("inFlightReq", &[r#"{"inFlightReq": {"amount": 0}}"#], &[get("GET /")]),
    (
        "ipAllowList",
        &[r#"{"ipAllowList": {"sourceRange": ["10.0.0.0/8"], "rejectStatusCode": 404}}"#],
        &[get("GET /")],
    ),
    ("ipWhiteList", &[r#"{"ipWhiteList": {"sourceRange": ["192.0.2.0/24"]}}"#], &[get("GET /")]),
    (
        "passTLSClientCert",
        &[r#"{"passTLSClientCert": {"pem": true}}"#],
        &[get("GET /").shown(), get("GET /")],
    ),
    (
        "rateLimit",
        &[r#"{"rateLimit": {"average": 10, "burst": 1}}"#],
        &[get("GET /"), get("GET /")],
    ),
    (
        "redirectRegex",
        &[r#"{"redirectRegex": {"regex": "^http://[^/]+/(a.*)", "replacement": "https://b/$1"}}"#],
        &[get("GET /a?b"), get("GET /c")],
    ),
    (
        "redirectScheme",
        &[r#"{"redirectScheme": {"scheme": "https", "permanent": true}}"#],
        &[get("POST /a?b")],
    ),
    ("replacePath", &[r#"{"replacePath": {"path": "/one"}}"#], &[get("GET /a%20b?c")]),
    (
        "replacePathRegex",
        &[r#"{"replacePathRegex": {"regex": "^/a/(.*)", "replacement": "/b/$1"}}"#],
        &[get("GET /a/x?y"), get("GET /a/%2e%2e")],
    ),
    (
        "retry",
        &[r#"{"retry": {"attempts": 2, "initialInterval": "1s"}}"#],
        &[get("GET /").answered(&["unsent"]), get("GET /").answered(&["unsent", "unsent"])],
    ),
    (
        "stripPrefix",
        &[r#"{"stripPrefix": {"prefixes": ["/a"]}}"#],
        &[get("GET /a/b?c"), get("GET /a../b"), get("GET /b")],
    ),
    (
        "stripPrefixRegex",
        &[r#"{"stripPrefixRegex": {"regex": ["/v[0-9]+"]}}"#],
        &[get("GET /v12/b?c"), get("GET /v1..")],
    ),
];
