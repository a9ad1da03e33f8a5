//! Copies of requests for mirrors.
use crate::{
    proxy::{Served, configuration, everything, run, serve, servers, settings},
    wire::{Server, Wire},
};
use rutter_core::config::http::{MirrorService, Mirroring, Service};
use std::sync::atomic::Ordering;

async fn mirrored(max_body_size: Option<i64>) -> (Served, Server, Server) {
    let (main, mirror) = (Server::start().await, Server::start().await);
    let mirroring = Service {
        mirroring: Some(Mirroring {
            service: "main".into(),
            max_body_size,
            mirrors: vec![MirrorService { name: "copy".into(), percent: 100 }],
        }),
        ..Service::default()
    };
    let configuration = configuration(
        vec![("app", everything("app"))],
        vec![
            ("app", mirroring),
            ("main", servers(&[main.url()])),
            ("copy", servers(&[mirror.url()])),
        ],
    );
    (serve(settings(), configuration).await, main, mirror)
}

fn post(body: &str) -> String {
    let length = body.len();
    format!("POST /p?q HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[test]
fn a_mirror_gets_head_and_body_after_the_client_got_its_answer() {
    run(async {
        let (served, main, mirror) = mirrored(None).await;
        let mut client = Wire::connect(served.address).await;
        client.send(post("hello")).await;
        let mut wire = main.accept().await;
        let original = wire.message().await.unwrap();
        wire.ok("main").await;
        assert_eq!(client.message().await.unwrap().text(), "main");
        let mut wire = mirror.accept().await;
        let copy = wire.message().await.unwrap();
        assert_eq!(copy.first(), original.first());
        assert_eq!(copy.header("x-a"), Some("1"));
        assert_eq!(copy.header("host"), Some("x"));
        assert_eq!(copy.text(), "hello");
    });
}

#[test]
fn too_long_a_body_is_not_mirrored() {
    run(async {
        let (served, main, _mirror) = mirrored(Some(4)).await;
        let mut client = Wire::connect(served.address).await;
        client.send(post("hello")).await;
        let mut wire = main.accept().await;
        assert_eq!(wire.message().await.unwrap().text(), "hello");
        wire.ok("main").await;
        assert_eq!(client.message().await.unwrap().text(), "main");
        let counters = served.proxy.counters();
        assert_eq!(counters.mirrors_dropped.load(Ordering::Relaxed), 1);
        assert_eq!(counters.mirrored.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn a_mirror_that_hangs_holds_nobody_up() {
    run(async {
        let (served, main, mirror) = mirrored(None).await;
        let mut client = Wire::connect(served.address).await;
        let mut wire = None;
        let mut hanging = Vec::new();
        for _ in 0..3 {
            client.send(post("x")).await;
            if wire.is_none() {
                wire = Some(main.accept().await);
            }
            let wire = wire.as_mut().unwrap();
            wire.message().await.unwrap();
            wire.ok("main").await;
            client.message().await.unwrap();
            let mut copy = mirror.accept().await;
            copy.message().await.unwrap();
            hanging.push(copy);
        }
    });
}
