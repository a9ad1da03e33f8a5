//! TLS towards clients: what the core decided, as the TLS library takes it.
use crate::{clock::Clock, live::LivePlan};
use arc_swap::ArcSwap;
use certificates::Resolver;
use rustls::{
    CipherSuite, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types,
    server::ServerSessionMemoryCache,
    sign::CertifiedKey,
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use rutter_core::tls::options::{Options, Version};
use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

mod certificates;
mod clients;
mod generated;
mod handshake;

pub(crate) use certificates::LOAD;
pub(crate) use handshake::{Handshakes, handshake};
pub(crate) use tokio_rustls::server::TlsStream;

/// Sessions of TLS 1.2 without tickets that are remembered, for each options.
const SESSIONS_MAX: usize = 4096;

/// Makes what connections are accepted with: for each TLS options once, shared by all workers.
///
/// Sessions are resumed under the options they began under only: a client that was let in under lax
/// ones is not let in under strict ones.
pub(crate) struct Acceptors {
    live: Arc<ArcSwap<LivePlan>>,
    /// What is shown where no name fits.
    generated: Arc<CertifiedKey>,
    time: Arc<WallTime>,
    made: RwLock<HashMap<Arc<str>, Made>>,
}

/// The options, and what came of them.
type Made = (Arc<Options>, Option<Arc<ServerConfig>>);

impl Acceptors {
    /// Makes the certificate of the process, too.
    pub(crate) fn new(live: Arc<ArcSwap<LivePlan>>, clock: Clock) -> Result<Self, rcgen::Error> {
        let generated = Arc::new(generated::certificate(clock.wall())?);
        let time = Arc::new(WallTime(clock));
        Ok(Self { live, generated, time, made: RwLock::default() })
    }

    /// What a connection is accepted with; `address`: of our side, if the client asked for no name.
    /// `None`: these options cannot be used, which was logged.
    pub(crate) fn config(
        &self,
        options: &Arc<Options>,
        address: Option<IpAddr>,
    ) -> Option<Arc<ServerConfig>> {
        let config = self.made(options).unwrap_or_else(|| self.make(options))?;
        if address.is_none() {
            return Some(config);
        }
        let mut config = (*config).clone();
        config.cert_resolver = self.resolver(options, address);
        Some(Arc::new(config))
    }

    fn made(&self, options: &Arc<Options>) -> Option<Option<Arc<ServerConfig>>> {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let (of, config) = made.get(&options.name)?;
        (Arc::ptr_eq(of, options) || of == options).then(|| config.clone())
    }

    fn make(&self, options: &Arc<Options>) -> Option<Arc<ServerConfig>> {
        let config = self.server_config(options);
        let log = |error: &rustls::Error| {
            tracing::error!(options = &*options.name, %error, "TLS options cannot be used");
        };
        let config = config.inspect_err(log).ok().map(Arc::new);
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        // Options that no plan has are nobody's.
        made.retain(|_, (of, _)| Arc::strong_count(of) > 1);
        made.insert(Arc::clone(&options.name), (Arc::clone(options), config.clone()));
        config
    }

    fn resolver(&self, options: &Arc<Options>, address: Option<IpAddr>) -> Arc<Resolver> {
        Arc::new(Resolver {
            live: Arc::clone(&self.live),
            generated: Arc::clone(&self.generated),
            options: Arc::clone(options),
            address,
        })
    }

    fn server_config(&self, options: &Arc<Options>) -> Result<ServerConfig, rustls::Error> {
        let provider = Arc::new(provider(options));
        let clients = clients::verifier(&options.client_auth, &provider)?;
        let mut config = ServerConfig::builder_with_details(provider, self.time.clone())
            .with_protocol_versions(versions(options))?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(self.resolver(options, None));
        config.ignore_client_order = true;
        config.alpn_protocols = options.protocols.iter().map(|name| name.to_vec()).collect();
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.send_tls13_tickets = 1;
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
        Ok(config)
    }
}

impl fmt::Debug for Acceptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptors").finish_non_exhaustive()
    }
}

fn versions(options: &Options) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match (options.min_version, options.max_version) {
        (Version::Tls12, Version::Tls13) => &BOTH,
        (_, Version::Tls12) => &BOTH[1..],
        (Version::Tls13, Version::Tls13) => &BOTH[..1],
    }
}

/// Suites in our order, the cheapest of the safe ones first, and groups: of these the client has the
/// choice.
fn provider(options: &Options) -> CryptoProvider {
    use aws_lc_rs::{cipher_suite as suites, kx_group as groups};
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![
        suites::TLS13_AES_128_GCM_SHA256,
        suites::TLS13_AES_256_GCM_SHA384,
        suites::TLS13_CHACHA20_POLY1305_SHA256,
        suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        suites::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        suites::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        suites::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    if let Some(wanted) = &options.cipher_suites {
        let is_wanted = |suite: CipherSuite| wanted.contains(&u16::from(suite));
        provider.cipher_suites.retain(|it| it.tls13().is_some() || is_wanted(it.suite()));
    }
    provider.kx_groups =
        vec![groups::X25519MLKEM768, groups::X25519, groups::SECP256R1, groups::SECP384R1];
    if let Some(wanted) = &options.groups {
        provider.kx_groups.retain(|it| wanted.contains(&u16::from(it.name())));
    }
    provider
}

/// Wall time for whatever certificates and tickets say.
#[derive(Debug)]
struct WallTime(Clock);

impl TimeProvider for WallTime {
    fn current_time(&self) -> Option<pki_types::UnixTime> {
        let since = Duration::from_nanos(self.0.wall().0);
        Some(pki_types::UnixTime::since_unix_epoch(since))
    }
}
