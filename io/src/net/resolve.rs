//! Names to addresses.
use hickory_resolver::TokioResolver;
use std::{
    cell::OnceCell,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Resolves names as the system is configured to, and remembers them as long as they may be.
#[derive(Debug, Default)]
pub(super) struct Resolver(OnceCell<TokioResolver>);

impl Resolver {
    /// The addresses of a host: at once for literals and `localhost`.
    pub(super) async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let literal = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        if let Ok(ip) = literal.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let plain = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if plain == "localhost" || plain.ends_with(".localhost") {
            return Ok(vec![
                SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
                SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port),
            ]);
        }
        let found = self.system()?.lookup_ip(host).await.map_err(io::Error::other)?;
        Ok(found.iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }

    fn system(&self) -> io::Result<&TokioResolver> {
        if let Some(resolver) = self.0.get() {
            return Ok(resolver);
        }
        let resolver = TokioResolver::builder_tokio().map_err(io::Error::other)?.build();
        Ok(self.0.get_or_init(|| resolver))
    }
}
