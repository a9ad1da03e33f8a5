//! `rutter demo`: what it prints to try is true.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Reply, Rutter, curl, eventually};
use std::net::SocketAddr;

fn get(address: &SocketAddr, host: &str, path: &str) -> Reply {
    curl(&["-H", &format!("Host: {host}"), &format!("http://{address}{path}")])
}

fn name(reply: &Reply) -> &str {
    let line = reply.body.lines().find(|line| line.starts_with("Name: "));
    line.unwrap_or_else(|| panic!("no name in {reply:?}"))
}

#[test]
fn the_demo_keeps_what_it_promises() {
    let mut rutter = Rutter::spawn(&["demo"], &[]);
    let address: SocketAddr = eventually("the demo says where it listens", || {
        let said = rutter.stdout();
        let (_, rest) = said.split_once("listens on http://")?;
        let end = rest.find(|c: char| c != ':' && c != '.' && !c.is_ascii_digit())?;
        rest[..end].trim_end_matches('.').parse().ok()
    });
    rutter.await_listener(address);
    eventually("the demo is routed", || {
        (get(&address, "whoami.localhost", "/").status == 200).then_some(())
    });

    let names: Vec<String> =
        (0..8).map(|_| name(&get(&address, "wrr.localhost", "/")).to_owned()).collect();
    let second = names.iter().filter(|name| name.contains("whoami-2")).count();
    assert_eq!(second, 2, "3:1 of 8: {names:?}");
    assert_eq!(names[..4], names[4..]);

    for _ in 0..100 {
        assert_eq!(get(&address, "mirror.localhost", "/").status, 200);
    }
    eventually("50 copies", || {
        get(&address, "mirror.localhost", "/copies").body.contains("50").then_some(())
    });

    let redirect = get(&address, "redirect.localhost", "/");
    assert!(matches!(redirect.status, 301 | 302 | 307 | 308), "{redirect:?}");
    assert!(
        redirect.header("location").is_some_and(|to| to.starts_with("https://")),
        "{redirect:?}"
    );

    // Every line that it prints to try names the address that it listens on, or ping's.
    let said = rutter.stdout();
    assert!(said.lines().filter(|line| line.contains("curl")).count() >= 4, "{said}");
    rutter.signal("TERM");
    assert_eq!(rutter.ended().code, 0);
}
