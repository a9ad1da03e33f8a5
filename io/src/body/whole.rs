//! A body that was read whole: in memory, and beyond that in a temporary file that has no name.
use crate::net::Net;
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use rutter_core::exchange::{BufferError, Limits};
use std::{
    error::Error,
    fmt,
    fs::File,
    future::{Future, poll_fn},
    io,
    os::unix::fs::FileExt,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

/// What is written, and read, at once.
const CHUNK: usize = 256 << 10;

/// The body. All clones are of the same one; it can be read again and again.
#[derive(Clone)]
pub(crate) struct Whole(Rc<Stored>);

struct Stored {
    memory: Vec<Bytes>,
    overflow: Option<Overflow>,
    bytes: u64,
}

/// What did not fit into memory.
struct Overflow {
    bytes: u64,
    /// Reads up to a chunk at a position.
    read_at: Box<dyn Fn(u64, usize) -> Read>,
}

type Read = Pin<Box<dyn Future<Output = io::Result<Bytes>>>>;

impl Whole {
    /// Reads a body to its end. Trailers are left out: the length is known now, and says all.
    pub(crate) async fn read<N: Net, E>(
        net: &N,
        limits: Limits,
        mut poll_frame: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>>,
    ) -> Result<Self, BufferError> {
        let mut stored = Stored { memory: Vec::new(), overflow: None, bytes: 0 };
        let mut spill: Option<Spill> = None;
        let mut in_memory = 0;
        while let Some(frame) = poll_fn(&mut poll_frame).await {
            let frame = frame.map_err(|_| BufferError::Broken)?;
            let Ok(bytes) = frame.into_data() else { continue };
            stored.bytes += bytes.len() as u64;
            if limits.bytes_max.is_some_and(|limit| stored.bytes > limit) {
                return Err(BufferError::TooLong);
            }
            let fits = in_memory + bytes.len() as u64 <= limits.memory_bytes_max;
            match &mut spill {
                None if fits => {
                    in_memory += bytes.len() as u64;
                    stored.memory.push(bytes);
                }
                None => spill.insert(Spill::new(net).await?).write(net, &bytes).await?,
                Some(spill) => spill.write(net, &bytes).await?,
            }
        }
        if let Some(spill) = spill {
            stored.overflow = Some(spill.finish(net).await?);
        }
        Ok(Self(Rc::new(stored)))
    }

    /// How long it is.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// The body from its start.
    pub(super) fn reading(&self) -> Reading {
        Reading { whole: self.clone(), chunk: 0, passed: 0, offset: 0, under_way: None }
    }
}

/// A temporary file in the making.
struct Spill {
    file: Arc<File>,
    written: u64,
    /// Not yet written.
    waiting: BytesMut,
}

impl Spill {
    async fn new<N: Net>(net: &N) -> Result<Self, BufferError> {
        let file = stored(net, tempfile::tempfile).await?;
        Ok(Self { file: Arc::new(file), written: 0, waiting: BytesMut::new() })
    }

    async fn write<N: Net>(&mut self, net: &N, bytes: &Bytes) -> Result<(), BufferError> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() < CHUNK { Ok(()) } else { self.flush(net).await }
    }

    async fn flush<N: Net>(&mut self, net: &N) -> Result<(), BufferError> {
        let (file, bytes, at) = (Arc::clone(&self.file), self.waiting.split(), self.written);
        self.written += bytes.len() as u64;
        stored(net, move || file.write_all_at(&bytes, at)).await
    }

    async fn finish<N: Net>(mut self, net: &N) -> Result<Overflow, BufferError> {
        self.flush(net).await?;
        let (net, file) = (net.clone(), self.file);
        let read_at = move |at, length| -> Read {
            let file = Arc::clone(&file);
            let read = net.offload(move || {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, at).map(|()| Bytes::from(bytes))
            });
            Box::pin(async { read.await.unwrap_or_else(|| Err(io::ErrorKind::Other.into())) })
        };
        Ok(Overflow { bytes: self.written, read_at: Box::new(read_at) })
    }
}

async fn stored<N: Net, T: Send + 'static>(
    net: &N,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BufferError> {
    match net.offload(work).await {
        Some(Ok(done)) => Ok(done),
        failed => {
            let error = failed.and_then(Result::err);
            tracing::error!(?error, "buffering: cannot use a temporary file");
            Err(BufferError::Storage)
        }
    }
}

/// A body being read.
pub(crate) struct Reading {
    whole: Whole,
    /// The next of what is in memory.
    chunk: usize,
    passed: u64,
    /// What was read of the file.
    offset: u64,
    under_way: Option<Read>,
}

impl Reading {
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        let Stored { memory, overflow, .. } = &*self.whole.0;
        if let Some(bytes) = memory.get(self.chunk) {
            self.chunk += 1;
            self.passed += bytes.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(bytes.clone()))));
        }
        let Some(Overflow { bytes, read_at }) = overflow else { return Poll::Ready(None) };
        let left = bytes - self.offset;
        if left == 0 {
            return Poll::Ready(None);
        }
        let length = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        let read = self.under_way.get_or_insert_with(|| read_at(self.offset, length));
        let Poll::Ready(result) = read.as_mut().poll(cx) else { return Poll::Pending };
        self.under_way = None;
        Poll::Ready(Some(result.map_err(Lost).map(|bytes| {
            self.offset += bytes.len() as u64;
            self.passed += bytes.len() as u64;
            Frame::data(bytes)
        })))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.passed == self.whole.0.bytes
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole.0.bytes - self.passed)
    }
}

/// The temporary file cannot be read any more.
#[derive(Debug)]
pub(crate) struct Lost(io::Error);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the temporary file of a buffered body cannot be read: {}", self.0)
    }
}

impl Error for Lost {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{body::BodyError, net::tcp::Tcp};

    const LIMITS: Limits = Limits { bytes_max: Some(1 << 20), memory_bytes_max: 1000 };

    async fn read(parts: &[usize], limits: Limits) -> Result<Whole, BufferError> {
        let mut n = 0_u8;
        let mut frames = parts.iter().map(|length| {
            n += 1;
            Ok::<_, BodyError>(Frame::data(Bytes::from(vec![n; *length])))
        });
        Whole::read(&Tcp::default(), limits, |_| Poll::Ready(frames.next())).await
    }

    async fn again(whole: &Whole) -> Vec<u8> {
        let mut reading = whole.reading();
        let mut bytes = Vec::new();
        while let Some(frame) = poll_fn(|cx| reading.poll_frame(cx)).await {
            assert!(reading.size_hint().exact().is_some());
            bytes.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        assert!(reading.is_end_stream());
        bytes
    }

    #[tokio::test]
    async fn a_body_comes_back_as_often_as_it_is_read_from_memory_and_file() {
        for parts in [&[][..], &[0], &[1000], &[999, 2], &[600, 600, 300_000, 7], &[700_000]] {
            let whole = read(parts, LIMITS).await.unwrap();
            assert_eq!(whole.bytes(), parts.iter().sum::<usize>() as u64);
            assert_eq!(whole.0.overflow.is_some(), whole.bytes() > 1000);
            let want: Vec<u8> = (1..).zip(parts).flat_map(|(n, length)| vec![n; *length]).collect();
            assert!(again(&whole).await == want && again(&whole).await == want, "{parts:?}");
        }
    }

    #[tokio::test]
    async fn too_long_a_body_is_given_up_at_its_limit() {
        let limits = Limits { bytes_max: Some(10), memory_bytes_max: 4 };
        assert!(read(&[4, 6], limits).await.is_ok());
        assert_eq!(read(&[4, 7], limits).await.err(), Some(BufferError::TooLong));
    }
}
