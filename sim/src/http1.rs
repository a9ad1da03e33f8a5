//! HTTP/1.1 as the fake upstreams and clients speak it: small, strict, and sharing no code with the
//! proxy, so that it can judge what the proxy sends.
use crate::rng::Rng;
use std::{fmt, io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time,
};

/// A head longer than this is malformed.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How a message or connection ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// No connection came about.
    Refused,
    /// Nobody answered within the given time.
    TimedOut,
    /// Closed between two messages.
    Closed,
    /// Closed in the middle of a message.
    Cut,
    /// Reset.
    Reset,
    /// Not HTTP/1.1.
    Malformed(&'static str),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Closed => "closed",
            Self::Cut => "cut off",
            Self::Reset => "reset",
            Self::Malformed(why) => return write!(f, "malformed: {why}"),
        })
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            Self::Refused
        } else if error.kind() == io::ErrorKind::TimedOut {
            Self::TimedOut
        } else {
            Self::Reset
        }
    }
}

/// A start line and header fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The request or status line.
    pub start: String,
    /// Names as sent, values trimmed.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// The first value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The n-th word of the start line, from 0.
    #[must_use]
    pub fn word(&self, n: usize) -> &str {
        self.start.split(' ').nth(n).unwrap_or_default()
    }

    /// Whether the connection ends with this message.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
            || self.start.contains("HTTP/1.0")
    }

    /// How the body is delimited, for a request (`None`) or the response to a method.
    ///
    /// # Errors
    /// Both framings at once, or two lengths.
    pub fn framing(&self, answered_method: Option<&str>) -> Result<Framing, Broken> {
        let bodiless = match self.word(1) {
            _ if answered_method == Some("HEAD") => true,
            "204" | "304" => answered_method.is_some(),
            _ => false,
        };
        let lengths =
            self.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case("content-length")).count();
        let chunked = self.field("transfer-encoding").is_some();
        if lengths + usize::from(chunked) > 1 {
            return Err(Broken::Malformed("framed twice"));
        }
        if bodiless {
            return Ok(Framing::Length(0));
        }
        Ok(match self.field("content-length").map(str::parse) {
            Some(Ok(length)) => Framing::Length(length),
            Some(Err(_)) => return Err(Broken::Malformed("content-length")),
            None if chunked => Framing::Chunked,
            None if answered_method.is_some() => Framing::Close,
            None => Framing::Length(0),
        })
    }

    fn parse(text: &str) -> Result<Self, Broken> {
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let mut fields = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(Broken::Malformed("header field"))?;
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Self { start, fields })
    }
}

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(usize),
    /// In chunks.
    Chunked,
    /// Until the connection is closed.
    Close,
}

/// How fast bytes are taken or given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At most this many at once.
    pub bytes: usize,
    /// This long between two.
    pub pause: Duration,
}

impl Pace {
    /// As fast as the network allows.
    pub const FULL: Self = Self { bytes: 16 * 1024, pause: Duration::ZERO };

    /// A few bytes at a time.
    #[must_use]
    pub const fn drip(bytes: usize, pause: Duration) -> Self {
        Self { bytes, pause }
    }

    async fn wait(self) {
        if !self.pause.is_zero() {
            time::sleep(self.pause).await;
        }
    }
}

/// One end of a connection.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// An end that has read nothing yet.
    pub const fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Reads a head.
    ///
    /// # Errors
    /// [`Broken::Closed`] where the connection was closed before its first byte.
    pub async fn head(&mut self) -> Result<Head, Broken> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
                return Head::parse(&String::from_utf8_lossy(&head));
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(Broken::Malformed("head too long"));
            }
            if self.fill(Pace::FULL).await? == 0 {
                return Err(if self.buffer.is_empty() { Broken::Closed } else { Broken::Cut });
            }
        }
    }

    /// Reads a body to the end of `to`.
    ///
    /// # Errors
    /// It is not whole.
    pub async fn body(
        &mut self,
        framing: Framing,
        pace: Pace,
        to: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        match framing {
            Framing::Length(length) => self.take(length, pace, to).await,
            Framing::Chunked => self.chunks(pace, to).await,
            Framing::Close => loop {
                to.append(&mut self.buffer);
                if self.fill(pace).await? == 0 {
                    return Ok(());
                }
            },
        }
    }

    /// Writes at a pace.
    ///
    /// # Errors
    /// The peer is gone.
    pub async fn write(&mut self, bytes: &[u8], pace: Pace) -> Result<(), Broken> {
        for piece in bytes.chunks(pace.bytes) {
            self.stream.write_all(piece).await?;
            self.stream.flush().await?;
            pace.wait().await;
        }
        Ok(())
    }

    /// Waits until the peer closes or resets, ignoring what it sends.
    pub async fn closed(&mut self) {
        while self.fill(Pace::FULL).await.is_ok_and(|read| read > 0) {
            self.buffer.clear();
        }
    }

    /// Whether anything that was read is left over.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        !self.buffer.is_empty()
    }

    async fn fill(&mut self, pace: Pace) -> Result<usize, Broken> {
        pace.wait().await;
        let start = self.buffer.len();
        self.buffer.resize(start + pace.bytes, 0);
        let read = self.stream.read(&mut self.buffer[start..]).await;
        self.buffer.truncate(start + read.as_ref().map_or(0, |read| *read));
        Ok(read?)
    }

    async fn take(&mut self, mut n: usize, pace: Pace, to: &mut Vec<u8>) -> Result<(), Broken> {
        loop {
            let taken = n.min(self.buffer.len());
            to.extend(self.buffer.drain(..taken));
            n -= taken;
            if n == 0 {
                return Ok(());
            }
            if self.fill(pace).await? == 0 {
                return Err(Broken::Cut);
            }
        }
    }

    async fn chunks(&mut self, pace: Pace, to: &mut Vec<u8>) -> Result<(), Broken> {
        loop {
            let line = self.line(pace).await?;
            let size = line.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).or(Err(Broken::Malformed("chunk size")))?;
            if size == 0 {
                // Trailers, then an empty line.
                while !self.line(pace).await?.is_empty() {}
                return Ok(());
            }
            self.take(size, pace, to).await?;
            if !self.line(pace).await?.is_empty() {
                return Err(Broken::Malformed("chunk end"));
            }
        }
    }

    async fn line(&mut self, pace: Pace) -> Result<String, Broken> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.fill(pace).await? == 0 {
                return Err(Broken::Cut);
            }
        }
    }
}

/// The body that belongs to a name: both ends can tell whether it is right.
#[must_use]
pub fn content(name: &str, length: usize) -> Vec<u8> {
    Rng::of(name).bytes(length)
}

/// A body in chunks of at most `size` bytes, with its end.
#[must_use]
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 64);
    for chunk in body.chunks(size.max(1)) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

#[cfg(test)]
mod tests;
