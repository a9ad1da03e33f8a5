//! Helm, which needs no cluster to say what a chart makes.
use super::{Said, binary};
use crate::Folder;
use std::process::{Command, Stdio};

/// What `helm` says to arguments, for the version of Kubernetes that the cluster has. None, and a line on standard
/// error: it was not built.
///
/// # Panics
/// If it does not start; in place of none where `RUTTER_CLUSTER` is set.
#[must_use]
pub fn helm(arguments: &[&str]) -> Option<Said> {
    let program = binary::path("helm", "RUTTER_HELM");
    let program = program.map_err(|why| binary::skip("of the Helm chart", &why)).ok()?;
    let home = Folder::new();
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("HOME", home.path("")).stdin(Stdio::null());
    let out = command.output().expect("helm starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&out.stdout), text(&out.stderr));
    Some(Said { is_done: out.status.success(), stdout, stderr })
}
