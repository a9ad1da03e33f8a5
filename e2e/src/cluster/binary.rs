//! Where the programs are that `e2e/cluster/build` builds.
use std::{
    collections::BTreeSet,
    env,
    io::{self, Write},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// A program: the value of the variable, which has to be there; else what was built before, if it was.
///
/// # Panics
/// If the variable is set, and no file is there.
pub(super) fn path(program: &str, variable: &str) -> Result<PathBuf, String> {
    if let Some(path) = env::var_os(variable).map(PathBuf::from) {
        assert!(path.is_file(), "{variable}: {} is no file", path.display());
        return Ok(path);
    }
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cluster/build"));
    let out = command.args([program, "--cached"]).stdin(Stdio::null()).output();
    let out = out.map_err(|error| format!("e2e/cluster/build: {error}"))?;
    if out.status.success() {
        return Ok(PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()));
    }
    Err(String::from_utf8_lossy(&out.stderr).trim().to_owned())
}

/// Says that the tests `of` something are skipped, once, past the capture of the test's output.
///
/// # Panics
/// If somebody counts on the tests: `RUTTER_CLUSTER` is set.
pub(super) fn skip(of: &str, why: &str) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    assert!(env::var_os("RUTTER_CLUSTER").is_none(), "{why}: yet RUTTER_CLUSTER is set");
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(of.to_owned()) {
        let line = format!("SKIPPED, all tests {of}: {why}\n");
        let _ = io::stderr().write_all(line.as_bytes());
    }
}
