//! Where the binary under test is.
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The `rutter` binary: `$RUTTER_BIN`, else built now by cargo in the profile of the tests.
///
/// It is built rather than looked for, so that no test ever passes on yesterday's binary.
///
/// # Panics
/// If it cannot be built.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| env::var_os("RUTTER_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    command.args(["build", "--package", "rutter", "--bin", "rutter"]);
    command.arg("--message-format=json-render-diagnostics");
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let out = command.output().expect("cargo runs: it has run this test");
    assert!(out.status.success(), "cargo build: {}", String::from_utf8_lossy(&out.stderr));
    let messages = String::from_utf8_lossy(&out.stdout);
    let (_, rest) = messages.rsplit_once("\"executable\":\"").expect("cargo names what it built");
    let (path, _) = rest.split_once('"').expect("a JSON string ends");
    PathBuf::from(path)
}
