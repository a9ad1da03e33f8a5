//! Programs that end with the process of the tests, however it ends, and a folder that goes with them.
use crate::setup::show;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Sender, channel},
    thread,
};
use tempfile::TempDir;

type Started = io::Result<Child>;

/// A thread that starts programs. The system kills them when it is gone, which is at the end of the
/// process: a test's own thread would not live long enough.
#[derive(Debug)]
pub(super) struct Keeper(Sender<(Command, Sender<Started>)>);

impl Keeper {
    /// One that is in the network that the calling thread is in.
    pub(super) fn start() -> Self {
        let (orders, inbox) = channel::<(Command, Sender<Started>)>();
        thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        Self(orders)
    }

    /// Starts `kube NAME ARGUMENTS…`; what it says goes into a file of the folder.
    ///
    /// # Panics
    /// If it cannot be started.
    pub(super) fn run(
        &self,
        kube: &Path,
        name: &str,
        arguments: &[String],
        folder: &Path,
    ) -> Program {
        let log = folder.join(format!("{name}.log"));
        let sink = File::create(&log).expect("a file in a folder of our own");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(kube).arg(name).args(arguments);
        command.env_clear().current_dir(folder).stdin(Stdio::null());
        command.stdout(sink.try_clone().expect("a file descriptor")).stderr(sink);
        let (reply, started) = channel();
        self.0.send((command, reply)).expect("the keeper lives");
        let child = started.recv().expect("the keeper lives");
        Program { child: child.expect("there is setpriv (Debian: util-linux)"), log }
    }
}

/// A program that runs. Killed when dropped.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// # Panics
    /// If it has ended, with the end of what it said.
    pub(super) fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
            panic!("it ended ({status}):\n{}", self.last_words());
        }
    }

    /// The last lines of what it said.
    pub(super) fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that a process of its own removes when we are gone: statics are never dropped.
#[derive(Debug)]
pub(super) struct Yard {
    folder: PathBuf,
    janitor: Child,
}

impl Yard {
    /// An empty one.
    ///
    /// # Panics
    /// If it cannot be made.
    pub(super) fn new() -> Self {
        // What is killed may still be writing.
        const WAIT_AND_REMOVE: &str =
            "cat; for i in 1 2 3 4 5; do rm -rf \"$0\" 2>/dev/null && exit; sleep 0.2; done";
        let folder = TempDir::with_prefix("rutter-cluster-").expect("a temporary directory").keep();
        let mut command = Command::new("sh");
        command.args(["-c", WAIT_AND_REMOVE, &show(&folder)]).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { janitor: command.spawn().expect("sh runs"), folder }
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        // This also closes its input.
        let _ = self.janitor.wait();
    }
}
