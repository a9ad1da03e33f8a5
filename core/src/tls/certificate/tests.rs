use super::*;
use alloc::{borrow::ToOwned, format, vec::Vec};

const RSA: &str = include_str!("pem/rsa.pem");
/// Nobody looks into it here.
const KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";

fn read(chain: &str) -> Result<Certificate, (&'static str, String)> {
    let count = Load(|chain, _| Ok(Arc::new(chain.len())));
    Certificate::read("a.pem@file".into(), chain.as_bytes(), KEY, count)
}

#[test]
fn names_and_keys_of_certificates_are_read() {
    let files = [
        RSA,
        include_str!("pem/p256.pem"),
        include_str!("pem/p384.pem"),
        include_str!("pem/p521.pem"),
        include_str!("pem/ed25519.pem"),
        include_str!("pem/secp256k1.pem"),
        include_str!("pem/chain.pem"),
    ];
    let lines = files.map(|pem| {
        let certificate = read(pem).unwrap();
        let name = |Name { text, source }: &Name| match source {
            Source::AlternativeName => text.clone().into(),
            Source::CommonName => format!("({text})"),
        };
        let names: Vec<String> = certificate.names.iter().map(name).collect();
        let (kind, count) = (certificate.kind, certificate.pair.downcast_ref::<usize>().unwrap());
        format!("{kind:?} of {count}: {}", names.join(" "))
    });
    insta::assert_snapshot!(lines.join("\n"), @"
    Rsa of 1: *.example.com 10.0.0.1 2001:db8::1 rsa.example.com
    EcdsaP256 of 1: (ignored.example) p256.example
    EcdsaP384 of 1: (only-common.example)
    EcdsaP521 of 1: 
    Ed25519 of 1: (ed.example)
    Other of 1: (odd.example)
    Rsa of 2: *.example.com 10.0.0.1 2001:db8::1 rsa.example.com
    ");
    assert_eq!(read(RSA).unwrap().not_after, 2_110_925_854);
}

#[test]
fn what_is_wrong_with_a_pair_is_said() {
    let damaged = RSA.replace("MII", "M!I");
    let no_certificate = "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n";
    let mut said: Vec<_> = ["", "nonsense", &damaged, no_certificate]
        .into_iter()
        .map(|chain| read(chain).unwrap_err())
        .collect();
    for key in ["", RSA] {
        let load = Load::default();
        said.push(Certificate::read("a".into(), RSA.as_bytes(), key.as_bytes(), load).unwrap_err());
    }
    let load = Load(|_, _| Err("it belongs to another certificate".into()));
    said.push(Certificate::read("a".into(), RSA.as_bytes(), KEY, load).unwrap_err());
    let said: Vec<_> = said.into_iter().map(|(option, why)| format!("{option}: {why}")).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    certFile: no certificate in it; PEM text or the path of a PEM file is needed
    certFile: no certificate in it; PEM text or the path of a PEM file is needed
    certFile: the PEM text is damaged
    certFile: the first certificate in it cannot be read
    keyFile: no private key in it; PEM text or the path of a PEM file is needed
    keyFile: no private key in it; PEM text or the path of a PEM file is needed
    keyFile: it belongs to another certificate
    ");
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", read(RSA).unwrap());
    assert!(shown.contains("rsa.example.com") && !shown.contains("c2VjcmV0"), "{shown}");
    let bytes = format!("{:?}", b"secret");
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}

#[test]
fn a_key_suits_clients_that_take_its_signatures() {
    let cases: [(KeyKind, &[u16], bool); 6] = [
        (KeyKind::EcdsaP256, &[0x0804, 0x0403], true),
        (KeyKind::EcdsaP256, &[0x0503, 0x0804], false),
        (KeyKind::Rsa, &[0x0804], true),
        (KeyKind::Rsa, &[0x0401], true),
        (KeyKind::Rsa, &[], false),
        (KeyKind::Other, &[0x0403, 0x0804, 0x0807], false),
    ];
    for (kind, schemes, suits) in cases {
        assert_eq!(kind.suits(schemes), suits, "{kind:?} {schemes:x?}");
    }
    let sorted = KeyKind::ALL.to_owned();
    assert!(sorted.is_sorted());
}
