//! Who gets in: passwords, and servers that say so.
use crate::{
    https,
    proxy::{past, run, serve, settings},
    wire::{Message, Server, Wire},
};
use rutter::{clock::Clock, net::tcp::Tcp};
use rutter_core::{
    config::{Configuration, file::File},
    middleware::{
        Definition,
        basic_auth::BasicAuth,
        forward_auth::{ClientTls, ForwardAuth},
        users::Lines,
    },
    provider,
};
use std::sync::Arc;
use tokio::sync::mpsc;

/// `htpasswd -nB -C 5 a`, the password hunter2.
const USER: &str = "a:$2y$05$wr0c87mPQmDn3no12i8o7OKpLpSFBPIbKm5rmo/kTpFcHH806X5O2";

fn basic(options: BasicAuth) -> Definition {
    Definition { basic_auth: Some(options), ..Definition::default() }
}

fn forward(options: ForwardAuth) -> Definition {
    Definition { forward_auth: Some(options), ..Definition::default() }
}

async fn get(client: &mut Wire, credentials: &str) -> Message {
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: {credentials}\r\n\r\n");
    client.send(head).await;
    client.message().await.expect("an answer")
}

#[test]
fn a_password_lets_in_and_the_log_has_the_name() {
    run(async {
        let users = Lines(vec![USER.into()]);
        let options = BasicAuth { users, remove_header: true, ..BasicAuth::default() };
        let url = Server::start().await.echo();
        let served = serve(settings(), past(&url, basic(options))).await;
        let mut client = Wire::connect(served.address).await;
        let refused = client.get("/").await;
        assert_eq!(refused.first(), "HTTP/1.1 401 Unauthorized");
        assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"traefik\""));
        assert_eq!(refused.text(), "401 Unauthorized\n");
        // a:hunter3, then a:hunter2 twice.
        for (credentials, want) in [
            ("Basic YTpodW50ZXIz", "401"),
            ("Basic YTpodW50ZXIy", "200"),
            ("Basic YTpodW50ZXIy", "200"),
        ] {
            let answer = get(&mut client, credentials).await;
            assert!(answer.first().contains(want), "{}", answer.first());
            assert!(!answer.text().to_ascii_lowercase().contains("authorization"));
        }
        let log = String::from_utf8(served.log.lock().unwrap().clone()).unwrap();
        let names: Vec<&str> = log.lines().map(|line| line.split(' ').nth(2).unwrap()).collect();
        assert_eq!(names, ["-", "-", "a", "a"]);
    });
}

#[test]
fn users_of_a_file_change_with_it() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        std::fs::write(&file, "b:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=\n").unwrap();
        let users_file = File::new(file.to_str().unwrap());
        let options = BasicAuth { users_file, ..BasicAuth::default() };
        let url = Server::start().await.echo();
        let served = serve(settings(), Configuration::default()).await;
        let (messages, inbox) = mpsc::channel(1);
        let control = Arc::clone(&served.proxy).control(Tcp::default(), Clock::start(), inbox);
        let control = tokio::task::spawn_local(control);
        let configuration = Arc::new(past(&url, basic(options)));
        messages.send(provider::Message { provider: "file".into(), configuration }).await.unwrap();
        let mut client = Wire::connect(served.address).await;
        while client.get("/").await.first().contains("404") {
            tokio::task::yield_now().await;
        }
        assert!(get(&mut client, "Basic YjpodW50ZXIy").await.first().contains("200"));
        assert!(get(&mut client, "Basic YTpodW50ZXIy").await.first().contains("401"));
        std::fs::write(&file, USER).unwrap();
        while !get(&mut client, "Basic YTpodW50ZXIy").await.first().contains("200") {
            tokio::task::yield_now().await;
        }
        assert!(get(&mut client, "Basic YjpodW50ZXIy").await.first().contains("401"));
        served.proxy.terminate();
        control.await.unwrap();
    });
}

#[test]
fn another_server_says_who_passes() {
    run(async {
        let auth = Server::start().await;
        let options = ForwardAuth {
            address: format!("{}/verify", auth.url()),
            auth_response_headers: vec!["X-User".into()],
            ..ForwardAuth::default()
        };
        let url = Server::start().await.echo();
        let served = serve(settings(), past(&url, forward(options))).await;
        let mut client = Wire::connect(served.address).await;
        client
            .send("POST /x HTTP/1.1\r\nHost: app\r\nContent-Length: 4\r\nX-User: root\r\n\r\nbody")
            .await;
        let mut wire = auth.accept().await;
        let asked = wire.message().await.unwrap();
        assert_eq!(asked.first(), "GET /verify HTTP/1.1");
        assert_eq!(asked.header("host"), Some(&*auth.address.to_string()));
        assert_eq!(asked.header("x-forwarded-uri"), Some("/x"));
        assert_eq!((asked.header("content-length"), asked.body.len()), (None, 0));
        wire.send("HTTP/1.1 204 No Content\r\nX-User: a\r\n\r\n").await;
        let passed = client.message().await.unwrap();
        let seen = passed.text().to_ascii_lowercase();
        assert!(seen.ends_with("body") && seen.contains("x-user: a\r\n"), "{seen}");
        assert!(!seen.contains("root"), "{seen}");
        client.send("GET /x HTTP/1.1\r\nHost: app\r\n\r\n").await;
        wire.message().await.unwrap();
        let refusal = "HTTP/1.1 302 Found\r\nLocation: /login\r\nSet-Cookie: a=1\r\n\
                       Content-Length: 2\r\n\r\nno";
        wire.send(refusal).await;
        let refused = client.message().await.unwrap();
        assert_eq!(refused.first(), "HTTP/1.1 302 Found");
        assert_eq!(refused.header("location"), Some(&*format!("{}/login", auth.url())));
        assert_eq!((refused.header("set-cookie"), refused.text()), (Some("a=1"), "no"));
        drop((auth, wire));
        let failed = client.get("/").await;
        assert_eq!(failed.first(), "HTTP/1.1 500 Internal Server Error");
        assert_eq!(failed.text(), "");
    });
}

#[test]
fn an_auth_server_is_shown_a_certificate_and_must_be_trusted() {
    let tls = |ca: &str, insecure_skip_verify| ClientTls {
        ca: File::new(ca),
        cert: File::new(https::certificate()),
        key: File::new(https::key()),
        insecure_skip_verify,
        ..ClientTls::default()
    };
    let none = ClientTls { insecure_skip_verify: true, ..ClientTls::default() };
    for (host, tls, want) in [
        ("localhost", tls(https::certificate(), false), "200"),
        ("127.0.0.1", tls(https::certificate(), false), "500"),
        ("127.0.0.1", tls("", true), "200"),
        ("localhost", tls("", false), "500"),
        ("localhost", none, "500"),
    ] {
        run(async move {
            let port = https::secure(&[b"http/1.1"], true).await;
            let address = format!("https://{host}:{port}");
            let options = ForwardAuth { address, tls: Some(tls), ..ForwardAuth::default() };
            let url = Server::start().await.echo();
            let served = serve(settings(), past(&url, forward(options))).await;
            let mut client = Wire::connect(served.address).await;
            for _ in 0..2 {
                let answer = client.get("/").await;
                assert!(answer.first().contains(want), "{host} {want}: {}", answer.first());
            }
        });
    }
}
