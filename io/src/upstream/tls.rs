//! Who a server may say that it is.
use crate::settings::Transport;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        ResolvesClientCert, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};
use rutter_core::service::transport::{Certificate, ServersTransport};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};
use tokio_rustls::TlsConnector;

/// What is wrong with the certificates to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError(String);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

/// TLS towards servers. The system's certificates are read when the first server needs them.
pub(crate) struct Configs {
    insecure: bool,
    roots: Option<Arc<RootCertStore>>,
    /// In the place of what the process has.
    own: Option<Arc<ServersTransport>>,
    made: OnceLock<Result<Pair, TlsError>>,
}

struct Pair {
    any: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
}

impl Configs {
    pub(crate) fn new(transport: &Transport) -> Result<Self, TlsError> {
        let roots = match &*transport.root_cas {
            [] => None,
            written => Some(Arc::new(given(written)?)),
        };
        let insecure = transport.insecure_skip_verify;
        Ok(Self { insecure, roots, own: None, made: OnceLock::new() })
    }

    /// For servers with settings of their own. What is wrong with them shows with the first connection.
    pub(crate) fn own(transport: Arc<ServersTransport>) -> Self {
        let insecure = transport.insecure_skip_verify;
        Self { insecure, roots: None, own: Some(transport), made: OnceLock::new() }
    }

    /// The name that a server has instead of its host.
    pub(crate) fn server_name(&self) -> Option<&str> {
        self.own.as_ref()?.server_name.as_deref()
    }

    /// For one connection: with `http1_only`, HTTP/2 is not offered.
    pub(crate) fn connector(&self, http1_only: bool) -> Result<TlsConnector, TlsError> {
        match self.made.get_or_init(|| self.make()) {
            Ok(pair) => {
                let config = if http1_only { &pair.http1 } else { &pair.any };
                Ok(TlsConnector::from(Arc::clone(config)))
            }
            Err(error) => Err(error.clone()),
        }
    }

    fn make(&self) -> Result<Pair, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = if self.insecure {
            Arc::new(Anybody(Arc::clone(&provider)))
        } else {
            let own = self.own.as_ref().map(|own| &*own.root_cas);
            let roots = match own {
                Some(written @ [_, ..]) => Arc::new(given(written)?),
                _ => self.roots.clone().unwrap_or_else(system),
            };
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .map_err(|error| TlsError(format!("rootCAs: {error}")))?
        };
        let certificates = self.own.as_ref().map_or(&[][..], |own| &*own.certificates);
        let shown = Shown::new(certificates, &provider)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(shown));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http1 = Arc::new(config.clone());
        if !self.own.as_ref().is_some_and(|own| own.http1_only) {
            config.alpn_protocols.insert(0, b"h2".to_vec());
        }
        Ok(Pair { any: Arc::new(config), http1 })
    }
}

fn given(written: &[impl AsRef<[u8]>]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for (i, pem) in written.iter().enumerate() {
        let wrong = |what: &dyn fmt::Display| TlsError(format!("rootCAs[{i}]: {what}"));
        let mut any = false;
        for certificate in CertificateDer::pem_slice_iter(pem.as_ref()) {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
            any = true;
        }
        if !any {
            return Err(wrong(
                &"no certificate in it; PEM text or the path of a PEM file is needed",
            ));
        }
    }
    Ok(roots)
}

/// The system's certificates, or those that browsers trust where the system has none.
fn system() -> Arc<RootCertStore> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Arc::new(roots)
    };
    Arc::clone(SYSTEM.get_or_init(read))
}

/// Certificates to show to servers that ask for one: the first whose key they can check.
#[derive(Debug)]
struct Shown(Vec<Arc<CertifiedKey>>);

impl Shown {
    fn new(certificates: &[Certificate], provider: &CryptoProvider) -> Result<Self, TlsError> {
        let read = |(i, Certificate { chain, key }): (usize, &Certificate)| {
            let wrong = |what: &dyn fmt::Display| TlsError(format!("certificates[{i}]: {what}"));
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
            let chain = chain.map_err(|error| wrong(&error))?;
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| wrong(&error))?;
            let pair = CertifiedKey::from_der(chain, key, provider);
            pair.map(Arc::new).map_err(|error| wrong(&error))
        };
        certificates.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.iter().find(|pair| pair.key.choose_scheme(schemes).is_some()).cloned()
    }

    fn has_certs(&self) -> bool {
        !self.0.is_empty()
    }
}

/// `insecureSkipVerify`: any certificate will do, but its owner must have its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
