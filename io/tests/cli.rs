//! The built binary from the outside: what it prints, how it ends, which signals it obeys.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
use rutter::net::{
    Listener as _,
    tcp::{Bound, Tcp},
};
use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The binary in an empty folder and environment.
fn rutter(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
    command.args(args).current_dir(folder).env_clear().env("HOME", folder);
    command
}

/// What it printed, and its exit code.
fn told(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    let code = output.status.code().map_or_else(|| String::from("killed"), |code| code.to_string());
    format!("{out}{err}exit {code}")
}

fn run(args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    told(&rutter(folder.path(), args).output().unwrap())
}

/// A port that was free just now.
fn free_port() -> u16 {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Bound::new(loopback).unwrap().local_addr().unwrap().port()
}

/// A running process. Killed when dropped.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads what it prints up to a line with `part`, and returns that line.
    fn until(&mut self, part: &str) -> String {
        loop {
            let line = self.lines.next().expect("the process prints on").unwrap();
            if line.contains(part) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id]).status();
        assert!(status.unwrap().success());
    }

    fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The response to `GET path`, headers and all.
fn get(port: u16, host: &str, path: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = rutter::net::Net::connect(&Tcp::default(), address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        response
    })
}

#[test]
fn the_version_is_five_aligned_lines() {
    let text = run(&["version"]);
    let columns: Vec<&str> = text.lines().take(5).map(|line| &line[..14]).collect();
    insta::assert_snapshot!(columns.join("|"), @"Version:      |Codename:     |Rust version: |Built:        |OS/Arch:");
    assert!(text.ends_with("exit 0"));
}

#[test]
fn help_is_printed_wherever_it_is_asked_for() {
    for args in [&["--help"][..], &["--entryPoints.web.address=:1", "-h"], &["check", "-help"]] {
        let text = run(args);
        assert!(text.starts_with("rutter") && text.ends_with("exit 0"), "{text}");
    }
    let text = run(&["frobnicate"]);
    assert!(text.starts_with("rutter: an edge router"));
    assert!(text.ends_with("rutter: error: command not found: frobnicate\nexit 1"));
}

#[test]
fn an_option_that_is_wrong_is_named_with_where_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.yml"), "log:\n  level: info\n  levle: debug\n").unwrap();
    fs::write(folder.path().join("broken.toml"), "[entryPoints\n").unwrap();
    let tell = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = rutter(folder.path(), args);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert!(output.stdout.is_empty());
        told(&output)
    };
    let cases = [
        tell(&["--entryPoints.web.adress=:1"], &[]),
        tell(&["--entryPoints.web.address=80"], &[]),
        tell(&["--ping.entryPoint"], &[]),
        tell(&["--providers.providersThrottleDuration=soon"], &[]),
        tell(&[], &[("RUTTER_ENTRYPOINTS_WEB_ADRESS", ":1")]),
        tell(&[], &[("TRAEFIK_LOG_LEVLE", "debug")]),
        tell(&["--configFile=bad.yml"], &[]),
        tell(&["--configFile=broken.toml"], &[]),
        tell(&["--serversTransport.rootCAs=missing.pem"], &[]),
    ];
    insta::assert_snapshot!(cases.join("\n"), @"
    rutter: error: flag --entryPoints.web.adress: unknown flag; is `address` meant by `adress`?
    exit 1
    rutter: error: flag --entryPoints.web.address: `80` is no address: the port is missing; write `:80`, `127.0.0.1:80` or `[::1]:80`
    exit 1
    rutter: error: flag --ping.entryPoint: flag needs an argument: write --ping.entryPoint=value
    exit 1
    rutter: error: flag --providers.providersThrottleDuration: `soon` is no duration: a number is expected; write a number with a unit, such as `90s`, `1h5m` or `300ms`
    exit 1
    rutter: error: environment RUTTER_ENTRYPOINTS_WEB_ADRESS: entrypoints.web.adress: unknown option; is `address` meant?
    rutter: error: environment RUTTER_ENTRYPOINTS_WEB_ADRESS: entryPoints.web: option `address` is missing
    exit 1
    rutter: error: environment TRAEFIK_LOG_LEVLE: log.levle: unknown option; is `level` meant?
    exit 1
    rutter: error: bad.yml:3: log.levle: unknown option; is `level` meant?
    exit 1
    rutter: error: broken.toml:1: not valid TOML: unclosed table, expected `]`
    exit 1
    rutter: error: flag --serversTransport.rootCAs: missing.pem: No such file or directory (os error 2)
    exit 1
    ");
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_half_started() {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let taken = Bound::new(loopback).unwrap();
    let taken = taken.local_addr().unwrap().port();
    let text = run(&[
        &format!("--entryPoints.a.address=127.0.0.1:{}", free_port()),
        &format!("--entryPoints.b.address=127.0.0.1:{taken}"),
    ]);
    insta::assert_snapshot!(text.replace(&taken.to_string(), "TAKEN"), @"
    rutter: error: flag --entryPoints.b.address: cannot listen on 127.0.0.1:TAKEN: Address already in use (os error 98)
    exit 1
    ");
}

/// A folder with a dynamic file whose one route answers by redirect, since that needs no server.
fn with_dynamic(path: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dynamic.yml"), dynamic(path)).unwrap();
    folder
}

fn dynamic(path: &str) -> String {
    format!(
        "\
http:
  routers:
    r: {{rule: 'Path(`{path}`)', middlewares: [m], service: s}}
  middlewares:
    m: {{redirectScheme: {{scheme: https}}}}
  services:
    s: {{loadBalancer: {{servers: [{{url: 'http://127.0.0.1:1'}}]}}}}
"
    )
}

#[test]
fn it_serves_follows_its_file_and_ends_when_told() {
    let folder = with_dynamic("/one");
    let port = free_port();
    let options = [
        &format!("--entryPoints.traefik.address=127.0.0.1:{port}"),
        "--ping",
        "--log.level=info",
        "--providers.file.filename=dynamic.yml",
        "--providers.providersThrottleDuration=0",
    ];
    let mut running = Running::start(rutter(folder.path(), &options));
    running.until("applied\" providers=file");
    assert!(get(port, "x", "/one").starts_with("HTTP/1.1 302 "));

    fs::write(folder.path().join("dynamic.yml"), dynamic("/two")).unwrap();
    running.until("applied\" providers=file");
    assert!(get(port, "x", "/one").starts_with("HTTP/1.1 404 "));
    assert!(get(port, "x", "/two").starts_with("HTTP/1.1 302 "));

    fs::write(folder.path().join("dynamic.yml"), "http: [").unwrap();
    let error = running.until("level=error");
    assert!(error.contains("dynamic.yml:2: error: "), "{error}");
    assert!(get(port, "x", "/two").starts_with("HTTP/1.1 302 "));

    let health = rutter(folder.path(), &["healthcheck", options[0], options[1]]).output().unwrap();
    assert_eq!(told(&health), format!("OK: http://127.0.0.1:{port}/ping\nexit 0"));
    running.signal("TERM");
    running.until("stopped");
    assert_eq!(running.exit_code(), Some(0));
    let health = rutter(folder.path(), &["healthcheck", options[0], options[1]]).output().unwrap();
    assert!(told(&health).starts_with("Error calling healthcheck: "));
    assert!(told(&health).ends_with("exit 1"));
}

#[test]
fn log_files_are_opened_again_on_a_signal() {
    let folder = with_dynamic("/one");
    let port = free_port();
    let mut running = Running::start(rutter(
        folder.path(),
        &[
            &format!("--entryPoints.web.address=127.0.0.1:{port}"),
            "--accessLog.filePath=logs/access.log",
            "--log.level=info",
            "--providers.file.filename=dynamic.yml",
        ],
    ));
    running.until("applied\" providers=file");
    let log = folder.path().join("logs/access.log");
    fs::rename(&log, folder.path().join("moved.log")).unwrap();
    running.signal("USR1");
    running.until("log files opened again");
    get(port, "x", "/one");
    running.signal("INT");
    assert_eq!(running.exit_code(), Some(0));
    let lines = fs::read_to_string(&log).unwrap();
    assert_eq!(lines.lines().count(), 1);
    assert!(lines.contains("\"GET /one HTTP/1.1\" 302 "), "{lines}");
    assert_eq!(fs::read_to_string(folder.path().join("moved.log")).unwrap(), "");
}

#[test]
fn an_option_without_effect_is_told_at_the_default_level() {
    let folder = with_dynamic("/one");
    let address = format!("--entryPoints.web.address=127.0.0.1:{}", free_port());
    let options = [&address, "--metrics.datadog", "--providers.file.filename=missing.yml"];
    let mut running = Running::start(rutter(folder.path(), &options));
    running.until("metrics.datadog: ");
    let error = running.until("missing.yml");
    assert!(error.contains("level=error") && error.contains("stays as it was"), "{error}");
}

#[test]
fn the_health_of_what_has_no_ping_cannot_be_asked() {
    insta::assert_snapshot!(run(&["healthcheck"]), @"
    Error calling healthcheck: please enable `ping` to use health check
    exit 1
    ");
    insta::assert_snapshot!(run(&["healthcheck", "--ping.entryPoint=web", "--entryPoints.x.address=:1"]), @"
    rutter: error: flag --ping.entryPoint: there is no entry point `web`; define it, or use one of: x
    exit 1
    ");
}

#[test]
fn check_tells_every_problem_with_file_line_and_path() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\
http:
  routers:
    parse:
      rule: Host(`a`
      service: s
    dangling:
      rule: Host(`b`)
      service: nope
      middlewares: [m, gone]
      tsl: {}
    typed:
      rule: Host(`c`)
      service: s
      priority: high
  services:
    s:
      loadBalancer:
        servers:
          - url: http://127.0.0.1:1
    a@b:
      loadBalancer: {}
  middlewares:
    m:
      addPrefix:
        prefix: /x
";
    fs::write(folder.path().join("dynamic.yml"), text).unwrap();
    let output = rutter(folder.path(), &["check", "dynamic.yml"]).output().unwrap();
    insta::assert_snapshot!(told(&output), @r#"
    dynamic.yml:3: error: router parse@file: http.routers.parse.rule: error while parsing rule Host(`a`: expected , or ), found the end (column 9 of the rule)
    dynamic.yml:6: error: router dangling@file: http.routers.dangling.service: the service "nope@file" does not exist
    dynamic.yml:6: error: router dangling@file: http.routers.dangling.middlewares: middleware "gone@file" does not exist
    dynamic.yml:10: warning: router dangling@file: http.routers.dangling.tsl: unknown option, it has no effect; check its spelling and indentation
    dynamic.yml:14: error: router typed@file: http.routers.typed.priority: expected a whole number, found `high`
    dynamic.yml:20: error: service a@b@file: http.services.a@b: a name cannot contain `@`, the provider is added to it; call it `a`
    1 entry point, 3 routers, 1 service, 1 middleware: 5 errors, 1 warning
    exit 1
    "#);
}

#[test]
fn check_is_content_with_what_works() {
    let folder = with_dynamic("/one");
    let options = ["check", "--entryPoints.web.address=:80", "dynamic.yml"];
    let output = rutter(folder.path(), &options).output().unwrap();
    insta::assert_snapshot!(told(&output), @"
    1 entry point, 1 router, 1 service, 1 middleware: 0 errors, 0 warnings
    exit 0
    ");
    insta::assert_snapshot!(run(&["check"]), @"
    1 entry point, no dynamic configuration: 0 errors, 0 warnings
    exit 0
    ");
}

#[test]
fn check_tells_what_it_would_not_start_with() {
    insta::assert_snapshot!(run(&["check", "--entryPoints.web.adress=:80", "--log.level=loud"]), @"
    flag --entryPoints.web.adress: error: unknown flag; is `address` meant by `adress`?
    1 error, 0 warnings
    exit 1
    ");
    insta::assert_snapshot!(run(&["check", "missing.yml"]), @"
    missing.yml: error: cannot read: No such file or directory (os error 2)
    1 entry point: 1 error, 0 warnings
    exit 1
    ");
}

#[test]
fn the_demo_shows_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(rutter(folder.path(), &["demo"]));
    let line = running.until("Rutter listens on http://127.0.0.1:");
    let port = line.trim_end_matches('.').rsplit(':').next().unwrap().parse().unwrap();
    running.until("Ctrl-C");

    let name = |_| {
        let response = get(port, "wrr.localhost", "/");
        response.lines().find(|line| line.starts_with("Name: ")).unwrap().to_owned()
    };
    let mut names: Vec<String> = (0..4).map(name).collect();
    names.sort();
    assert_eq!(names.join(" "), "Name: whoami-1 Name: whoami-1 Name: whoami-1 Name: whoami-2");

    for _ in 0..100 {
        get(port, "mirror.localhost", "/");
    }
    // The last copy may still be on its way.
    let arrived = |_| get(port, "mirror.localhost", "/copies").ends_with("\r\n\r\n50\n");
    assert!((0..10_000).any(arrived));

    let redirect = get(port, "redirect.localhost", "/");
    assert!(redirect.contains("https://redirect.localhost/"), "{redirect}");
    running.signal("INT");
    assert_eq!(running.exit_code(), Some(0));
}
