//! The graceful end.
use crate::{
    proxy::{configuration, everything, run, serve, servers, settings},
    wire::{Server, Wire},
};
use rutter_core::config::http::Router;
use std::time::Duration;

#[test]
fn work_in_flight_is_finished_and_idle_connections_are_closed() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), crate::proxy::to(server.url())).await;
        let mut idle = Wire::connect(served.address).await;
        let mut silent = Wire::connect(served.address).await;
        idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        wire.ok("idle").await;
        idle.message().await.unwrap();
        let mut busy = Wire::connect(served.address).await;
        busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        wire.message().await.unwrap();
        served.proxy.terminate();
        assert!(idle.is_closed().await);
        assert!(silent.is_closed().await);
        wire.ok("busy").await;
        let answer = busy.message().await.unwrap();
        assert_eq!(answer.text(), "busy");
        assert_eq!(answer.header("connection"), Some("close"));
        served.task.await.unwrap();
        assert!(tokio::net::TcpStream::connect(served.address).await.is_err());
    });
}

#[test]
fn a_request_that_crosses_the_end_on_an_idle_connection_is_served() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), crate::proxy::to(url)).await;
        let mut client = Wire::connect(served.address).await;
        client.get("/").await;
        served.proxy.terminate();
        while tokio::net::TcpStream::connect(served.address).await.is_ok() {}
        assert_eq!(client.get("/").await.header("connection"), Some("close"));
        assert!(client.is_closed().await);
        served.task.await.unwrap();
    });
}

#[test]
fn work_that_takes_too_long_is_cut() {
    run(async {
        let server = Server::start().await;
        let mut settings = settings();
        settings.entry_points[0].grace = Duration::from_millis(30);
        let served = serve(settings, crate::proxy::to(server.url())).await;
        let mut busy = Wire::connect(served.address).await;
        busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        served.proxy.terminate();
        assert!(busy.is_closed().await);
        assert!(wire.is_closed().await);
        served.task.await.unwrap();
    });
}

#[test]
fn ping_says_so_while_connections_are_still_accepted() {
    run(async {
        let mut settings = settings();
        settings.entry_points[0].accept_grace = Duration::from_secs(600);
        let ping = Router {
            rule: "Path(`/ping`)".into(),
            service: "ping@internal".into(),
            priority: 100,
            ..Router::default()
        };
        let configuration = configuration(
            vec![("ping", ping), ("app", everything("app"))],
            vec![("app", servers(&[Server::start().await.echo()]))],
        );
        let served = serve(settings, configuration).await;
        let mut client = Wire::connect(served.address).await;
        assert_eq!(client.get("/ping").await.text(), "OK");
        served.proxy.terminate();
        assert_eq!(client.get("/ping").await.first(), "HTTP/1.1 503 Service Unavailable");
        let mut late = Wire::connect(served.address).await;
        assert_eq!(late.get("/").await.first(), "HTTP/1.1 200 OK");
        served.task.abort();
    });
}

#[test]
fn a_client_that_connected_in_time_is_served() {
    run(async {
        let url = Server::start().await.echo();
        let served = serve(settings(), crate::proxy::to(url)).await;
        let mut clients = Vec::new();
        for _ in 0..5 {
            let mut client = Wire::connect(served.address).await;
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
            clients.push(client);
        }
        served.proxy.terminate();
        for mut client in clients {
            assert_eq!(client.message().await.unwrap().first(), "HTTP/1.1 200 OK");
        }
        served.task.await.unwrap();
    });
}
