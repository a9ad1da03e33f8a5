//! Accepts the connections of one entry point, and finds out what they are.
use crate::{
    connection,
    live::Held,
    net::{Listener, Net, Stream},
    relay,
    shutdown::{LAST_CALL, Registered, Registry, Stage},
    tls,
    wire::{Prefixed, Wire},
    worker::Worker,
};
use arriving::{Arrived, arrive};
use bytes::Bytes;
use futures_util::FutureExt;
use rutter_core::{
    entry_point::{Certificates, EntryPointId, Peer, proxy_protocol::Addresses},
    tcp::{
        Router,
        arrival::{Arrival, Reason, Step},
    },
    time::Instant,
};
use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    time::{sleep, timeout, timeout_at},
};

mod arriving;

/// How long a client that is refused may take to hear so.
const ALERT: Duration = Duration::from_secs(1);
/// The first pause when the system has no descriptor left, doubled while it lasts.
const BACKOFF: Duration = Duration::from_millis(5);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Serves until the proxy was told to terminate and all connections are done, or out of time.
pub(crate) async fn run<N: Net>(
    worker: Rc<Worker<N>>,
    id: EntryPointId,
    mut listener: N::Listener,
) {
    let registry = Rc::new(Registry::default());
    let start = |(stream, peer)| {
        let connection = serve(Rc::clone(&worker), id, registry.register(), stream, peer);
        tokio::task::spawn_local(connection);
    };
    accept_until_stop(&worker, id, &mut listener, start).await;
    drop(listener);
    registry.tell(Stage::Closing);
    let grace = worker.proxy.entry_point(id).grace;
    if timeout(grace, registry.empty()).await.is_err() {
        tracing::warn!(
            entry_point = &*worker.proxy.entry_point(id).core.name,
            "connections are cut: the grace timeout is over"
        );
        registry.tell(Stage::Cut);
        registry.empty().await;
    }
}

async fn accept_until_stop<N: Net>(
    worker: &Rc<Worker<N>>,
    id: EntryPointId,
    listener: &mut N::Listener,
    start: impl Fn((N::Stream, SocketAddr)),
) {
    let mut stop = worker.proxy.stop.subscribe();
    let accept_grace = worker.proxy.entry_point(id).accept_grace;
    let mut stop = std::pin::pin!(async move {
        // The sender is part of the proxy, which outlives this.
        let _ = stop.wait_for(|stop| *stop).await;
        sleep(accept_grace).await;
    });
    let mut backoff = BACKOFF;
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => {
                backoff = BACKOFF;
                start(accepted);
            }
            // That client's trouble, not ours.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(
                    entry_point = &*worker.proxy.entry_point(id).core.name,
                    %error,
                    "cannot accept connections"
                );
                tokio::select! {
                    () = &mut stop => break,
                    () = sleep(backoff) => backoff = (backoff * 2).min(BACKOFF_MAX),
                }
            }
        }
    }
    // Who is connected already, and waits in the queue, is served.
    while let Some(Ok(accepted)) = listener.accept().now_or_never() {
        start(accepted);
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Finds out what a connection is, and serves it to its end.
async fn serve<N: Net>(
    worker: Rc<Worker<N>>,
    id: EntryPointId,
    registered: Registered,
    stream: N::Stream,
    address: SocketAddr,
) {
    worker.proxy.counters.connections.fetch_add(1, Ordering::Relaxed);
    let clock = worker.clock;
    let started = clock.now();
    let arrival = Arrival::new(started, worker.proxy.entry_point(id).timeouts);
    let deadline = arrival.deadline();
    let opened = async {
        let arrive = arrive(&worker, id, arrival, stream, address);
        let arrived = timeout_at(clock.deadline(deadline), arrive).await.ok()?.ok()?;
        open(&worker, arrived, deadline).await
    };
    let last_call = async {
        registered.reached(Stage::Closing).await;
        sleep(LAST_CALL).await;
    };
    let opened = tokio::select! {
        biased;
        () = last_call => return,
        opened = opened => opened,
    };
    let Some(Opened { stream, ends, peer, to }) = opened else { return };
    match to {
        To::Service(live, router) => {
            relay::serve(&worker, &live, &router, stream, ends, &registered).await;
        }
        To::Http { http2 } => {
            let entry_point = id;
            let client =
                connection::Client { worker, entry_point, peer, registered, started, stream };
            if http2 {
                connection::serve_http2(client).await;
            } else {
                connection::serve_http1(client).await;
            }
        }
    }
}

/// A connection ready to be served.
struct Opened<N: Net> {
    stream: Wire<N::Stream>,
    ends: Addresses,
    peer: Peer,
    to: To,
}

/// Where it goes.
enum To {
    /// To HTTP.
    Http { http2: bool },
    /// To a TCP service, with the cells of what was in force when that was decided.
    Service(Rc<Held>, Arc<Router>),
}

/// Does what was decided of a connection; `None`: it is closed.
async fn open<N: Net>(
    worker: &Worker<N>,
    arrived: Arrived<N>,
    deadline: Instant,
) -> Option<Opened<N>> {
    let Arrived { stream, ends, step, live } = arrived;
    let mut peer = Peer::new(plain(ends.source), plain(ends.destination), false);
    let (options, server_name, to) = match step {
        Step::Http { http2 } => {
            let to = To::Http { http2 };
            return Some(Opened { stream: Wire::Clear(stream), ends, peer, to });
        }
        Step::Tcp(router) => {
            let to = To::Service(live, router);
            return Some(Opened { stream: Wire::Clear(stream), ends, peer, to });
        }
        Step::Close(reason) => {
            refuse(stream, reason).await;
            return None;
        }
        // Nobody arrives who still waits.
        Step::Wait { .. } => return None,
        Step::Tls { options, server_name, to } => (options, server_name, to),
    };
    let address = server_name.is_none().then(|| peer.local.ip());
    let Some(config) = worker.proxy.acceptors.config(&options, address) else {
        refuse(stream, Reason::NoOptions).await;
        return None;
    };
    let handshake = tls::handshake(&worker.handshakes, worker.clock, deadline, config, stream);
    let log = |error: &io::Error| {
        let name = server_name.as_deref().unwrap_or("");
        tracing::debug!(client = %ends.source, name, %error, "TLS handshake");
    };
    let stream = handshake.await.inspect_err(log).ok()?;
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    peer.tls = true;
    peer.certificates = Certificates::new(chain.iter().map(|der| Bytes::copy_from_slice(der)));
    peer.tls_options = Some(Arc::clone(&options.name));
    let http2 = session.alpn_protocol() == Some(b"h2");
    let to = to.map_or(To::Http { http2 }, |router| To::Service(live, router));
    Some(Opened { stream: Wire::Tls(Box::new(stream)), ends, peer, to })
}

/// Tells a TLS client why it is not served.
async fn refuse<S: Stream>(mut stream: Prefixed<S>, reason: Reason) {
    // It may have gone already.
    let told = async {
        stream.write_all(&reason.alert()).await?;
        stream.shutdown().await
    };
    let _ = timeout(ALERT, told).await;
}

/// An address of IPv4 as such, though it came in on a socket of IPv6.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
