//! PROXY headers in front of requests.
use crate::{
    proxy::{run, serve, settings, to},
    wire::{Message, Server, Wire},
};
use rutter_core::entry_point::Trust;

async fn answered(trusted: bool, first: &[u8]) -> Option<Message> {
    let url = Server::start().await.echo();
    let mut settings = settings();
    let networks = if trusted { vec!["127.0.0.0/8".parse().unwrap()] } else { Vec::new() };
    settings.entry_points[0].proxy_protocol =
        Some(Trust { insecure: false, networks: networks.into() });
    let served = serve(settings, to(url)).await;
    let mut client = Wire::connect(served.address).await;
    client.stream.set_nodelay(true).unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for byte in first.iter().chain(request) {
        client.send([*byte]).await;
        tokio::task::yield_now().await;
    }
    client.message().await
}

fn forwarded_for(message: &Message) -> &str {
    let line = message.text().lines().find_map(|line| line.strip_prefix("X-Forwarded-For: "));
    line.unwrap_or("none")
}

#[test]
fn a_trusted_header_names_the_client() {
    run(async {
        let v1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n";
        assert_eq!(forwarded_for(&answered(true, v1).await.unwrap()), "192.0.2.1");
        let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
        v2.extend([192, 0, 2, 3, 192, 0, 2, 2, 0, 5, 0, 80]);
        assert_eq!(forwarded_for(&answered(true, &v2).await.unwrap()), "192.0.2.3");
    });
}

#[test]
fn an_untrusted_header_is_taken_off_and_ignored() {
    run(async {
        let v1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n";
        assert_eq!(forwarded_for(&answered(false, v1).await.unwrap()), "127.0.0.1");
    });
}

#[test]
fn there_need_be_no_header() {
    run(async {
        assert_eq!(forwarded_for(&answered(true, b"").await.unwrap()), "127.0.0.1");
    });
}

#[test]
fn a_malformed_header_closes_the_connection() {
    run(async {
        let url = Server::start().await.echo();
        let mut settings = settings();
        settings.entry_points[0].proxy_protocol = Some(Trust::default());
        let served = serve(settings, to(url)).await;
        let mut client = Wire::connect(served.address).await;
        client.send("PROXY TCP5 what\r\n").await;
        assert!(client.is_closed().await);
    });
}
