//! The access log: lines are made on the worker, and written by a thread of their own.
use crate::{clock::Clock, connection::Connection, net::Net};
use http::{Method, Uri, Version, request};
use rutter_core::{
    access_log::{Entry, client_host, line},
    exchange::Labels,
    time::{Instant, UnixTime},
};
use std::{
    cell::RefCell,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// A worker's lines wait this long for company.
const GATHER: Duration = Duration::from_millis(50);
/// Or until there is this much.
const BATCH_BYTES: usize = 64 << 10;
/// Batches on their way to the writer; when it cannot keep up, requests wait.
const BATCHES_MAX: usize = 64;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file, which is made with its folders, and appended to.
    File(PathBuf),
}

/// Takes batches of lines. All clones write to the same target.
#[derive(Clone)]
pub struct Handle(Sink);

#[derive(Clone)]
enum Sink {
    Thread(SyncSender<Order>),
    Inline(Arc<Mutex<dyn Write + Send>>),
}

enum Order {
    Write(Vec<u8>),
    Reopen,
    Stop,
}

/// The writing thread. It ends, with everything written, when this is dropped.
#[derive(Debug)]
pub struct Writer {
    orders: SyncSender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// Starts a thread that writes to `target`.
    pub fn open(target: Target) -> io::Result<(Self, Writer)> {
        let mut out = open(&target)?;
        let (orders, inbox) = sync_channel(BATCHES_MAX);
        let thread = std::thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write_all(&inbox, &target, &mut out))?;
        let writer = Writer { orders: orders.clone(), thread: Some(thread) };
        Ok((Self(Sink::Thread(orders)), writer))
    }

    /// Writes at once, on the worker: for simulations and tests.
    #[must_use]
    pub fn inline(out: Arc<Mutex<dyn Write + Send>>) -> Self {
        Self(Sink::Inline(out))
    }

    /// Has the file opened again, after it was moved away.
    pub fn reopen(&self) {
        if let Sink::Thread(orders) = &self.0 {
            let _ = orders.send(Order::Reopen);
        }
    }

    fn write(&self, lines: Vec<u8>) {
        match &self.0 {
            Sink::Thread(orders) => {
                // The thread ends after all workers.
                let _ = orders.send(Order::Write(lines));
            }
            Sink::Inline(out) => {
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = out.write_all(&lines);
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Out {
    Stdout(io::Stdout),
    File(File),
}

fn open(target: &Target) -> io::Result<Out> {
    let Target::File(path) = target else { return Ok(Out::Stdout(io::stdout())) };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(Out::File(OpenOptions::new().create(true).append(true).open(path)?))
}

fn write_all(inbox: &Receiver<Order>, target: &Target, out: &mut Out) {
    let mut broken = false;
    while let Ok(order) = inbox.recv() {
        let result = match order {
            Order::Stop => break,
            Order::Reopen => open(target).map(|opened| *out = opened),
            Order::Write(lines) => match out {
                Out::Stdout(out) => out.write_all(&lines).and_then(|()| out.flush()),
                Out::File(out) => out.write_all(&lines),
            },
        };
        if let Err(error) = &result
            && !broken
        {
            tracing::error!(%error, ?target, "accessLog: lines are lost");
        }
        broken = result.is_err();
    }
}

/// One worker's lines.
pub(crate) struct Local {
    clock: Clock,
    handle: Handle,
    lines: Rc<RefCell<Vec<u8>>>,
}

impl Local {
    pub(crate) fn new(handle: Handle, clock: Clock) -> Self {
        Self { clock, handle, lines: Rc::default() }
    }

    /// Writes the line of a request that ended now.
    pub(crate) fn write(&self, record: &Record, labels: Labels<'_>, now: Instant) {
        let mut lines = self.lines.borrow_mut();
        let first = lines.is_empty();
        record.line(&mut lines, labels, now);
        let enough = lines.len() >= BATCH_BYTES || matches!(self.handle.0, Sink::Inline(_));
        drop(lines);
        if enough {
            self.flush();
        } else if first {
            let (lines, handle, clock) = (Rc::clone(&self.lines), self.handle.clone(), self.clock);
            tokio::task::spawn_local(async move {
                clock.sleep_until(clock.now() + GATHER).await;
                hand_over(&lines, &handle);
            });
        }
    }

    /// Hands over what has been gathered.
    pub(crate) fn flush(&self) {
        hand_over(&self.lines, &self.handle);
    }
}

fn hand_over(lines: &RefCell<Vec<u8>>, handle: &Handle) {
    let lines = lines.take();
    if !lines.is_empty() {
        handle.write(lines);
    }
}

/// What of a request goes into its line.
pub(crate) struct Record {
    client_host: Box<str>,
    method: Method,
    target: Uri,
    version: Version,
    start: UnixTime,
    started: Instant,
    count: u64,
    pub(crate) status: u16,
    pub(crate) content_bytes: u64,
}

impl Record {
    /// Takes note of a request as it came in.
    pub(crate) fn new<N: Net>(
        connection: &Connection<N>,
        head: &request::Parts,
        now: Instant,
    ) -> Self {
        let proxy = &connection.worker.proxy;
        let peer = &connection.peer;
        let entry_point = &proxy.entry_point(connection.entry_point).core;
        let client_host = client_host(entry_point, peer, &head.headers)
            .map_or_else(|| peer.address.ip().to_canonical().to_string().into(), Into::into);
        Self {
            client_host,
            method: head.method.clone(),
            target: head.uri.clone(),
            version: head.version,
            start: connection.worker.clock.wall(),
            started: now,
            count: proxy.counters.logged.fetch_add(1, Ordering::Relaxed) + 1,
            // Compat: http.md "Client went away": seen if no response was ever decided on.
            status: 499,
            content_bytes: 0,
        }
    }

    fn line(&self, out: &mut Vec<u8>, labels: Labels<'_>, now: Instant) {
        let path = self.target.path_and_query().map_or("/", |it| it.as_str());
        let entry = Entry {
            client_host: &self.client_host,
            username: labels.user,
            start: self.start,
            method: self.method.as_str(),
            path,
            protocol: self.version,
            status: self.status,
            content_bytes: self.content_bytes,
            count: self.count,
            router: labels.router,
            server: labels.server,
            duration: now.since(self.started),
        };
        line(out, &entry);
    }
}
