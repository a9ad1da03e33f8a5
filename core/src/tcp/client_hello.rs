//! The first message of a TLS connection: whom it wants to reach, and what may be spoken there.
//!
//! RFC 8446 section 4.1.2 within records (5.1), RFC 6066 (names), RFC 7301 (protocols). What the TLS
//! library needs besides it reads from the same bytes. Compat: tls.md "TCP / HTTP(S) demultiplexing".
use alloc::{boxed::Box, vec::Vec};
use arrayvec::ArrayVec;
use core::net::IpAddr;
use cursor::Cursor;

mod cursor;

/// The most bytes a hello may have, the headers of its records included; the TLS library takes no
/// longer message either.
pub const HELLO_BYTES_MAX: usize = 64 << 10;

const RECORD_HEADER_BYTES: usize = 5;
const RECORD_BYTES_MAX: usize = 1 << 14;
const HANDSHAKE: u8 = 22;
/// How a hello of SSL 2 begins.
const SSL_2: u8 = 0x80;
const CLIENT_HELLO: u8 = 1;

const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;
const ALPN: u16 = 16;

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sniff {
    /// It cannot be told yet.
    NeedMore,
    /// The beginning of a TLS connection.
    ClientHello(ClientHello),
    /// Something else.
    NotTls,
    /// TLS, but no hello that can be read, or one that is too long: the connection is unusable.
    Malformed,
}

/// What of a hello bears on where the connection goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The name of the host that is wanted, lower-cased, without trailing dot. `None` where the client
    /// names none, or something that is no name of a host: an address, odd characters.
    pub server_name: Option<Box<str>>,
    /// The protocols that the client speaks.
    pub protocols: Protocols,
}

/// Names of protocols (ALPN), the preferred first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protocols(
    /// Each behind its length.
    Box<[u8]>,
);

impl Protocols {
    /// The names, the preferred first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = Cursor::new(&self.0);
        core::iter::from_fn(move || rest.vector_8())
    }

    /// Whether a protocol is among them.
    #[must_use]
    pub fn contains(&self, protocol: &[u8]) -> bool {
        self.iter().any(|offered| offered == protocol)
    }
}

/// Reads the first bytes of a connection as they come. However they are cut into pieces, the first
/// answer that is not [`Sniff::NeedMore`] is the same; bytes behind the hello have no say in it.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Bytes so far.
    read: usize,
    /// The header of the current record, as far as it has come.
    header: ArrayVec<u8, RECORD_HEADER_BYTES>,
    /// Bytes that the current record still has; known once its header is complete.
    left: usize,
    /// The message, as far as it has come, out of its records.
    message: Vec<u8>,
}

impl Reader {
    /// Takes the next bytes. After any answer but [`Sniff::NeedMore`] there is nothing more to read.
    #[must_use]
    pub fn read(&mut self, mut bytes: &[u8]) -> Sniff {
        while !bytes.is_empty() {
            let taken =
                if self.left == 0 { self.read_header(bytes) } else { self.read_message(bytes) };
            match taken {
                Ok(taken) => bytes = bytes.get(taken..).unwrap_or_default(),
                Err(answer) => return answer,
            }
            if self.read == HELLO_BYTES_MAX {
                return Sniff::Malformed;
            }
        }
        Sniff::NeedMore
    }

    /// Takes one byte of a record's header.
    fn read_header(&mut self, bytes: &[u8]) -> Result<usize, Sniff> {
        let byte = bytes.first().copied().ok_or(Sniff::NeedMore)?;
        match (self.header.len(), byte) {
            (0, HANDSHAKE) | (1, 3) => {}
            (0, SSL_2) if self.read == 0 => return Err(Sniff::Malformed),
            (0, _) if self.read == 0 => return Err(Sniff::NotTls),
            (0 | 1, _) => return Err(Sniff::Malformed),
            _ => {}
        }
        self.header.push(byte);
        self.read += 1;
        if let [_, _, _, high, low] = *self.header {
            self.left = usize::from(u16::from_be_bytes([high, low]));
            self.header.clear();
            if self.left == 0 || self.left > RECORD_BYTES_MAX {
                return Err(Sniff::Malformed);
            }
        }
        Ok(1)
    }

    /// Takes what belongs to the current record.
    fn read_message(&mut self, bytes: &[u8]) -> Result<usize, Sniff> {
        let taken = bytes.len().min(self.left).min(HELLO_BYTES_MAX - self.read);
        self.message.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        self.left -= taken;
        self.read += taken;
        let mut message = Cursor::new(&self.message);
        if message.u8().is_some_and(|kind| kind != CLIENT_HELLO) {
            return Err(Sniff::Malformed);
        }
        let Some(length) = message.u24() else { return Ok(taken) };
        if length > HELLO_BYTES_MAX {
            return Err(Sniff::Malformed);
        }
        match message.take(length) {
            None => Ok(taken),
            Some(body) => Err(parse(body).map_or(Sniff::Malformed, Sniff::ClientHello)),
        }
    }
}

/// The body of a hello; `None` if it cannot be read.
fn parse(body: &[u8]) -> Option<ClientHello> {
    let mut body = Cursor::new(body);
    let _version_and_random = body.take(2 + 32)?;
    let session = body.vector_8()?;
    let suites = body.vector_16()?;
    let compressions = body.vector_8()?;
    if session.len() > 32 || suites.is_empty() || suites.len() % 2 != 0 || compressions.is_empty() {
        return None;
    }
    let mut hello = ClientHello::default();
    if body.is_empty() {
        return Some(hello);
    }
    let mut extensions = Cursor::new(body.vector_16()?);
    let mut kinds = Vec::new();
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        let extension = extensions.vector_16()?;
        kinds.push(kind);
        match kind {
            SERVER_NAME => hello.server_name = server_name(extension)?,
            ALPN => hello.protocols = protocols(extension)?,
            _ => {}
        }
    }
    kinds.sort_unstable();
    let twice = kinds.windows(2).any(|two| matches!(two, [one, two] if one == two));
    (body.is_empty() && !twice).then_some(hello)
}

/// The only host in a list of names.
fn server_name(extension: &[u8]) -> Option<Option<Box<str>>> {
    let mut extension = Cursor::new(extension);
    let mut names = Cursor::new(extension.vector_16()?);
    let mut host = None;
    if names.is_empty() || !extension.is_empty() {
        return None;
    }
    while !names.is_empty() {
        let kind = names.u8()?;
        let name = names.vector_16()?;
        if name.is_empty() || kind == HOST_NAME && host.replace(name).is_some() {
            return None;
        }
    }
    Some(host.and_then(host_name))
}

/// The name of a host as hellos are compared by it: lower-cased, without trailing dot. `None`: it is
/// none. RFC 6066 section 3: addresses are not permitted.
pub(crate) fn host_name(name: &[u8]) -> Option<Box<str>> {
    let name = str::from_utf8(name).ok()?;
    let name = name.strip_suffix('.').unwrap_or(name);
    let character = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(character);
    let named = name.len() <= 253 && name.split('.').all(label) && name.parse::<IpAddr>().is_err();
    named.then(|| name.to_ascii_lowercase().into())
}

fn protocols(extension: &[u8]) -> Option<Protocols> {
    let mut extension = Cursor::new(extension);
    let list = extension.vector_16()?;
    let mut names = Cursor::new(list);
    if names.is_empty() || !extension.is_empty() {
        return None;
    }
    while !names.is_empty() {
        names.vector_8().filter(|name| !name.is_empty())?;
    }
    Some(Protocols(list.into()))
}

#[cfg(test)]
mod tests;
