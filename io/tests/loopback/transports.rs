//! Services whose servers are reached in a way of their own.
use crate::{
    https::{self, secure, secure_counted, secure_other},
    proxy::{configuration, publish, run, serve, servers, settings},
    wire::{Server, Wire},
};
use rutter::{clock::Clock, net::tcp::Tcp};
use rutter_core::{
    config::{
        Configuration, Defined,
        file::File,
        http::{HealthCheck, Router},
        scalar::Duration,
        tls::KeyPair,
        transport::ServersTransport,
    },
    diagnostic::Place,
    provider::Message,
    static_config::ForwardingTimeouts,
};
use std::{cell::Cell, rc::Rc, sync::Arc};
use tokio::sync::mpsc;

fn trusting(ca: &str) -> ServersTransport {
    ServersTransport { root_cas: vec![File::new(ca)], ..ServersTransport::default() }
}

/// Shows the certificate that servers here ask for.
fn showing(transport: ServersTransport) -> ServersTransport {
    let pair =
        KeyPair { cert_file: File::new(https::certificate()), key_file: File::new(https::key()) };
    ServersTransport { certificates: vec![pair], ..transport }
}

/// Services at `/0`, `/1` … with their transports.
fn all(services: Vec<(String, ServersTransport)>) -> Configuration {
    let names: Vec<String> = (0..services.len()).map(|n| n.to_string()).collect();
    let (mut routers, mut balancers) = (Vec::new(), Vec::new());
    for (name, (url, _)) in names.iter().zip(&services) {
        let rule = format!("Path(`/{name}`)");
        let router = Router { rule, service: name.clone(), ..Router::default() };
        routers.push((&**name, router));
        let mut service = servers(std::slice::from_ref(url));
        service.load_balancer.as_mut().unwrap().servers_transport.clone_from(name);
        balancers.push((&**name, service));
    }
    let mut configuration = configuration(routers, balancers);
    for (name, (_, transport)) in names.iter().zip(services) {
        let defined = Defined { value: Ok(transport), place: Place::default() };
        configuration.http.servers_transports.insert((&**name).into(), Arc::new(defined));
    }
    configuration
}

/// The status or, where that is 200, the text of an answer.
async fn asked(client: &mut Wire, path: &str) -> String {
    let answer = client.get(path).await;
    match answer.first().split(' ').nth(1).unwrap() {
        "200" => answer.text().to_owned(),
        status => status.to_owned(),
    }
}

#[test]
fn each_service_says_whom_it_trusts() {
    run(async {
        let (one, other) = (secure(&[], false).await, secure_other(&[]).await);
        let url = |host: &str, port: u16| format!("https://{host}:{port}");
        let one_ca = || trusting(https::certificate());
        let named = |name: &str| ServersTransport { server_name: name.into(), ..one_ca() };
        let any = ServersTransport { insecure_skip_verify: true, ..ServersTransport::default() };
        let cases = [
            (url("localhost", one), one_ca(), "HTTP/1.1"),
            (url("localhost", other), trusting(https::other_certificate()), "HTTP/1.1"),
            (url("localhost", one), trusting(https::other_certificate()), "500"),
            (url("localhost", other), one_ca(), "500"),
            (url("localhost", one), ServersTransport::default(), "500"),
            (url("127.0.0.1", one), one_ca(), "500"),
            (url("127.0.0.1", one), named("localhost"), "HTTP/1.1"),
            (url("localhost", one), named("app.example"), "500"),
            (url("127.0.0.1", other), any, "HTTP/1.1"),
        ];
        let (services, wants): (Vec<_>, Vec<_>) =
            cases.into_iter().map(|(url, transport, want)| ((url, transport), want)).unzip();
        let served = serve(settings(), all(services)).await;
        let mut client = Wire::connect(served.address).await;
        // The second time there are idle connections, which must not be shared.
        for _ in 0..2 {
            for (n, want) in wants.iter().enumerate() {
                assert_eq!(asked(&mut client, &format!("/{n}")).await, *want, "{n}");
            }
        }
    });
}

#[test]
fn a_server_that_asks_for_a_certificate_is_shown_the_services_own() {
    run(async {
        let url = format!("https://localhost:{}", secure(&[], true).await);
        let with = showing(trusting(https::certificate()));
        let services = vec![(url.clone(), with), (url, trusting(https::certificate()))];
        let served = serve(settings(), all(services)).await;
        let mut client = Wire::connect(served.address).await;
        for _ in 0..2 {
            assert_eq!(asked(&mut client, "/0").await, "HTTP/1.1");
            // The server ends the connection when it has seen no certificate.
            assert_eq!(asked(&mut client, "/1").await, "502");
        }
    });
}

#[test]
fn http2_is_spoken_where_a_server_can_and_nobody_forbids_it() {
    run(async {
        let url = format!("https://localhost:{}", secure(&[b"h2", b"http/1.1"], false).await);
        let without = ServersTransport { disable_http2: true, ..trusting(https::certificate()) };
        let services = vec![(url.clone(), trusting(https::certificate())), (url, without)];
        let served = serve(settings(), all(services)).await;
        let mut client = Wire::connect(served.address).await;
        for _ in 0..2 {
            assert_eq!(asked(&mut client, "/0").await, "HTTP/2.0");
            assert_eq!(asked(&mut client, "/1").await, "HTTP/1.1");
        }
    });
}

fn limited(timeouts: ForwardingTimeouts) -> ServersTransport {
    ServersTransport { forwarding_timeouts: timeouts, ..ServersTransport::default() }
}

fn millis(millis: u64) -> Duration {
    Duration(std::time::Duration::from_millis(millis))
}

#[test]
fn a_late_answer_is_504_where_a_transport_says_how_late() {
    run(async {
        let server = Server::start().await;
        let timeouts = ForwardingTimeouts {
            response_header_timeout: millis(50),
            ..ForwardingTimeouts::default()
        };
        let services = vec![
            (server.url(), limited(timeouts)),
            (server.url(), limited(ForwardingTimeouts::default())),
        ];
        let served = serve(settings(), all(services)).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut patient = server.accept().await;
        patient.message().await.unwrap();
        assert_eq!(asked(&mut Wire::connect(served.address).await, "/0").await, "504");
        patient.ok("late").await;
        assert_eq!(client.message().await.unwrap().text(), "late");
    });
}

#[test]
fn idle_connections_are_closed_when_the_transport_says_so() {
    run(async {
        let server = Server::start().await;
        let short =
            ForwardingTimeouts { idle_conn_timeout: millis(50), ..ForwardingTimeouts::default() };
        let few = ServersTransport { max_idle_conns_per_host: 1, ..ServersTransport::default() };
        let services = vec![(server.url(), limited(short)), (server.url(), few)];
        let served = serve(settings(), all(services)).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET /0 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        wire.message().await.unwrap();
        wire.ok("").await;
        client.message().await.unwrap();
        assert!(wire.is_closed().await);
        let mut clients =
            [Wire::connect(served.address).await, Wire::connect(served.address).await];
        let mut wires = Vec::new();
        for client in &mut clients {
            client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
            wires.push(server.accept().await);
        }
        for (client, wire) in clients.iter_mut().zip(&mut wires) {
            wire.message().await.unwrap();
            wire.ok("").await;
            client.message().await.unwrap();
        }
        assert!(wires[1].is_closed().await);
        clients[0].send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(wires[0].message().await.is_some());
    });
}

#[test]
fn health_checks_reach_servers_as_requests_do() {
    run(async {
        let handshakes = Rc::new(Cell::new(0));
        let url = format!("https://localhost:{}", secure_counted(Rc::clone(&handshakes)).await);
        let mut configuration = all(vec![(url, showing(trusting(https::certificate())))]);
        let service = Arc::make_mut(configuration.http.services.get_mut("0").unwrap());
        let balancer = service.value.as_mut().unwrap().load_balancer.as_mut().unwrap();
        balancer.health_check = Some(Box::new(HealthCheck {
            path: "/".into(),
            interval: "10ms".into(),
            ..HealthCheck::default()
        }));
        let served = serve(settings(), Configuration::default()).await;
        let (messages, inbox) = mpsc::channel(1);
        let control = Arc::clone(&served.proxy).control(Tcp::default(), Clock::start(), inbox);
        tokio::task::spawn_local(control);
        let message = Message { provider: "file".into(), configuration: Arc::new(configuration) };
        messages.send(message).await.unwrap();
        while handshakes.get() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(asked(&mut Wire::connect(served.address).await, "/0").await, "HTTP/1.1");
    });
}

#[test]
fn another_transport_is_another_pool_and_the_old_one_is_left() {
    run(async {
        let url = format!("https://localhost:{}", secure(&[b"h2"], false).await);
        let served =
            serve(settings(), all(vec![(url.clone(), trusting(https::certificate()))])).await;
        let mut client = Wire::connect(served.address).await;
        assert_eq!(asked(&mut client, "/0").await, "HTTP/2.0");
        publish(&served.proxy, all(vec![(url, trusting(https::other_certificate()))]));
        assert_eq!(asked(&mut client, "/0").await, "500");
    });
}

#[test]
fn files_of_a_transport_are_read_again_when_they_change() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, https::other_certificate()).unwrap();
        let url = format!("https://localhost:{}", secure(&[], false).await);
        let configuration = all(vec![(url, trusting(path.to_str().unwrap()))]);
        let served = serve(settings(), Configuration::default()).await;
        let (messages, inbox) = mpsc::channel(1);
        let control = Arc::clone(&served.proxy).control(Tcp::default(), Clock::start(), inbox);
        tokio::task::spawn_local(control);
        let message = Message { provider: "file".into(), configuration: Arc::new(configuration) };
        messages.send(message).await.unwrap();
        let mut client = Wire::connect(served.address).await;
        while asked(&mut client, "/0").await == "404" {}
        assert_eq!(asked(&mut client, "/0").await, "500");
        std::fs::write(&path, https::certificate()).unwrap();
        while asked(&mut client, "/0").await == "500" {}
        assert_eq!(asked(&mut client, "/0").await, "HTTP/1.1");
    });
}
