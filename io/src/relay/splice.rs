//! Bytes from one socket of the system to another without copying them: through a pipe, by `splice(2)`.
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};
use std::{
    cell::RefCell,
    io,
    os::fd::OwnedFd,
    rc::Rc,
    task::{Context, Poll, ready},
};
use tokio::{io::Interest, net::TcpStream};

/// What a pipe of the system holds unless it is told otherwise.
const PIPE_BYTES: usize = 64 << 10;
/// Idle pipes that a worker keeps.
const IDLE_MAX: usize = 64;
/// A flow whose moves are smaller than this, so many in a row, is no longer worth a pipe.
const SMALL_BYTES: usize = 8 << 10;
const SMALL_MAX: u32 = 8;
/// Moves in a row before others get their turn.
const MOVES_MAX: u32 = 16;

/// The pipes of one worker that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Pipes(RefCell<Vec<(OwnedFd, OwnedFd)>>);

/// A pipe, given back when it is dropped empty.
#[derive(Debug)]
pub(super) struct Pipe {
    /// Where it is read, and written.
    ends: Option<(OwnedFd, OwnedFd)>,
    held: usize,
    of: Rc<Pipes>,
}

/// Moves in a row that were small.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Small(u32);

/// What came of moving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// The other side has ended, and everything is through.
    End,
    /// It has broken off, and everything that came before is through.
    Broken,
    /// Little comes now: copying is as good.
    Little,
}

impl Pipes {
    /// A pipe; `None`: the system has none left.
    pub(super) fn take(self: &Rc<Self>) -> Option<Pipe> {
        let idle = self.0.borrow_mut().pop();
        let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
        let ends = idle.or_else(|| pipe_with(flags).ok())?;
        Some(Pipe { ends: Some(ends), held: 0, of: Rc::clone(self) })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut idle = self.of.0.borrow_mut();
        if self.held == 0 && idle.len() < IDLE_MAX {
            idle.extend(self.ends.take());
        }
    }
}

impl Pipe {
    pub(super) const fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Moves what there is.
    ///
    /// # Errors
    /// Those of writing: who is written to does not listen.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        small: &mut Small,
        from: &TcpStream,
        to: &TcpStream,
    ) -> Poll<io::Result<Moved>> {
        let Some((read, write)) = &self.ends else { return Poll::Ready(Ok(Moved::Little)) };
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        for _ in 0..MOVES_MAX {
            while self.held > 0 {
                let out = || Ok(splice(read, None, to, None, self.held, flags)?);
                match to.try_io(Interest::WRITABLE, out) {
                    Ok(n) => self.held -= n,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready!(to.poll_write_ready(cx))?;
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            if small.0 >= SMALL_MAX {
                return Poll::Ready(Ok(Moved::Little));
            }
            let fill = || Ok(splice(from, None, write, None, PIPE_BYTES, flags)?);
            match from.try_io(Interest::READABLE, fill) {
                Ok(0) => return Poll::Ready(Ok(Moved::End)),
                Ok(n) => {
                    self.held = n;
                    small.0 = if n < SMALL_BYTES { small.0 + 1 } else { 0 };
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(from.poll_read_ready(cx))?;
                }
                Err(error) => {
                    tracing::debug!(%error, "TCP relay");
                    return Poll::Ready(Ok(Moved::Broken));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
