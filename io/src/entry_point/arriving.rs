//! The first bytes of a connection: who is at the other end, and where it goes.
use crate::{
    live::Held,
    net::{Net, Stream},
    wire::Prefixed,
    worker::Worker,
};
use bytes::BytesMut;
use rutter_core::{
    entry_point::{
        EntryPointId,
        proxy_protocol::{self, Addresses, Sniff},
    },
    tcp::{
        Table,
        arrival::{Arrival, Step},
    },
};
use std::{io, net::SocketAddr, rc::Rc};
use tokio::io::AsyncReadExt;

/// A connection of which it is known where it goes.
pub(super) struct Arrived<N: Net> {
    pub(super) stream: Prefixed<N::Stream>,
    /// Both ends, as a trusted PROXY header tells them where there is one.
    pub(super) ends: Addresses,
    /// Never [`Step::Wait`].
    pub(super) step: Step,
    /// What was in force when that was decided.
    pub(super) live: Rc<Held>,
}

/// Reads until it is known where the connection goes.
///
/// With a PROXY header expected, a server that speaks first is waited for until the header has come, but
/// only where it would be believed.
pub(super) async fn arrive<N: Net>(
    worker: &Worker<N>,
    id: EntryPointId,
    mut arrival: Arrival,
    mut stream: N::Stream,
    address: SocketAddr,
) -> io::Result<Arrived<N>> {
    let mut ends = Addresses { source: address, destination: stream.local_addr()? };
    let mut read = BytesMut::new();
    let silent = |live: &Held| table(live, id).is_some_and(|it| it.silent().is_some());
    if let Some(trust) = &worker.proxy.entry_point(id).proxy_protocol {
        let trusted = trust.includes(address.ip());
        if trusted || !silent(&worker.live()) {
            let told = proxy_header(&mut stream, &mut read).await?;
            ends = told.filter(|_| trusted).unwrap_or(ends);
        }
    }
    let mut live = worker.live();
    let mut step = match table(&live, id) {
        Some(table) => arrival.start(table),
        None => return Err(io::ErrorKind::NotFound.into()),
    };
    let mut seen = 0;
    while matches!(step, Step::Wait { .. }) {
        if seen == read.len() {
            more(&mut stream, &mut read).await?;
        }
        live = worker.live();
        let Some(table) = table(&live, id) else { return Err(io::ErrorKind::NotFound.into()) };
        step = arrival.read(table, &read[seen..]);
        seen = read.len();
    }
    let stream = Prefixed::new(read.freeze(), stream);
    Ok(Arrived { stream, ends, step, live })
}

fn table(live: &Held, id: EntryPointId) -> Option<&Table> {
    live.plan.connections(id)
}

/// Takes a PROXY header off the stream; `None`: there is none, or it tells nothing.
async fn proxy_header<S: Stream>(
    stream: &mut S,
    read: &mut BytesMut,
) -> io::Result<Option<Addresses>> {
    loop {
        match proxy_protocol::sniff(read) {
            Sniff::NeedMore => more(stream, read).await?,
            Sniff::Absent => return Ok(None),
            Sniff::Malformed => return Err(io::ErrorKind::InvalidData.into()),
            Sniff::Header { bytes, addresses } => {
                let _ = read.split_to(bytes);
                return Ok(addresses);
            }
        }
    }
}

/// Reads what there is, a little at a time: what is read here is read before its limits are known.
async fn more<S: Stream>(stream: &mut S, read: &mut BytesMut) -> io::Result<()> {
    let mut space = [0; 2048];
    match stream.read(&mut space).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        n => {
            read.extend_from_slice(&space[..n]);
            Ok(())
        }
    }
}
