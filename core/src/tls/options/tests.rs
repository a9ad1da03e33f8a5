use super::*;
use alloc::{string::ToString, vec};

const CA: &str = include_str!("../certificate/pem/p384.pem");

fn read(edit: impl FnOnce(&mut written::Options)) -> Result<(Options, String), String> {
    let mut options = written::Options::default();
    edit(&mut options);
    let mut warnings = Vec::new();
    let line = |(option, message): Wrong| format!("{option}: {message}");
    let read = Options::read("o@file".into(), &options, &mut warnings).map_err(line)?;
    Ok((read, warnings.into_iter().map(line).collect::<Vec<_>>().join("\n")))
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn auth(kind: &str, ca_files: &[&str]) -> Result<ClientAuth, String> {
    let ca_files = ca_files.iter().map(|text| File::new(text)).collect();
    let client_auth = written::ClientAuth { ca_files, client_auth_type: kind.into() };
    read(|options| options.client_auth = client_auth).map(|(options, _)| options.client_auth)
}

#[test]
fn options_without_anything_are_the_safe_defaults() {
    let (options, warnings) = read(|_| {}).unwrap();
    assert_eq!(options, Options { name: "o@file".into(), ..Options::builtin() });
    assert_eq!(warnings, "");
    let (lists, _) = read(|options| options.alpn_protocols = Some(strings(&["h2"]))).unwrap();
    assert_eq!(*lists.protocols, [Box::from(&b"h2"[..])]);
}

#[test]
fn versions_that_are_not_safe_are_not_spoken() {
    use Version::{Tls12, Tls13};
    for (min, max, versions, warned) in [
        ("", "", (Tls12, Tls13), false),
        ("VersionTLS13", "", (Tls13, Tls13), false),
        ("", "VersionTLS12", (Tls12, Tls12), false),
        ("VersionTLS10", "VersionTLS13", (Tls12, Tls13), true),
        ("TLS13", "1.2", (Tls12, Tls13), true),
    ] {
        let (options, warnings) = read(|options| {
            options.min_version = min.into();
            options.max_version = max.into();
        })
        .unwrap();
        assert_eq!((options.min_version, options.max_version), versions, "{min} {max}");
        assert_eq!(!warnings.is_empty(), warned, "{min} {max}");
    }
}

#[test]
fn suites_and_groups_go_by_their_names() {
    let (options, warnings) = read(|options| {
        options.cipher_suites = strings(&[
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
            "TLS_AES_128_GCM_SHA256",
        ]);
        options.curve_preferences = strings(&["X25519", "CurveP521", "secp256r1", "x25519"]);
    })
    .unwrap();
    assert_eq!(options.cipher_suites.as_deref(), Some(&[0xcca8][..]));
    assert_eq!(options.groups.as_deref(), Some(&[0x001d, 0x0017][..]));
    insta::assert_snapshot!(warnings, @"
    cipherSuites: not spoken, as it is not safe or not common: TLS_RSA_WITH_AES_128_CBC_SHA
    curvePreferences: not spoken, as it is not safe or not common: CurveP521
    ");
}

#[test]
fn unsafe_suites_alone_leave_tls_1_3() {
    let (options, _) = read(|options| {
        options.cipher_suites = strings(&["TLS_RSA_WITH_AES_128_CBC_SHA"]);
    })
    .unwrap();
    assert_eq!((options.min_version, options.max_version), (Version::Tls13, Version::Tls13));
}

#[test]
fn what_nobody_can_carry_out_is_an_error() {
    type Edit = fn(&mut written::Options);
    let cases: [Edit; 8] = [
        |it| it.max_version = "VersionTLS11".into(),
        |it| (it.min_version, it.max_version) = ("VersionTLS13".into(), "VersionTLS12".into()),
        |it| it.cipher_suites = strings(&["TLS_NONE"]),
        |it| {
            it.cipher_suites = strings(&["TLS_RSA_WITH_RC4_128_SHA"]);
            it.max_version = "VersionTLS12".into();
        },
        |it| it.curve_preferences = strings(&["P256"]),
        |it| it.curve_preferences = strings(&["CurveP521"]),
        |it| it.client_auth.client_auth_type = "Sometimes".into(),
        |it| it.alpn_protocols = Some(strings(&[""])),
    ];
    let said = cases.map(|edit| read(edit).unwrap_err());
    insta::assert_snapshot!(said.join("\n"), @r#"
    maxVersion: VersionTLS11 is not safe and not spoken
    minVersion: it is above maxVersion: nobody could connect
    cipherSuites: invalid CipherSuite: TLS_NONE
    cipherSuites: none of them is spoken: nobody could connect
    curvePreferences: invalid CurveID in curvePreferences: P256
    curvePreferences: none of them is spoken: nobody could connect
    clientAuth.clientAuthType: unknown client auth type "Sometimes"
    alpnProtocols: a name must have 1 to 255 bytes
    "#);
}

#[test]
fn authorities_imply_that_clients_are_verified() {
    let authorities = || Authorities(vec![Bytes::from_static(CA.as_bytes())].into());
    assert_eq!(auth("", &[]), Ok(ClientAuth::None));
    assert_eq!(auth("", &[CA]), Ok(ClientAuth::RequireAndVerify(authorities())));
    assert_eq!(auth("NoClientCert", &[CA]), Ok(ClientAuth::None));
    assert_eq!(auth("RequestClientCert", &[CA]), Ok(ClientAuth::Request));
    assert_eq!(auth("RequireAnyClientCert", &[]), Ok(ClientAuth::Require));
    let if_given = auth("VerifyClientCertIfGiven", &[CA]);
    assert_eq!(if_given, Ok(ClientAuth::VerifyIfGiven(authorities())));
    let said = [
        auth("VerifyClientCertIfGiven", &[]),
        auth("RequireAndVerifyClientCert", &[]),
        auth("", &["ca.pem"]),
        auth("", &[CA, "-----BEGIN NOTHING-----"]),
    ]
    .map(Result::unwrap_err);
    insta::assert_snapshot!(said.join("\n"), @r#"
    clientAuth.caFiles: invalid clientAuthType: VerifyClientCertIfGiven, CAFiles is required
    clientAuth.caFiles: invalid clientAuthType: RequireAndVerifyClientCert, CAFiles is required
    clientAuth.caFiles[0]: "ca.pem" was not read
    clientAuth.caFiles[1]: invalid certificate(s) in/content: the PEM text is damaged
    "#);
}
