//! New connections to servers: names, addresses, TLS.
use super::{
    stream::{ServerStream, Transport},
    tls,
};
use crate::net::Net;
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::uri::Authority;
use rustls::pki_types::ServerName;
use rutter_core::{exchange::SendError, service::Scheme};
use std::{future::Future, io, net::SocketAddr, time::Duration};
use tokio::time::{sleep, timeout};

/// Compat: http.md "TLS handshake 10 s".
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an address is given before the next one is tried beside it.
const STAGGER: Duration = Duration::from_millis(300);

/// Where to connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) authority: &'a Authority,
}

/// Connects: with TLS where the scheme says so, of which `http1_only` tells the offer.
pub(super) async fn connect<N: Net>(
    net: &N,
    to: Destination<'_>,
    dial_timeout: Option<Duration>,
    tls: &tls::Configs,
    http1_only: bool,
) -> Result<ServerStream<N>, SendError> {
    let port = to.authority.port_u16().unwrap_or_else(|| to.scheme.default_port());
    let dialled = dial(net, to.authority.host(), port);
    let stream = within(dial_timeout, dialled).await?.map_err(|it| cause(&it))?;
    let transport = match to.scheme {
        Scheme::Http | Scheme::H2c => Transport::Plain(stream),
        Scheme::Https => {
            let host = tls.server_name().unwrap_or_else(|| to.authority.host());
            let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
            let name = ServerName::try_from(host.to_owned()).map_err(|_| SendError::Protocol)?;
            let connector = tls.connector(http1_only).map_err(|error| {
                tracing::error!(server = %to.authority, %error, "TLS settings cannot be used");
                SendError::Protocol
            })?;
            let handshake = within(Some(TLS_TIMEOUT), connector.connect(name, stream)).await?;
            let stream = handshake.map_err(|error| {
                tracing::error!(server = %to.authority, %error, "TLS handshake failed");
                // rustls reports its findings as invalid data.
                if error.kind() == io::ErrorKind::InvalidData {
                    SendError::Protocol
                } else {
                    cause(&error)
                }
            })?;
            Transport::Tls(Box::new(stream))
        }
    };
    Ok(ServerStream::new(transport))
}

async fn within<F: Future>(limit: Option<Duration>, future: F) -> Result<F::Output, SendError> {
    match limit {
        Some(limit) => timeout(limit, future).await.map_err(|_| SendError::Timeout),
        None => Ok(future.await),
    }
}

/// What the client is told of a network error.
pub(super) fn cause(error: &io::Error) -> SendError {
    if error.kind() == io::ErrorKind::TimedOut { SendError::Timeout } else { SendError::Network }
}

/// Connects to the first address of a host that answers.
pub(crate) async fn dial<N: Net>(net: &N, host: &str, port: u16) -> io::Result<N::Stream> {
    let addresses = net.resolve(host, port).await?;
    if let [address] = *addresses {
        return net.connect(address).await;
    }
    first(net, addresses).await
}

/// The first connection that succeeds, one address after the other: each is given a short time
/// before the next is tried beside it.
async fn first<N: Net>(net: &N, addresses: Vec<SocketAddr>) -> io::Result<N::Stream> {
    let mut left = addresses.into_iter();
    let mut tries = FuturesUnordered::new();
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        match left.next() {
            Some(address) => tries.push(net.connect(address)),
            None if tries.is_empty() => return Err(error),
            None => {}
        }
        let wait = async {
            if left.len() > 0 { sleep(STAGGER).await } else { std::future::pending().await }
        };
        tokio::select! {
            biased;
            Some(result) = tries.next() => match result {
                Ok(stream) => return Ok(stream),
                Err(reason) => error = reason,
            },
            () = wait => {}
        }
    }
}
