//! Lines of the access log.
use crate::{
    proxy::{run, serve, settings, to},
    wire::{Server, Wire},
};

#[test]
fn every_request_has_a_line() {
    run(async {
        let url = Server::start().await.echo();
        let mut settings = settings();
        settings.entry_points[0].core.forwarded_trust.insecure = true;
        let served = serve(settings, to(&url)).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET /a?b HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.1\"\r\n\r\n").await;
        let length = client.message().await.unwrap().body.len();
        client.get("/second").await;
        let log = String::from_utf8(served.log.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 2, "{log}");
        let (start, rest) = lines[0].split_once(" [").unwrap();
        let (_, rest) = rest.split_once("] ").unwrap();
        let rest = rest.rsplit_once(' ').unwrap().0;
        assert_eq!(start, r#"10.0.0.1\" - -"#);
        assert_eq!(
            rest,
            format!(r#""GET /a?b HTTP/1.1" 200 {length} "-" "-" 1 "app@file" "{url}""#)
        );
        assert!(lines[1].starts_with("127.0.0.1 - - ["), "{log}");
        assert!(lines[1].contains(r#" 2 "app@file""#), "{log}");
    });
}
