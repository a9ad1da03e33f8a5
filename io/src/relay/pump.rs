//! Bytes both ways between two streams.
use super::splice::{Moved, Pipe, Pipes, Small};
use crate::net::Stream;
use std::{
    cell::RefCell,
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Bytes moved at once.
const SCRATCH_BYTES: usize = 64 << 10;

/// So many full reads in a row are a flow that is worth a pipe.
const FULL_READS: u32 = 4;

/// Where all connections of a worker put what they have read and not yet written: one that waits holds
/// no memory.
pub(crate) struct Scratch {
    bytes: RefCell<Box<[u8]>>,
    pipes: Rc<Pipes>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { bytes: RefCell::new(vec![0; SCRATCH_BYTES].into()), pipes: Rc::default() }
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

/// Copies both ways until both have ended. When one has, the other may go on for `delay`; `None`: as long
/// as it likes. Nothing goes on towards who has broken off.
pub(super) async fn pump<A: Stream, B: Stream>(
    scratch: &Scratch,
    a: &mut A,
    b: &mut B,
    delay: Option<Duration>,
) {
    let (mut up, mut down) = (Way::default(), Way::default());
    let mut rest: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        let one = up.poll(cx, scratch, a, b).is_ready();
        let two = down.poll(cx, scratch, b, a).is_ready();
        match delay {
            _ if one && (two || up.broken) || two && down.broken => Poll::Ready(()),
            Some(delay) if one || two => {
                rest.get_or_insert_with(|| Box::pin(sleep(delay))).as_mut().poll(cx)
            }
            _ => Poll::Pending,
        }
    })
    .await;
}

/// One of the two ways.
#[derive(Default)]
struct Way {
    /// What was read, and the other side would not take yet.
    left: Vec<u8>,
    /// Bytes of it that are written.
    written: usize,
    /// Something was written and perhaps not sent.
    flush: bool,
    /// Full reads in a row.
    full: u32,
    /// Set while there is much to move: a pipe takes the place of reading and writing.
    piping: Option<Small>,
    /// The pipe, while there is anything in it.
    pipe: Option<Pipe>,
    end: End,
    /// Who is read from has broken off: it is no use to write to it.
    broken: bool,
}

#[derive(Default, PartialEq)]
enum End {
    #[default]
    Open,
    /// There is no more to read; the other side is to be told.
    Read,
    /// It was told, or does not listen.
    Told,
}

impl Way {
    /// Moves what there is; ready when there will be no more.
    fn poll<A: Stream, B: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &Scratch,
        from: &mut A,
        to: &mut B,
    ) -> Poll<()> {
        if self.end == End::Told {
            return Poll::Ready(());
        }
        let moved = ready!(self.moved(cx, scratch, from, to));
        if let Err(error) = moved {
            tracing::debug!(%error, "TCP relay");
        }
        self.end = End::Told;
        (self.left, self.pipe) = (Vec::new(), None);
        Poll::Ready(())
    }

    fn moved<A: Stream, B: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &Scratch,
        from: &mut A,
        to: &mut B,
    ) -> Poll<io::Result<()>> {
        let Scratch { bytes, pipes } = scratch;
        let mut bytes = bytes.borrow_mut();
        loop {
            while self.written < self.left.len() {
                let n = ready!(Pin::new(&mut *to).poll_write(cx, &self.left[self.written..]))?;
                self.wrote(n)?;
                self.written += n;
            }
            if !self.left.is_empty() {
                (self.left, self.written) = (Vec::new(), 0);
            }
            if self.end == End::Read {
                return Pin::new(&mut *to).poll_shutdown(cx);
            }
            if let Some(small) = &mut self.piping
                && let (Some(from), Some(to)) = (from.socket(), to.socket())
                && let Some(mut pipe) = self.pipe.take().or_else(|| pipes.take())
            {
                let moved = pipe.poll(cx, small, from, to);
                self.pipe = Some(pipe).filter(|pipe| !pipe.is_empty());
                match ready!(moved)? {
                    Moved::Little => {}
                    Moved::End => self.end = End::Read,
                    Moved::Broken => (self.end, self.broken) = (End::Read, true),
                }
                self.piping = None;
                continue;
            }
            let mut space = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *from).poll_read(cx, &mut space) {
                Poll::Pending => {
                    if self.flush {
                        ready!(Pin::new(&mut *to).poll_flush(cx))?;
                        self.flush = false;
                    }
                    return Poll::Pending;
                }
                // One that breaks off has ended as well: the other side is told what it can be told.
                Poll::Ready(Err(error)) => {
                    tracing::debug!(%error, "TCP relay");
                    // The end of TCP without that of TLS: it may still listen.
                    self.broken = error.kind() != io::ErrorKind::UnexpectedEof;
                    self.end = End::Read;
                }
                Poll::Ready(Ok(())) if space.filled().is_empty() => self.end = End::Read,
                Poll::Ready(Ok(())) => {
                    let is_full = space.remaining() == 0;
                    self.write(cx, space.filled(), to)?;
                    self.full = if is_full { self.full + 1 } else { 0 };
                    let sockets = from.socket().is_some() && to.socket().is_some();
                    if self.full >= FULL_READS && sockets {
                        (self.piping, self.full) = (Some(Small::default()), 0);
                    }
                }
            }
        }
    }

    /// Writes what was read, and keeps what the other side does not take at once.
    fn write<B: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        mut bytes: &[u8],
        to: &mut B,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            match Pin::new(&mut *to).poll_write(cx, bytes) {
                Poll::Ready(n) => {
                    let n = n?;
                    self.wrote(n)?;
                    bytes = &bytes[n..];
                }
                Poll::Pending => {
                    self.left.extend_from_slice(bytes);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn wrote(&mut self, n: usize) -> io::Result<()> {
        self.flush = true;
        if n == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
