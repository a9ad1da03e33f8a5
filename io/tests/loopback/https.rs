//! Servers behind TLS.
use crate::{
    proxy::{run, serve, settings, to},
    wire::{Server, Wire},
};
use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use rutter::clock::Clock;
use std::{cell::Cell, convert::Infallible, rc::Rc, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// For `localhost`, signed by itself, good for a hundred years.
const CERTIFICATE: &[u8] = include_bytes!("https/certificate.pem");
const KEY: &[u8] = include_bytes!("https/key.pem");
/// The same from somebody else.
const OTHER_CERTIFICATE: &[u8] = include_bytes!("https/other-certificate.pem");
const OTHER_KEY: &[u8] = include_bytes!("https/other-key.pem");

#[derive(Clone)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// The certificate that servers show here, and that clients may.
pub(crate) fn certificate() -> &'static str {
    std::str::from_utf8(CERTIFICATE).unwrap()
}

/// The certificate of servers that [`secure_other`] starts.
pub(crate) fn other_certificate() -> &'static str {
    std::str::from_utf8(OTHER_CERTIFICATE).unwrap()
}

/// Its key.
pub(crate) fn key() -> &'static str {
    std::str::from_utf8(KEY).unwrap()
}

/// Whose certificate a server wants to see.
fn clients(asked: bool) -> Arc<dyn ClientCertVerifier> {
    let provider = Arc::new(default_provider());
    if !asked {
        return WebPkiClientVerifier::no_client_auth();
    }
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap()
}

/// A server that answers with the version it was spoken to in, and asks clients for a certificate or
/// not. Returns its port.
pub(crate) async fn secure(protocols: &[&[u8]], asks: bool) -> u16 {
    secure_as((CERTIFICATE, KEY), protocols, asks, Rc::default()).await
}

/// The same with another certificate.
pub(crate) async fn secure_other(protocols: &[&[u8]]) -> u16 {
    secure_as((OTHER_CERTIFICATE, OTHER_KEY), protocols, false, Rc::default()).await
}

/// The same, counting the handshakes that went well.
pub(crate) async fn secure_counted(handshakes: Rc<Cell<usize>>) -> u16 {
    secure_as((CERTIFICATE, KEY), &[], true, handshakes).await
}

async fn secure_as(
    pair: (&[u8], &[u8]),
    protocols: &[&[u8]],
    asks: bool,
    handshakes: Rc<Cell<usize>>,
) -> u16 {
    let answer = |request: Request<Incoming>| async move { format!("{:?}", request.version()) };
    secure_answering(pair, protocols, asks, handshakes, answer).await
}

/// One that answers as told, with the certificate that is shown here.
pub(crate) async fn secure_with<F: Future<Output = String> + 'static>(
    protocols: &[&[u8]],
    handshakes: Rc<Cell<usize>>,
    answer: impl Fn(Request<Incoming>) -> F + Clone + 'static,
) -> u16 {
    secure_answering((CERTIFICATE, KEY), protocols, false, handshakes, answer).await
}

async fn secure_answering<F: Future<Output = String> + 'static>(
    (chain, key): (&[u8], &[u8]),
    protocols: &[&[u8]],
    asks: bool,
    handshakes: Rc<Cell<usize>>,
    answer: impl Fn(Request<Incoming>) -> F + Clone + 'static,
) -> u16 {
    let chain = vec![CertificateDer::from_pem_slice(chain).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients(asks))
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start().await;
    let port = server.address.port();
    tokio::task::spawn_local(async move {
        loop {
            let wire = server.accept().await;
            let Ok(stream) = acceptor.accept(wire.stream).await else { continue };
            handshakes.set(handshakes.get() + 1);
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let answer = answer.clone();
            let answer = service_fn(move |request: Request<Incoming>| {
                let text = answer(request);
                async move { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text.await)))) }
            });
            let io = TokioIo::new(stream);
            if http2 {
                let http = hyper::server::conn::http2::Builder::new(Local);
                tokio::task::spawn_local(http.serve_connection(io, answer));
            } else {
                let http = hyper::server::conn::http1::Builder::new();
                tokio::task::spawn_local(http.serve_connection(io, answer));
            }
        }
    });
    port
}

#[test]
fn tls_agrees_on_the_version() {
    let cases: [(&[&[u8]], _); 3] =
        [(&[b"h2", b"http/1.1"], "HTTP/2.0"), (&[b"http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")];
    for (protocols, want) in cases {
        run(async move {
            let mut settings = settings();
            settings.transport.root_cas = vec![CERTIFICATE.to_vec()];
            let port = secure(protocols, false).await;
            let served = serve(settings, to(format!("https://localhost:{port}"))).await;
            let mut client = Wire::connect(served.address).await;
            for _ in 0..2 {
                assert_eq!(client.get("/").await.text(), want);
            }
        });
    }
}

#[test]
fn a_certificate_must_be_trusted_and_for_the_host() {
    let trusted = || vec![CERTIFICATE.to_vec()];
    for (roots, insecure, host, want) in [
        (Vec::new(), false, "localhost", "500"),
        (trusted(), false, "127.0.0.1", "500"),
        (Vec::new(), true, "127.0.0.1", "200"),
        (trusted(), false, "localhost", "200"),
    ] {
        run(async move {
            let mut settings = settings();
            settings.transport.root_cas = roots;
            settings.transport.insecure_skip_verify = insecure;
            let port = secure(&[b"http/1.1"], false).await;
            let served = serve(settings, to(format!("https://{host}:{port}"))).await;
            let answer = Wire::connect(served.address).await.get("/").await;
            assert!(answer.first().contains(want), "{host} {insecure}: {}", answer.first());
        });
    }
}

#[test]
fn root_cas_that_are_none_are_told_at_the_start() {
    let mut settings = settings();
    settings.transport.root_cas = vec![CERTIFICATE.to_vec(), b"nothing".to_vec()];
    let error = rutter::proxy::Proxy::new(settings, None, Clock::start()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "serversTransport.rootCAs[1]: no certificate in it; PEM text or the path of a PEM file is \
         needed"
    );
}
