//! TLS and TCP as other programs speak them: OpenSSL, curl, Redis.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Certificates, Reply, Server, Setup, curl, eventually, free_address, setup::show};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
};

/// Seconds that a program may take; some never end by themselves.
const LIMIT: &str = "25";

/// Runs a program with a text as its input, and returns what it printed on both outputs.
fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("timeout");
    command.args([LIMIT, program]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that has ended already does not listen.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// `openssl s_client`, which sends a request and waits for the end.
fn s_client(to: SocketAddr, name: &str, arguments: &[&str]) -> String {
    let address = to.to_string();
    let mut all = vec!["s_client", "-connect", &address, "-servername", name, "-ign_eof"];
    all.extend_from_slice(arguments);
    run("openssl", &all, &format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"))
}

/// The clear `up.test`, `a.test` with its own certificate, and `strict.test` for certified clients.
fn start(certificates: &Certificates) -> Setup {
    let server = Server::named("up");
    let (certificate, key) = certificates.make("a.test");
    let (ca, _) = certificates.paths("ca");
    let text = format!(
        "
http:
  routers:
    up: {{rule: 'Host(`up.test`)', service: app}}
    a: {{rule: 'Host(`a.test`)', service: app, tls: {{}}}}
    strict: {{rule: 'Host(`strict.test`)', service: app, tls: {{options: strict}}}}
  services:
    app: {{loadBalancer: {{servers: [{{url: '{}'}}]}}}}
tls:
  certificates: [{{certFile: '{certificate}', keyFile: '{key}'}}]
  options: {{strict: {{clientAuth: {{caFiles: ['{ca}']}}}}}}
",
        server.url()
    );
    Setup::start(&text, "up.test", &[])
}

fn is_answered(said: &str) -> bool {
    said.contains("HTTP/1.1 200 OK")
}

#[test]
fn openssl_agrees_on_versions() {
    let certificates = Certificates::new();
    let setup = start(&certificates);
    for (flag, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = s_client(setup.web, "a.test", &[flag]);
        assert!(is_answered(&said) && said.contains(&format!("New, {version}")), "{said}");
        assert!(said.contains("issuer=O = Test, CN = Authority"), "{said}");
    }
    // OpenSSL itself refuses such a version unless it is told not to.
    let old = s_client(setup.web, "a.test", &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]);
    assert!(old.contains("SSL alert number") && !is_answered(&old), "{old}");
    let other = s_client(setup.web, "b.test", &[]);
    assert!(other.contains("TRAEFIK DEFAULT CERT"), "{other}");
}

#[test]
fn openssl_shows_a_certificate_where_one_is_asked_for() {
    let certificates = Certificates::new();
    let setup = start(&certificates);
    let (certificate, key) = certificates.make("client");
    for version in ["-tls1_2", "-tls1_3"] {
        let shown = [version, "-cert", &certificate, "-key", &key];
        let said = s_client(setup.web, "strict.test", &shown);
        assert!(is_answered(&said), "{said}");
        let said = s_client(setup.web, "strict.test", &[version]);
        assert!(said.contains("alert certificate required") && !is_answered(&said), "{said}");
    }
}

#[test]
fn openssl_resumes_sessions_but_not_where_it_was_not_let_in() {
    let certificates = Certificates::new();
    let setup = start(&certificates);
    for version in ["-tls1_2", "-tls1_3"] {
        let session = show(&setup.folder.path(version));
        let said = s_client(setup.web, "a.test", &[version, "-sess_out", &session]);
        assert!(is_answered(&said) && said.contains("New, TLSv1"), "{said}");
        let said = s_client(setup.web, "a.test", &[version, "-sess_in", &session]);
        assert!(is_answered(&said) && said.contains("Reused, TLSv1"), "{said}");
        let said = s_client(setup.web, "strict.test", &[version, "-sess_in", &session]);
        assert!(!said.contains("Reused") && !is_answered(&said), "{said}");
        assert!(said.contains("alert certificate required"), "{said}");
    }
}

#[test]
fn nothing_is_negotiated_twice() {
    let certificates = Certificates::new();
    let setup = start(&certificates);
    let address = setup.web.to_string();
    let mut command = Command::new("timeout");
    command.args([LIMIT, "openssl", "s_client", "-tls1_2", "-connect", &address]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The input stays open: the program ends when it is refused, not before.
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"R\n").unwrap();
    let (mut said, mut error) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    drop(input);
    let status = child.wait().unwrap();
    let whole = format!("{status} {said}{error}");
    assert!(whole.contains("RENEGOTIATING") && whole.contains("no renegotiation"), "{whole}");
}

/// curl over TLS; it trusts the authority alone.
fn secure_curl(setup: &Setup, ca: &str, arguments: &[&str]) -> Reply {
    let port = setup.web.port();
    let (url, resolve) = (format!("https://a.test:{port}/"), format!("a.test:{port}:127.0.0.1"));
    let mut all = vec!["--cacert", ca, "--resolve", &resolve, &url];
    all.extend_from_slice(arguments);
    curl(&all)
}

#[test]
fn curl_speaks_both_versions_of_http() {
    let certificates = Certificates::new();
    let setup = start(&certificates);
    let (ca, _) = certificates.paths("ca");
    for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let reply = secure_curl(&setup, &ca, &[flag]);
        assert_eq!((reply.status, &*reply.version, &*reply.body), (200, version, "up"));
    }
}

#[test]
fn a_certificate_that_is_replaced_on_disk_is_shown() {
    let certificates = Certificates::new();
    let setup = start(&certificates);
    let serial = || {
        let said = s_client(setup.web, "a.test", &[]);
        let begin = said.find("-----BEGIN CERTIFICATE-----");
        begin.map(|begin| said[begin..].split("-----END").next().unwrap().to_owned())
    };
    let before = serial().unwrap();
    assert_eq!(serial().as_ref(), Some(&before));
    certificates.make("a.test");
    eventually("the new certificate is shown", || serial().filter(|now| *now != before));
}

/// A Redis. Ended when dropped.
struct Redis(Child);

impl Redis {
    /// Starts one that keeps nothing, and waits until it accepts connections.
    fn start(address: SocketAddr, arguments: &[&str]) -> Self {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("there is redis-server (Debian: apt-get install it)");
        let redis = Self(child);
        eventually("Redis accepts connections", || TcpStream::connect(address).ok());
        redis
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn redis_is_reached_through_tls_that_ends_here_or_there() {
    let certificates = Certificates::new();
    let (ca, _) = certificates.paths("ca");
    let (certificate, key) = certificates.make("there.test");
    let (clear, secure) = (free_address(), free_address());
    let (clear_port, secure_port) = (clear.port().to_string(), secure.port().to_string());
    let _redis = Redis::start(
        secure,
        &[
            "--port",
            &clear_port,
            "--tls-port",
            &secure_port,
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
            "--tls-auth-clients",
            "no",
        ],
    );
    let (certificate, key) = certificates.make("here.test");
    let up = Server::named("up");
    let text = format!(
        "
http:
  routers:
    up: {{rule: 'Host(`up.test`)', service: app}}
  services:
    app: {{loadBalancer: {{servers: [{{url: '{}'}}]}}}}
tcp:
  routers:
    here: {{rule: 'HostSNI(`here.test`)', service: clear, tls: {{}}}}
    there: {{rule: 'HostSNI(`there.test`)', service: secure, tls: {{passthrough: true}}}}
  services:
    clear: {{loadBalancer: {{servers: [{{address: '{clear}'}}]}}}}
    secure: {{loadBalancer: {{servers: [{{address: '{secure}'}}]}}}}
tls:
  certificates: [{{certFile: '{certificate}', keyFile: '{key}'}}]
",
        up.url()
    );
    let setup = Setup::start(&text, "up.test", &[]);
    let port = setup.web.port().to_string();
    let cli = |name: &str, words: &[&str]| {
        let tls = ["-p", &port, "--tls", "--cacert", &ca, "--sni", name];
        run("redis-cli", &[&tls, words].concat(), "").trim().to_owned()
    };
    assert_eq!(cli("here.test", &["SET", "key", "from here"]), "OK");
    assert_eq!(cli("there.test", &["GET", "key"]), "from here");
    let large = "x".repeat(100_000);
    assert_eq!(cli("there.test", &["SET", "large", &large]), "OK");
    assert_eq!(cli("here.test", &["GET", "large"]), large);
}
