//! Certificates and their keys: made ready when a configuration is read, chosen in a handshake.
use crate::live::LivePlan;
use arc_swap::ArcSwap;
use rustls::{
    Error, InconsistentKeys,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rutter_core::tls::{
    certificate::{Load, Pair},
    store::{Asked, Choice},
};
use std::{fmt, net::IpAddr, sync::Arc};

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
    /// Refuses who asks for what no certificate has.
    pub(super) strict: bool,
    /// Our side's, which counts where the client asks for no name.
    pub(super) address: Option<IpAddr>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes: Vec<u16> = hello.signature_schemes().iter().copied().map(u16::from).collect();
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let asked = match (&name, self.address) {
            (Some(name), _) => Asked::Name(name.strip_suffix('.').unwrap_or(name)),
            (None, Some(address)) => Asked::Address(address),
            (None, None) => Asked::Name(""),
        };
        let live = self.live.load();
        match live.plan.certificates().choose(asked, &schemes, self.strict) {
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
