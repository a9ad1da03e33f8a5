//! A network that nobody outside can reach, and that reaches nobody: a network namespace with a
//! loopback alone. It also has addresses that do not look like loopback ones, for what is refused
//! those.
//!
//! The namespace ends with the last process, thread and [`Network`] that is in it or has it open;
//! there is nothing to clean up.
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd,
    process::{Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

/// Says that it is there, and keeps it until its input ends.
const SET_UP: &str =
    "ip link set lo up && ip route add local 10.77.0.0/16 dev lo && echo there && exec cat";

/// A network of one's own.
#[derive(Debug)]
pub struct Network {
    namespace: File,
    used: AtomicU16,
}

impl Network {
    /// An empty one.
    ///
    /// # Errors
    /// This user may not, or a program is missing: which are `unshare` and `ip`.
    pub fn new() -> io::Result<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", SET_UP]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::other(format!("unshare: {error}")))?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut said)?;
        let namespace = File::open(format!("/proc/{}/ns/net", child.id()));
        // This also closes its input, which it waits for.
        let ended = child.wait_with_output()?;
        if said.trim() != "there" {
            let why = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
            return Err(io::Error::other(why));
        }
        Ok(Self { namespace: namespace?, used: AtomicU16::new(0) })
    }

    /// Moves the calling thread into it, and so all threads and processes that it starts from here on.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn enter(&self) {
        move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("who made a network may enter it");
    }

    /// An address that this was never asked for before, as a pod would have it.
    ///
    /// # Panics
    /// If there is none left.
    #[must_use]
    pub fn next_address(&self, port: u16) -> SocketAddr {
        let [high, low] = (self.used.fetch_add(1, Ordering::Relaxed) + 1).to_be_bytes();
        assert!(high < 255, "there are enough addresses");
        (Ipv4Addr::new(10, 77, high, low), port).into()
    }
}
