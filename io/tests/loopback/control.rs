//! Provider messages, reloads, health checks.
use crate::{
    proxy::{configuration, everything, publish, run, serve, servers, settings, to},
    wire::{Server, Wire},
};
use rutter::{clock::Clock, net::tcp::Tcp};
use rutter_core::{
    config::http::{HealthCheck, Service},
    provider::Message,
};
use std::sync::Arc;
use tokio::sync::mpsc;

#[test]
fn a_request_finishes_on_the_plan_it_began_with() {
    run(async {
        let (old, new) = (Server::start().await, Server::start().await);
        let served = serve(settings(), to(old.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = old.accept().await;
        wire.message().await.unwrap();
        publish(&served.proxy, to(new.url()));
        wire.ok("old").await;
        assert_eq!(client.message().await.unwrap().text(), "old");
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = new.accept().await;
        wire.message().await.unwrap();
        wire.ok("new").await;
        assert_eq!(client.message().await.unwrap().text(), "new");
    });
}

#[test]
fn a_worker_without_requests_lets_go_of_a_plan_that_was_replaced() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.echo())).await;
        let mut client = Wire::connect(served.address).await;
        client.get("/").await;
        let old = Arc::downgrade(&served.proxy.plan());
        publish(&served.proxy, to("http://127.0.0.1:1"));
        while old.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_reload_does_not_reset_the_rotation_of_a_service_that_stays() {
    run(async {
        let (a, b) = (Server::start().await, Server::start().await);
        let (urls, addresses) = ([a.url(), b.url()], [a.address, b.address]);
        a.echo();
        b.echo();
        let with = |extra: &str| {
            let mut services = vec![("app", servers(&urls))];
            services.push((extra, servers(&[])));
            configuration(vec![("app", everything("app"))], services)
        };
        let served = serve(settings(), with("one")).await;
        let mut client = Wire::connect(served.address).await;
        let mut turns = Vec::new();
        for i in 0..4 {
            client.get("/").await;
            publish(&served.proxy, with(&format!("extra{i}")));
            let log = String::from_utf8(served.log.lock().unwrap().clone()).unwrap();
            let line = log.lines().last().unwrap().to_owned();
            turns.push(line.contains(&addresses[0].to_string()));
        }
        assert_eq!(turns, [true, false, true, false]);
    });
}

#[test]
fn a_server_that_fails_its_check_gets_no_requests() {
    run(async {
        let (bad, good) = (Server::start().await, Server::start().await);
        let urls = [bad.url(), good.url()];
        let served = serve(settings(), rutter_core::config::Configuration::default()).await;
        let mut service: Service = servers(&urls);
        service.load_balancer.as_mut().unwrap().health_check =
            Some(Box::new(HealthCheck { path: "/health".into(), ..HealthCheck::default() }));
        let (messages, inbox) = mpsc::channel(1);
        let control = Arc::clone(&served.proxy).control(Tcp::default(), Clock::start(), inbox);
        let control = tokio::task::spawn_local(control);
        let configuration = configuration(vec![("app", everything("app"))], vec![("app", service)]);
        let message = Message { provider: "file".into(), configuration: Arc::new(configuration) };
        messages.send(message).await.unwrap();
        let mut probe = bad.accept().await;
        assert_eq!(probe.message().await.unwrap().first(), "GET /health HTTP/1.1");
        probe.send("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n").await;
        let mut probe = good.accept().await;
        probe.message().await.unwrap();
        probe.ok("fine").await;
        good.echo();
        let mut client = Wire::connect(served.address).await;
        for _ in 0..4 {
            assert_eq!(client.get("/").await.first(), "HTTP/1.1 200 OK");
        }
        served.proxy.terminate();
        control.await.unwrap();
    });
}
