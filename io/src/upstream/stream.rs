//! The byte stream to a server, and what is watched on it.
use crate::net::Net;
use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

/// A head longer than this is not kept for a replay.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// What happened on a connection since its latest request began.
#[derive(Debug, Default)]
pub(super) struct Flow {
    answered: Cell<bool>,
    keep: Cell<bool>,
    head: RefCell<Vec<u8>>,
    /// Header names are to be written as WebSocket servers expect them.
    recase: Cell<bool>,
}

impl Flow {
    /// Notes that a request begins; with `keep`, the bytes of its head are kept.
    pub(super) fn begin(&self, keep: bool) {
        self.answered.set(false);
        self.keep.set(keep);
        self.head.borrow_mut().clear();
    }

    /// Whether any byte came back.
    pub(super) const fn answered(&self) -> bool {
        self.answered.get()
    }

    /// The head as it was to be written, if it was kept.
    pub(super) fn head(&self) -> Vec<u8> {
        self.head.take()
    }

    /// Has the names of the next head's `Sec-WebSocket-` headers written with a capital S.
    pub(super) fn recase(&self) {
        self.recase.set(true);
    }

    /// hyper offers a whole head, flattened, with its first write.
    fn writes(&self, bytes: &[&[u8]]) {
        let length = bytes.iter().map(|it| it.len()).sum::<usize>();
        if self.keep.take() && length <= HEAD_BYTES_MAX {
            let mut head = self.head.borrow_mut();
            bytes.iter().for_each(|it| head.extend_from_slice(it));
        }
    }
}

/// Clear text or TLS.
pub(super) enum Transport<S> {
    Plain(S),
    Tls(Box<TlsStream<S>>),
}

/// The stream to a server.
pub(crate) struct ServerStream<N: Net> {
    transport: Transport<N::Stream>,
    flow: Rc<Flow>,
}

impl<N: Net> ServerStream<N> {
    pub(super) fn new(transport: Transport<N::Stream>) -> (Self, Rc<Flow>) {
        let flow = Rc::new(Flow::default());
        (Self { transport, flow: Rc::clone(&flow) }, flow)
    }

    /// Whether TLS agreed on HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        match &self.transport {
            Transport::Plain(_) => false,
            Transport::Tls(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

impl<N: Net> AsyncRead for ServerStream<N> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if buf.filled().len() > before {
            self.flow.answered.set(true);
            self.flow.recase.set(false);
        }
        result
    }
}

impl<N: Net> AsyncWrite for ServerStream<N> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.flow.writes(&[bytes]);
        let recased;
        let bytes = if self.flow.recase.get() {
            recased = websocket_case(bytes);
            &recased
        } else {
            bytes
        };
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.flow.keep.get() {
            let bytes: Vec<&[u8]> = slices.iter().map(|it| &**it).collect();
            self.flow.writes(&bytes);
        }
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        !self.flow.recase.get()
            && match &self.transport {
                Transport::Plain(stream) => stream.is_write_vectored(),
                Transport::Tls(stream) => stream.is_write_vectored(),
            }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// `Sec-Websocket-` becomes `Sec-WebSocket-` where a header's name begins, up to the head's end:
/// some servers compare these names byte by byte. Compat: http.md "Sec-WebSocket-Key".
fn websocket_case(bytes: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"\r\nSec-Websocket-";
    let mut bytes = bytes.to_vec();
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or(bytes.len());
    for start in 0..end {
        if bytes[start..end].starts_with(NAME) {
            bytes[start + b"\r\nSec-Web".len()] = b'S';
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn websocket_header_names_get_their_case() {
        let head =
            b"GET / HTTP/1.1\r\nSec-Websocket-Key: \r\nX: Sec-Websocket-\r\n\r\n\r\nSec-Websocket-";
        let want =
            b"GET / HTTP/1.1\r\nSec-WebSocket-Key: \r\nX: Sec-Websocket-\r\n\r\n\r\nSec-Websocket-";
        assert_eq!(websocket_case(head), want);
    }
}
