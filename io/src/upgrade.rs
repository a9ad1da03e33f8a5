//! Connections that are no longer HTTP: bytes both ways until both sides have ended.
use crate::{
    exchange::Guard,
    net::Net,
    shutdown::{Registered, Stage},
    upstream::ServerStream,
    wire::Prefixed,
};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};

/// The server's side of a tunnel.
pub(crate) struct Tunnel<N: Net> {
    pub(crate) stream: ServerStream<N>,
    /// What the server said right after its response.
    pub(crate) early: Bytes,
    pub(crate) guard: Guard<N>,
}

/// Copies both ways, what was read too early first, until both sides have ended or the connection
/// is cut. Deadlines do not hold here.
pub(crate) async fn run<N: Net, C: AsyncRead + AsyncWrite + Unpin>(
    client: C,
    early: Bytes,
    tunnel: Tunnel<N>,
    registered: &Registered,
) {
    let mut guard = tunnel.guard;
    guard.upgraded();
    let mut client = Prefixed::new(early, client);
    let mut server = Prefixed::new(tunnel.early, tunnel.stream);
    let copied = tokio::select! {
        biased;
        () = registered.reached(Stage::Cut) => return,
        copied = copy_bidirectional(&mut client, &mut server) => copied,
    };
    match copied {
        Ok((_, to_client)) => guard.count(to_client),
        Err(error) => tracing::debug!(%error, "tunnel"),
    }
    guard.end();
}
