//! Datagrams.
use crate::proxy::{Served, publish, run, serve, settings};
use rutter::{process::Process, proxy::StartError, settings::UdpEntryPoint, source};
use rutter_core::{
    config::{Configuration, read},
    provider::Message,
};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{net::UdpSocket, time::timeout};

/// Longer than any test: sessions stay.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

fn yaml(text: &str) -> Configuration {
    let document = source::parse(Path::new("test.yaml"), text).unwrap();
    let (configuration, diagnostics) = read::read(&document);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    configuration
}

/// All datagrams go to these servers in turn.
fn to(servers: &[SocketAddr]) -> Configuration {
    let servers: String = servers.iter().map(|it| format!("{{address: '{it}'}},")).collect();
    yaml(&format!(
        "udp: {{routers: {{dns: {{service: dns}}}}, \
         services: {{dns: {{loadBalancer: {{servers: [{servers}]}}}}}}}}"
    ))
}

fn entry_point(timeout: Duration) -> UdpEntryPoint {
    let address = "127.0.0.1:0".parse().unwrap();
    UdpEntryPoint { timeout, ..UdpEntryPoint::new("dns".into(), address) }
}

async fn served(entry_point: UdpEntryPoint, configuration: Configuration) -> Served {
    let mut settings = settings();
    settings.udp_entry_points = vec![entry_point];
    serve(settings, configuration).await
}

async fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

/// A server that answers every datagram with its name and whence it came.
async fn named(name: &'static str) -> SocketAddr {
    let socket = socket().await;
    let address = socket.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        let mut space = [0; 64];
        loop {
            let (_, from) = socket.recv_from(&mut space).await.unwrap();
            socket.send_to(format!("{name} {}", from.port()).as_bytes(), from).await.unwrap();
        }
    });
    address
}

/// A client of a proxy.
async fn client(served: &Served) -> UdpSocket {
    let socket = socket().await;
    socket.connect(served.udp[0]).await.unwrap();
    socket
}

/// What is answered to a datagram.
async fn ask(client: &UdpSocket) -> String {
    client.send(b"?").await.unwrap();
    let mut space = [0; 64];
    let length = client.recv(&mut space).await.unwrap();
    String::from_utf8(space[..length].to_vec()).unwrap()
}

/// The name alone.
async fn asked(client: &UdpSocket) -> String {
    ask(client).await.split(' ').next().unwrap().to_owned()
}

async fn until_sessions_are(served: &Served, count: u64) {
    while served.proxy.counters().sessions.load(Ordering::Relaxed) != count {
        tokio::task::yield_now().await;
    }
}

async fn until_dropped(served: &Served, count: u64) {
    while served.proxy.counters().datagrams_dropped.load(Ordering::Relaxed) != count {
        tokio::task::yield_now().await;
    }
}

#[test]
fn each_client_has_one_server_and_a_socket_of_its_own() {
    run(async {
        let servers = [named("a").await, named("b").await];
        let served = served(entry_point(LONG), to(&servers)).await;
        let clients = [client(&served).await, client(&served).await, client(&served).await];
        let mut answers = Vec::new();
        for client in &clients {
            answers.push(ask(client).await);
        }
        let names: Vec<&str> = answers.iter().map(|answer| &answer[..1]).collect();
        assert_eq!(names, ["a", "b", "a"]);
        assert_ne!(answers[0], answers[2]);
        for (client, answer) in clients.iter().zip(&answers) {
            assert_eq!(&ask(client).await, answer);
        }
    });
}

#[test]
fn new_sessions_are_shared_out_by_weight() {
    run(async {
        let (a, b) = (named("a").await, named("b").await);
        let configuration = yaml(&format!(
            "udp:
              routers: {{dns: {{entryPoints: [dns], service: both}}}}
              services:
                both: {{weighted: {{services: [{{name: a, weight: 3}}, {{name: b}}]}}}}
                a: {{loadBalancer: {{servers: [{{address: 'localhost:{}'}}]}}}}
                b: {{loadBalancer: {{servers: [{{address: '{b}'}}]}}}}",
            a.port()
        ));
        let served = served(entry_point(LONG), configuration).await;
        let mut names = String::new();
        for _ in 0..8 {
            names += &asked(&client(&served).await).await;
        }
        assert_eq!(names, "aaabaaab");
    });
}

#[test]
fn a_session_ends_in_silence() {
    run(async {
        let served = served(entry_point(SHORT), to(&[named("a").await, named("b").await])).await;
        let client = client(&served).await;
        for name in ["a", "b", "a"] {
            assert_eq!(asked(&client).await, name);
            until_sessions_are(&served, 0).await;
        }
    });
}

#[test]
fn a_session_lasts_while_only_the_server_speaks() {
    run(async {
        let server = socket().await;
        let silence = Duration::from_millis(300);
        let served = served(entry_point(silence), to(&[server.local_addr().unwrap()])).await;
        let client = client(&served).await;
        client.send(b"subscribe").await.unwrap();
        let mut space = [0; 64];
        let (_, from) = server.recv_from(&mut space).await.unwrap();
        let began = std::time::Instant::now();
        while began.elapsed() < silence * 2 {
            server.send_to(b"news", from).await.unwrap();
            assert_eq!(client.recv(&mut space).await.unwrap(), 4);
        }
        until_sessions_are(&served, 0).await;
    });
}

#[test]
fn datagrams_of_any_length_pass_whole() {
    run(async {
        let server = socket().await;
        let served = served(entry_point(LONG), to(&[server.local_addr().unwrap()])).await;
        let client = client(&served).await;
        let mut space = vec![0; 1 << 16];
        for length in [0, 1, 1472, 9000, 65_507] {
            let datagram: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            client.send(&datagram).await.unwrap();
            let (got, from) = server.recv_from(&mut space).await.unwrap();
            assert!(space[..got] == datagram, "{length} to the server");
            server.send_to(&datagram, from).await.unwrap();
            let got = client.recv(&mut space).await.unwrap();
            assert!(space[..got] == datagram, "{length} to the client");
        }
    });
}

#[test]
fn a_server_that_refuses_ends_the_session_and_the_next_one_has_another() {
    run(async {
        let gone = socket().await.local_addr().unwrap();
        let served = served(entry_point(LONG), to(&[gone, named("b").await])).await;
        let client = client(&served).await;
        // What comes before the refusal is lost.
        let name = loop {
            if let Ok(name) = timeout(SHORT, asked(&client)).await {
                break name;
            }
        };
        assert_eq!(name, "b");
    });
}

#[test]
fn a_reload_moves_only_sessions_whose_server_is_gone() {
    run(async {
        let (a, b, c) = (named("a").await, named("b").await, named("c").await);
        let served = served(entry_point(LONG), to(&[a, b])).await;
        let (one, two) = (client(&served).await, client(&served).await);
        let before = [ask(&one).await, ask(&two).await];
        assert!(before[0].starts_with('a') && before[1].starts_with('b'), "{before:?}");
        publish(&served.proxy, to(&[c, b]));
        assert_eq!(asked(&one).await, "c");
        assert_eq!(ask(&two).await, before[1]);
        publish(&served.proxy, Configuration::default());
        one.send(b"?").await.unwrap();
        until_dropped(&served, 1).await;
        until_sessions_are(&served, 1).await;
        publish(&served.proxy, to(&[a]));
        assert_eq!(asked(&one).await, "a");
        assert_eq!(asked(&two).await, "a");
    });
}

#[test]
fn a_server_that_is_gone_from_the_configuration_is_not_heard() {
    run(async {
        let server = socket().await;
        let address = server.local_addr().unwrap();
        let served = served(entry_point(LONG), to(&[address])).await;
        let client = client(&served).await;
        client.send(b"?").await.unwrap();
        let mut space = [0; 64];
        let (_, from) = server.recv_from(&mut space).await.unwrap();
        publish(&served.proxy, to(&[named("b").await]));
        server.send_to(b"late", from).await.unwrap();
        until_sessions_are(&served, 0).await;
        assert_eq!(asked(&client).await, "b");
    });
}

#[test]
fn as_many_clients_are_heard_as_there_may_be_sessions() {
    run(async {
        let entry_point = UdpEntryPoint { sessions_max: 2, ..entry_point(LONG) };
        let served = served(entry_point, to(&[named("a").await])).await;
        let clients = [client(&served).await, client(&served).await, client(&served).await];
        assert_eq!(asked(&clients[0]).await, "a");
        assert_eq!(asked(&clients[1]).await, "a");
        clients[2].send(b"?").await.unwrap();
        until_dropped(&served, 1).await;
        assert_eq!(asked(&clients[0]).await, "a");
    });
}

#[test]
fn sessions_are_finished_before_the_end() {
    run(async {
        let silence = Duration::from_millis(500);
        let served = served(entry_point(silence), to(&[named("a").await])).await;
        let (old, new) = (client(&served).await, client(&served).await);
        assert_eq!(asked(&old).await, "a");
        served.proxy.terminate();
        new.send(b"?").await.unwrap();
        until_dropped(&served, 1).await;
        assert_eq!(asked(&old).await, "a");
        served.task.await.unwrap();
        assert_eq!(served.proxy.counters().sessions.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn sessions_are_cut_when_the_grace_is_over() {
    run(async {
        let entry_point = UdpEntryPoint { grace: SHORT, ..entry_point(LONG) };
        let served = served(entry_point, to(&[named("a").await])).await;
        assert_eq!(asked(&client(&served).await).await, "a");
        served.proxy.terminate();
        served.task.await.unwrap();
        assert_eq!(served.proxy.counters().sessions.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn all_workers_share_the_clients_and_each_client_stays_with_one() {
    run(async {
        let free = socket().await.local_addr().unwrap();
        let mut settings = settings();
        settings.entry_points.clear();
        let mut point = entry_point(LONG);
        (point.address, point.grace) = (free, SHORT);
        settings.udp_entry_points = vec![point];
        let process = Process::start(settings.clone(), None, 3).unwrap();
        let configuration = Arc::new(to(&[named("a").await]));
        let message = Message { provider: "file".into(), configuration };
        process.messages().send(message).await.unwrap();
        while process.proxy().counters().plans.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
        for _ in 0..24 {
            let client = socket().await;
            client.connect(free).await.unwrap();
            let first = ask(&client).await;
            assert_eq!(ask(&client).await, first);
        }
        assert_eq!(process.proxy().counters().sessions.load(Ordering::Relaxed), 24);
        let error = Process::start(settings, None, 1).unwrap_err();
        assert!(matches!(&error, StartError::Bind { entry_point, .. } if &**entry_point == "dns"));
        process.proxy().terminate();
        tokio::task::spawn_blocking(move || process.wait()).await.unwrap();
    });
}
