use super::*;
use alloc::{string::String, vec};
use proptest::{collection, prelude::*, sample};
use std::format;

/// Hellos of real clients, as they came in on a socket.
const REAL: [(&str, &str); 8] = [
    ("curl, HTTP/1 to an address", include_str!("hellos/curl_http1_ip.hex")),
    ("curl, HTTP/2", include_str!("hellos/curl_http2.hex")),
    ("OpenSSL, records of 512 bytes", include_str!("hellos/openssl_fragmented.hex")),
    ("OpenSSL without a name", include_str!("hellos/openssl_no_name.hex")),
    ("OpenSSL, TLS 1.0", include_str!("hellos/openssl_tls10.hex")),
    ("OpenSSL, TLS 1.2", include_str!("hellos/openssl_tls12.hex")),
    ("OpenSSL, TLS 1.3", include_str!("hellos/openssl_tls13.hex")),
    ("rustls, post-quantum", include_str!("hellos/rustls_post_quantum.hex")),
];

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn sniff(bytes: &[u8]) -> Sniff {
    Reader::default().read(bytes)
}

/// The answer to bytes that come in pieces: the first that is final, else the last.
fn sniff_pieces(mut bytes: &[u8], sizes: &[usize]) -> Sniff {
    let mut reader = Reader::default();
    for size in sizes.iter().cycle() {
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        let answer = reader.read(piece);
        if answer != Sniff::NeedMore || rest.is_empty() {
            return answer;
        }
        bytes = rest;
    }
    sniff(bytes)
}

fn shown(answer: &Sniff) -> String {
    let Sniff::ClientHello(hello) = answer else { return format!("{answer:?}") };
    let begin = |name: &[u8]| String::from_utf8_lossy(&name[..name.len().min(13)]).into_owned();
    let protocols: Vec<_> = hello.protocols.iter().map(begin).collect();
    let count = protocols.len();
    let some = protocols[..count.min(2)].join(",");
    format!("{} [{some}] of {count}", hello.server_name.as_deref().unwrap_or("-"))
}

fn vector(length_bytes: usize, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    [&length[length.len() - length_bytes..], content].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector(2, content)].concat()
}

fn named(name: &[u8]) -> Vec<u8> {
    extension(0, &vector(2, &[&[0][..], &vector(2, name)].concat()))
}

fn speaking(names: &[&[u8]]) -> Vec<u8> {
    let names: Vec<u8> = names.iter().flat_map(|name| vector(1, name)).collect();
    extension(16, &vector(2, &names))
}

/// The message of a hello with these extensions.
fn message(extensions: &[u8]) -> Vec<u8> {
    let head = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 1], &[1, 0]].concat();
    let body = [&head[..], &vector(2, extensions)].concat();
    [&[1][..], &vector(3, &body)].concat()
}

/// A message in records of these sizes, over and over.
fn records(mut message: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut records = Vec::new();
    for size in sizes.iter().cycle() {
        let (fragment, rest) = message.split_at((*size).min(message.len()));
        records.extend([&[22, 3, 1][..], &vector(2, fragment)].concat());
        if rest.is_empty() {
            break;
        }
        message = rest;
    }
    records
}

fn one_record(extensions: &[u8]) -> Vec<u8> {
    records(&message(extensions), &[RECORD_BYTES_MAX])
}

#[test]
fn hellos_of_real_clients_are_read() {
    let lines = REAL.map(|(client, hex)| {
        let bytes = unhex(hex);
        let records = bytes.windows(3).filter(|three| *three == [22, 3, 1]).count();
        format!("{client}: {} bytes, {records} records: {}", bytes.len(), shown(&sniff(&bytes)))
    });
    insta::assert_snapshot!(lines.join("\n"), @"
    curl, HTTP/1 to an address: 517 bytes, 1 records: - [http/1.1] of 1
    curl, HTTP/2: 517 bytes, 1 records: app.example.com [h2,http/1.1] of 2
    OpenSSL, records of 512 bytes: 3197 bytes, 7 records: app.example.com [proto-000-xxx,proto-001-xxx] of 40
    OpenSSL without a name: 297 bytes, 1 records: - [] of 0
    OpenSSL, TLS 1.0: 128 bytes, 1 records: old.example.com [] of 0
    OpenSSL, TLS 1.2: 212 bytes, 1 records: app.example.com [] of 0
    OpenSSL, TLS 1.3: 339 bytes, 1 records: app.example.com [h2,http/1.1] of 2
    rustls, post-quantum: 1490 bytes, 1 records: app.example.com [h2,http/1.1] of 2
    ");
}

#[test]
fn however_a_real_hello_is_cut_the_answer_is_the_same() {
    for (client, hex) in REAL {
        let bytes = unhex(hex);
        let whole = sniff(&bytes);
        for cut in 1..bytes.len() {
            assert_eq!(sniff(&bytes[..cut]), Sniff::NeedMore, "{client}: {cut} bytes");
            assert_eq!(sniff_pieces(&bytes, &[cut, bytes.len()]), whole, "{client}: cut at {cut}");
        }
        assert_eq!(sniff_pieces(&bytes, &[1]), whole, "{client}");
    }
}

#[test]
fn names_are_lower_cased_and_lose_their_dot() {
    let cases: [(&[u8], Option<&str>); 14] = [
        (b"App.Example.COM", Some("app.example.com")),
        (b"app.example.com.", Some("app.example.com")),
        (b"localhost", Some("localhost")),
        (b"my_app.example.com", Some("my_app.example.com")),
        (b"xn--bcher-kva.example", Some("xn--bcher-kva.example")),
        (b"1.2.3.4.example", Some("1.2.3.4.example")),
        (b"10.0.0.1", None),
        (b"::1", None),
        (b"*.example.com", None),
        (b"app..example.com", None),
        (b"app.example.com..", None),
        (b"app.example.com\0", None),
        ("b\u{fc}cher.example".as_bytes(), None),
        (&[b'a'; 64], None),
    ];
    for (sent, name) in cases {
        let answer = sniff(&one_record(&named(sent)));
        let Sniff::ClientHello(hello) = answer else { panic!("{sent:?}: {answer:?}") };
        assert_eq!(hello.server_name.as_deref(), name, "{sent:?}");
    }
}

#[test]
fn protocols_are_told_in_the_clients_order() {
    let answer = sniff(&one_record(&speaking(&[b"h2", b"http/1.1", b"acme-tls/1"])));
    let Sniff::ClientHello(hello) = answer else { panic!("{answer:?}") };
    let expected: [&[u8]; 3] = [b"h2", b"http/1.1", b"acme-tls/1"];
    assert!(hello.protocols.iter().eq(expected));
    assert!(hello.protocols.contains(b"http/1.1") && !hello.protocols.contains(b"http/1"));
}

#[test]
fn what_is_no_handshake_is_not_tls() {
    for bytes in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], b"PRI * HTTP/2.0", b"\0", b"\x15\x03\x01", b"\x17"]
    {
        assert_eq!(sniff(bytes), Sniff::NotTls, "{bytes:?}");
    }
    assert_eq!(sniff(b""), Sniff::NeedMore);
}

#[test]
fn a_hello_without_extensions_has_no_name() {
    let body = [&[3, 1][..], &[7; 32], &[0], &[0, 2, 0, 47], &[1, 0]].concat();
    let message = [&[1][..], &vector(3, &body)].concat();
    assert_eq!(sniff(&records(&message, &[100])), Sniff::ClientHello(ClientHello::default()));
}

#[test]
fn what_stands_behind_the_hello_is_not_looked_at() {
    let hello = one_record(&named(b"a.example"));
    let whole = sniff(&hello);
    assert_eq!(sniff(&[&hello[..], &[0xff; 40]].concat()), whole);
    let mut coalesced = message(&named(b"a.example"));
    coalesced.extend([0xff; 40]);
    assert_eq!(sniff(&records(&coalesced, &[RECORD_BYTES_MAX])), whole);
}

#[test]
fn what_breaks_the_rules_is_malformed() {
    let host: &[u8] = &[0, 0, 1, b'a'];
    let cases: [(&str, Vec<u8>); 19] = [
        ("a hello of SSL 2", vec![0x80]),
        ("another major version", vec![22, 2]),
        ("an empty record", vec![22, 3, 1, 0, 0]),
        ("a record that is too long", vec![22, 3, 1, 0x40, 1]),
        ("another message", vec![22, 3, 1, 0, 4, 2]),
        ("a message that is too long", vec![22, 3, 1, 0, 4, 1, 1, 0, 1]),
        ("another record within", [&records(&message(&[]), &[9])[..14], &[21]].concat()),
        ("a message cut short", records(&[1, 0, 0, 3, 3, 3, 7], &[100])),
        ("bytes behind the extensions", {
            let mut message = message(&[]);
            message[3] += 1;
            message.push(0);
            records(&message, &[100])
        }),
        ("an extension cut short", one_record(&[0, 0, 0, 1])),
        ("an extension twice", one_record(&[extension(9, &[]), extension(9, &[])].concat())),
        ("no name in the list", one_record(&extension(0, &vector(2, &[])))),
        ("an empty name", one_record(&named(b""))),
        ("a name cut short", one_record(&extension(0, &vector(2, &[0, 0, 2, b'a'])))),
        ("two names", one_record(&extension(0, &vector(2, &[host, host].concat())))),
        (
            "bytes behind the names",
            one_record(&extension(0, &[&vector(2, host)[..], &[0]].concat())),
        ),
        ("no protocol in the list", one_record(&speaking(&[]))),
        ("an empty protocol", one_record(&speaking(&[b"h2", b""]))),
        ("a protocol cut short", one_record(&extension(16, &vector(2, &[3, b'h', b'2'])))),
    ];
    for (what, bytes) in cases {
        assert_eq!(sniff(&bytes), Sniff::Malformed, "{what}");
        assert_eq!(sniff_pieces(&bytes, &[1]), Sniff::Malformed, "{what}, byte by byte");
    }
}

#[test]
fn names_of_other_kinds_are_left_out() {
    let list = vector(2, &[&[9, 0, 1, 0xff][..], &[0, 0, 1, b'a']].concat());
    let answer = sniff(&one_record(&extension(0, &list)));
    assert_eq!(shown(&answer), "a [] of 0");
}

#[test]
fn a_hello_ends_somewhere() {
    // The extension, its header, the list's length, and the head of the message.
    let padded = |padding: usize| message(&extension(21, &vec![0; padding]));
    let around = padded(0).len() + RECORD_HEADER_BYTES * 4;
    let longest = records(&padded(HELLO_BYTES_MAX - around - 1), &[RECORD_BYTES_MAX]);
    assert_eq!(longest.len(), HELLO_BYTES_MAX - 1);
    assert!(matches!(sniff(&longest), Sniff::ClientHello(_)));
    let longer = records(&padded(HELLO_BYTES_MAX - around + 1), &[RECORD_BYTES_MAX]);
    assert_eq!(sniff(&longer), Sniff::Malformed);
    let dripping = records(&padded(HELLO_BYTES_MAX / 2), &[1]);
    assert_eq!(sniff(&dripping), Sniff::Malformed);
    assert_eq!(sniff(&dripping[..HELLO_BYTES_MAX - 1]), Sniff::NeedMore);
}

prop_compose! {
    /// A message of some hello, sometimes as large as post-quantum keys make it.
    fn hellos()(
        name in proptest::option::of("[a-zA-Z0-9.-]{1,80}"),
        protocols in collection::vec("[a-z0-9/.]{1,12}", 0..6),
        others in collection::btree_map(20_u16..60_000, collection::vec(any::<u8>(), 0..1500), 0..5),
        first in any::<bool>(),
    ) -> Vec<u8> {
        let mut extensions: Vec<_> =
            others.iter().map(|(kind, content)| extension(*kind, content)).collect();
        let at = if first { 0 } else { extensions.len() };
        extensions.extend(name.map(|name| named(name.as_bytes())));
        if !protocols.is_empty() {
            let protocols: Vec<&[u8]> = protocols.iter().map(|name| name.as_bytes()).collect();
            extensions.insert(at, speaking(&protocols));
        }
        message(&extensions.concat())
    }
}

fn sizes(max: usize) -> impl Strategy<Value = Vec<usize>> {
    collection::vec(1..max, 1..8)
}

proptest! {
    #[test]
    fn records_and_pieces_of_a_hello_change_nothing(
        message in hellos(),
        fragments in sizes(3000),
        pieces in sizes(3000),
        behind in collection::vec(any::<u8>(), 0..20),
    ) {
        let whole = sniff(&records(&message, &[RECORD_BYTES_MAX]));
        prop_assert!(matches!(whole, Sniff::ClientHello(_)), "{:?}", whole);
        let mut bytes = records(&message, &fragments);
        prop_assert_eq!(sniff(&bytes[..bytes.len() - 1]), Sniff::NeedMore);
        bytes.extend(behind);
        prop_assert_eq!(&sniff(&bytes), &whole);
        prop_assert_eq!(&sniff_pieces(&bytes, &pieces), &whole);
    }

    #[test]
    fn a_damaged_hello_gets_one_answer_however_it_comes(
        message in hellos(),
        fragments in sizes(3000),
        pieces in sizes(300),
        damage in collection::vec((any::<sample::Index>(), any::<u8>()), 1..4),
        end in any::<sample::Index>(),
    ) {
        let mut bytes = records(&message, &fragments);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len()) + 1);
        prop_assert_eq!(sniff_pieces(&bytes, &pieces), sniff(&bytes));
    }

    #[test]
    fn garbage_gets_one_answer_however_it_comes(
        garbage in collection::vec(any::<u8>(), 1..200),
        tls in any::<bool>(),
        pieces in sizes(20),
    ) {
        let start: &[u8] = if tls { &[22, 3, 1, 0, 190, 1, 0, 0] } else { &[] };
        let bytes = [start, &garbage].concat();
        prop_assert_eq!(sniff_pieces(&bytes, &pieces), sniff(&bytes));
    }
}
