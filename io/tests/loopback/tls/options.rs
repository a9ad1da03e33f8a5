//! How TLS is spoken, and under which options.
use super::{Client, NEW, OLD, anyone, ask, connect, get, site, why};
use crate::{
    proxy::{publish_anyway, run, serve, serve_anyway, settings, written},
    wire::{Server, Wire},
};
use rustls::{
    CipherSuite, NamedGroup, ProtocolVersion,
    crypto::aws_lc_rs::{ALL_CIPHER_SUITES, ALL_KX_GROUPS},
};
use std::sync::Arc;

/// An HTTPS router for everything, under these default options.
fn site_under(url: &str, options: &str) -> String {
    format!("{}tls: {{options: {{default: {options}}}}}\n", site(url))
}

#[test]
fn what_is_spoken_inside_is_agreed_on() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), written(&site(&url))).await;
        let cases: [(&[&str], _); 5] = [
            (&["h2", "http/1.1"], Ok(Some("h2"))),
            (&["http/1.1", "h2"], Ok(Some("h2"))),
            (&["http/1.1"], Ok(Some("http/1.1"))),
            (&[], Ok(None)),
            (&["smtp"], Err("NoApplicationProtocol")),
        ];
        for (offered, agreed) in cases {
            let mut config = Client::default().config();
            config.alpn_protocols = offered.iter().map(|it| it.as_bytes().to_vec()).collect();
            let told = connect(served.address, "a.test", &Arc::new(config)).await;
            let told = told.map_err(|error| why(&error)).map(|wire| {
                let agreed = wire.stream.get_ref().1.alpn_protocol();
                agreed.map(|it| String::from_utf8(it.to_vec()).unwrap())
            });
            let told = told.as_ref().map(Option::as_deref).map_err(String::as_str);
            assert_eq!(told, agreed, "{offered:?}");
        }
    });
}

#[test]
fn versions_are_honoured_and_others_refused() {
    for (options, old, new) in [
        ("{}", true, true),
        ("{minVersion: VersionTLS13}", false, true),
        ("{maxVersion: VersionTLS12}", true, false),
        ("{minVersion: VersionTLS12, maxVersion: VersionTLS13}", true, true),
    ] {
        run(async move {
            let url = Server::start().await.echo();
            let served = serve(settings(), written(&site_under(&url, options))).await;
            for (versions, spoken) in [(OLD, old), (NEW, new)] {
                let config = Arc::new(Client { versions, ..Client::default() }.config());
                let told = get(served.address, "a.test", &config).await;
                let refused = Err("ProtocolVersion".to_owned());
                assert!(if spoken { told.is_ok() } else { told == refused }, "{options} {told:?}");
            }
        });
    }
}

#[test]
fn cipher_suites_are_honoured_and_others_refused() {
    run(async {
        let options = "{maxVersion: VersionTLS12, \
            cipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]}";
        let url = Server::start().await.echo();
        let served = serve(settings(), written(&site_under(&url, options))).await;
        for (suite, spoken) in [
            (CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, true),
            (CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, false),
        ] {
            let mut client = Client { versions: OLD, ..Client::default() };
            let suites = ALL_CIPHER_SUITES.iter().filter(|it| it.suite() == suite);
            client.provider.cipher_suites = suites.copied().collect();
            let told = get(served.address, "a.test", &Arc::new(client.config())).await;
            let refused = Err("HandshakeFailure".to_owned());
            assert!(if spoken { told.is_ok() } else { told == refused }, "{suite:?} {told:?}");
        }
    });
}

#[test]
fn curves_are_honoured_and_others_refused() {
    use NamedGroup::{X25519, secp256r1, secp384r1};
    run(async {
        let url = Server::start().await.echo();
        let options = "{curvePreferences: [CurveP384, X25519]}";
        let served = serve(settings(), written(&site_under(&url, options))).await;
        // Among those that are spoken the client has the choice.
        for (versions, offered, spoken) in [
            (NEW, vec![secp384r1], Some(secp384r1)),
            (NEW, vec![X25519], Some(X25519)),
            (NEW, vec![X25519, secp384r1], Some(X25519)),
            (NEW, vec![secp256r1, X25519], Some(X25519)),
            (NEW, vec![secp256r1], None),
            (OLD, vec![secp256r1, secp384r1, X25519], Some(secp384r1)),
            (OLD, vec![secp256r1], None),
        ] {
            let mut client = Client { versions, ..Client::default() };
            let group = |name| ALL_KX_GROUPS.iter().copied().find(move |it| it.name() == name);
            client.provider.kx_groups = offered.iter().copied().filter_map(group).collect();
            let told = connect(served.address, "a.test", &Arc::new(client.config())).await;
            let told = told.map_err(|error| why(&error)).map(|wire| {
                let group = wire.stream.get_ref().1.negotiated_key_exchange_group();
                group.unwrap().name()
            });
            let spoken = spoken.ok_or_else(|| "HandshakeFailure".into());
            assert_eq!(told, spoken, "{versions:?} {offered:?}");
        }
    });
}

#[test]
fn a_group_that_withstands_quantum_computers_is_spoken() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), written(&site(&url))).await;
        let config = Arc::new(Client::of_today().config());
        let wire = connect(served.address, "a.test", &config).await.unwrap();
        let (_, session) = wire.stream.get_ref();
        let group = session.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, NamedGroup::X25519MLKEM768);
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    });
}

#[test]
fn https_routers_answer_only_tls_and_others_only_what_is_clear() {
    run(async {
        let url = Server::start().await.echo();
        let text = format!(
            "
http:
  routers:
    secure: {{rule: 'Host(`secure.test`)', service: app, tls: {{}}}}
    clear: {{rule: 'Host(`clear.test`)', service: app}}
  services:
    app: {{loadBalancer: {{servers: [{{url: '{url}'}}]}}}}
"
        );
        let served = serve(settings(), written(&text)).await;
        let told = get(served.address, "secure.test", &anyone()).await.unwrap();
        assert!(told.contains("X-Forwarded-Proto: https\r\n"), "{told}");
        let told = get(served.address, "clear.test", &anyone()).await;
        assert_eq!(told, Err("404".into()));
        for (host, status, told) in
            [("clear.test", "200", "X-Forwarded-Proto: http\r\n"), ("secure.test", "404", "")]
        {
            let mut client = Wire::connect(served.address).await;
            client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
            let answer = client.message().await.unwrap();
            assert!(answer.first().contains(status), "{host}: {}", answer.first());
            assert!(answer.text().contains(told), "{host}: {}", answer.text());
        }
    });
}

#[test]
fn a_connection_within_tls_becomes_a_tunnel() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), written(&site(&server.url()))).await;
        let mut client = connect(served.address, "a.test", &anyone()).await.unwrap();
        client
            .send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            .await;
        let mut wire = server.accept().await;
        wire.head().await.unwrap();
        wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            .await;
        client.head().await.unwrap();
        for _ in 0..2 {
            client.send("ping").await;
            assert_eq!(wire.exactly(4).await, b"ping");
            wire.send("pong").await;
            assert_eq!(client.exactly(4).await, b"pong");
        }
    });
}

/// `lax.test` under the default options, `strict.test` under others.
fn two_sites(url: &str, options: &str) -> String {
    format!(
        "
http:
  routers:
    lax: {{rule: 'Host(`lax.test`)', service: app, tls: {{}}}}
    strict: {{rule: 'Host(`strict.test`)', service: app, tls: {{options: strict}}}}
  services:
    app: {{loadBalancer: {{servers: [{{url: '{url}'}}]}}}}
tls: {{options: {{{options}}}}}
"
    )
}

#[test]
fn a_host_that_needs_other_options_is_misdirected() {
    run(async {
        let url = Server::start().await.echo();
        let text = two_sites(&url, "strict: {minVersion: VersionTLS13}");
        let served = serve(settings(), written(&text)).await;
        for (name, host, told) in [
            ("lax.test", "lax.test", None),
            ("strict.test", "strict.test", None),
            ("strict.test", "STRICT.test:443", None),
            ("lax.test", "strict.test", Some("421")),
            ("lax.test", "strict.test.:443", Some("421")),
            ("strict.test", "lax.test", Some("421")),
            ("127.0.0.1", "strict.test", Some("421")),
        ] {
            let mut wire = connect(served.address, name, &anyone()).await.unwrap();
            assert_eq!(ask(&mut wire, host).await.err().as_deref(), told, "{name} {host}");
        }
    });
}

#[test]
fn a_host_whose_options_are_unknown_or_broken_is_refused() {
    for options in ["other: {}", "strict: {minVersion: VersionTLS13, maxVersion: VersionTLS12}"] {
        run(async move {
            let url = Server::start().await.echo();
            let served = serve_anyway(settings()).await;
            let told = publish_anyway(&served.proxy, written(&two_sites(&url, options)));
            assert!(!told.is_empty());
            let refused = get(served.address, "strict.test", &anyone()).await;
            assert_eq!(refused, Err("InternalError".into()), "{options}");
            assert!(get(served.address, "lax.test", &anyone()).await.is_ok(), "{options}");
        });
    }
}
