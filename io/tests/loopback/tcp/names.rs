//! Which connections go where.
use super::named;
use crate::{
    proxy::{run, serve, settings, written},
    tls::{anyone, connect},
    wire::{Server, Wire},
};
use rustls::{ClientConnection, pki_types::ServerName};
use std::net::SocketAddr;

#[test]
fn a_connection_that_is_passed_through_arrives_as_it_came() {
    run(async {
        let server = Server::start().await;
        let text = format!(
            "
tcp:
  routers:
    app: {{rule: 'HostSNI(`a.test`)', service: app, tls: {{passthrough: true}}}}
  services:
    app: {{loadBalancer: {{servers: [{{address: '{}'}}]}}}}
",
            server.address
        );
        let served = serve(settings(), written(&text)).await;
        let name = ServerName::try_from("a.test").unwrap();
        let mut hello = Vec::new();
        ClientConnection::new(anyone(), name).unwrap().write_tls(&mut hello).unwrap();
        // Whatever comes with it is nobody's business either.
        hello.extend(b"and more");
        let mut client = Wire::connect(served.address).await;
        client.send(&hello).await;
        let mut wire = server.accept().await;
        assert_eq!(wire.exactly(hello.len()).await, hello);
        wire.send("no TLS at all").await;
        assert_eq!(client.exactly(13).await, b"no TLS at all");
    });
}

#[test]
fn where_tls_ends_a_server_is_spoken_to_in_the_clear() {
    run(async {
        let server = Server::start().await;
        let text = format!(
            "
tcp:
  routers:
    app: {{rule: 'HostSNI(`a.test`)', service: app, tls: {{}}}}
  services:
    app: {{loadBalancer: {{servers: [{{address: '{}'}}]}}}}
",
            server.address
        );
        let served = serve(settings(), written(&text)).await;
        let mut client = connect(served.address, "a.test", &anyone()).await.unwrap();
        let mut wire = server.accept().await;
        wire.send("ready").await;
        assert_eq!(client.exactly(5).await, b"ready");
        client.send("ping").await;
        assert_eq!(wire.exactly(4).await, b"ping");
        // The end is told as such.
        drop(wire);
        let mut end = [0];
        let read = tokio::io::AsyncReadExt::read(&mut client.stream, &mut end).await;
        assert_eq!(read.unwrap(), 0);
    });
}

/// Who answers a client that asks for a name, or speaks without TLS.
async fn answers(address: SocketAddr, name: Option<&str>) -> String {
    let Some(name) = name else {
        let mut wire = Wire::connect(address).await;
        return answer(wire.get("/").await);
    };
    let mut wire = connect(address, name, &anyone()).await.unwrap();
    answer(wire.get("/").await)
}

fn answer(message: crate::wire::Message) -> String {
    let status = message.first().split(' ').nth(1).unwrap_or_default().to_owned();
    if status == "200" { message.text().to_owned() } else { status }
}

#[test]
fn tcp_and_http_share_an_entry_point() {
    const CLEAR_HTTP: &str = "clear: {rule: 'PathPrefix(`/`)', service: http}";
    const HTTPS: &str = "tls: {rule: 'PathPrefix(`/`)', service: https, tls: {}}";
    const OWN: &str = "own: {rule: 'Host(`own.test`)', service: https, tls: {options: own}}";
    const CLEAR: &str = "clear: {rule: 'HostSNI(`*`)', service: clear}";
    const ALL: &str = "all: {rule: 'HostSNI(`*`)', service: all, tls: {}}";
    const NAMED: &str = "named: {rule: 'HostSNI(`own.test`, `a.test`)', service: named, tls: {}}";
    // HTTP routers, TCP routers; who answers in the clear, to `a.test`, to `own.test`, to other names.
    let cases: [(&[&str], &[&str], [&str; 4]); 8] = [
        (&[], &[], ["404", "404", "404", "404"]),
        (&[CLEAR_HTTP], &[], ["http", "404", "404", "404"]),
        (&[CLEAR_HTTP, HTTPS], &[NAMED], ["http", "named", "named", "https"]),
        (&[CLEAR_HTTP, HTTPS, OWN], &[NAMED], ["http", "named", "421", "https"]),
        (&[HTTPS], &[ALL, NAMED], ["404", "named", "named", "https"]),
        (&[CLEAR_HTTP], &[ALL, NAMED], ["http", "named", "named", "all"]),
        (&[CLEAR_HTTP, HTTPS], &[CLEAR, ALL], ["clear", "https", "https", "https"]),
        (&[CLEAR_HTTP], &[CLEAR, ALL], ["clear", "all", "all", "all"]),
    ];
    for (http, tcp, answered) in cases {
        run(async move {
            let servers = ["http", "https", "clear", "all", "named"];
            let (mut urls, mut addresses) = (Vec::new(), Vec::new());
            for name in servers {
                let address = named(name).await;
                urls.push(format!(
                    "{name}: {{loadBalancer: {{servers: [{{url: 'http://{address}'}}]}}}}"
                ));
                addresses.push(format!(
                    "{name}: {{loadBalancer: {{servers: [{{address: '{address}'}}]}}}}"
                ));
            }
            let text = format!(
                "
http:
  routers: {{{}}}
  services: {{{}}}
tcp:
  routers: {{{}}}
  services: {{{}}}
tls: {{options: {{own: {{minVersion: VersionTLS13}}}}}}
",
                http.join(", "),
                urls.join(", "),
                tcp.join(", "),
                addresses.join(", ")
            );
            let served = serve(settings(), written(&text)).await;
            let names = [None, Some("a.test"), Some("own.test"), Some("other.test")];
            for (name, who) in names.into_iter().zip(answered) {
                assert_eq!(answers(served.address, name).await, who, "{http:?} {tcp:?} {name:?}");
            }
        });
    }
}
