//! Checks passwords beside the event loop: that is slow on purpose.
use crate::{net::Net, worker::Worker};
use rutter_core::middleware::credentials::Credentials;

/// Whether a password is right.
pub(crate) async fn verify<N: Net>(worker: &Worker<N>, credentials: Box<Credentials>) -> bool {
    let work = move || credentials.check();
    worker.upstreams.net().offload(work).await.unwrap_or(false)
}
