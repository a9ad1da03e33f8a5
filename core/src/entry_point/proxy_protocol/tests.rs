use super::*;
use proptest::prelude::*;
use std::{format, string::String, vec, vec::Vec};

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE_2.to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(block.len()).unwrap().to_be_bytes());
    bytes.extend(block);
    bytes
}

fn told(bytes: &[u8]) -> String {
    match sniff(bytes) {
        Sniff::Header { bytes, addresses: Some(it) } => {
            format!("{bytes}: {} to {}", it.source, it.destination)
        }
        Sniff::Header { bytes, addresses: None } => format!("{bytes}: own"),
        other @ (Sniff::NeedMore | Sniff::Absent | Sniff::Malformed) => format!("{other:?}"),
    }
}

#[test]
fn version_1_headers_are_read() {
    let long = format!("PROXY TCP6 {0} {0} 65535 65535\r\n", "ffff:".repeat(7) + "ffff");
    for (bytes, want) in [
        ("PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\nGET", "37: 192.0.2.1:5 to 192.0.2.2:80"),
        ("PROXY TCP6 ::1 ::2 5 80\r\n", "25: [::1]:5 to [::2]:80"),
        ("PROXY UNKNOWN\r\n", "15: own"),
        ("PROXY UNKNOWN ffff::1 what ever\r\n", "33: own"),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 5 80", "NeedMore"),
        ("PROXY TCP4 ::1 192.0.2.2 5 80\r\n", "Malformed"),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 5 80 6\r\n", "Malformed"),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 +5 80\r\n", "Malformed"),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 5 65536\r\n", "Malformed"),
        ("PROXY TCP4 192.0.2.1\r\n", "Malformed"),
        ("PROXY UDP4 192.0.2.1 192.0.2.2 5 80\r\n", "Malformed"),
        ("PROXY \r\n", "Malformed"),
        (&format!("PROXY {}", "x".repeat(LINE_BYTES_MAX)), "Malformed"),
        (
            &long,
            "104: [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 to \
             [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        ),
    ] {
        assert_eq!(told(bytes.as_bytes()), want, "{bytes}");
    }
}

#[test]
fn version_2_headers_are_read() {
    let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0, 5, 0, 80];
    let mut v6 = vec![0; 36];
    (v6[15], v6[31], v6[33], v6[35]) = (1, 2, 5, 80);
    let with_fields = [&v4[..], &[0x04, 0, 1, 0]].concat();
    for (bytes, want) in [
        (v2(0x21, 0x11, &v4), "28: 192.0.2.1:5 to 192.0.2.2:80"),
        (v2(0x21, 0x11, &with_fields), "32: 192.0.2.1:5 to 192.0.2.2:80"),
        (v2(0x21, 0x21, &v6), "52: [::1]:5 to [::2]:80"),
        (v2(0x20, 0x11, &v4), "28: own"),
        (v2(0x20, 0x00, &[]), "16: own"),
        (v2(0x21, 0x31, &[0; 216]), "232: own"),
        (v2(0x21, 0x11, &v4[..11]), "Malformed"),
        (v2(0x22, 0x11, &v4), "Malformed"),
        (v2(0x11, 0x11, &v4), "Malformed"),
        (v2(0x21, 0x11, &[0; 4090]), "Malformed"),
    ] {
        assert_eq!(told(&bytes), want, "{bytes:?}");
    }
}

#[test]
fn anything_else_is_the_clients() {
    for bytes in ["GET / HTTP/1.1", "PROXYX", "PRI * HTTP/2.0", "\r\n\r\nGET", "\x16\x03\x01"] {
        assert_eq!(sniff(bytes.as_bytes()), Sniff::Absent, "{bytes:?}");
    }
    for bytes in ["", "P", "PROXY", "\r\n\r\n"] {
        assert_eq!(sniff(bytes.as_bytes()), Sniff::NeedMore, "{bytes:?}");
    }
}

fn header_like() -> impl Strategy<Value = Vec<u8>> {
    let line = "(TCP4|TCP6|UNKNOWN|X) [0-9.:a-f]{0,12} [0-9.:a-f]{0,12} [0-9]{1,5} [0-9]{1,5}";
    let v1 = line.prop_map(|line| format!("PROXY {line}\r\n").into_bytes());
    let two = (0x1fu8..0x23, 0x10u8..0x22, proptest::collection::vec(any::<u8>(), 0..60))
        .prop_map(|(command, family, block)| v2(command, family, &block));
    let any = proptest::collection::vec(any::<u8>(), 0..30);
    (prop_oneof![v1, two, any.clone()], any).prop_map(|(head, tail)| [head, tail].concat())
}

proptest! {
    #[test]
    fn the_answer_does_not_depend_on_how_the_bytes_arrive(bytes in header_like()) {
        let whole = sniff(&bytes);
        let mut told = None;
        for end in 0..=bytes.len() {
            match (told, sniff(&bytes[..end])) {
                (None, Sniff::NeedMore) => {}
                (None, answer) => told = Some(answer),
                (Some(told), answer) => prop_assert_eq!(told, answer),
            }
        }
        prop_assert_eq!(told.unwrap_or(Sniff::NeedMore), whole);
        if let Sniff::Header { bytes: length, .. } = whole {
            prop_assert!(length <= bytes.len());
        }
    }
}

#[test]
fn headers_are_written_as_text_or_in_binary() {
    let addresses = Addresses {
        source: "192.0.2.1:4711".parse().unwrap(),
        destination: "[::ffff:10.0.0.1]:443".parse().unwrap(),
    };
    let line = header(Version::One, addresses);
    assert_eq!(line, b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n");
    let binary = header(Version::Two, addresses);
    assert_eq!(binary, v2(0x21, 0x11, &[192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x67, 1, 0xbb]));
}

proptest! {
    #[test]
    fn what_is_written_reads_back(source: SocketAddr, destination: SocketAddr, one: bool) {
        let version = if one { Version::One } else { Version::Two };
        let written = header(version, Addresses { source, destination });
        let Sniff::Header { bytes, addresses: Some(read) } = sniff(&written) else {
            return Err(TestCaseError::fail("no header"));
        };
        prop_assert_eq!(bytes, written.len());
        let plain = |end: SocketAddr| (end.ip().to_canonical(), end.port());
        prop_assert_eq!([read.source, read.destination].map(plain), [source, destination].map(plain));
    }
}
