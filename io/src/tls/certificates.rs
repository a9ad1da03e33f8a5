//! Certificates and their keys: made ready when a configuration is read, chosen in a handshake.
use crate::live::LivePlan;
use arc_swap::ArcSwap;
use rustls::{
    CipherSuite, Error, InconsistentKeys,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rutter_core::tls::{
    certificate::{KeyKind, Load, Pair},
    options::{Options, Version},
    store::{Asked, Choice},
};
use std::{fmt, net::IpAddr, sync::Arc};

/// The suites of TLS 1.2 that are spoken and that take signatures by RSA; the others take those by
/// elliptic curves.
const RSA_SUITES: [u16; 3] = [0xc02f, 0xc030, 0xcca8];

/// How certificates are made ready for use.
pub(crate) const LOAD: Load = Load(load);

fn load(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Pair, String> {
    let pair = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
    let pair = pair.map_err(|error| {
        if error == Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
            "the key belongs to another certificate than the one in certFile".into()
        } else {
            format!("the key cannot be used: {error}")
        }
    })?;
    // The inner one is what handshakes take.
    Ok(Arc::new(Arc::new(pair)))
}

/// Chooses among the certificates of the plan that is in force.
pub(super) struct Resolver {
    pub(super) live: Arc<ArcSwap<LivePlan>>,
    pub(super) generated: Arc<CertifiedKey>,
    pub(super) options: Arc<Options>,
    /// Our side's, which counts where the client asks for no name.
    pub(super) address: Option<IpAddr>,
}

/// The signatures that will do.
fn schemes(options: &Options, hello: &ClientHello<'_>) -> Vec<u16> {
    let mut schemes: Vec<u16> = hello.signature_schemes().iter().copied().map(u16::from).collect();
    // The library leaves out what fits no suite, but takes those of TLS 1.3 into account, which fit
    // everything, even if that is not spoken.
    if let (Version::Tls12, Some(suites)) = (options.max_version, &options.cipher_suites) {
        let offered = hello.cipher_suites();
        let shared = || suites.iter().filter(|suite| offered.contains(&CipherSuite::from(**suite)));
        let rsa = shared().any(|suite| RSA_SUITES.contains(suite));
        let curves = shared().any(|suite| !RSA_SUITES.contains(suite));
        schemes.retain(|scheme| if KeyKind::Rsa.suits(&[*scheme]) { rsa } else { curves });
    }
    schemes
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = schemes(&self.options, &hello);
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let asked = match (&name, self.address) {
            (Some(name), _) => Asked::Name(name.strip_suffix('.').unwrap_or(name)),
            (None, Some(address)) => Asked::Address(address),
            (None, None) => Asked::Name(""),
        };
        let live = self.live.load();
        match live.plan.certificates().choose(asked, &schemes, self.options.sni_strict) {
            Choice::Certificate(found) => {
                // Every plan of this process is compiled with `LOAD`.
                let pair = found.pair.downcast_ref::<Arc<CertifiedKey>>();
                Some(Arc::clone(pair.unwrap_or(&self.generated)))
            }
            Choice::Generated => Some(Arc::clone(&self.generated)),
            Choice::Refused => {
                let name = name.as_deref().unwrap_or("");
                tracing::debug!(
                    "strict SNI enabled - No certificate found for domain: {name:?}, closing connection"
                );
                None
            }
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}
