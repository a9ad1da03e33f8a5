//! Which certificate a client is shown.
use super::{Client, Made, NEW, OLD, anyone, connect, get, shown, site, site_with};
use crate::{
    proxy::{publish, publish_anyway, run, serve, serve_anyway, settings, written},
    wire::Server,
};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::PKCS_RSA_SHA256;
use rustls::{ALL_VERSIONS, SignatureScheme};
use std::sync::Arc;

const GENERATED: &[u8] = b"TRAEFIK DEFAULT CERT";

fn is_generated(certificate: &[u8]) -> bool {
    certificate.windows(GENERATED.len()).any(|window| window == GENERATED)
}

#[test]
fn the_certificate_follows_the_name() {
    run(async {
        let url = Server::start().await.echo();
        let (exact, wildcard) = (Made::of(&["a.b.test"]), Made::of(&["*.b.test", "c.test"]));
        let served = serve(settings(), written(&site_with(&url, &[&exact, &wildcard]))).await;
        for (name, made) in [
            ("a.b.test", Some(&exact)),
            ("A.B.Test", Some(&exact)),
            ("x.b.test", Some(&wildcard)),
            ("c.test", Some(&wildcard)),
            ("b.test", None),
            ("x.a.b.test", None),
            ("127.0.0.1", None),
        ] {
            let wire = connect(served.address, name, &anyone()).await.unwrap();
            match made {
                Some(made) => assert_eq!(shown(&wire), &made.certificate, "{name}"),
                None => assert!(is_generated(shown(&wire)), "{name}"),
            }
        }
    });
}

#[test]
fn a_default_certificate_takes_the_place_of_the_generated_one() {
    run(async {
        let url = Server::start().await.echo();
        let made = Made::of(&["else.test"]);
        let store =
            format!("tls: {{stores: {{default: {{defaultCertificate: {}}}}}}}\n", made.yaml());
        let served = serve(settings(), written(&(site(&url) + &store))).await;
        let wire = connect(served.address, "any.test", &anyone()).await.unwrap();
        assert_eq!(shown(&wire), &made.certificate);
    });
}

#[test]
fn without_a_name_the_address_that_the_client_connected_to_counts() {
    run(async {
        let url = Server::start().await.echo();
        let (here, there) = (Made::of(&["127.0.0.1"]), Made::of(&["127.0.0.2"]));
        let served = serve(settings(), written(&site_with(&url, &[&there, &here]))).await;
        let mut config = Client::default().config();
        config.enable_sni = false;
        let wire = connect(served.address, "a.test", &Arc::new(config)).await.unwrap();
        assert_eq!(shown(&wire), &here.certificate);
    });
}

#[test]
fn of_two_kinds_of_key_a_client_is_shown_the_one_that_it_takes() {
    run(async {
        let url = Server::start().await.echo();
        let ecdsa = Made::of(&["a.test"]);
        let rsa = Made::with_key(&["a.test"], &PKCS_RSA_SHA256);
        let served = serve(settings(), written(&site_with(&url, &[&rsa, &ecdsa]))).await;
        for (schemes, made) in [
            (vec![], &ecdsa),
            (vec![SignatureScheme::ECDSA_NISTP256_SHA256], &ecdsa),
            (vec![SignatureScheme::RSA_PSS_SHA256], &rsa),
        ] {
            let config = Client { schemes: schemes.clone(), ..Client::default() }.config();
            let wire = connect(served.address, "a.test", &Arc::new(config)).await.unwrap();
            assert_eq!(shown(&wire), &made.certificate, "{schemes:?}");
        }
    });
}

#[test]
fn of_two_kinds_of_key_a_client_is_shown_one_that_fits_the_suites() {
    const RSA_ONLY: &str = "cipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]";
    run(async {
        let url = Server::start().await.echo();
        let ecdsa = Made::of(&["a.test"]);
        let rsa = Made::with_key(&["a.test"], &PKCS_RSA_SHA256);
        for (options, versions, made) in [
            (RSA_ONLY.to_owned(), OLD, &rsa),
            (RSA_ONLY.to_owned(), NEW, &ecdsa),
            (format!("{RSA_ONLY}, maxVersion: VersionTLS12"), ALL_VERSIONS, &rsa),
            (RSA_ONLY.replace("RSA", "ECDSA"), OLD, &ecdsa),
        ] {
            let tls = format!(
                "tls: {{certificates: [{}, {}], options: {{default: {{{options}}}}}}}\n",
                rsa.yaml(),
                ecdsa.yaml()
            );
            let served = serve(settings(), written(&(site(&url) + &tls))).await;
            let mut client = Client { versions, ..Client::default() };
            if versions == OLD {
                client.provider.cipher_suites.retain(|suite| suite.tls13().is_none());
            }
            let wire = connect(served.address, "a.test", &Arc::new(client.config())).await;
            let wire = wire.unwrap_or_else(|error| panic!("{options} {versions:?}: {error}"));
            assert_eq!(shown(&wire), &made.certificate, "{options} {versions:?}");
        }
    });
}

#[test]
fn strict_sni_refuses_a_name_without_certificate() {
    run(async {
        let url = Server::start().await.echo();
        let made = Made::of(&["a.test"]);
        let tls = format!(
            "tls: {{certificates: [{}], options: {{default: {{sniStrict: true}}}}}}\n",
            made.yaml()
        );
        let served = serve(settings(), written(&(site(&url) + &tls))).await;
        assert!(get(served.address, "a.test", &anyone()).await.is_ok());
        for name in ["b.test", "127.0.0.1"] {
            let refused = get(served.address, name, &anyone()).await;
            assert_eq!(refused, Err("AccessDenied".into()), "{name}");
        }
    });
}

#[test]
fn a_reload_changes_certificates_for_new_connections_while_old_ones_go_on() {
    run(async {
        let url = Server::start().await.echo();
        let (old, new) = (Made::of(&["a.test"]), Made::of(&["a.test"]));
        let served = serve(settings(), written(&site_with(&url, &[&old]))).await;
        let mut h1 = connect(served.address, "a.test", &anyone()).await.unwrap();
        let mut config = Client::default().config();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let h2 = connect(served.address, "a.test", &Arc::new(config)).await.unwrap();
        assert_eq!([shown(&h1), shown(&h2)], [&old.certificate; 2]);
        let h2 = TokioIo::new(h2.stream);
        let (mut h2, driver) = http2::handshake(TokioExecutor::new(), h2).await.unwrap();
        tokio::task::spawn_local(driver);
        for round in 0..2 {
            assert_eq!(h1.get("/").await.first(), "HTTP/1.1 200 OK", "{round}");
            let request = Request::get("https://a.test/").body(Empty::<Bytes>::new()).unwrap();
            let answer = h2.send_request(request).await.unwrap();
            assert_eq!(answer.status(), 200, "{round}");
            answer.into_body().collect().await.unwrap();
            publish(&served.proxy, written(&site_with(&url, &[&new])));
        }
        let wire = connect(served.address, "a.test", &anyone()).await.unwrap();
        assert_eq!(shown(&wire), &new.certificate);
    });
}

#[test]
fn a_pair_that_does_not_fit_takes_out_only_itself_and_says_so() {
    run(async {
        let url = Server::start().await.echo();
        let (good, bad) = (Made::of(&["a.test"]), Made::of(&["b.test"]));
        let mixed = Made { certificate: bad.certificate.clone(), key: good.key.clone() };
        let served = serve_anyway(settings()).await;
        let configuration = written(&site_with(&url, &[&mixed, &good]));
        let told = publish_anyway(&served.proxy, configuration);
        let [one] = &told[..] else { panic!("{told:?}") };
        let line = one.to_string();
        let (_, message) = line.split_once("keyFile").unwrap();
        assert_eq!(message, ": the key belongs to another certificate than the one in certFile");
        let wire = connect(served.address, "a.test", &anyone()).await.unwrap();
        assert_eq!(shown(&wire), &good.certificate);
        let wire = connect(served.address, "b.test", &anyone()).await.unwrap();
        assert!(is_generated(shown(&wire)));
    });
}

#[test]
fn no_key_is_shown_where_the_proxy_is_printed() {
    run(async {
        let made = Made::of(&["a.test"]);
        let configuration = written(&site_with("http://127.0.0.1:1", &[&made]));
        let told = format!("{configuration:?}");
        let served = serve(settings(), configuration).await;
        let told = told + &format!("{:?} {:?}", served.proxy, served.proxy.plan());
        let line = made.key_pem().lines().nth(1).unwrap().to_owned();
        let bytes = format!("{:?}", &made.key[..32]);
        for secret in [&line, bytes.trim_matches(['[', ']'])] {
            assert!(!told.contains(secret), "{told}");
        }
    });
}
