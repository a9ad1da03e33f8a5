//! A running `rutter`, started like a user starts it and ended by its own id.
use crate::{binary, eventually};
use std::{
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// The process. Killed when dropped.
#[derive(Debug)]
pub struct Rutter {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

/// What a process that ended left.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; -1 after a signal.
    pub code: i32,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Rutter {
    /// Starts it with arguments and an environment that holds nothing else but `PATH`, in an
    /// empty directory's place: no file, flag or variable of the machine reaches it.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn spawn(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary::path());
        command.args(arguments).env_clear().envs(environment.iter().copied()).current_dir("/");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stdout = Stream::collect(child.stdout.take().expect("piped"));
        let stderr = Stream::collect(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr }
    }

    /// Starts it and waits until something accepts connections on `address`.
    ///
    /// # Panics
    /// If it ends instead, with what it printed.
    #[must_use]
    pub fn listening(address: SocketAddr, arguments: &[&str]) -> Self {
        let mut rutter = Self::spawn(arguments, &[]);
        rutter.await_listener(address);
        rutter
    }

    /// Waits until something accepts connections on `address`.
    ///
    /// # Panics
    /// If the process ends instead, with what it printed.
    pub fn await_listener(&mut self, address: SocketAddr) {
        eventually(&format!("{address} accepts connections"), || {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                let (stdout, stderr) = (self.stdout(), self.stderr());
                panic!("rutter ended ({status})\nstdout: {stdout}\nstderr: {stderr}");
            }
            TcpStream::connect(address).ok()
        });
    }

    /// What it has printed on standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// What it has printed on standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name, such as `TERM`.
    ///
    /// # Panics
    /// If the signal cannot be sent.
    pub fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &script]).status().expect("sh runs");
        assert!(status.success(), "{script}: {status}");
    }

    /// Whether it is still running.
    ///
    /// # Panics
    /// If the system cannot say.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn ended(mut self) -> Ended {
        let status: ExitStatus =
            eventually("rutter ends", || self.child.try_wait().expect("a child can be waited for"));
        Ended {
            code: status.code().unwrap_or(-1),
            stdout: self.stdout.whole(),
            stderr: self.stderr.whole(),
        }
    }
}

impl Drop for Rutter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `rutter` to its end.
///
/// # Panics
/// If it does not end.
#[must_use]
pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    Rutter::spawn(arguments, environment).ended()
}

/// One of its output streams, read by a thread so that the process never blocks on it.
#[derive(Debug)]
struct Stream {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn collect(from: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                sink.push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.so_far()
    }
}
