//! Accepts the connections of one entry point, and finds out what they are.
use crate::{
    connection,
    net::{Listener, Net, Stream},
    shutdown::{LAST_CALL, Registered, Registry, Stage},
    worker::Worker,
};
use bytes::BytesMut;
use futures_util::FutureExt;
use rutter_core::entry_point::{
    EntryPointId, Peer,
    proxy_protocol::{self, Sniff},
};
use std::{io, net::SocketAddr, rc::Rc, sync::atomic::Ordering, time::Duration};
use tokio::{
    io::AsyncReadExt,
    time::{sleep, timeout},
};

mod prefixed;

pub(crate) use prefixed::Prefixed;

/// What an HTTP/2 client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
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
        let connection = first_bytes(Rc::clone(&worker), id, registry.register(), stream, peer);
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

/// What a connection's first bytes said.
struct Opening<S> {
    stream: Prefixed<S>,
    address: SocketAddr,
    local: SocketAddr,
    http2: bool,
}

/// Reads what comes before HTTP, then serves HTTP.
async fn first_bytes<N: Net>(
    worker: Rc<Worker<N>>,
    id: EntryPointId,
    registered: Registered,
    stream: N::Stream,
    address: SocketAddr,
) {
    worker.proxy.counters.connections.fetch_add(1, Ordering::Relaxed);
    let started = worker.clock.now();
    let limits = worker.proxy.entry_point(id).timeouts;
    let limit = limits.read.or(limits.idle).unwrap_or(Duration::MAX);
    let last_call = async {
        registered.reached(Stage::Closing).await;
        sleep(LAST_CALL).await;
    };
    let opening = tokio::select! {
        biased;
        () = last_call => return,
        opening = timeout(limit, open(&worker, id, stream, address)) => opening,
    };
    let Ok(Ok(opening)) = opening else { return };
    let peer = Peer::new(plain(opening.address), plain(opening.local), false);
    let client = connection::Client {
        worker,
        entry_point: id,
        peer,
        registered,
        started,
        stream: opening.stream,
    };
    if opening.http2 {
        connection::serve_http2(client).await;
    } else {
        connection::serve_http1(client).await;
    }
}

/// An address of IPv4 as such, though it came in on a socket of IPv6.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

async fn open<N: Net>(
    worker: &Worker<N>,
    id: EntryPointId,
    mut stream: N::Stream,
    address: SocketAddr,
) -> io::Result<Opening<N::Stream>> {
    let mut local = stream.local_addr()?;
    let mut address = address;
    let mut read = BytesMut::new();
    if let Some(trust) = &worker.proxy.entry_point(id).proxy_protocol {
        loop {
            match proxy_protocol::sniff(&read) {
                Sniff::NeedMore => more(&mut stream, &mut read).await?,
                Sniff::Absent => break,
                Sniff::Malformed => return Err(io::ErrorKind::InvalidData.into()),
                Sniff::Header { bytes, addresses } => {
                    let _ = read.split_to(bytes);
                    if let Some(addresses) = addresses
                        && trust.includes(address.ip())
                    {
                        (address, local) = (addresses.source, addresses.destination);
                    }
                    break;
                }
            }
        }
    }
    let http2 = loop {
        if read.len() >= PREFACE.len() || !PREFACE.starts_with(&read) {
            break read.starts_with(PREFACE);
        }
        more(&mut stream, &mut read).await?;
    };
    let stream = Prefixed::new(read.freeze(), stream);
    Ok(Opening { stream, address, local, http2 })
}

/// Reads what there is, a little at a time: what is read here is read before its limits are known.
async fn more<S: Stream>(stream: &mut S, read: &mut BytesMut) -> io::Result<()> {
    let mut space = [0; 512];
    match stream.read(&mut space).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        n => {
            read.extend_from_slice(&space[..n]);
            Ok(())
        }
    }
}
