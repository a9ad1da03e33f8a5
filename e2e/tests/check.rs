//! `rutter check`: every problem of a configuration, without starting anything.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Folder, process::run, routes, setup::show};

fn check(dynamic: &str) -> (i32, String) {
    let folder = Folder::new();
    let file = folder.write("dynamic.yml", dynamic);
    let provider = format!("--providers.file.filename={}", show(&file));
    let ended = run(&["check", "--entryPoints.web.address=127.0.0.1:0", &provider], &[]);
    (ended.code, ended.stdout + &ended.stderr)
}

#[test]
fn a_sound_configuration_exits_with_0() {
    let (code, said) = check(&routes(&[("a.test", "http://127.0.0.1:1")]));
    assert_eq!(code, 0, "{said}");
}

#[test]
fn every_unusable_object_is_named_with_file_line_and_path() {
    let (code, said) = check(
        "http:\n\
         \x20 routers:\n\
         \x20   good: { rule: \"Host(`a.test`)\", service: s }\n\
         \x20   bad-rule: { rule: \"Hosts(`a.test`)\", service: s }\n\
         \x20   bad-service:\n\
         \x20     rule: \"Host(`b.test`)\"\n\
         \x20     service: nobody\n\
         \x20 services:\n\
         \x20   s: { loadBalancer: { servers: [ { url: \"http://127.0.0.1:1\" } ] } }\n",
    );
    assert_eq!(code, 1, "{said}");
    for (line, words) in [(4, ["bad-rule", "Hosts"]), (5, ["bad-service", "nobody"])] {
        let found = said.lines().find(|told| words.iter().all(|word| told.contains(word)));
        let told = found.unwrap_or_else(|| panic!("nothing about {words:?} in\n{said}"));
        let near = (line..line + 3).any(|n| told.contains(&format!("dynamic.yml:{n}")));
        assert!(near, "no file and line (about {line}) in: {told}");
    }
    assert!(!said.lines().any(|line| line.contains("routers.good")), "{said}");
}

#[test]
fn a_key_that_nobody_knows_is_a_warning_with_its_path() {
    let (code, said) = check(
        "http:\n  routers:\n    r: { rule: \"Host(`a.test`)\", service: s, priorty: 3 }\n  \
         services:\n    s: { loadBalancer: { servers: [] } }\n",
    );
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("priorty"), "{said}");
    assert!(said.contains("dynamic.yml:3"), "{said}");
}

#[test]
fn a_file_that_cannot_be_read_as_yaml_exits_with_1() {
    let (code, said) = check("http:\n  routers: [\n");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("dynamic.yml"), "{said}");
}
