//! Bytes both ways between two streams.
use std::{
    cell::RefCell,
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Bytes moved at once.
const SCRATCH_BYTES: usize = 64 << 10;

/// Where all connections of a worker put what they have read and not yet written: one that waits holds
/// no memory.
pub(crate) struct Scratch(RefCell<Box<[u8]>>);

impl Default for Scratch {
    fn default() -> Self {
        Self(RefCell::new(vec![0; SCRATCH_BYTES].into()))
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

/// Copies both ways until both have ended. When one has, the other may go on for `delay`; `None`: as long
/// as it likes.
pub(super) async fn pump<A, B>(scratch: &Scratch, a: &mut A, b: &mut B, delay: Option<Duration>)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut up, mut down) = (Way::default(), Way::default());
    let mut rest: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        let one = up.poll(cx, scratch, a, b).is_ready();
        let two = down.poll(cx, scratch, b, a).is_ready();
        match delay {
            _ if one && two => Poll::Ready(()),
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
    end: End,
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
    fn poll<A: AsyncRead + Unpin, B: AsyncWrite + Unpin>(
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
        self.left = Vec::new();
        Poll::Ready(())
    }

    fn moved<A: AsyncRead + Unpin, B: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &Scratch,
        from: &mut A,
        to: &mut B,
    ) -> Poll<io::Result<()>> {
        let mut scratch = scratch.0.borrow_mut();
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
            let mut space = ReadBuf::new(&mut scratch);
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
                    self.end = End::Read;
                }
                Poll::Ready(Ok(())) if space.filled().is_empty() => self.end = End::Read,
                Poll::Ready(Ok(())) => self.write(cx, space.filled(), to)?,
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
