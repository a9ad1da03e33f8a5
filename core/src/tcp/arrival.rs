//! A new connection, until it is known where it goes: a machine without socket or timer.
//!
//! Compat: tls.md "TCP / HTTP(S) demultiplexing per entry point".
use super::{
    Router, Table,
    client_hello::{Reader, Sniff},
    table::Secure,
};
use crate::{entry_point::connection::Timeouts, time::Instant, tls::options::Options};
use alloc::{boxed::Box, sync::Arc};
use core::time::Duration;

/// What an HTTP/2 client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a connection may take to say what it is where no timeout bounds that.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A connection of which it is not yet known where it goes.
#[derive(Clone, Debug)]
pub struct Arrival {
    deadline: Instant,
    hello: Reader,
    clear: Clear,
}

/// What is known of a connection without TLS.
#[derive(Clone, Copy, Debug)]
enum Clear {
    /// Nothing: it may speak TLS.
    Unknown,
    /// It is HTTP, and began with so many bytes of the preface.
    Http(usize),
}

/// What to do with the connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// Read on; close the connection when the deadline comes before more bytes do.
    Wait {
        /// The deadline.
        deadline: Instant,
    },
    /// Serve HTTP without TLS.
    Http {
        /// Whether the client speaks HTTP/2, and said so.
        http2: bool,
    },
    /// Hand it on to a TCP service, beginning with the bytes read so far.
    Tcp(Arc<Router>),
    /// Shake hands, with the bytes read so far, under these options.
    Tls {
        /// How TLS is spoken.
        options: Arc<Options>,
        /// The name that the client asks for, lower-cased, without trailing dot.
        server_name: Option<Box<str>>,
        /// Where the inside goes; `None`: it is HTTP.
        to: Option<Arc<Router>>,
    },
    /// Close it.
    Close(Reason),
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It speaks TLS, but nothing that can be understood.
    Malformed,
    /// The TLS options that it needs are unknown or broken.
    NoOptions,
}

impl Reason {
    /// What the client is told before its connection is closed: a fatal alert (RFC 8446 section 6.2).
    #[must_use]
    pub const fn alert(self) -> [u8; 7] {
        const DECODE_ERROR: u8 = 50;
        const INTERNAL_ERROR: u8 = 80;
        let description = match self {
            Self::Malformed => DECODE_ERROR,
            Self::NoOptions => INTERNAL_ERROR,
        };
        [21, 3, 3, 0, 2, 2, description]
    }
}

impl Arrival {
    /// A connection accepted now.
    #[must_use]
    pub fn new(now: Instant, timeouts: Timeouts) -> Self {
        let limit = timeouts.read.or(timeouts.idle).unwrap_or(SILENCE_MAX);
        Self { deadline: now + limit, hello: Reader::default(), clear: Clear::Unknown }
    }

    /// When it must be known where the connection goes.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What to do before the first byte: servers of some protocols speak first.
    #[must_use]
    pub fn start(&self, table: &Table) -> Step {
        table.silent().map_or(Step::Wait { deadline: self.deadline }, |it| Step::Tcp(it.clone()))
    }

    /// What to do after the next bytes; only after [`Step::Wait`] there are any. However they are cut
    /// into pieces, it is the same in the end.
    #[must_use]
    pub fn read(&mut self, table: &Table, bytes: &[u8]) -> Step {
        if let Clear::Http(matched) = self.clear {
            return self.http(matched, bytes);
        }
        match self.hello.read(bytes) {
            Sniff::NeedMore => Step::Wait { deadline: self.deadline },
            Sniff::Malformed => Step::Close(Reason::Malformed),
            // The first byte told, and it is among these.
            Sniff::NotTls => match table.clear() {
                Some(router) => Step::Tcp(router.clone()),
                None => self.http(0, bytes),
            },
            Sniff::ClientHello(hello) => {
                let server_name = hello.server_name;
                match table.secure(server_name.as_deref()) {
                    Secure::Http(options) => Step::Tls { options, server_name, to: None },
                    Secure::Terminate(options, router) => {
                        Step::Tls { options, server_name, to: Some(router) }
                    }
                    Secure::Passthrough(router) => Step::Tcp(router),
                    Secure::Refused => Step::Close(Reason::NoOptions),
                }
            }
        }
    }

    /// Finds out which HTTP it is, of which `matched` bytes of the preface have come before.
    fn http(&mut self, matched: usize, bytes: &[u8]) -> Step {
        let rest = PREFACE.get(matched..).unwrap_or_default();
        let common = rest.iter().zip(bytes).take_while(|(one, two)| one == two).count();
        if common == rest.len() || common < bytes.len() {
            return Step::Http { http2: common == rest.len() };
        }
        self.clear = Clear::Http(matched + common);
        Step::Wait { deadline: self.deadline }
    }
}

#[cfg(test)]
mod tests;
