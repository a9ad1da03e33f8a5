//! Sessions that go on: never where it was not let in.
use super::{Authority, Client, Made, NEW, OLD, ask, connect, get};
use crate::{
    proxy::{publish, run, serve, settings, written},
    wire::Server,
};
use rustls::{
    ClientConfig, HandshakeKind, NamedGroup,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
        Tls12Resumption, Tls13ClientSessionValue,
    },
    pki_types::ServerName,
};
use std::{net::SocketAddr, sync::Arc};

const FULL: HandshakeKind = HandshakeKind::Full;
const RESUMED: HandshakeKind = HandshakeKind::Resumed;

/// Offers the session of any name to any other.
#[derive(Debug)]
struct Shared(ClientSessionMemoryCache);

impl Shared {
    fn key() -> ServerName<'static> {
        ServerName::try_from("any").unwrap()
    }
}

impl ClientSessionStore for Shared {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(name)
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(Self::key(), value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(&Self::key())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.0.remove_tls12_session(&Self::key());
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(Self::key(), value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(&Self::key())
    }
}

/// The ways to resume: tickets of TLS 1.3, tickets of TLS 1.2, and sessions that the server remembers.
fn ways(shows: Option<&Made>) -> [(&'static str, Arc<ClientConfig>); 3] {
    [
        ("1.3", NEW, Tls12Resumption::Disabled),
        ("1.2 ticket", OLD, Tls12Resumption::SessionIdOrTickets),
        ("1.2 session", OLD, Tls12Resumption::SessionIdOnly),
    ]
    .map(|(way, versions, old)| {
        let mut config = Client { versions, shows, ..Client::default() }.config();
        let store = Shared(ClientSessionMemoryCache::new(8));
        config.resumption = Resumption::store(Arc::new(store)).tls12_resumption(old);
        (way, Arc::new(config))
    })
}

/// Which handshake it was, and whether the request was answered.
async fn visit(
    address: SocketAddr,
    name: &str,
    config: &Arc<ClientConfig>,
) -> (HandshakeKind, Result<String, String>) {
    let mut wire = connect(address, name, config).await.unwrap();
    let kind = wire.stream.get_ref().1.handshake_kind().unwrap();
    (kind, ask(&mut wire, name).await)
}

/// `lax.test` under the default options, `strict.test` for clients that the authority knows.
fn sites(url: &str, authority: &Authority, default: &str) -> String {
    format!(
        "
http:
  routers:
    lax: {{rule: 'Host(`lax.test`)', service: app, middlewares: [cert], tls: {{}}}}
    strict:
      {{rule: 'Host(`strict.test`)', service: app, middlewares: [cert], tls: {{options: strict}}}}
  middlewares:
    cert: {{passTLSClientCert: {{pem: true}}}}
  services:
    app: {{loadBalancer: {{servers: [{{url: '{url}'}}]}}}}
tls:
  options:
    strict: {{clientAuth: {{caFiles: [{:?}]}}}}
    default: {{{default}}}
",
        authority.pem
    )
}

#[test]
fn sessions_are_resumed_also_after_a_reload_that_leaves_their_options() {
    run(async {
        let url = Server::start().await.echo();
        let authority = Authority::new("Known");
        let served = serve(settings(), written(&sites(&url, &authority, ""))).await;
        let configs = ways(None);
        for (way, config) in &configs {
            assert_eq!(visit(served.address, "lax.test", config).await.0, FULL, "{way}");
            assert_eq!(visit(served.address, "lax.test", config).await.0, RESUMED, "{way}");
        }
        let other = Server::start().await.echo();
        publish(&served.proxy, written(&sites(&other, &authority, "")));
        for (way, config) in &configs {
            let (kind, answer) = visit(served.address, "lax.test", config).await;
            assert_eq!((kind, answer.is_ok()), (RESUMED, true), "{way}");
        }
        publish(
            &served.proxy,
            written(&sites(
                &other,
                &authority,
                "sniStrict: false, minVersion: VersionTLS12, cipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
            )),
        );
        for (way, config) in &configs {
            assert_eq!(visit(served.address, "lax.test", config).await.0, FULL, "{way}");
        }
    });
}

#[test]
fn a_resumed_session_still_knows_the_clients_certificate() {
    run(async {
        let url = Server::start().await.echo();
        let authority = Authority::new("Known");
        let served = serve(settings(), written(&sites(&url, &authority, ""))).await;
        let known = authority.certify("client");
        for (way, config) in ways(Some(&known)) {
            let (_, first) = visit(served.address, "strict.test", &config).await;
            let (kind, second) = visit(served.address, "strict.test", &config).await;
            assert_eq!(kind, RESUMED, "{way}");
            let told = |answer: &str| {
                let line = answer.lines().find(|line| line.contains("Client-Cert: "));
                line.unwrap().to_owned()
            };
            assert_eq!(told(&first.unwrap()), told(&second.unwrap()), "{way}");
        }
    });
}

#[test]
fn a_session_got_under_lax_options_lets_nobody_in_under_strict_ones() {
    run(async {
        let url = Server::start().await.echo();
        let authority = Authority::new("Known");
        let served = serve(settings(), written(&sites(&url, &authority, ""))).await;
        for (way, config) in ways(None) {
            assert!(visit(served.address, "lax.test", &config).await.1.is_ok());
            let refused = get(served.address, "strict.test", &config).await;
            assert_eq!(refused, Err("CertificateRequired".into()), "{way}");
        }
        // With the name that the session is for, too.
        let configs = ways(None);
        for (way, config) in &configs {
            assert!(visit(served.address, "lax.test", config).await.1.is_ok(), "{way}");
        }
        let strict = format!("clientAuth: {{caFiles: [{:?}]}}", authority.pem);
        publish(&served.proxy, written(&sites(&url, &authority, &strict)));
        for (way, config) in &configs {
            let refused = get(served.address, "lax.test", config).await;
            assert_eq!(refused, Err("CertificateRequired".into()), "{way}");
        }
    });
}
