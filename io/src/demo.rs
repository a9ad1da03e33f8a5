//! What `rutter demo` routes, and what it routes to.
use crate::{
    net::{Listener as _, tcp::Bound},
    source,
};
use rutter_core::{config::read, provider::Message};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, mpsc},
    thread,
};
use tokio::runtime::{Builder, LocalOptions};
use whoami::Role;

pub mod whoami;

/// The provider's name of the demo's objects.
pub const PROVIDER: &str = "demo";

const DYNAMIC: &str = include_str!("demo/dynamic.yaml");

/// The demo's own servers, on free loopback ports.
#[derive(Clone, Debug)]
pub struct Servers {
    whoami_1: SocketAddr,
    whoami_2: SocketAddr,
    copies: SocketAddr,
}

impl Servers {
    /// Starts them on a thread of their own, for as long as the process lives.
    ///
    /// # Errors
    /// No free port, or no thread.
    pub fn start() -> io::Result<Self> {
        let bind = || Bound::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let listeners = [bind()?, bind()?, bind()?];
        let [whoami_1, whoami_2, copies] = [0, 1, 2].map(|index| listeners[index].local_addr());
        let servers = Self { whoami_1: whoami_1?, whoami_2: whoami_2?, copies: copies? };
        let (ready, readied) = mpsc::channel();
        thread::Builder::new().name("demo".into()).spawn(move || {
            let runtime =
                Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
            match runtime {
                Ok(runtime) => {
                    let _ = ready.send(Ok(()));
                    runtime.block_on(serve(listeners));
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        })?;
        readied.recv().map_err(io::Error::other)??;
        Ok(servers)
    }
}

async fn serve([whoami_1, whoami_2, copies]: [Bound; 3]) {
    let ended = tokio::join!(
        whoami::serve(whoami_1, Role::Whoami("whoami-1".into())),
        whoami::serve(whoami_2, Role::Whoami("whoami-2".into())),
        whoami::serve(copies, Role::Counter(Arc::default())),
    );
    tracing::error!("the demo's servers failed: {ended:?}");
}

/// The demo's dynamic configuration.
///
/// # Errors
/// What is wrong with it.
pub fn message(servers: &Servers) -> Result<Message, String> {
    let text = DYNAMIC
        .replace("ADDRESS_WHOAMI_1", &servers.whoami_1.to_string())
        .replace("ADDRESS_WHOAMI_2", &servers.whoami_2.to_string())
        .replace("ADDRESS_COPIES", &servers.copies.to_string());
    let document =
        source::parse(Path::new("demo.yaml"), &text).map_err(|error| error.to_string())?;
    let (configuration, diagnostics) = read::read(&document);
    match diagnostics.first() {
        Some(diagnostic) => Err(diagnostic.to_string()),
        None => Ok(Message { provider: PROVIDER.into(), configuration: Arc::new(configuration) }),
    }
}
