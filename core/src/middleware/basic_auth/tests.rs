use super::*;
use crate::middleware::testing;
use alloc::string::ToString;
use bytes::Bytes;
use http::{Response, header::AUTHORIZATION};

/// `htpasswd -nbs a hunter2`.
const SHA: &str = "a:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=";
/// a:hunter2
const RIGHT: (&str, &str) = ("authorization", "Basic YTpodW50ZXIy");

fn options(users: &[&str]) -> BasicAuth {
    let users = Lines(users.iter().map(ToString::to_string).collect());
    BasicAuth { users, ..BasicAuth::default() }
}

/// Both ways through the middleware, the password checked in between.
fn pass(gate: &Gate, head: &mut request::Parts) -> Verdict {
    let verdict = testing::inward(gate, head);
    let Verdict::Verify(credentials) = verdict else { return verdict };
    let right = credentials.check();
    testing::with_context(|context| gate.verified(context, head, right))
}

fn shown(verdict: &Verdict) -> String {
    let Verdict::Respond(response) = verdict else { return format!("{verdict:?}") };
    let response: &Response<Bytes> = response;
    format!("{} {:?} {:?}", response.status(), response.headers(), response.body())
}

#[test]
fn a_user_with_the_right_password_passes() {
    let gate = options(&[SHA]).compile().unwrap();
    let mut head = testing::head("/", &[RIGHT]);
    let verdict = pass(&gate, &mut head);
    assert!(matches!(&verdict, Verdict::Known { user } if &**user == "a"), "{verdict:?}");
    assert!(head.headers.contains_key(AUTHORIZATION));
}

#[test]
fn everybody_else_is_refused_alike() {
    let gate = options(&[SHA, "b:hunter2"]).compile().unwrap();
    let refused = |headers: &[(&str, &str)]| shown(&pass(&gate, &mut testing::head("/", headers)));
    let want = refused(&[]);
    insta::assert_snapshot!(
        want,
        @r#"401 Unauthorized {"content-type": "text/plain", "www-authenticate": "Basic realm=\"traefik\""} b"401 Unauthorized\n""#
    );
    for headers in [
        // a:hunter3, c:hunter2, :hunter2, and b whose hash is its password.
        &[("authorization", "Basic YTpodW50ZXIz")][..],
        &[("authorization", "Basic YzpodW50ZXIy")],
        &[("authorization", "Basic Omh1bnRlcjI=")],
        &[("authorization", "Basic YjpodW50ZXIy")],
        &[("authorization", "Bearer YTpodW50ZXIy")],
        &[("authorization", "basic YTpodW50ZXIy")],
        &[("authorization", "Basic")],
        &[RIGHT, RIGHT],
        &[("proxy-authorization", RIGHT.1)],
    ] {
        assert_eq!(refused(headers), want, "{headers:?}");
    }
}

#[test]
fn an_unknown_user_is_checked_as_long_as_a_known_one() {
    let bcrypt = "a:$2y$05$wr0c87mPQmDn3no12i8o7OKpLpSFBPIbKm5rmo/kTpFcHH806X5O2";
    let gate = options(&[bcrypt, "b:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0="]).compile().unwrap();
    let mut head = testing::head("/", &[("authorization", "Basic YzpodW50ZXIy")]);
    let Verdict::Verify(credentials) = testing::inward(&gate, &mut head) else {
        panic!("it is not checked at all");
    };
    assert!(credentials.hash.starts_with("$2y$05$") && !credentials.check());
    // Whatever the answer.
    let verdict = testing::with_context(|context| gate.verified(context, &mut head, true));
    assert!(matches!(verdict, Verdict::Respond(_)));
}

#[test]
fn users_override_those_of_the_file() {
    let mut with_file = options(&[SHA]);
    with_file.users_file = File::new("users");
    let text = "a:other\nb:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=\n";
    with_file.users_file.fill(Ok(Bytes::from_static(text.as_bytes())));
    let gate = with_file.compile().unwrap();
    for value in ["Basic YTpodW50ZXIy", "Basic YjpodW50ZXIy"] {
        let verdict = pass(&gate, &mut testing::head("/", &[("authorization", value)]));
        assert!(matches!(verdict, Verdict::Known { .. }), "{value}");
    }
}

#[test]
fn the_server_sees_what_the_options_say() {
    let both = BasicAuth {
        remove_header: true,
        header_field: "X-User".into(),
        realm: "a \"b\"".into(),
        ..options(&[SHA])
    };
    let gate = both.compile().unwrap();
    let spoofed = [RIGHT, ("x-user", "root"), ("X-USER", "root")];
    let mut head = testing::head("/", &spoofed);
    pass(&gate, &mut head);
    assert_eq!(testing::all(&head.headers, "x-user"), ["a"]);
    assert!(!head.headers.contains_key(AUTHORIZATION));
    assert_eq!(gate.edits(), Edits::Anything);
    assert_eq!(options(&[SHA]).compile().unwrap().edits(), Edits::Nothing);
    assert_eq!(gate.challenge, r#"Basic realm="a \"b\"""#);
}

#[test]
fn a_refused_request_stays_as_it_is() {
    let options =
        BasicAuth { remove_header: true, header_field: "X-User".into(), ..options(&[SHA]) };
    let headers = [("authorization", "Basic YTpodW50ZXIz"), ("x-user", "root")];
    let mut head = testing::head("/", &headers);
    pass(&options.compile().unwrap(), &mut head);
    assert_eq!(head.headers, testing::head("/", &headers).headers);
}

#[test]
fn what_is_wrong_is_said() {
    let field = |name: &str| BasicAuth { header_field: name.into(), ..options(&["a\u{7f}:x"]) };
    let costly = options(&["a:$2y$31$wr0c87mPQmDn3no12i8o7OKpLpSFBPIbKm5rmo/kTpFcHH806X5O2"]);
    let realm = BasicAuth { realm: "a\nb".into(), ..options(&[SHA]) };
    let cases = [options(&[]), options(&["a"]), field("a b"), field("X-User"), costly, realm];
    let errors = cases.iter().map(|options| options.compile().unwrap_err());
    insta::assert_snapshot!(errors.collect::<Vec<_>>().join("\n"), @r#"
    there is no user, so nobody could pass: give users or usersFile
    error parsing BasicUser: entry 1 of users is not name:hash
    headerField: "a b" is not a header name
    headerField: the user name "a\u{7f}" has a character that a header cannot carry
    the hash of user "a": its bcrypt cost is 31; at most 20 is checked
    realm: it has a character that a header cannot carry
    "#);
}

#[test]
fn no_hash_is_shown() {
    let options = options(&[SHA]);
    let shown = format!("{options:?} {:?}", options.compile().unwrap());
    assert!(!shown.contains("87u9") && shown.contains("\"a\""), "{shown}");
}
