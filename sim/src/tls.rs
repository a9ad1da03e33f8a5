//! TLS in the simulated world: fixed keys whose signatures are always of the same length, and clients
//! that know them.
use crate::net::TurmoilStream;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::{io, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A host that both certificates are for.
pub const HOST: &str = "app.example";
/// Another one.
pub const GUARDED: &str = "guarded.example";

/// A certificate and its key, in PEM.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// What the common name is.
    pub name: &'static str,
    chain: &'static str,
    key: &'static str,
}

/// A certificate for both hosts.
pub const ONE: Pair =
    Pair { name: "one", chain: include_str!("tls/one.pem"), key: include_str!("tls/one.key") };
/// Another one.
pub const TWO: Pair =
    Pair { name: "two", chain: include_str!("tls/two.pem"), key: include_str!("tls/two.key") };
/// A client's certificate, which certifies itself.
pub const ALICE: Pair = Pair {
    name: "alice",
    chain: include_str!("tls/client.pem"),
    key: include_str!("tls/client.key"),
};

impl Pair {
    /// The pair as options of a dynamic configuration: `certFile: …, keyFile: …`.
    #[must_use]
    pub fn options(&self) -> String {
        format!("certFile: {:?}, keyFile: {:?}", self.chain, self.key)
    }

    /// The certificate in PEM, quoted.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("{:?}", self.chain)
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).expect("the file is a certificate")
    }
}

/// How a client speaks TLS.
#[derive(Clone, Debug)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Believes both certificates; shows one of its own, if it has one. It resumes sessions where the
    /// server lets it.
    ///
    /// # Panics
    /// The files in this folder are damaged.
    #[must_use]
    pub fn new(shows: Option<Pair>) -> Self {
        let mut roots = RootCertStore::empty();
        for pair in [ONE, TWO] {
            roots.add(pair.der()).expect("the file is a certificate");
        }
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = match shows {
            None => config.with_no_client_auth(),
            Some(pair) => {
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes());
                let key = key.expect("the file is a key");
                config.with_client_auth_cert(vec![pair.der()], key).expect("they fit")
            }
        };
        Self(Arc::new(config))
    }

    /// The same, but every handshake is a full one.
    #[must_use]
    pub fn forgetful(&self) -> Self {
        let mut config = (*self.0).clone();
        config.resumption = Resumption::disabled();
        Self(Arc::new(config))
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// Either side does not want the other.
    ///
    /// # Panics
    /// The name is none.
    pub async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        name: &str,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await
    }
}

/// What the server showed.
#[must_use]
pub fn shown(stream: &TlsStream<TurmoilStream>) -> &'static str {
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let known = [ONE, TWO].into_iter().find(|pair| shown == Some(&pair.der()));
    known.map_or("nothing known", |pair| pair.name)
}
