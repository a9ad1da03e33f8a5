//! Certificates of clients.
use super::{Authority, Client, Made, NEW, OLD, get};
use crate::{
    proxy::{run, serve, settings, written},
    wire::Server,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::sync::Arc;

/// A site whose clients are asked for certificates; servers are told of them.
fn site(url: &str, client_auth: &str) -> String {
    format!(
        "
http:
  routers:
    app: {{rule: 'PathPrefix(`/`)', service: app, middlewares: [cert], tls: {{}}}}
  middlewares:
    cert: {{passTLSClientCert: {{pem: true}}}}
  services:
    app: {{loadBalancer: {{servers: [{{url: '{url}'}}]}}}}
tls: {{options: {{default: {{clientAuth: {{{client_auth}}}}}}}}}
"
    )
}

/// What the server is told of the client's certificate.
fn told(body: &str) -> Option<&str> {
    body.lines().find_map(|line| line.strip_prefix("X-Forwarded-Tls-Client-Cert: "))
}

fn expected(made: &Made) -> String {
    let text = BASE64_STANDARD.encode(&made.certificate);
    text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[test]
fn clients_are_let_in_by_their_certificates() {
    const REQUIRED: Result<bool, &str> = Err("CertificateRequired");
    const UNKNOWN: Result<bool, &str> = Err("UnknownCA");
    const FORGED: Result<bool, &str> = Err("DecryptError");
    // What becomes of who shows no certificate, one of a stranger, one of an authority that only has the
    // name of ours, one of ours: whether the server is told of it, or the alert.
    let cases = [
        ("NoClientCert", true, [Ok(false); 4]),
        ("NoClientCert", false, [Ok(false); 4]),
        ("RequestClientCert", false, [Ok(false), Ok(true), Ok(true), Ok(true)]),
        ("RequireAnyClientCert", false, [REQUIRED, Ok(true), Ok(true), Ok(true)]),
        ("VerifyClientCertIfGiven", true, [Ok(false), UNKNOWN, FORGED, Ok(true)]),
        ("RequireAndVerifyClientCert", true, [REQUIRED, UNKNOWN, FORGED, Ok(true)]),
        ("", true, [REQUIRED, UNKNOWN, FORGED, Ok(true)]),
        ("", false, [Ok(false); 4]),
    ];
    for (kind, with_authorities, outcomes) in cases {
        run(async move {
            let [stranger, impostor, known] = ["Stranger", "Known", "Known"].map(Authority::new);
            let made = [&stranger, &impostor, &known].map(|it| it.certify("client"));
            let mut auth = format!("clientAuthType: '{kind}'");
            if with_authorities {
                auth += &format!(", caFiles: [{:?}]", known.pem);
            }
            let url = Server::start().await.echo();
            let served = serve(settings(), written(&site(&url, &auth))).await;
            for versions in [OLD, NEW] {
                let shown = std::iter::once(None).chain(made.iter().map(Some));
                for (shows, outcome) in shown.zip(outcomes) {
                    let client = Client { versions, shows, ..Client::default() };
                    let got = get(served.address, "a.test", &Arc::new(client.config())).await;
                    let got = got.map(|body| match told(&body) {
                        None => false,
                        Some(told) => {
                            assert_eq!(told, expected(shows.unwrap()));
                            true
                        }
                    });
                    let got = got.as_ref().map_err(String::as_str);
                    assert_eq!(got.copied(), outcome, "{kind:?} {versions:?}");
                }
            }
        });
    }
}

#[test]
fn a_client_must_have_the_key_of_the_certificate_that_it_shows() {
    run(async {
        let (mine, theirs) = (Made::of(&["a"]), Made::of(&["b"]));
        let stolen = Made { certificate: theirs.certificate.clone(), key: mine.key };
        let url = Server::start().await.echo();
        let auth = "clientAuthType: RequireAnyClientCert";
        let served = serve(settings(), written(&site(&url, auth))).await;
        for versions in [OLD, NEW] {
            // Who uses a stolen certificate does not check the pair itself.
            let mut config = Client { versions, ..Client::default() }.config();
            config.client_auth_cert_resolver = Arc::new(stolen.unchecked());
            let got = get(served.address, "a.test", &Arc::new(config)).await;
            assert_eq!(got, Err("DecryptError".into()), "{versions:?}");
        }
    });
}
