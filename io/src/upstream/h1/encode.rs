//! A request as bytes. RFC 9112, sections 3, 6 and 7.
use super::case;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName,
    header::{
        AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_TYPE, HOST, MAX_FORWARDS, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
    },
    request,
};
use http_body::Frame;
use std::io::{IoSlice, Write as _};

/// What ends a body in chunks.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// How a request's body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    Nothing,
    Length(u64),
    Chunked,
}

/// What is to be written, in the order of its fields.
#[derive(Debug, Default)]
pub(super) struct Queue {
    head: Vec<u8>,
    /// Bytes of `head` that are written.
    at: usize,
    data: Bytes,
    tail: &'static [u8],
}

impl Queue {
    /// A request's head, put into this space. What it says itself of a body's length is passed over:
    /// `framing` holds.
    pub(super) fn new(mut space: Vec<u8>, head: &request::Parts, framing: Framing) -> Self {
        let out = &mut space;
        out.extend_from_slice(head.method.as_str().as_bytes());
        out.push(b' ');
        let target = head.uri.path_and_query().map_or("/", |it| it.as_str());
        out.extend_from_slice(target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        let mut framed = false;
        for (name, value) in &head.headers {
            if *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING {
                if !std::mem::replace(&mut framed, true) {
                    delimit(framing, *name == CONTENT_LENGTH, out);
                }
                continue;
            }
            field(name, value.as_bytes(), out);
        }
        if !framed {
            delimit(framing, false, out);
        }
        out.extend_from_slice(b"\r\n");
        Self { head: space, ..Self::default() }
    }

    /// The space given at first, to be used again.
    pub(super) fn into_space(self) -> Vec<u8> {
        self.head
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.head.len() && self.data.is_empty() && self.tail.is_empty()
    }

    /// Whether a frame may be put in.
    pub(super) const fn has_room(&self) -> bool {
        self.data.is_empty() && self.tail.is_empty()
    }

    /// The head alone, if nothing follows it.
    pub(super) fn single(&self) -> Option<&[u8]> {
        self.has_room().then(|| &self.head[self.at..])
    }

    pub(super) fn slices(&self) -> [IoSlice<'_>; 3] {
        [&self.head[self.at..], &*self.data, self.tail].map(IoSlice::new)
    }

    /// So many bytes were written.
    pub(super) fn advance(&mut self, written: usize) {
        let of_head = written.min(self.head.len() - self.at);
        self.at += of_head;
        let written = written - of_head;
        let of_data = written.min(self.data.len());
        drop(self.data.split_to(of_data));
        let of_tail = (written - of_data).min(self.tail.len());
        self.tail = &self.tail[of_tail..];
        if self.at == self.head.len() {
            self.head.clear();
            self.at = 0;
        }
    }
}

/// Puts the frames of a body into a queue.
#[derive(Debug)]
pub(super) struct Encoder {
    framing: Framing,
    /// The trailers that the head announced.
    announced: Vec<HeaderName>,
}

/// A body ended before its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooShort;

impl Encoder {
    pub(super) fn new(framing: Framing, head: &request::Parts) -> Self {
        let announced = |value: &http::HeaderValue| {
            let names = value.as_bytes().split(|it| *it == b',');
            let names = names.filter_map(|it| HeaderName::from_bytes(it.trim_ascii()).ok());
            names.filter(may_trail).collect::<Vec<_>>()
        };
        let announced = match framing {
            Framing::Chunked => head.headers.get_all(TRAILER).iter().flat_map(announced).collect(),
            Framing::Nothing | Framing::Length(_) => Vec::new(),
        };
        Self { framing, announced }
    }

    /// Whether the server has, or is about to have, all of the body.
    pub(super) const fn is_satisfied(&self) -> bool {
        matches!(self.framing, Framing::Nothing | Framing::Length(0))
    }

    /// A frame: the last one, if `last`. The queue must be empty but for the head.
    pub(super) fn frame(
        &mut self,
        frame: Frame<Bytes>,
        last: bool,
        queue: &mut Queue,
    ) -> Result<(), TooShort> {
        match frame.into_data() {
            Ok(mut data) => {
                match &mut self.framing {
                    Framing::Nothing => data.clear(),
                    Framing::Length(left) => {
                        // More than the head said would be taken for another request.
                        data.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                        *left -= data.len() as u64;
                    }
                    Framing::Chunked if data.is_empty() => {}
                    Framing::Chunked => {
                        // A vector takes any write.
                        let _ = write!(queue.head, "{:x}\r\n", data.len());
                        queue.tail = if last { b"\r\n0\r\n\r\n" } else { b"\r\n" };
                        queue.data = data;
                        self.close(last);
                        return Ok(());
                    }
                }
                queue.data = data;
                if last { self.end(queue) } else { Ok(()) }
            }
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                if self.framing == Framing::Chunked && self.trail(&trailers, &mut queue.head) {
                    self.close(true);
                    return Ok(());
                }
                self.end(queue)
            }
        }
    }

    /// There are no more frames.
    pub(super) fn end(&mut self, queue: &mut Queue) -> Result<(), TooShort> {
        match self.framing {
            Framing::Nothing | Framing::Length(0) => {}
            Framing::Length(_) => return Err(TooShort),
            Framing::Chunked => queue.tail = LAST_CHUNK,
        }
        self.close(true);
        Ok(())
    }

    fn close(&mut self, last: bool) {
        if last {
            self.framing = Framing::Nothing;
        }
    }

    /// The last chunk with those trailers that were announced, if there are any.
    fn trail(&self, trailers: &HeaderMap, out: &mut Vec<u8>) -> bool {
        let mut announced =
            trailers.iter().filter(|(name, _)| self.announced.contains(name)).peekable();
        if announced.peek().is_none() {
            return false;
        }
        out.extend_from_slice(b"0\r\n");
        announced.for_each(|(name, value)| field(name, value.as_bytes(), out));
        out.extend_from_slice(b"\r\n");
        true
    }
}

/// What delimits the body. `said`: the head has a length of its own, so nothing is a length, too.
fn delimit(framing: Framing, said: bool, out: &mut Vec<u8>) {
    // A vector takes any write.
    let _ = match framing {
        Framing::Nothing if said => write!(out, "Content-Length: 0\r\n"),
        Framing::Nothing => Ok(()),
        Framing::Length(length) => write!(out, "Content-Length: {length}\r\n"),
        Framing::Chunked => write!(out, "Transfer-Encoding: chunked\r\n"),
    };
}

/// A line of a head, its name in title case. Some servers compare names byte by byte, and those of
/// WebSocket have a case of their own. Compat: http.md "Sec-WebSocket-Key".
fn field(name: &HeaderName, value: &[u8], out: &mut Vec<u8>) {
    const WEBSOCKET: &str = "sec-websocket-";
    let name = name.as_str();
    let start = out.len();
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name.as_bytes());
    case::title(&mut out[start..]);
    if name.starts_with(WEBSOCKET) {
        out[start + "sec-web".len()] = b'S';
    }
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// RFC 9110, section 6.5.1: what a trailer may not say.
fn may_trail(name: &HeaderName) -> bool {
    ![
        AUTHORIZATION,
        CACHE_CONTROL,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_RANGE,
        CONTENT_TYPE,
        HOST,
        MAX_FORWARDS,
        SET_COOKIE,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
    ]
    .contains(name)
}

#[cfg(test)]
mod tests;
