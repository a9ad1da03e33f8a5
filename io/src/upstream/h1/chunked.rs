//! The chunked transfer coding of responses. RFC 9112, section 7.1.
use super::{
    body::Step,
    decode::{HEADERS_MAX, Malformed},
};
use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Bytes of chunk extensions in all of one body. Nothing reads them.
const EXTENSION_BYTES_MAX: usize = 16 << 10;
/// Bytes of trailers.
const TRAILER_BYTES_MAX: usize = 16 << 10;

/// How far a body in chunks has come.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    /// Of a size: what its digits make so far. Of a chunk: bytes that are to come.
    left: u64,
    extension_bytes: usize,
    /// What follows the last chunk, as it came.
    trailers: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    #[default]
    Start,
    Size,
    /// After a size: blanks, or an extension.
    Blank,
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    Trailers,
    Ended,
}

impl Chunks {
    pub(super) fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The next of it that is in `input`, which is taken off.
    pub(super) fn decode(&mut self, input: &mut Bytes) -> Result<Step, Malformed> {
        loop {
            if self.state == State::Ended {
                return Ok(Step::End);
            }
            if input.is_empty() {
                return Ok(Step::More);
            }
            if self.state == State::Data {
                let whole = usize::try_from(self.left).unwrap_or(usize::MAX);
                let data = input.split_to(whole.min(input.len()));
                self.left -= data.len() as u64;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                return Ok(Step::Data(data));
            }
            let byte = input.get_u8();
            self.state = self.step(byte)?;
            if self.state == State::Ended && self.trailers.len() > 2 {
                return Ok(Step::Trailers(trailers(&std::mem::take(&mut self.trailers))?));
            }
        }
    }

    /// What comes after a byte that is not data.
    fn step(&mut self, byte: u8) -> Result<State, Malformed> {
        Ok(match (self.state, byte) {
            (State::Start | State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                // The pattern holds hexadecimal digits alone.
                let digit = u64::from(char::from(byte).to_digit(16).unwrap_or(0));
                let more = self.left.checked_mul(16).and_then(|it| it.checked_add(digit));
                self.left = more.ok_or(Malformed("a chunk's size is too large"))?;
                State::Size
            }
            (State::Size | State::Blank, b' ' | b'\t') => State::Blank,
            (State::Size | State::Blank, b';') => State::Extension,
            (State::Size | State::Blank | State::Extension, b'\r') => State::SizeEnd,
            (State::Extension, b'\n') => return Err(Malformed("a bare line feed")),
            (State::Extension, _) => {
                self.extension_bytes += 1;
                if self.extension_bytes > EXTENSION_BYTES_MAX {
                    return Err(Malformed("chunk extensions are too long"));
                }
                State::Extension
            }
            (State::SizeEnd, b'\n') if self.left == 0 => State::Trailers,
            (State::SizeEnd, b'\n') => State::Data,
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Start,
            (State::Trailers, _) => {
                self.trailers.push(byte);
                if self.trailers == b"\r\n" || self.trailers.ends_with(b"\r\n\r\n") {
                    State::Ended
                } else if self.trailers.len() == TRAILER_BYTES_MAX {
                    return Err(Malformed("trailers are too long"));
                } else {
                    State::Trailers
                }
            }
            (State::Start | State::Size | State::Blank | State::SizeEnd, _) => {
                return Err(Malformed("a chunk's size is no number"));
            }
            (State::DataCr | State::DataLf, _) => {
                return Err(Malformed("a chunk is longer than its size"));
            }
            // Neither comes here.
            (state @ (State::Data | State::Ended), _) => state,
        })
    }
}

/// The fields that these lines are.
fn trailers(lines: &[u8]) -> Result<HeaderMap, Malformed> {
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let Ok(httparse::Status::Complete((_, fields))) = httparse::parse_headers(lines, &mut fields)
    else {
        return Err(Malformed("trailers are no header fields"));
    };
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) else {
            return Err(Malformed("a trailer is no header field"));
        };
        trailers.append(name, value);
    }
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a body decodes to, the error it ends with, and what is left of the input.
    fn decode(input: &str) -> Result<(String, String, Bytes), &'static str> {
        let (mut data, mut fields) = (String::new(), String::new());
        let mut input = Bytes::copy_from_slice(input.as_bytes());
        let mut chunks = Chunks::default();
        loop {
            match chunks.decode(&mut input).map_err(|it| it.0)? {
                Step::Data(bytes) => data += &String::from_utf8_lossy(&bytes),
                Step::Trailers(trailers) => {
                    for (name, value) in &trailers {
                        fields += &format!("{name}={} ", value.to_str().unwrap_or("?"));
                    }
                }
                Step::More => return Err("more"),
                Step::End => return Ok((data, fields, input)),
            }
        }
    }

    #[test]
    fn chunks_become_a_body_and_its_trailers() {
        for (input, data, fields, rest) in [
            ("0\r\n\r\n", "", "", ""),
            ("3\r\nabc\r\n0\r\n\r\nHTTP", "abc", "", "HTTP"),
            ("1 \t\r\na\r\n00A;x=\"y\"\r\n0123456789\r\n0;z\r\n\r\n", "a0123456789", "", ""),
            ("1\r\na\r\n0\r\nX-Sum: 7\r\nY:\r\n\r\nx", "a", "x-sum=7 y= ", "x"),
        ] {
            let (d, f, r) = decode(input).unwrap();
            assert_eq!((&*d, &*f, &*r), (data, fields, rest.as_bytes()), "{input:?}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_an_error() {
        let long = "x".repeat(EXTENSION_BYTES_MAX + 1);
        for (input, error) in [
            ("", "more"),
            ("5\r\nabc", "more"),
            ("0\r\n", "more"),
            ("\r\n", "a chunk's size is no number"),
            (" 1\r\n", "a chunk's size is no number"),
            ("+1\r\n", "a chunk's size is no number"),
            ("0x1\r\n", "a chunk's size is no number"),
            ("1 1\r\n", "a chunk's size is no number"),
            ("1\na\r\n", "a chunk's size is no number"),
            ("1\rx", "a chunk's size is no number"),
            ("0\rx\r\n", "a chunk's size is no number"),
            ("1;a\nb", "a bare line feed"),
            ("1\r\nab\r\n", "a chunk is longer than its size"),
            ("1\r\na\n", "a chunk is longer than its size"),
            ("10000000000000000\r\n", "a chunk's size is too large"),
            ("0\r\nno field\r\n\r\n", "trailers are no header fields"),
            ("0\r\na : b\r\n\r\n", "trailers are no header fields"),
            (&format!("0;{long}"), "chunk extensions are too long"),
            (&format!("0\r\nA:{long}"), "trailers are too long"),
        ] {
            assert_eq!(decode(input).unwrap_err(), error, "{input:.20?}");
        }
    }
}
