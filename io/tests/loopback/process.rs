//! A proxy on threads of its own.
use crate::{
    proxy::{configuration, everything, run, servers, settings, to},
    wire::{Server, Wire},
};
use rutter::{
    access_log::{Handle, Target},
    process::Process,
    proxy::StartError,
    settings::Settings,
};
use rutter_core::{
    config::{
        Configuration,
        http::{MirrorService, Mirroring, Service},
    },
    provider::Message,
};
use std::{net::SocketAddr, sync::Arc};

fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn at(address: SocketAddr) -> Settings {
    let mut settings = settings();
    settings.entry_points[0].address = address;
    settings.entry_points[0].grace = std::time::Duration::from_millis(50);
    settings
}

async fn configure(process: &Process, address: SocketAddr, configuration: Configuration) {
    let configuration = Arc::new(configuration);
    let message = Message { provider: "file".into(), configuration };
    process.messages().send(message).await.unwrap();
    while Wire::connect(address).await.get("/").await.first().contains("404") {}
}

#[test]
fn all_workers_serve_and_end() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/access.log");
        let (log, writer) = Handle::open(Target::File(path.clone())).unwrap();
        let address = free();
        let process = Process::start(at(address), Some(log), 3).unwrap();
        configure(&process, address, to(Server::start().await.echo())).await;
        for i in 0..20 {
            let mut client = Wire::connect(address).await;
            assert_eq!(client.get(&format!("/{i}")).await.first(), "HTTP/1.1 200 OK");
        }
        process.proxy().terminate();
        tokio::task::spawn_blocking(move || process.wait()).await.unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
        drop(writer);
        let log = std::fs::read_to_string(path).unwrap();
        for i in 0..20 {
            assert!(log.contains(&format!("\"GET /{i} HTTP/1.1\" 200")), "{log}");
        }
    });
}

#[test]
fn all_addresses_include_those_of_ipv4() {
    run(async {
        let port = free().port();
        let any = SocketAddr::new(std::net::Ipv6Addr::UNSPECIFIED.into(), port);
        let process = Process::start(at(any), None, 1).unwrap();
        let address = SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), port);
        configure(&process, address, to(Server::start().await.echo())).await;
        let answer = Wire::connect(address).await.get("/").await;
        assert!(answer.text().contains("X-Forwarded-For: 127.0.0.1\r\n"), "{}", answer.text());
        process.proxy().terminate();
        tokio::task::spawn_blocking(move || process.wait()).await.unwrap();
    });
}

#[test]
fn a_port_in_use_is_an_error_even_if_it_is_ours() {
    run(async {
        let address = free();
        let first = Process::start(at(address), None, 2).unwrap();
        let error = Process::start(at(address), None, 2).unwrap_err();
        assert!(matches!(error, StartError::Bind { .. }));
        let text = error.to_string();
        let want = format!("entryPoints.web.address: cannot listen on {address}: ");
        assert!(text.starts_with(&want), "{text}");
        first.proxy().terminate();
        tokio::task::spawn_blocking(move || first.wait()).await.unwrap();
    });
}

#[test]
fn what_hangs_does_not_keep_a_process_from_ending() {
    run(async {
        let address = free();
        let process = Process::start(at(address), None, 1).unwrap();
        let hanging = Server::start().await;
        let mirroring = Service {
            mirroring: Some(Mirroring {
                service: "main".into(),
                max_body_size: None,
                mirrors: vec![MirrorService { name: "hangs".into(), percent: 100 }],
            }),
            ..Service::default()
        };
        let configuration = configuration(
            vec![("app", everything("app"))],
            vec![
                ("app", mirroring),
                ("main", servers(&[Server::start().await.echo()])),
                ("hangs", servers(&[hanging.url()])),
            ],
        );
        configure(&process, address, configuration).await;
        let mut mirror = hanging.accept().await;
        mirror.message().await.unwrap();
        process.proxy().terminate();
        tokio::task::spawn_blocking(move || process.wait()).await.unwrap();
        assert!(mirror.is_closed().await);
    });
}
