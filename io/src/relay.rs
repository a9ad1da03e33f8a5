//! Connections that are handed on to a TCP service, whatever is said on them.
//! Compat: services.md "TCP services".
use crate::{
    live::Held,
    net::Net,
    shutdown::{Registered, Stage},
    upstream,
    wire::Wire,
    worker::Worker,
};
use pump::pump;
use rutter_core::{
    entry_point::proxy_protocol::{self, Addresses},
    relay::{LoadBalancer, Picked, Server},
    tcp::Router,
};
use std::io;
use tokio::{io::AsyncWriteExt, time::timeout};

mod pump;
mod splice;

pub(crate) use pump::Scratch;

/// Hands a connection on to the server whose turn it is, until both sides have ended or it is cut.
///
/// A server that cannot be reached ends it: nobody knows whether another would do as well.
pub(crate) async fn serve<N: Net>(
    worker: &Worker<N>,
    live: &Held,
    router: &Router,
    mut client: Wire<N::Stream>,
    ends: Addresses,
    registered: &Registered,
) {
    let Some(Picked { service, server }) =
        router.service.pick(&live.cells(&worker.proxy.terminating))
    else {
        tracing::debug!(router = &*router.name, "no server: the connection is closed");
        return;
    };
    let relayed = async {
        let mut stream = connect(worker, &service, &server, ends).await.inspect_err(|error| {
            let (service, server) = (&*service.name, server.to_string());
            tracing::error!(service, server, %error, "cannot connect");
        })?;
        let delay = service.termination_delay;
        pump(&worker.scratch, &mut client, &mut stream, delay).await;
        io::Result::Ok(())
    };
    tokio::select! {
        biased;
        () = registered.reached(Stage::Cut) => {}
        _ = relayed => {}
    }
}

async fn connect<N: Net>(
    worker: &Worker<N>,
    service: &LoadBalancer,
    server: &Server,
    ends: Addresses,
) -> io::Result<N::Stream> {
    let dialled = upstream::dial(&worker.net, &server.host, server.port);
    let mut stream = match worker.proxy.settings.transport.dial_timeout {
        Some(limit) => timeout(limit, dialled).await.map_err(|_| io::ErrorKind::TimedOut)??,
        None => dialled.await?,
    };
    if let Some(version) = service.proxy_protocol {
        stream.write_all(&proxy_protocol::header(version, ends)).await?;
    }
    Ok(stream)
}
