//! TLS towards clients.
use crate::wire::Wire;
use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SignatureAlgorithm,
};
use rustls::{
    ALL_VERSIONS, ClientConfig, DigitallySignedStruct, Error, NamedGroup, SignatureScheme,
    SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        CryptoProvider,
        aws_lc_rs::{ALL_KX_GROUPS, default_provider, sign::any_supported_type},
    },
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use std::{fmt::Write, io, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

mod certificates;
mod clients;
mod first;
mod options;
mod resumption;

/// TLS 1.2.
const OLD: &[&SupportedProtocolVersion] = &[&TLS12];
/// TLS 1.3.
const NEW: &[&SupportedProtocolVersion] = &[&TLS13];

/// A certificate and its key.
pub(crate) struct Made {
    pub(crate) certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Made {
    /// For these names, signed by itself.
    pub(crate) fn of(names: &[&str]) -> Self {
        Self::with_key(names, &PKCS_ECDSA_P256_SHA256)
    }

    /// The same with a key of another kind.
    pub(crate) fn with_key(names: &[&str], kind: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(kind).unwrap();
        Self::new(&parameters(names).self_signed(&key).unwrap(), &key)
    }

    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self { certificate: certificate.der().clone(), key: key.serialize_der() }
    }

    pub(crate) fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    pub(crate) fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.key)
    }

    /// The pair as a client shows it that does not care whether it fits.
    fn unchecked(&self) -> SingleCertAndKey {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let key = any_supported_type(&key).unwrap();
        SingleCertAndKey::from(CertifiedKey::new(vec![self.certificate.clone()], key))
    }

    /// The pair as YAML.
    pub(crate) fn yaml(&self) -> String {
        format!("{{certFile: {:?}, keyFile: {:?}}}", self.certificate_pem(), self.key_pem())
    }
}

fn parameters(names: &[&str]) -> CertificateParams {
    let mut parameters =
        CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::OrganizationName, "Test");
    parameters
}

/// Who certifies others.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = parameters(&[]);
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = pem("CERTIFICATE", parameters.self_signed(&key).unwrap().der());
        Self { pem, issuer: Issuer::new(parameters, key) }
    }

    pub(crate) fn certify(&self, name: &str) -> Made {
        let key = KeyPair::generate().unwrap();
        Made::new(&parameters(&[name]).signed_by(&key, &self.issuer).unwrap(), &key)
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        let _ = writeln!(pem, "{}", std::str::from_utf8(line).unwrap());
    }
    pem + &format!("-----END {label}-----\n")
}

/// One HTTPS router for everything.
pub(crate) fn site(url: &str) -> String {
    format!(
        "
http:
  routers:
    app: {{rule: 'PathPrefix(`/`)', service: app, tls: {{}}}}
  services:
    app: {{loadBalancer: {{servers: [{{url: '{url}'}}]}}}}
"
    )
}

/// The same with certificates.
pub(crate) fn site_with(url: &str, certificates: &[&Made]) -> String {
    let pairs: Vec<_> = certificates.iter().map(|it| it.yaml()).collect();
    format!("{}tls: {{certificates: [{}]}}\n", site(url), pairs.join(", "))
}

/// How a client speaks TLS.
pub(crate) struct Client<'a> {
    pub(crate) provider: CryptoProvider,
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
    /// The signatures that it takes; empty: any.
    pub(crate) schemes: Vec<SignatureScheme>,
    /// What it shows.
    pub(crate) shows: Option<&'a Made>,
}

impl Default for Client<'_> {
    fn default() -> Self {
        Self {
            provider: default_provider(),
            versions: ALL_VERSIONS,
            schemes: Vec::new(),
            shows: None,
        }
    }
}

impl Client<'_> {
    /// As browsers speak it today: the first group is one that withstands quantum computers, and makes a
    /// long first message.
    pub(crate) fn of_today() -> Self {
        let mut client = Self::default();
        client.provider.kx_groups = ALL_KX_GROUPS.to_vec();
        client.provider.kx_groups.sort_by_key(|it| it.name() != NamedGroup::X25519MLKEM768);
        client
    }

    pub(crate) fn config(self) -> ClientConfig {
        let Self { provider, versions, schemes, shows } = self;
        let provider = Arc::new(provider);
        let verifier = Arc::new(Anyone { provider: Arc::clone(&provider), schemes });
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        match shows {
            None => config.with_no_client_auth(),
            Some(Made { certificate, key }) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.clone()));
                config.with_client_auth_cert(vec![certificate.clone()], key).unwrap()
            }
        }
    }
}

/// Takes any certificate.
#[derive(Debug)]
struct Anyone {
    provider: Arc<CryptoProvider>,
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        if self.schemes.is_empty() {
            return self.provider.signature_verification_algorithms.supported_schemes();
        }
        self.schemes.clone()
    }
}

/// A client that takes any certificate and shows none.
pub(crate) fn anyone() -> Arc<ClientConfig> {
    Arc::new(Client::default().config())
}

pub(crate) type Secured = Wire<TlsStream<TcpStream>>;

/// Shakes hands.
pub(crate) async fn connect(
    address: SocketAddr,
    name: &str,
    config: &Arc<ClientConfig>,
) -> io::Result<Secured> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
    Ok(Wire::new(stream))
}

/// The certificate that the other side showed.
pub(crate) fn shown(wire: &Secured) -> &CertificateDer<'static> {
    &wire.stream.get_ref().1.peer_certificates().unwrap()[0]
}

/// The body of the answer, or why there is none.
pub(crate) async fn get(
    address: SocketAddr,
    name: &str,
    config: &Arc<ClientConfig>,
) -> Result<String, String> {
    let mut wire = connect(address, name, config).await.map_err(|error| why(&error))?;
    ask(&mut wire, name).await
}

/// The same on a connection, which ends with it.
pub(crate) async fn ask(wire: &mut Secured, host: &str) -> Result<String, String> {
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    // With TLS 1.3 a refusal may be on its way already.
    let _ = wire.stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    wire.stream.read_to_end(&mut answer).await.map_err(|error| why(&error))?;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or("closed");
    if status == "200" { Ok(body.into()) } else { Err(status.into()) }
}

/// The alert, or what else went wrong.
pub(crate) fn why(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::AlertReceived(alert)) => format!("{alert:?}"),
        _ => error.to_string(),
    }
}
