//! House rules that neither rustc nor clippy checks. Each failure says what to do about it.
#![allow(clippy::unwrap_used, reason = "a test panics on what it cannot read")]
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What may stand in `cargo tree -p rutter-core -e normal`, down to the leaves: pure data crates.
const DEPENDENCIES: &[&str] = &[
    "aho-corasick",
    "arrayvec",
    "base64",
    "base64",
    "bcrypt",
    "block-buffer",
    "blowfish",
    "byteorder",
    "bytes",
    "cfg-if",
    "cipher",
    "cpufeatures",
    "crypto-common",
    "der",
    "digest",
    "foldhash",
    "generic-array",
    "hashbrown",
    "http",
    "inout",
    "ipnet",
    "itoa",
    "libc", // by cpufeatures, on some targets
    "md-5",
    "memchr",
    "percent-encoding",
    "proc-macro2",
    "quote",
    "regex",
    "regex-automata",
    "regex-syntax",
    "rustls-pki-types",
    "serde",
    "serde_core",
    "serde_derive",
    "sha1",
    "sha2",
    "subtle",
    "syn",
    "typenum",
    "unicode-ident",
    "zeroize",
];

const LINES_MAX: usize = 500;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

#[test]
fn the_core_depends_only_on_allowed_crates() {
    let out = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .current_dir(root())
        .args(["tree", "--locked", "-p", "rutter-core", "-e", "normal", "--prefix", "none"])
        .output()
        .unwrap();
    assert!(out.status.success(), "cargo tree: {}", String::from_utf8_lossy(&out.stderr));
    let tree = String::from_utf8(out.stdout).unwrap();
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    report(names.filter(|name| *name != "rutter-core" && !DEPENDENCIES.contains(name)).map(
        |name| {
            format!(
                "rutter-core depends on `{name}`: do without it or, if it does no I/O, reads no clock \
                 and draws no randomness, add it to DEPENDENCIES in core/tests/tidy.rs"
            )
        },
    ));
}

#[test]
fn the_core_is_no_std_without_unsafe() {
    let file = root().join("core/src/lib.rs");
    let text = fs::read_to_string(&file).unwrap();
    report(
        ["#![no_std]", "#![forbid(unsafe_code)]"]
            .into_iter()
            .filter(|attribute| !text.lines().any(|line| line == *attribute))
            .map(|attribute| format!("core/src/lib.rs: put `{attribute}` back")),
    );
}

#[test]
fn the_core_has_no_async_code() {
    let word = |line: &str| {
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.into_iter().any(|word| word == "async" || word == "await")
    };
    report(core_code().filter(|(_, line)| word(line)).map(|(at, _)| {
        format!("{at}: the core is not async: return an Output and let the shell wait")
    }));
}

#[test]
fn the_core_names_std_in_tests_only() {
    report(core_code().filter(|(_, line)| line.contains("std::")).map(|(at, _)| {
        format!("{at}: use `core::` or `alloc::`; what only std has belongs into io")
    }));
}

#[test]
fn modules_are_foo_rs_beside_foo() {
    report(
        sources().into_iter().filter(|file| file.ends_with("mod.rs")).map(|file| {
            format!("{}: move it to `<directory>.rs` beside the directory", show(&file))
        }),
    );
}

#[test]
fn names_say_what_is_inside() {
    report(sources().into_iter().filter_map(|file| {
        let name = file
            .strip_prefix(root())
            .unwrap()
            .with_extension("")
            .iter()
            .find_map(|part| EMPTY_NAMES.iter().find(|name| part == **name))?;
        Some(format!("{}: `{name}` is no subject; name the file after its own", show(&file)))
    }));
}

#[test]
fn files_are_short() {
    report(sources().into_iter().filter_map(|file| {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        (lines > LINES_MAX).then(|| {
            format!(
                "{}: {lines} lines, more than {LINES_MAX}; split it by subject (long tests go to \
                 `<file>/tests.rs`)",
                show(&file)
            )
        })
    }));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn show(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

fn report(problems: impl Iterator<Item = String>) {
    let problems: Vec<String> = problems.collect();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// The program text of the repository: Rust everywhere, and the rig's Python.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "py") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 20, "the repository's sources were not found from {:?}", root());
    found.sort();
    found
}

/// The lines of the core that are neither comments nor tests, and where they stand.
fn core_code() -> impl Iterator<Item = (String, String)> {
    let folder = root().join("core/src");
    let is_code = move |file: &PathBuf| file.starts_with(&folder) && !file.ends_with("tests.rs");
    sources().into_iter().filter(is_code).flat_map(|file| {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let numbered = code.lines().enumerate().map(|(i, line)| {
            let line = line.split("//").next().unwrap_or_default();
            (format!("{}:{}", show(&file), i + 1), line.to_owned())
        });
        numbered.collect::<Vec<_>>()
    })
}
