//! PROXY headers, to servers and from peers.
use super::relay;
use crate::{
    proxy::{run, serve, settings, written},
    tls::{anyone, connect},
    wire::{Server, Wire},
};
use rutter_core::entry_point::Trust;
use std::net::SocketAddr;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn version_1(client: SocketAddr, proxy: SocketAddr) -> Vec<u8> {
    let line = (client.ip(), proxy.ip(), client.port(), proxy.port());
    format!("PROXY TCP4 {} {} {} {}\r\n", line.0, line.1, line.2, line.3).into_bytes()
}

fn version_2(client: SocketAddr, proxy: SocketAddr) -> Vec<u8> {
    let mut header = [SIGNATURE, &[0x21, 0x11, 0, 12, 127, 0, 0, 1, 127, 0, 0, 1]].concat();
    header.extend(client.port().to_be_bytes());
    header.extend(proxy.port().to_be_bytes());
    header
}

#[test]
fn a_server_is_told_the_clients_address_also_where_tls_ends() {
    type Header = fn(SocketAddr, SocketAddr) -> Vec<u8>;
    let cases: [(&str, Header); 3] = [
        ("proxyProtocol: {version: 1}", version_1),
        ("proxyProtocol: {version: 2}", version_2),
        ("proxyProtocol: {}", version_2),
    ];
    for (options, header) in cases {
        run(async move {
            let server = Server::start().await;
            let served = serve(settings(), written(&relay(server.address, options))).await;
            let mut client = Wire::connect(served.address).await;
            let mut wire = server.accept().await;
            let header_of = |client| header(client, served.address);
            let expected = header_of(client.stream.local_addr().unwrap());
            assert_eq!(wire.exactly(expected.len()).await, expected);
            client.send("ping").await;
            assert_eq!(wire.exactly(4).await, b"ping");

            let text =
                relay(server.address, options).replace("service: app}", "service: app, tls: {}}");
            let served = serve(settings(), written(&text)).await;
            let mut client = connect(served.address, "a.test", &anyone()).await.unwrap();
            let address = client.stream.get_ref().0.local_addr().unwrap();
            let mut wire = server.accept().await;
            let expected = header(address, served.address);
            assert_eq!(wire.exactly(expected.len()).await, expected);
            client.send("ping").await;
            assert_eq!(wire.exactly(4).await, b"ping");
        });
    }
}

#[test]
fn a_trusted_peer_tells_the_client_before_a_server_speaks_first() {
    run(async {
        let server = Server::start().await;
        let mut settings = settings();
        settings.entry_points[0].proxy_protocol =
            Some(Trust { insecure: false, networks: vec!["127.0.0.0/8".parse().unwrap()].into() });
        let text = relay(server.address, "proxyProtocol: {version: 1}");
        let served = serve(settings, written(&text)).await;
        let mut one = Wire::connect(served.address).await;
        let mut two = Wire::connect(served.address).await;
        // The one that came later tells first, and is served first.
        for (client, header) in [
            (&mut two, "PROXY TCP4 192.0.2.2 192.0.2.9 5 80\r\n"),
            (&mut one, "PROXY TCP4 192.0.2.1 192.0.2.9 5 80\r\n"),
        ] {
            client.send(header).await;
            let mut wire = server.accept().await;
            assert_eq!(wire.exactly(header.len()).await, header.as_bytes());
            wire.send("ready").await;
            assert_eq!(client.exactly(5).await, b"ready");
        }
    });
}

#[test]
fn a_peer_that_is_not_trusted_is_not_waited_for() {
    run(async {
        let server = Server::start().await;
        let mut settings = settings();
        settings.entry_points[0].proxy_protocol = Some(Trust::default());
        let served = serve(settings, written(&relay(server.address, ""))).await;
        let mut client = Wire::connect(served.address).await;
        server.accept().await.send("ready").await;
        assert_eq!(client.exactly(5).await, b"ready");
    });
}

#[test]
fn a_header_in_front_of_tls_names_the_client() {
    run(async {
        let server = Server::start().await;
        let mut settings = settings();
        settings.entry_points[0].proxy_protocol =
            Some(Trust { insecure: true, networks: Vec::new().into() });
        let text = relay(server.address, "proxyProtocol: {version: 1}")
            .replace("service: app}", "service: app, tls: {}}");
        let served = serve(settings, written(&text)).await;
        let header = "PROXY TCP6 2001:db8::1 2001:db8::2 5 443\r\n";
        let mut client = Wire::connect(served.address).await;
        client.send(header).await;
        let name = "a.test".try_into().unwrap();
        let connector = tokio_rustls::TlsConnector::from(anyone());
        let mut client = Wire::new(connector.connect(name, client.stream).await.unwrap());
        let mut wire = server.accept().await;
        assert_eq!(wire.exactly(header.len()).await, header.as_bytes());
        client.send("ping").await;
        assert_eq!(wire.exactly(4).await, b"ping");
    });
}
