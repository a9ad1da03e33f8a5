//! Start-up: where options come from, and what a wrong one says.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{
    Client, Folder, Rutter, Server, eventually, free_address, process::run, routes, setup::show,
};
use std::net::TcpListener;

/// Asserts that it refused to start with one line that holds each of `words`.
fn refused(arguments: &[&str], environment: &[(&str, &str)], words: &[&str]) {
    let ended = run(arguments, environment);
    assert_eq!(ended.code, 1, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let [line] = lines[..] else { panic!("{arguments:?}: not one line:\n{}", ended.stderr) };
    for word in words {
        assert!(line.to_lowercase().contains(&word.to_lowercase()), "no `{word}` in: {line}");
    }
}

#[test]
fn a_port_in_use_is_one_line_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let other = free_address();
    refused(
        &[
            &format!("--entryPoints.other.address={other}"),
            &format!("--entryPoints.web.address={address}"),
        ],
        &[],
        &["web", &address],
    );
    assert!(TcpListener::bind(other).is_ok(), "something was left half-started");
}

#[test]
fn wrong_options_name_themselves_and_their_source() {
    refused(&["--entryPoints.web.adress=:0"], &[], &["adress", "flag"]);
    refused(&["--nonsense=1"], &[], &["nonsense", "flag"]);
    refused(&["--entryPoints.web.address=127.0.0.1:http:x"], &[], &["entrypoints.web.address"]);
    refused(
        &["--providers.providersThrottleDuration=soon"],
        &[],
        &["providersThrottleDuration", "soon"],
    );
    refused(
        &["--entryPoints.web.address=127.0.0.1:0"],
        &[("TRAEFIK_PROVIDERS_PROVIDERSTHROTTLEDURATION", "soon")],
        &["TRAEFIK_PROVIDERS_PROVIDERSTHROTTLEDURATION", "soon"],
    );
    let folder = Folder::new();
    let file = folder.write(
        "static.yml",
        "entryPoints:\n  web:\n    address: \"127.0.0.1:0\"\n    adress: \":0\"\n",
    );
    let file = show(&file);
    refused(&[&format!("--configFile={file}")], &[], &["adress", &file]);
}

#[test]
fn the_environment_is_read_under_both_prefixes() {
    for prefix in ["RUTTER", "TRAEFIK"] {
        let web = free_address();
        let mut rutter = Rutter::spawn(
            &[],
            &[
                (&format!("{prefix}_ENTRYPOINTS_WEB_ADDRESS"), &web.to_string()),
                ("TRAEFIK_SERVICE_HOST", "10.0.0.1"), // a Kubernetes service link, none of ours
            ],
        );
        rutter.await_listener(web);
        assert_eq!(Client::connect(web).unwrap().get("a.test", "/").unwrap().status(), 404);
    }
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let server = Server::named("up");
    let folder = Folder::new();
    let dynamic = show(&folder.write("dynamic.yml", &routes(&[("a.test", &server.url())])));
    let [file, environment, flag] = [free_address(), free_address(), free_address()];
    let static_file = show(&folder.write(
        "static.yml",
        &format!(
            "entryPoints:\n  one: {{ address: \"{file}\" }}\n  two: {{ address: \"{file}\" }}\n  \
             three: {{ address: \"{file}\" }}\n\
             providers:\n  file: {{ filename: \"{dynamic}\" }}\n"
        ),
    ));
    let mut rutter = Rutter::spawn(
        &[&format!("--configfile={static_file}"), &format!("--ENTRYPOINTS.three.address={flag}")],
        &[
            ("TRAEFIK_ENTRYPOINTS_TWO_ADDRESS", &environment.to_string()),
            ("TRAEFIK_ENTRYPOINTS_THREE_ADDRESS", &environment.to_string()),
        ],
    );
    for address in [file, environment, flag] {
        rutter.await_listener(address);
        eventually("the file's provider is there", || {
            let answer = Client::connect(address).ok()?.get("a.test", "/").ok()?;
            (answer.text() == "up").then_some(())
        });
    }
}

#[test]
fn version_says_which_and_exits_with_0() {
    let ended = run(&["version"], &[]);
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", ended.stdout);
}

#[test]
fn an_unknown_command_exits_with_1() {
    let ended = run(&["serve-please"], &[]);
    assert_eq!(ended.code, 1);
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("serve-please"), "{said}");
}

#[test]
fn healthcheck_asks_the_ping_of_a_running_proxy() {
    let ping = free_address();
    let entry_point = format!("--entryPoints.traefik.address={ping}");
    let arguments = [entry_point.as_str(), "--ping"];
    let with_command = ["healthcheck", arguments[0], arguments[1]];
    let down = run(&with_command, &[]);
    assert_eq!(down.code, 1, "{}{}", down.stdout, down.stderr);
    let _rutter = Rutter::listening(ping, &arguments);
    let up = eventually("healthcheck succeeds", || {
        Some(run(&with_command, &[])).filter(|ended| ended.code == 0)
    });
    assert!(up.stdout.contains("OK"), "{}", up.stdout);
}
