use super::*;
use crate::{
    cells::{BalancerId, BreakerId, Decision, InFlightId, MirrorId, RateLimitId},
    middleware::{circuit_breaker::Breaker, in_flight_req::InFlight, rate_limit::Buckets, testing},
    service::{balancer::Balancer, health::Health, mirror::Mirror},
};
use alloc::{borrow::ToOwned, string::ToString};
use bytes::Bytes;
use core::cell::RefCell;
use http::{Method, header::WWW_AUTHENTICATE};

/// Mufasa's "Circle Of Life" in the realm of RFC 2617, 3.5.
const USER: &str = "Mufasa:testrealm@host.com:939e7578ed9e3c518a452acee763bce9";
const REALM: &str = "testrealm@host.com";

struct World {
    gate: Gate,
    nonces: Alone,
    entropy: u64,
}

/// The only cell there is.
struct Alone(RefCell<Nonces>);

impl Cells for Alone {
    fn balancer<D: Decision>(&self, id: BalancerId, f: impl FnOnce(&mut Balancer, &Health) -> D) -> D {
        testing::Nothing.balancer(id, f)
    }

    fn mirror<D: Decision>(&self, id: MirrorId, f: impl FnOnce(&mut Mirror) -> D) -> D {
        testing::Nothing.mirror(id, f)
    }

    fn in_flight<D: Decision>(&self, id: InFlightId, f: impl FnOnce(&mut InFlight) -> D) -> D {
        testing::Nothing.in_flight(id, f)
    }

    fn rate_limit<D: Decision>(&self, id: RateLimitId, f: impl FnOnce(&mut Buckets) -> D) -> D {
        testing::Nothing.rate_limit(id, f)
    }

    fn breaker<D: Decision>(&self, id: BreakerId, f: impl FnOnce(&mut Breaker) -> D) -> D {
        testing::Nothing.breaker(id, f)
    }

    fn nonces<D: Decision>(&self, _: NoncesId, f: impl FnOnce(&mut Nonces) -> D) -> D {
        f(&mut self.0.borrow_mut())
    }

    fn terminating(&self) -> bool {
        false
    }
}

fn options() -> DigestAuth {
    DigestAuth { users: Lines([USER.to_string()].into()), realm: REALM.into(), ..DigestAuth::default() }
}

fn world(options: &DigestAuth) -> World {
    World { gate: options.compile().unwrap(), nonces: Alone(RefCell::default()), entropy: 0 }
}

/// What a client makes of a challenge.
#[derive(Clone)]
struct Client {
    username: &'static str,
    password: &'static str,
    realm: String,
    nonce: String,
    opaque: String,
    uri: &'static str,
    nc: &'static str,
    method: Method,
}

impl Client {
    fn header(&self) -> String {
        let Self { username, password, realm, nonce, opaque, uri, nc, method } = self;
        let h = |text: String| String::from_utf8(hex(Md5::new_with_prefix(text))).unwrap();
        let ha1 = match *password {
            "" => String::new(),
            password => h(format!("{username}:{realm}:{password}")),
        };
        let ha2 = h(format!("{method}:{uri}"));
        let response = h(format!("{ha1}:{nonce}:{nc}:c:auth:{ha2}"));
        format!(
            "Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", qop=auth, nc={nc}, cnonce=\"c\", opaque=\"{opaque}\""
        )
    }
}

impl World {
    fn ask(&mut self, uri: &str, headers: &[(&str, &str)]) -> (Verdict, request::Parts) {
        self.entropy += 1;
        let mut head = testing::head(uri, headers);
        let verdict = testing::with_context(|context| {
            let context = Context {
                cell: Some(CellId::Nonces(NoncesId(0))),
                entropy: self.entropy,
                ..context.clone()
            };
            self.gate.inward(&context, &self.nonces, &mut head)
        });
        (verdict, head)
    }

    /// Asks without credentials and reads the challenge.
    fn client(&mut self) -> Client {
        let (Verdict::Respond(response), _) = self.ask("/a/b?x=1", &[]) else { panic!("let in") };
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned();
        let field = |name: &str| {
            let (_, rest) = challenge.split_once(&format!("{name}=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        Client {
            username: "Mufasa",
            password: "Circle Of Life",
            realm: field("realm"),
            nonce: field("nonce"),
            opaque: field("opaque"),
            uri: "/a/b?x=1",
            nc: "00000001",
            method: Method::GET,
        }
    }

    /// The answer to a client: `in`, `401` or `stale`.
    fn answer(&mut self, client: &Client) -> &'static str {
        self.answer_to(&client.header())
    }

    fn answer_to(&mut self, header: &str) -> &'static str {
        let verdict = self.ask("/a/b?x=1", &[("authorization", header)]).0;
        if matches!(&verdict, Verdict::Known { user } if &**user == "Mufasa") {
            return "in";
        }
        let Verdict::Respond(response) = verdict else { panic!("{verdict:?}") };
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        if challenge.ends_with(", stale=true") { "stale" } else { "401" }
    }
}

#[test]
fn the_example_of_rfc_2617_has_its_response() {
    let digest = Digest {
        nonce: b"dcd98b7102dd2f0e8b11d0f600bfb0c093".into(),
        uri: b"/dir/index.html".into(),
        nc: b"00000001".into(),
        cnonce: b"0a4f113b".into(),
        qop: b"auth".into(),
        ..Digest::default()
    };
    let response = response("939e7578ed9e3c518a452acee763bce9", "GET", &digest);
    assert_eq!(response, b"6629fae49393a05397450978507c4ef1");
}

#[test]
fn a_stranger_is_challenged() {
    let (Verdict::Respond(response), _) = world(&options()).ask("/", &[]) else { panic!("let in") };
    insta::assert_snapshot!(
        format!("{} {:?} {:?}", response.status(), response.headers(), response.body()),
        @r#"
        401 Unauthorized {"content-type": "text/plain", "www-authenticate": "Digest realm=\"testrealm@host.com\", nonce=\"lJUsYoEIk7nq6gnq\", opaque=\"iYBldn45bAwukQKu\", algorithm=\"MD5\", qop=\"auth\""} b"401 Unauthorized\n"
        "#
    );
}

#[test]
fn who_knows_the_password_gets_in_once_with_each_count() {
    let mut world = world(&options());
    let client = world.client();
    assert_eq!(world.answer(&client), "in");
    assert_eq!(world.answer(&client), "stale");
    for (nc, want) in [("00000003", "in"), ("00000002", "stale"), ("0000000a", "in")] {
        assert_eq!(world.answer(&Client { nc, ..client.clone() }), want, "{nc}");
    }
}

#[test]
fn who_does_not_know_it_stays_out() {
    let mut world = world(&options());
    let client = world.client();
    let other = |change: fn(&mut Client)| {
        let mut client = client.clone();
        change(&mut client);
        client
    };
    for (what, client) in [
        ("another password", other(|it| it.password = "circle of life")),
        ("an unknown user with a password", other(|it| it.username = "Scar")),
        ("an unknown user with no HA1", other(|it| (it.username, it.password) = ("Scar", ""))),
        ("a known user with no HA1", other(|it| it.password = "")),
        ("another realm", other(|it| it.realm = "traefik".into())),
        ("another opaque", other(|it| it.opaque = "x".into())),
        ("another method", other(|it| it.method = Method::POST)),
        ("another target", other(|it| it.uri = "/b")),
        ("a target that is none", other(|it| it.uri = "/a b")),
        ("no count", other(|it| it.nc = "x")),
    ] {
        assert_eq!(world.answer(&client), "401", "{what}");
    }
    let good = client.header();
    for (what, header) in [
        ("no scheme", good.replace("Digest ", "")),
        ("another case", good.replace("Digest ", "digest ")),
        ("another algorithm", good.clone() + ", algorithm=SHA-256"),
        ("another protection", good.replace("qop=auth", "qop=auth-int")),
        ("no opaque", good.split_once(", opaque").unwrap().0.to_owned()),
    ] {
        assert_eq!(world.answer_to(&header), "401", "{what}");
    }
    assert_eq!(world.answer_to(&(good + ", algorithm=\"MD5\"")), "in");
}

#[test]
fn a_nonce_that_is_not_ours_is_stale() {
    let mut world = world(&options());
    let client = world.client();
    for nonce in [Nonce::new(99).text(), "x".into()] {
        assert_eq!(world.answer(&Client { nonce, ..client.clone() }), "stale");
    }
}

#[test]
fn a_path_above_the_target_may_be_signed() {
    let mut world = world(&options());
    let client = world.client();
    for (uri, want) in [
        ("/", "in"),
        ("/a", "in"),
        ("/%61/b", "in"),
        ("http://app.example/a/b?x=1", "in"),
        ("/a/b/c", "401"),
        ("/A", "401"),
        ("", "401"),
        ("*", "401"),
    ] {
        let client = Client { uri, nonce: world.client().nonce, ..client.clone() };
        assert_eq!(world.answer(&client), want, "{uri}");
    }
}

#[test]
fn the_server_sees_what_the_options_say() {
    let mut world = world(&DigestAuth {
        remove_header: true,
        header_field: "X-User".into(),
        ..options()
    });
    let header = world.client().header();
    let (_, head) = world.ask("/a/b?x=1", &[("authorization", &header), ("x-user", "root")]);
    assert_eq!(testing::all(&head.headers, "x-user"), ["Mufasa"]);
    assert!(!head.headers.contains_key("authorization"));
    assert!(world.gate.knows(b"Mufasa") && !world.gate.knows(b"Scar"));
}

#[test]
fn what_is_wrong_is_said() {
    let users = |line: &str| DigestAuth { users: Lines([line.to_string()].into()), ..options() };
    let mut file = users(USER);
    file.users_file = File::new("users");
    file.users_file.fill(Ok(Bytes::from_static(b"a:hunter2")));
    let cases = [
        DigestAuth::default(),
        users("a:hunter2"),
        users("a:traefik:hunter2:x"),
        users("a:traefik:hunter2"),
        file,
        DigestAuth { header_field: "a b".into(), ..options() },
    ];
    let errors = cases.iter().map(|options| options.compile().unwrap_err());
    insta::assert_snapshot!(errors.collect::<Vec<_>>().join("\n"), @r#"
    there is no user, so nobody could pass: give users or usersFile
    error parsing DigestUser: entry 1 of users ("a") is not name:realm:HA1
    error parsing DigestUser: entry 1 of users ("a") is not name:realm:HA1
    no user has the realm "testrealm@host.com", so nobody could pass
    error parsing DigestUser: line 1 of usersFile ("a") is not name:realm:HA1
    headerField: "a b" is not a header name
    "#);
}
