//! Shares are exact, from however many connections the requests come.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Client, Server, Setup, eventually, routes};
use std::thread;

#[test]
fn three_to_one_is_exact_over_many_connections() {
    let (a, b) = (Server::named("a"), Server::named("b"));
    let text = routes(&[("a.test", &a.url()), ("b.test", &b.url())]).replace(
        "  services:\n",
        "    w: { rule: \"Host(`wrr.test`)\", service: w }\n  services:\n",
    ) + "    w: { weighted: { services: [ { name: s0, weight: 3 }, { name: s1, weight: 1 } ] } }\n";
    let setup = Setup::start(&text, "a.test", &[]);
    let bodies: Vec<String> = (0..4).map(|_| setup.curl("wrr.test", "/", &[]).body).collect();
    assert_eq!(bodies, ["a", "a", "a", "b"]);
    let to_b: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::connect(setup.web).unwrap();
                    let ask = |_| client.get("wrr.test", "/").unwrap().text() == "b";
                    (0..40).map(ask).filter(|b| *b).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(to_b, 100, "of 400 requests at 3:1");
}

#[test]
fn a_mirror_gets_exactly_its_share_bodies_included() {
    let (main, mirror) = (Server::named("main"), Server::named("mirror"));
    let text = routes(&[("main.test", &main.url()), ("other.test", &mirror.url())]).replace(
        "  services:\n",
        "    m: { rule: \"Host(`mirror.test`)\", service: m }\n  services:\n",
    ) + "    m: { mirroring: { service: s0, mirrors: [ { name: s1, percent: 50 } ] } }\n";
    let setup = Setup::start(&text, "main.test", &[]);
    for i in 0..100 {
        let reply = setup.curl("mirror.test", &format!("/{i}"), &["--data", &format!("body {i}")]);
        assert_eq!(reply.body, "main");
    }
    let copies = || mirror.seen().into_iter().filter(|copy| copy.method() == "POST");
    eventually("50 copies", || (copies().count() == 50).then_some(()));
    for copy in copies() {
        assert_eq!(copy.text(), format!("body {}", &copy.target()[1..]));
    }
    // Nothing follows: the next request's copy is the 51st.
    let _ = setup.curl("mirror.test", "/last", &["--data", "last"]);
    eventually("the last copy", || copies().any(|copy| copy.target() == "/last").then_some(()));
    assert_eq!(copies().count(), 51);
}
