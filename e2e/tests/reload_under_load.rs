//! A rewritten dynamic file never costs a request.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Client, Server, Setup, eventually, routes};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

const REWRITES: u32 = 200;
const CONNECTIONS: usize = 8;

/// Each generation adds a header of its own to the answers, moves `flip.test` between two servers,
/// and leaves `steady.test` as it is.
fn generation(number: u32, steady: &Server, servers: [&Server; 2]) -> String {
    let flip = servers[number as usize % 2].url();
    routes(&[("steady.test", &steady.url()), ("flip.test", &flip)])
        .replace("service: s1 }", "service: s1, middlewares: [ generation ] }")
        + "  middlewares:\n    generation:\n      headers:\n        customResponseHeaders:\n"
        + &format!("          X-Generation: \"{number}\"\n")
}

#[test]
fn two_hundred_rewrites_under_load_lose_no_request_and_close_no_connection() {
    let (steady, even, odd) =
        (Server::named("steady"), Server::named("even"), Server::named("odd"));
    let text = |number| generation(number, &steady, [&even, &odd]);
    let setup = Setup::start(&text(0), "steady.test", &[]);
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));

    thread::scope(|scope| {
        let load: Vec<_> = (0..CONNECTIONS)
            .map(|i| {
                let (stop, answered, web) = (&stop, &answered, setup.web);
                let host = ["steady.test", "flip.test"][i % 2];
                scope.spawn(move || {
                    // One connection for the whole run: a close or a reset is an error.
                    let mut client = Client::connect(web)?;
                    while !stop.load(Ordering::Relaxed) {
                        let answer = client.get(host, "/")?;
                        assert_eq!(answer.status(), 200, "{}", answer.head());
                        let expected: &[&str] =
                            if i % 2 == 0 { &["steady"] } else { &["even", "odd"] };
                        assert!(expected.contains(&answer.text().as_str()), "{answer:?}");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    std::io::Result::Ok(())
                })
            })
            .collect();

        let mut probe = Client::connect(setup.web).unwrap();
        for number in 1..=REWRITES {
            setup.rewrite(&text(number));
            eventually(&format!("generation {number} is live"), || {
                let answer = probe.get("flip.test", "/").unwrap();
                (answer.header("x-generation") == Some(&number.to_string())).then_some(())
            });
        }
        stop.store(true, Ordering::Relaxed);
        for thread in load {
            thread.join().unwrap().unwrap();
        }
    });
    assert!(answered.into_inner() > u64::from(REWRITES), "the load was no load");
}
