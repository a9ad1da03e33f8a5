//! Connections that go on to TCP services, whatever is said on them.
use crate::wire::Server;
use std::net::SocketAddr;

mod names;
mod proxied;
mod relays;

/// A router for everything without TLS, and its service with further options.
fn relay(server: SocketAddr, options: &str) -> String {
    format!(
        "
tcp:
  routers:
    app: {{rule: 'HostSNI(`*`)', service: app}}
  services:
    app: {{loadBalancer: {{servers: [{{address: '{server}'}}], {options}}}}}
"
    )
}

/// Answers every request with a name, over HTTP or below it. Returns its address.
async fn named(name: &'static str) -> SocketAddr {
    let server = Server::start().await;
    let address = server.address;
    tokio::task::spawn_local(async move {
        loop {
            let mut wire = server.accept().await;
            tokio::task::spawn_local(async move {
                while wire.message().await.is_some() {
                    wire.ok(name).await;
                }
            });
        }
    });
    address
}
