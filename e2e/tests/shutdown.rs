//! What SIGTERM does: stop advertising, finish what is in flight, exit 0.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Answer, Client, Rutter, Server, Setup, eventually, free_address, routes};
use std::{
    net::TcpStream,
    sync::{Mutex, mpsc},
};

/// A server whose answers to `/slow` wait for a word.
fn gated() -> (mpsc::Sender<()>, Server) {
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let server = Server::start(move |request| {
        if request.target() == "/slow" {
            let _ = gate.lock().unwrap().recv();
        }
        Answer::Text("whole".into())
    });
    (release, server)
}

fn in_flight(setup: &Setup, server: &Server) -> Client {
    let mut client = Client::connect(setup.web).unwrap();
    client.send_get("a.test", "/slow").unwrap();
    eventually("the request is with the server", || {
        server.seen().iter().any(|request| request.target() == "/slow").then_some(())
    });
    client
}

#[test]
fn a_request_in_flight_is_finished_before_the_process_exits_with_0() {
    let (release, server) = gated();
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    let mut slow = in_flight(&setup, &server);
    setup.rutter.signal("TERM");
    eventually("new connections are refused", || TcpStream::connect(setup.web).err());
    release.send(()).unwrap();
    let answer = slow.response().unwrap();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "whole"));
    assert_eq!(slow.read_to_close().unwrap(), b"");
    let ended = setup.rutter.ended();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn an_idle_connection_is_closed_and_does_not_delay_the_exit() {
    let server = Server::named("up");
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    let mut idle = Client::connect(setup.web).unwrap();
    assert_eq!(idle.get("a.test", "/").unwrap().text(), "up");
    setup.rutter.signal("TERM");
    assert_eq!(idle.read_to_close().unwrap(), b"");
    assert_eq!(setup.rutter.ended().code, 0);
}

#[test]
fn a_request_that_outlasts_the_grace_time_is_cut() {
    let (_release, server) = gated();
    let setup = Setup::start(
        &routes(&[("a.test", &server.url())]),
        "a.test",
        &["--entryPoints.web.transport.lifeCycle.graceTimeOut=1"],
    );
    let mut slow = in_flight(&setup, &server);
    setup.rutter.signal("TERM");
    assert!(slow.response().is_err(), "no answer was there to give");
    assert_eq!(setup.rutter.ended().code, 0);
}

#[test]
fn ping_says_503_while_requests_are_still_accepted() {
    let (web, ping) = (free_address(), free_address());
    let mut rutter = Rutter::spawn(
        &[
            &format!("--entryPoints.web.address={web}"),
            &format!("--entryPoints.traefik.address={ping}"),
            "--entryPoints.traefik.transport.lifeCycle.requestAcceptGraceTimeout=2s",
            "--ping",
        ],
        &[],
    );
    rutter.await_listener(ping);
    let ask = || Client::connect(ping)?.get("any.test", "/ping");
    let answer =
        eventually("ping is routed", || ask().ok().filter(|answer| answer.status() == 200));
    assert_eq!(answer.text(), "OK");
    rutter.signal("TERM");
    eventually("ping says 503", || ask().ok().filter(|answer| answer.status() == 503));
    assert!(rutter.is_running());
    assert_eq!(rutter.ended().code, 0);
}

#[test]
fn sigint_ends_it_as_sigterm_does() {
    let server = Server::named("up");
    let setup = Setup::start(&routes(&[("a.test", &server.url())]), "a.test", &[]);
    setup.rutter.signal("INT");
    assert_eq!(setup.rutter.ended().code, 0);
}
