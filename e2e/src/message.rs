//! HTTP/1.1 messages as the tests' own client and servers read them: plain, and nothing is repaired.
use std::io::{self, BufRead, ErrorKind};

/// A request or a response, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The request line or status line.
    pub start: String,
    /// Names as received, values trimmed.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Vec<u8>,
}

impl Message {
    /// The first value of a header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The status code of a response; 0 for a request.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The method of a request.
    #[must_use]
    pub fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or("")
    }

    /// The target of a request.
    #[must_use]
    pub fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or("")
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The head again, with its empty line: `start` and headers as received.
    #[must_use]
    pub fn head(&self) -> String {
        let lines = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{}\r\n{}\r\n", self.start, lines.collect::<String>())
    }
}

/// Reads one head; `None` where the other side closed before its first byte.
///
/// # Errors
/// Those of the connection, and `UnexpectedEof` within the head.
pub fn read_head(from: &mut impl BufRead) -> io::Result<Option<Message>> {
    let Some(start) = read_line(from)? else { return Ok(None) };
    let mut message = Message { start, ..Message::default() };
    loop {
        let line = read_line(from)?.ok_or(ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok(Some(message));
        }
        let (name, value) = line.split_once(':').ok_or(ErrorKind::InvalidData)?;
        message.headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

/// Reads the body that the head announces; a response without framing ends with the connection.
///
/// # Errors
/// Those of the connection, `UnexpectedEof` within the body, `InvalidData` for bad framing.
pub fn read_body(from: &mut impl BufRead, message: &mut Message) -> io::Result<()> {
    let bodiless = [204, 304].contains(&message.status()) || message.status() / 100 == 1;
    if message.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        return read_chunks(from, &mut message.body);
    }
    if let Some(length) = message.header("content-length") {
        let length = length.parse().map_err(|_| ErrorKind::InvalidData)?;
        message.body = vec![0; length];
        return from.read_exact(&mut message.body);
    }
    if message.start.starts_with("HTTP/") && !bodiless {
        from.read_to_end(&mut message.body)?;
    }
    Ok(())
}

fn read_chunks(from: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let line = read_line(from)?.ok_or(ErrorKind::UnexpectedEof)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| ErrorKind::InvalidData)?;
        let start = body.len();
        body.resize(start + size, 0);
        from.read_exact(&mut body[start..])?;
        if size > 0 {
            read_line(from)?;
            continue;
        }
        // Trailers, up to the empty line.
        while read_line(from)?.is_some_and(|line| !line.is_empty()) {}
        return Ok(());
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let text = line.strip_suffix(b"\r\n").ok_or(ErrorKind::UnexpectedEof)?;
    Ok(Some(String::from_utf8_lossy(text).into_owned()))
}
