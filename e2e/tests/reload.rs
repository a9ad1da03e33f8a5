//! The file provider: what it watches, and what a change does and does not touch.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Answer, Client, Folder, Server, Setup, eventually, routes, setup::show};
use std::{fs, os::unix::fs::symlink, sync::mpsc};

fn await_body(setup: &Setup, host: &str, body: &str) {
    eventually(&format!("{host} answers {body}"), || {
        (setup.get(host, "/").text() == body).then_some(())
    });
}

#[test]
fn a_file_renamed_into_place_is_served() {
    let (old, new) = (Server::named("old"), Server::named("new"));
    let setup = Setup::start(&routes(&[("a.test", &old.url())]), "a.test", &[]);
    assert_eq!(setup.curl("a.test", "/", &[]).body, "old");
    setup.rewrite(&routes(&[("a.test", &new.url()), ("b.test", &old.url())]));
    await_body(&setup, "a.test", "new");
    assert_eq!(setup.curl("b.test", "/", &[]).body, "old");
}

#[test]
fn a_file_written_in_place_is_served() {
    let (old, new) = (Server::named("old"), Server::named("new"));
    let setup = Setup::start(&routes(&[("a.test", &old.url())]), "a.test", &[]);
    fs::write(setup.folder.path(Setup::FILE), routes(&[("a.test", &new.url())])).unwrap();
    await_body(&setup, "a.test", "new");
}

#[test]
fn a_config_map_swapped_by_its_symlink_is_served() {
    let (old, new) = (Server::named("old"), Server::named("new"));
    let folder = Folder::new();
    let publish = |version: &str, url: &str| {
        fs::create_dir(folder.path(version)).unwrap();
        fs::write(folder.path(version).join("dynamic.yml"), routes(&[("a.test", url)])).unwrap();
        symlink(version, folder.path("..data_tmp")).unwrap();
        fs::rename(folder.path("..data_tmp"), folder.path("..data")).unwrap();
    };
    publish("..2026_01", &old.url());
    symlink("..data/dynamic.yml", folder.path("dynamic.yml")).unwrap();
    let provider = format!("--providers.file.filename={}", show(&folder.path("dynamic.yml")));

    // The folder moves into the setup, so the second publication uses its path.
    let root = folder.path("");
    let setup = Setup::start_in(folder, &provider, "a.test", &[]);
    await_body(&setup, "a.test", "old");
    fs::create_dir(root.join("..2026_02")).unwrap();
    fs::write(root.join("..2026_02/dynamic.yml"), routes(&[("a.test", &new.url())])).unwrap();
    symlink("..2026_02", root.join("..data_tmp")).unwrap();
    fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    fs::remove_dir_all(root.join("..2026_01")).unwrap();
    await_body(&setup, "a.test", "new");
}

#[test]
fn a_directory_serves_yaml_and_toml_together() {
    let (yaml, toml) = (Server::named("yaml"), Server::named("toml"));
    let folder = Folder::new();
    folder.write("a.yml", &routes(&[("a.test", &yaml.url())]));
    let provider = format!("--providers.file.directory={}", show(&folder.path("")));
    let setup = Setup::start_in(folder, &provider, "a.test", &[]);
    await_body(&setup, "a.test", "yaml");
    setup.folder.write(
        "b.toml",
        &format!(
            "[http.routers.b]\nrule = \"Host(`b.test`)\"\nservice = \"b\"\n\
             [[http.services.b.loadBalancer.servers]]\nurl = \"{}\"\n",
            toml.url()
        ),
    );
    await_body(&setup, "b.test", "toml");
    assert_eq!(setup.get("a.test", "/").text(), "yaml");
    fs::remove_file(setup.folder.path("b.toml")).unwrap();
    eventually("b.test is gone", || (setup.get("b.test", "/").status() == 404).then_some(()));
}

#[test]
fn a_broken_file_changes_nothing_and_says_why() {
    let (old, new) = (Server::named("old"), Server::named("new"));
    let setup = Setup::start(&routes(&[("a.test", &old.url())]), "a.test", &[]);
    setup.rewrite("http:\n  routers:\n    r0: { rule: \"Host(`a.test`)\", service: [\n");
    let said = eventually("the log names the file", || {
        let log = setup.rutter.stdout() + &setup.rutter.stderr();
        log.lines().find(|line| line.contains(Setup::FILE)).map(str::to_owned)
    });
    assert!(said.to_lowercase().contains("error") || said.contains("ERR"), "{said}");
    for _ in 0..20 {
        assert_eq!(setup.get("a.test", "/").text(), "old");
    }
    setup.rewrite(&routes(&[("a.test", &new.url())]));
    await_body(&setup, "a.test", "new");
}

#[test]
fn a_deleted_file_leaves_its_configuration_in_force() {
    let (old, new) = (Server::named("old"), Server::named("new"));
    let setup = Setup::start(&routes(&[("a.test", &old.url())]), "a.test", &[]);
    fs::remove_file(setup.folder.path(Setup::FILE)).unwrap();
    for _ in 0..20 {
        assert_eq!(setup.get("a.test", "/").text(), "old");
    }
    setup.rewrite(&routes(&[("a.test", &new.url())]));
    await_body(&setup, "a.test", "new");
}

#[test]
fn a_file_that_is_broken_at_the_start_is_served_once_it_is_mended() {
    let server = Server::named("up");
    let folder = Folder::new();
    folder.write("other.yml", "http: [");
    let provider = format!("--providers.file.directory={}", show(&folder.path("")));
    let web = rutter_e2e::free_address();
    let entry_point = format!("--entryPoints.web.address={web}");
    let rutter = rutter_e2e::Rutter::listening(
        web,
        &[&entry_point, &provider, "--providers.providersThrottleDuration=1ms"],
    );
    let setup = Setup { rutter, web, folder };
    assert_eq!(setup.get("a.test", "/").status(), 404);
    setup.folder.write("other.yml", &routes(&[("a.test", &server.url())]));
    await_body(&setup, "a.test", "up");
}

#[test]
fn a_broken_router_takes_out_only_itself() {
    let server = Server::named("up");
    let good = routes(&[("a.test", &server.url())]);
    let text = good.replace(
        "  services:\n",
        "    broken: { rule: \"Hosts(`b.test`)\", service: s0 }\n  services:\n",
    );
    let setup = Setup::start(&text, "a.test", &[]);
    assert_eq!(setup.curl("a.test", "/", &[]).body, "up");
    assert_eq!(setup.curl("b.test", "/", &[]).status, 404);
}

#[test]
fn a_request_in_flight_finishes_on_the_configuration_it_began_with() {
    let (release, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let old = Server::start(move |request| {
        if request.target() == "/slow" {
            let _ = gate.lock().unwrap().recv();
        }
        Answer::Text("old".into())
    });
    let new = Server::named("new");
    let setup = Setup::start(&routes(&[("a.test", &old.url())]), "a.test", &[]);
    let mut slow = Client::connect(setup.web).unwrap();
    slow.send_get("a.test", "/slow").unwrap();
    eventually("the old server has the request", || {
        old.seen().iter().any(|request| request.target() == "/slow").then_some(())
    });
    setup.rewrite(&routes(&[("a.test", &new.url())]));
    await_body(&setup, "a.test", "new");
    release.send(()).unwrap();
    assert_eq!(slow.response().unwrap().text(), "old");
    // The connection outlived the change, and its next request is on the new configuration.
    assert_eq!(slow.get("a.test", "/").unwrap().text(), "new");
}
