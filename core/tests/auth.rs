//! Who gets in, recorded without what is secret and replayed to the same end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use http::{header::WWW_AUTHENTICATE, request};
use md5::{Digest as _, Md5};
use rutter_core::{
    config::{
        Configuration,
        http::{LoadBalancer, Router, Server, Service},
    },
    entry_point::{EntryPointId, Peer},
    exchange::{Exchange, Input, Output},
    middleware::{
        Definition, basic_auth::BasicAuth, digest_auth::DigestAuth, forward_auth::ForwardAuth,
        users::Lines,
    },
    plan::Plan,
    time::Instant,
    trace::{Observer as _, Recorder},
};
use std::sync::Arc;

#[path = "support/compiled.rs"]
mod compiled;
#[path = "support/world.rs"]
#[allow(dead_code, reason = "what counts requests in flight is for other tests")]
mod world;

use compiled::{compiled, define};
use world::World;

/// A plan with one middleware before one server, and its cells.
struct Setup {
    plan: Arc<Plan>,
    world: World,
    exchanges: u64,
}

fn setup(middleware: Definition) -> Setup {
    let router = Router {
        rule: "PathPrefix(`/`)".into(),
        service: "s".into(),
        middlewares: vec!["m".into()],
        ..Router::default()
    };
    let servers = vec![Server { url: "http://10.0.0.1".into() }];
    let load_balancer = Some(LoadBalancer { servers, ..LoadBalancer::default() });
    let mut configuration = Configuration::default();
    configuration.http.routers.insert("r".into(), define(router));
    configuration.http.middlewares.insert("m".into(), define(middleware));
    let service = Service { load_balancer, ..Service::default() };
    configuration.http.services.insert("s".into(), define(service));
    let plan = compiled(configuration);
    Setup { world: World::new(&plan, |_| false), plan, exchanges: 0 }
}

impl Setup {
    /// An exchange up to where it leaves for the server or is answered. Its trace has none of the
    /// secrets and replays.
    fn ask(&mut self, headers: &[(&str, &str)], secrets: &[&str]) -> Asked {
        self.exchanges += 1;
        let peer = Peer::new(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], 80).into(), false);
        let mut recorder = Recorder::default();
        recorder.begin(&self.plan, EntryPointId(0), &peer, self.exchanges);
        let mut exchange =
            Exchange::new(Arc::clone(&self.plan), EntryPointId(0), peer, self.exchanges);
        let mut head = get(headers);
        let input = Input::Request(&mut head);
        let mut output = recorder.handle(&mut exchange, Instant(0), &self.world, input);
        if let Output::Verify(credentials) = &output {
            let input = Input::Verified(&mut head, Some(credentials.check()));
            output = recorder.handle(&mut exchange, Instant(1), &self.world, input);
        }
        let user = exchange.labels().user.map(Into::into);
        let trace = recorder.trace().unwrap();
        let json = serde_json::to_string(trace).unwrap();
        for secret in secrets {
            assert!(!json.contains(secret), "{secret} in {json}");
        }
        let read: rutter_core::trace::Trace = serde_json::from_str(&json).unwrap();
        assert_eq!(read.replay(Arc::clone(&self.plan)), Ok(()));
        let _ = exchange.handle(Instant(2), &self.world, Input::Left);
        Asked { output, user }
    }
}

struct Asked {
    output: Output,
    user: Option<String>,
}

impl Asked {
    /// The user who was let in.
    fn user(&self) -> Option<&str> {
        if let Output::Send { .. } = &self.output {
            return self.user.as_deref();
        }
        let Output::Respond(response) = &self.output else { panic!("{:?}", self.output) };
        assert_eq!(response.status(), 401);
        None
    }

    /// The nonce of a challenge, and the opaque text.
    fn challenge(&self) -> (String, String) {
        let Output::Respond(response) = &self.output else { panic!("let in") };
        let text = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        let field = |name| text.split_once(name).unwrap().1.split('"').nth(1).unwrap().to_owned();
        (field("nonce="), field("opaque="))
    }
}

fn get(headers: &[(&str, &str)]) -> request::Parts {
    let mut builder = http::Request::get("/").header("host", "a.example");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

#[test]
fn basic_credentials_replay_without_the_password() {
    let users = Lines(vec!["a:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=".into()]);
    let basic_auth = Some(BasicAuth { users, ..BasicAuth::default() });
    let mut it = setup(Definition { basic_auth, ..Definition::default() });
    // a:hunter2, a:hunter3, and hunter2 as a name.
    for (value, user) in [
        ("Basic YTpodW50ZXIy", Some("a")),
        ("Basic YTpodW50ZXIz", None),
        ("Basic aHVudGVyMjp4", None),
        ("Bearer hunter2", None),
    ] {
        let secrets = ["hunter", "podW50ZXIy", "podW50ZXIz", "aHVudGVyMj"];
        let asked = it.ask(&[("authorization", value)], &secrets);
        assert_eq!(asked.user(), user, "{value}");
    }
}

#[test]
fn a_digest_replays_without_its_response() {
    let hex = |text: String| format!("{:x}", Md5::digest(text));
    let ha1 = hex("a:traefik:hunter2".into());
    let users = Lines(vec![format!("a:traefik:{ha1}")]);
    let digest_auth = Some(DigestAuth { users, ..DigestAuth::default() });
    let mut it = setup(Definition { digest_auth, ..Definition::default() });
    let (nonce, opaque) = it.ask(&[], &[]).challenge();
    let ha2 = hex("GET:/".into());
    let response = hex(format!("{ha1}:{nonce}:00000001:c:auth:{ha2}"));
    let header = |username: &str, response: &str| {
        format!(
            "Digest username=\"{username}\", realm=\"traefik\", nonce=\"{nonce}\", uri=\"/\", \
             response=\"{response}\", qop=auth, nc=00000001, cnonce=\"c\", opaque=\"{opaque}\""
        )
    };
    let wrong = response.replace(['0', '1', '2'], "3");
    for (value, user) in [
        (header("a", &wrong), None),
        (header("hunter2", &response), None),
        (header("a", &response), Some("a")),
        // A second time.
        (header("a", &response), None),
    ] {
        let asked = it.ask(&[("authorization", &value)], &[&response, &wrong, &ha1, "hunter2"]);
        assert_eq!(asked.user(), user, "{value}");
    }
}

#[test]
fn too_many_checks_at_once_are_503() {
    let users = Lines(vec!["a:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=".into()]);
    let basic_auth = Some(BasicAuth { users, ..BasicAuth::default() });
    let it = setup(Definition { basic_auth, ..Definition::default() });
    let peer = Peer::new(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], 80).into(), false);
    let mut exchange = Exchange::new(Arc::clone(&it.plan), EntryPointId(0), peer, 1);
    let mut head = get(&[("authorization", "Basic YTpodW50ZXIy")]);
    let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    assert!(matches!(output, Output::Verify(_)), "{output:?}");
    let output = exchange.handle(Instant(1), &it.world, Input::Verified(&mut head, None));
    assert!(matches!(output, Output::Respond(response) if response.status() == 503));
    let _ = exchange.handle(Instant(2), &it.world, Input::End);
}

#[test]
fn a_request_goes_on_with_what_the_auth_server_says() {
    let forward_auth = Some(ForwardAuth {
        address: "http://auth.example/verify".into(),
        auth_response_headers: vec!["X-User".into()],
        ..ForwardAuth::default()
    });
    let it = setup(Definition { forward_auth, ..Definition::default() });
    let peer = Peer::new(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], 80).into(), false);
    let mut exchange = Exchange::new(Arc::clone(&it.plan), EntryPointId(0), peer, 1);
    let mut head = get(&[("x-user", "root"), ("x-forwarded-uri", "/public")]);
    let output = exchange.handle(Instant(0), &it.world, Input::Request(&mut head));
    let Output::Ask(question) = output else { panic!("{output:?}") };
    assert_eq!(question.head.headers["x-forwarded-uri"], "/");
    assert_eq!(question.head.headers["x-forwarded-for"], "192.0.2.7");
    let answer = http::Response::builder().header("x-user", "a").body(()).unwrap();
    let mut answer = answer.into_parts().0;
    let output = exchange.handle(Instant(1), &it.world, Input::Asked(&mut head, Ok(&mut answer)));
    assert!(matches!(output, Output::Send { .. }), "{output:?}");
    assert_eq!(head.headers["x-user"], "a");
    assert!(!head.headers.contains_key("x-forwarded-uri"));
    let _ = exchange.handle(Instant(2), &it.world, Input::Left);
}
