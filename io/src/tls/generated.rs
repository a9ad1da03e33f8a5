//! The certificate that is shown where there is no other. Compat: tls.md "Generated default certificate".
//!
//! It is made once a process. Its key is ECDSA on P-256 where the sheet has RSA: it is made in no time,
//! and a handshake with it costs a fraction.
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};
use rutter_core::time::UnixTime;
use std::time::Duration;
use time::OffsetDateTime;

const NAME: &str = "TRAEFIK DEFAULT CERT";
const LIFETIME: Duration = Duration::from_secs(365 * 86_400);

/// A self-signed certificate for nobody in particular.
pub(super) fn certificate(now: UnixTime) -> Result<CertifiedKey, rcgen::Error> {
    let key = KeyPair::generate()?;
    // Its public key is as random as any word.
    let random: String =
        key.public_key_raw().iter().skip(1).take(32).map(|byte| format!("{byte:02x}")).collect();
    let (one, two) = random.split_at(32);
    let mut parameters = CertificateParams::new([format!("{one}.{two}.traefik.default")])?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, NAME);
    let seconds = i64::try_from(now.0 / 1_000_000_000).unwrap_or(0);
    parameters.not_before =
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    parameters.not_after = parameters.not_before + LIFETIME;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = parameters.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(vec![certificate.der().clone()], key, &provider)
        .map_err(|_| rcgen::Error::CouldNotParseKeyPair)
}
