//! Whom of its clients an entry point believes, by their certificates.
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::{
        NoClientAuth, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rutter_core::tls::options::{Authorities, ClientAuth};
use std::sync::Arc;

/// Who is let in.
pub(super) fn verifier(
    auth: &ClientAuth,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let any = |mandatory| Arc::new(Any { mandatory, provider: Arc::clone(provider) });
    let certified = |authorities| {
        let roots = Arc::new(roots(authorities)?);
        Ok::<_, Error>(WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider)))
    };
    let wrong = |error| Error::General(format!("clientAuth.caFiles: {error}"));
    Ok(match auth {
        ClientAuth::None => Arc::new(NoClientAuth),
        ClientAuth::Request => any(false),
        ClientAuth::Require => any(true),
        ClientAuth::VerifyIfGiven(authorities) => {
            certified(authorities)?.allow_unauthenticated().build().map_err(wrong)?
        }
        ClientAuth::RequireAndVerify(authorities) => {
            certified(authorities)?.build().map_err(wrong)?
        }
    })
}

fn roots(authorities: &Authorities) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for pem in &authorities.0 {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate
                .map_err(|error| Error::General(format!("clientAuth.caFiles: {error}")))?;
            roots.add(certificate)?;
        }
    }
    Ok(roots)
}

/// Any certificate will do, but its owner must have its key.
#[derive(Debug)]
struct Any {
    mandatory: bool,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Any {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
