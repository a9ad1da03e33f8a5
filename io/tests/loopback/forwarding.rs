//! Plain requests and their responses.
use crate::{
    proxy::{run, serve, settings, to},
    wire::{Server, Wire},
};

#[test]
fn a_request_reaches_the_server_and_its_answer_the_client() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET /a?b HTTP/1.1\r\nHost: x.test\r\nX-One: 1\r\n\r\n").await;
        let mut wire = server.accept().await;
        let request = wire.message().await.unwrap();
        assert_eq!(request.first(), "GET /a?b HTTP/1.1");
        assert_eq!(request.header("host"), Some("x.test"));
        assert_eq!(request.header("x-one"), Some("1"));
        assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
        wire.send(
            "HTTP/1.1 201 Created\r\nX-Two: 2\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nhi",
        )
        .await;
        let answer = client.message().await.unwrap();
        assert_eq!(answer.first(), "HTTP/1.1 201 Created");
        assert_eq!(answer.header("x-two"), Some("2"));
        assert_eq!(answer.text(), "hi");
    });
}

#[test]
fn connections_are_kept_on_both_sides() {
    run(async {
        let server = Server::start().await;
        let served = serve(settings(), to(server.url())).await;
        let mut client = Wire::connect(served.address).await;
        client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut wire = server.accept().await;
        for i in 1..4 {
            assert_eq!(wire.message().await.unwrap().first(), format!("GET /{i} HTTP/1.1"));
            wire.ok("yes").await;
            assert_eq!(client.message().await.unwrap().text(), "yes");
            client.send(format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", i + 1)).await;
        }
    });
}

#[test]
fn without_a_route_it_is_404() {
    run(async {
        let served = serve(settings(), rutter_core::config::Configuration::default()).await;
        let answer = Wire::connect(served.address).await.get("/").await;
        assert_eq!(answer.first(), "HTTP/1.1 404 Not Found");
        assert_eq!(answer.text(), "404 page not found\n");
    });
}
