//! The tools of these tests agree with one another before they judge anything else.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Answer, Client, Server, curl, free_address};

#[test]
fn curl_and_the_raw_client_see_the_same() {
    let server = Server::echo();
    let reply = curl(&["-H", "X-One: 1", "--data", "body", &server.url()]);
    assert_eq!((reply.status, reply.version.as_str(), reply.exit), (200, "1.1", 0));
    assert!(reply.body.contains("X-One: 1"), "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    let seen = server.seen();
    assert_eq!(
        (seen[0].method(), seen[0].target(), seen[0].text().as_str()),
        ("POST", "/", "body")
    );

    let mut client = Client::connect(server.address).unwrap();
    for target in ["/a", "/b"] {
        let answer = client.get("a.test", target).unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.text().starts_with(&format!("GET {target} ")), "{answer:?}");
    }
}

#[test]
fn chunks_are_put_together_and_failures_are_seen() {
    let server = Server::start(|request| match request.target() {
        "/chunks" => Answer::Raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
                .to_vec(),
        ),
        _ => Answer::Take(Box::new(drop)),
    });
    let mut client = Client::connect(server.address).unwrap();
    assert_eq!(client.get("a.test", "/chunks").unwrap().text(), "abc");
    assert!(client.get("a.test", "/closed").is_err());
    assert_eq!(curl(&[&format!("{}/closed", server.url())]).exit, 52);
    assert_eq!(curl(&[&format!("http://{}/", free_address())]).exit, 7);
}
