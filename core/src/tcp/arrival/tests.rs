use super::*;
use crate::tcp::{
    Tls,
    table::tests::{claim, options, router, table},
};
use alloc::{format, string::String, vec::Vec};
use core::slice;
use proptest::{collection::vec, prelude::*, sample};

const HELLO: &str = include_str!("../client_hello/hellos/rustls_post_quantum.hex");
const WITHOUT_NAME: &str = include_str!("../client_hello/hellos/openssl_no_name.hex");

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn timeouts(read: u64, idle: u64) -> Timeouts {
    let seconds = |s: u64| (s > 0).then(|| Duration::from_secs(s));
    Timeouts { read: seconds(read), write: None, idle: seconds(idle) }
}

fn shown(step: &Step) -> String {
    match step {
        Step::Wait { deadline } => format!("wait until {deadline}"),
        Step::Http { http2 } => format!("HTTP/{}", if *http2 { 2 } else { 1 }),
        Step::Tcp(router) => format!("to {}", router.name),
        Step::Tls { options, server_name, to } => {
            let to = to.as_ref().map_or("HTTP", |router| &*router.name);
            format!("{} under {} for {}", to, options.name, server_name.as_deref().unwrap_or("-"))
        }
        Step::Close(reason) => format!("close: {reason:?}"),
    }
}

/// What is done with bytes that come in pieces of these sizes.
fn arrive(table: &Table, mut bytes: &[u8], sizes: &[usize]) -> String {
    let mut arrival = Arrival::new(Instant(0), timeouts(60, 180));
    let mut step = arrival.start(table);
    for size in sizes.iter().cycle() {
        if !matches!(step, Step::Wait { .. }) || bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        step = arrival.read(table, piece);
        bytes = rest;
    }
    shown(&step)
}

/// Tables of every kind.
fn tables() -> Vec<(&'static str, Table)> {
    let clear = router("clear", "HostSNI(`*`)", 0, None);
    let raw = router("raw", "HostSNI(`app.example.com`)", 0, Some(Tls::Passthrough));
    let inner = router("inner", "HostSNI(`*`)", 0, Some(Tls::Terminate(Some(options("own")))));
    let mut http = table(&[]);
    http.count_https(true);
    let mut mtls = table(slice::from_ref(&raw));
    claim(&mut mtls, "r", "app.example.com", "mtls");
    let mut broken = table(&[]);
    claim(&mut broken, "r", "app.example.com", "broken");
    Vec::from([
        ("HTTP only", table(&[])),
        ("HTTPS", http),
        ("silent", table(slice::from_ref(&clear))),
        ("clear and passthrough", table(&[clear, raw])),
        ("terminated", table(&[inner])),
        ("HTTPS with options", mtls),
        ("HTTPS with broken options", broken),
    ])
}

/// Connections of every kind.
fn connections() -> Vec<(&'static str, Vec<u8>)> {
    Vec::from([
        ("nothing", Vec::new()),
        ("HTTP/1", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("HTTP/2", [PREFACE, b"\0\0\0"].concat()),
        ("almost HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSN".to_vec()),
        ("a half preface", PREFACE[..9].to_vec()),
        ("TLS", unhex(HELLO)),
        ("TLS without name", unhex(WITHOUT_NAME)),
        ("a half hello", unhex(HELLO)[..700].to_vec()),
        ("SSL 2", b"\x80\x2e".to_vec()),
        ("broken TLS", b"\x16\x03\x01\0\x04\x02".to_vec()),
    ])
}

#[test]
fn what_becomes_of_connections() {
    let kinds: Vec<_> = connections().into_iter().map(|(what, _)| what).collect();
    let mut all = format!("{}\n", kinds.join(" | "));
    for (which, table) in tables() {
        let became = connections().into_iter().map(|(_, bytes)| {
            let step = arrive(&table, &bytes, &[4096]);
            step.replace("wait until 60.000000s", "wait").replace("for app.example.com", "for app")
        });
        all += &format!("{which}: {}\n", became.collect::<Vec<_>>().join(" | "));
    }
    insta::assert_snapshot!(all, @"
    nothing | HTTP/1 | HTTP/2 | almost HTTP/2 | a half preface | TLS | TLS without name | a half hello | SSL 2 | broken TLS
    HTTP only: wait | HTTP/1 | HTTP/2 | HTTP/1 | wait | HTTP under default for app | HTTP under default for - | wait | close: Malformed | close: Malformed
    HTTPS: wait | HTTP/1 | HTTP/2 | HTTP/1 | wait | HTTP under default for app | HTTP under default for - | wait | close: Malformed | close: Malformed
    silent: to clear | to clear | to clear | to clear | to clear | to clear | to clear | to clear | to clear | to clear
    clear and passthrough: wait | to clear | to clear | to clear | to clear | to raw | HTTP under default for - | wait | close: Malformed | close: Malformed
    terminated: wait | HTTP/1 | HTTP/2 | HTTP/1 | wait | inner under own for app | inner under own for - | wait | close: Malformed | close: Malformed
    HTTPS with options: wait | HTTP/1 | HTTP/2 | HTTP/1 | wait | HTTP under mtls for app | HTTP under default for - | wait | close: Malformed | close: Malformed
    HTTPS with broken options: wait | HTTP/1 | HTTP/2 | HTTP/1 | wait | close: NoOptions | HTTP under default for - | wait | close: Malformed | close: Malformed
    ");
}

#[test]
fn how_long_a_connection_may_be_silent_is_always_bounded() {
    for (limits, seconds) in [((10, 180), 10), ((0, 20), 20), ((0, 0), 60)] {
        let arrival = Arrival::new(Instant(5), timeouts(limits.0, limits.1));
        let Step::Wait { deadline } = arrival.start(&table(&[])) else { panic!("no wait") };
        assert_eq!(deadline, Instant(5) + Duration::from_secs(seconds), "{limits:?}");
    }
}

#[test]
fn a_dripping_client_gets_no_more_time() {
    let (table, hello) = (table(&[]), unhex(HELLO));
    let mut arrival = Arrival::new(Instant(0), timeouts(60, 0));
    for byte in &hello[..hello.len() - 1] {
        let step = arrival.read(&table, &[*byte]);
        assert!(matches!(step, Step::Wait { deadline } if deadline == Instant(60_000_000_000)));
    }
    assert!(matches!(arrival.read(&table, &hello[hello.len() - 1..]), Step::Tls { .. }));
}

#[test]
fn alerts_are_fatal() {
    assert_eq!(Reason::Malformed.alert(), [21, 3, 3, 0, 2, 2, 50]);
    assert_eq!(Reason::NoOptions.alert(), [21, 3, 3, 0, 2, 2, 80]);
}

proptest! {
    #[test]
    fn however_the_bytes_come_the_connection_goes_to_one_place(
        table in sample::select(tables()),
        connection in sample::select(connections()),
        sizes in vec(1_usize..40, 1..6),
    ) {
        let whole = arrive(&table.1, &connection.1, &[100_000]);
        prop_assert_eq!(arrive(&table.1, &connection.1, &sizes), whole);
    }
}
