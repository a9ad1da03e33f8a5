use super::*;
use crate::{
    entry_point::Peer,
    middleware::testing::{self, Nothing},
};
use alloc::string::ToString;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;

/// Made by `openssl x509 -req`: names of every kind, some twice, with characters that have a meaning;
/// alternative names of every kind that is told and of two that are not.
const LEAF: &str = include_str!("leaf.pem");
/// The one that signed it.
const CA: &str = include_str!("ca.pem");

fn body(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

fn der(pem: &str) -> Bytes {
    BASE64_STANDARD.decode(body(pem)).unwrap().into()
}

fn parts() -> NameParts {
    NameParts {
        country: true,
        province: true,
        locality: true,
        organization: true,
        common_name: true,
        serial_number: true,
        domain_component: true,
    }
}

fn everything() -> PassTlsClientCert {
    let info = Info {
        not_after: true,
        not_before: true,
        sans: true,
        subject: Some(parts()),
        issuer: Some(parts()),
    };
    PassTlsClientCert { pem: true, info: Some(info) }
}

fn only(info: Info) -> PassTlsClientCert {
    PassTlsClientCert { pem: false, info: Some(info) }
}

/// The head that a client who shows these certificates leads to.
fn head(options: &PassTlsClientCert, chain: Vec<Bytes>) -> request::Parts {
    let peer = Peer { certificates: Certificates::new(chain), ..testing::peer() };
    let spoofed = [("x-forwarded-tls-client-cert", "mine"), ("x-forwarded-tls-client-cert-info", "mine")];
    let mut head = testing::head("/", &spoofed);
    let middleware = options.compile().unwrap();
    let verdict = testing::with_context(|context| {
        middleware.inward(&Context { peer: &peer, ..context.clone() }, &Nothing, &mut head)
    });
    assert!(matches!(verdict, Verdict::Continue));
    head
}

/// The info header, its escapes undone.
fn info(options: &PassTlsClientCert, chain: &[&str]) -> String {
    let head = head(options, chain.iter().map(|pem| der(pem)).collect());
    let escaped = head.headers[INFO].to_str().unwrap().replace('+', " ");
    percent_decode_str(&escaped).decode_utf8().unwrap().into_owned()
}

#[test]
fn the_chain_goes_on_as_the_escaped_bodies_of_its_pem() {
    let escaped = |pem| body(pem).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let pem_alone = PassTlsClientCert { pem: true, info: None };
    let head = head(&pem_alone, [der(LEAF), der(CA)].into());
    assert_eq!(head.headers[CERT], format!("{},{}", escaped(LEAF), escaped(CA)));
    assert_eq!(head.headers[INFO], "mine", "what is not told is left alone");
}

#[test]
fn everything_that_is_told_of_a_chain() {
    insta::assert_snapshot!(info(&everything(), &[LEAF, CA]).replace(';', ";\n"), @r#"
    Subject="DC=org,DC=example,DC=people,C=FR,C=US,ST=Cheese org state,L=Toulouse,O=Cheese,O=Fromage, frères,SN=0815,CN=*.example.org";
    Issuer="DC=org,DC=example,C=FR,ST=Some State,L=Lyon,O=Signing & Co,CN=Signing CA 1";
    NB="1795562548";
    NA="2486762548";
    SAN="*.example.org,example.com,a@example.org,b@example.org,10.0.1.2,2001:db8::1,spiffe://example.org/ns/a?b=c",Subject="DC=org,DC=example,C=FR,ST=Some State,L=Lyon,O=Signing & Co,CN=Signing CA 1";
    Issuer="DC=org,DC=example,C=FR,ST=Some State,L=Lyon,O=Signing & Co,CN=Signing CA 1";
    NB="1795562548";
    NA="4949162548"
    "#);
}

#[test]
fn the_header_is_escaped_as_a_whole() {
    let head = head(&only(Info { issuer: Some(parts()), ..Info::default() }), [der(CA)].into());
    insta::assert_snapshot!(
        head.headers[INFO].to_str().unwrap(),
        @"Issuer%3D%22DC%3Dorg%2CDC%3Dexample%2CC%3DFR%2CST%3DSome+State%2CL%3DLyon%2CO%3DSigning+%26+Co%2CCN%3DSigning+CA+1%22"
    );
}

#[test]
fn only_what_is_asked_for_is_told() {
    let subject = NameParts { common_name: true, country: true, ..NameParts::default() };
    for (asked, want) in [
        (Info { not_after: true, ..Info::default() }, "NA=\"2486762548\""),
        (Info { subject: Some(subject), ..Info::default() }, "Subject=\"C=FR,C=US,CN=*.example.org\""),
        (Info { subject: Some(NameParts::default()), ..Info::default() }, ""),
        (Info::default(), ""),
    ] {
        assert_eq!(info(&only(asked), &[LEAF]), want);
    }
    let sans = Info { sans: true, ..Info::default() };
    assert_eq!(info(&only(sans), &[CA, CA]), ",", "each certificate has its place");
}

#[test]
fn without_a_certificate_the_request_passes_unchanged() {
    let head = head(&everything(), Vec::new());
    assert_eq!((&head.headers[CERT], &head.headers[INFO]), (&"mine".parse().unwrap(), &"mine".parse().unwrap()));
}

#[test]
fn what_is_no_certificate_says_nothing_and_replaces_what_was_claimed() {
    let head = head(&everything(), [Bytes::from_static(b"none"), Bytes::new()].into());
    assert_eq!(head.headers[CERT], "bm9uZQ%3D%3D,");
    assert_eq!(head.headers[INFO], "%2C");
}

#[test]
fn texts_of_other_alphabets_are_told_in_utf8() {
    let attribute = |tag: u8, value: &[u8]| {
        let value = [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
        let parts = [&[0x06, 3, 0x55, 0x04, 3][..], &value].concat();
        let wrap = |tag, parts: &[u8]| [&[tag, u8::try_from(parts.len()).unwrap()], parts].concat();
        wrap(0x31, &wrap(0x30, &parts))
    };
    let parts = NameParts { common_name: true, ..NameParts::default() };
    for (tag, value, want) in [
        (0x1E, &b"\x00\xFC\xD8\x3E\xDD\xC0"[..], &b"CN=\xC3\xBC\xF0\x9F\xA7\x80"[..]),
        (0x14, b"\xFC", b"CN=\xFC"),
        (0x0C, b"a", b"CN=a"),
        (0x02, b"\x01", b""),
    ] {
        let name = attribute(tag, value);
        assert_eq!(distinguished_name(&parts, Name::of(&name)), want);
    }
}

#[test]
fn debug_output_tells_how_many_certificates_there_are_and_no_more() {
    let peer = Peer { certificates: Certificates::new([der(LEAF), der(CA)]), ..testing::peer() };
    let text = format!("{peer:?}");
    assert!(text.contains("certificates: Some(2 certificates)"), "{text}");
}

fn is_sound(chain: Vec<Bytes>) -> bool {
    let head = head(&everything(), chain);
    [CERT, INFO].into_iter().all(|name| {
        let value = head.headers[name].to_str().map(ToString::to_string);
        value.is_ok_and(|value| value != "mine" && value.bytes().all(|byte| byte.is_ascii_graphic()))
    })
}

proptest! {
    #[test]
    fn no_damage_to_a_certificate_does_any(
        hits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let mut bytes = der(LEAF).to_vec();
        for (at, byte) in hits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        prop_assert!(is_sound([bytes.into(), der(CA)].into()));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        prop_assert!(is_sound([bytes.into()].into()));
    }
}
