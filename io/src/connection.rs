//! HTTP on one client's connection: requests out of it, responses into it, its deadlines.
use crate::{
    exchange,
    net::Net,
    shutdown::{LAST_CALL, Registered, Stage},
    upgrade::{self, Tunnel},
    upstream::h2::LocalExecutor,
    wire::Wire,
    worker::Worker,
};
use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
pub(crate) use progress::Progress;
use rutter_core::{
    entry_point::{EntryPointId, Peer, connection::Timeouts},
    time::Instant,
};
use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
    time::Duration,
};
use stream::ClientStream;
use timer::Timer;
use tokio::{
    io::AsyncReadExt,
    time::{sleep, timeout},
};

mod progress;
mod stream;
mod timer;

/// Compat: http.md "h2 max 250 concurrent streams".
const STREAMS_MAX: u32 = 250;
/// What a stream may have waiting for its client.
const STREAM_BUFFER: usize = 64 << 10;
/// What a head may have beyond its limit. Compat: http.md "plus a small slack".
const HEADER_SLACK: usize = 4096;
/// hyper takes no smaller buffer.
const BUFFER_MIN: usize = 8192;

/// How long, and how often, a client that was answered too early is still read from.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_READS: u32 = 256;

/// A client that is about to speak HTTP.
pub(crate) struct Client<N: Net> {
    pub(crate) worker: Rc<Worker<N>>,
    pub(crate) entry_point: EntryPointId,
    pub(crate) peer: Peer,
    pub(crate) registered: Registered,
    /// When the connection was accepted.
    pub(crate) started: Instant,
    pub(crate) stream: Wire<N::Stream>,
}

/// What the exchanges of one connection share.
pub(crate) struct Connection<N: Net> {
    pub(crate) worker: Rc<Worker<N>>,
    pub(crate) entry_point: EntryPointId,
    pub(crate) peer: Peer,
    pub(crate) progress: Rc<Progress>,
    /// Set when a server switched protocols: what to do once the client was told.
    pub(crate) tunnel: RefCell<Option<Tunnel<N>>>,
    /// Set where requests share the connection: their bodies then have limits of their own.
    pub(crate) streams: Option<Timeouts>,
}

/// Serves HTTP/1, and what it may be upgraded to.
pub(crate) async fn serve_http1<N: Net>(client: Client<N>) {
    let (connection, stream, registered) = begin(client, false);
    let settings = connection.worker.proxy.entry_point(connection.entry_point);
    let service = {
        let connection = Rc::clone(&connection);
        service_fn(move |request| exchange::serve(Rc::clone(&connection), request))
    };
    let mut http = http1::Builder::new()
        .title_case_headers(true)
        .max_header_size(settings.header_bytes_max + HEADER_SLACK)
        .max_buf_size((settings.header_bytes_max + HEADER_SLACK).max(BUFFER_MIN))
        .serve_connection(TokioIo::new(stream), service);
    let mut timer = pin!(Timer::new(&connection.progress));
    let mut closing = false;
    let mut last_call = None;
    let served = poll_fn(|cx| {
        loop {
            // First of all: a request that is there already is not an idle connection.
            if let Poll::Ready(result) = Pin::new(&mut http).poll(cx) {
                note(&result);
                return Poll::Ready(Some(result));
            }
            match registered.poll_stage(cx) {
                Stage::Closing if !closing => {
                    // A request that is on its way now would be lost on an idle connection.
                    let call = || Box::pin(sleep(LAST_CALL));
                    if connection.progress.is_idle()
                        && last_call.get_or_insert_with(call).as_mut().poll(cx).is_pending()
                    {
                        break;
                    }
                    closing = true;
                    Pin::new(&mut http).graceful_shutdown();
                }
                Stage::Open | Stage::Closing => break,
                Stage::Cut => return Poll::Ready(None),
            }
        }
        timer.as_mut().poll(cx).map(|()| None)
    })
    .await;
    let Some(result) = served else { return };
    let tunnel = connection.tunnel.take();
    let refused = result.as_ref().is_err_and(hyper::Error::is_parse);
    if let (Ok(()), Some(tunnel)) = (&result, tunnel) {
        let parts = http.into_parts();
        upgrade::run(parts.io.into_inner(), parts.read_buf, tunnel, &registered).await;
    } else if refused || connection.progress.is_abandoned() {
        linger(http.into_parts().io.into_inner(), &registered).await;
    }
}

/// Reads what a client still sends after its last answer: closed at once, the connection would be
/// reset, and the answer lost on its way.
async fn linger<N: Net>(mut stream: ClientStream<N>, registered: &Registered) {
    let drained = async {
        let mut space = vec![0; 16 << 10];
        for _ in 0..LINGER_READS {
            if !stream.read(&mut space).await.is_ok_and(|n| n > 0) {
                break;
            }
        }
    };
    tokio::select! {
        () = registered.reached(Stage::Cut) => {}
        _ = timeout(LINGER, drained) => {}
    }
}

/// Serves HTTP/2.
pub(crate) async fn serve_http2<N: Net>(client: Client<N>) {
    let (connection, stream, registered) = begin(client, true);
    let settings = connection.worker.proxy.entry_point(connection.entry_point);
    let service = {
        let connection = Rc::clone(&connection);
        service_fn(move |request| exchange::serve(Rc::clone(&connection), request))
    };
    let mut http = pin!(
        http2::Builder::new(LocalExecutor)
            .max_concurrent_streams(STREAMS_MAX)
            .max_send_buf_size(STREAM_BUFFER)
            .max_header_list_size(u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut timer = pin!(Timer::new(&connection.progress));
    let mut closing = false;
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(result) = http.as_mut().poll(cx) {
                note(&result);
                return Poll::Ready(());
            }
            match registered.poll_stage(cx) {
                Stage::Closing if !closing => {
                    closing = true;
                    http.as_mut().graceful_shutdown();
                }
                Stage::Open | Stage::Closing => break,
                Stage::Cut => return Poll::Ready(()),
            }
        }
        timer.as_mut().poll(cx)
    })
    .await;
}

fn begin<N: Net>(
    client: Client<N>,
    shared: bool,
) -> (Rc<Connection<N>>, ClientStream<N>, Registered) {
    let Client { worker, entry_point, peer, registered, started, stream } = client;
    let limits = worker.proxy.entry_point(entry_point).timeouts;
    let progress = Rc::new(Progress::new(worker.clock, started, limits));
    let stream = ClientStream::new(stream, Rc::clone(&progress));
    let tunnel = RefCell::new(None);
    let streams = shared.then_some(limits);
    let connection = Connection { worker, entry_point, peer, progress, tunnel, streams };
    (Rc::new(connection), stream, registered)
}

fn note(result: &hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "client connection");
    }
}
