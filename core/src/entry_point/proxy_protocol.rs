//! The PROXY protocol header that a load balancer in front may send, versions 1 and 2.
//!
//! Compat: http.md "PROXY protocol": detected by its signature, optional.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const SIGNATURE_1: &[u8] = b"PROXY ";
const SIGNATURE_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Of a version 1 header, its end of line included.
const LINE_BYTES_MAX: usize = 107;
/// Before the addresses of a version 2 header.
const FIXED_BYTES: usize = 16;

/// The most bytes a header may have that is accepted: additional fields of version 2 beyond this
/// are nothing that we would read.
pub const HEADER_BYTES_MAX: usize = 4096;

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniff {
    /// It cannot be told yet.
    NeedMore,
    /// No header: all bytes are the client's.
    Absent,
    /// A header of this many bytes.
    Header {
        /// How long it is; what follows is the client's.
        bytes: usize,
        /// Both ends as the sender saw them; `None`: the connection is the sender's own.
        addresses: Option<Addresses>,
    },
    /// A signature, but no header that can be read: the connection is unusable.
    Malformed,
}

/// Both ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The client.
    pub source: SocketAddr,
    /// Where it connected to.
    pub destination: SocketAddr,
}

/// Reads the first bytes of a connection. More bytes never change any answer but `NeedMore`.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Sniff {
    if let Some(rest) = begins(bytes, SIGNATURE_1) {
        return rest.map_or(Sniff::NeedMore, |_| version_1(bytes));
    }
    if let Some(rest) = begins(bytes, SIGNATURE_2) {
        return rest.map_or(Sniff::NeedMore, |_| version_2(bytes));
    }
    Sniff::Absent
}

/// `Some(Some(rest))` after the signature, `Some(None)` if the bytes are only a part of it so far.
fn begins<'b>(bytes: &'b [u8], signature: &[u8]) -> Option<Option<&'b [u8]>> {
    if bytes.len() < signature.len() {
        return signature.starts_with(bytes).then_some(None);
    }
    bytes.strip_prefix(signature).map(Some)
}

fn version_1(bytes: &[u8]) -> Sniff {
    let Some(end) = bytes.windows(2).take(LINE_BYTES_MAX - 1).position(|two| two == b"\r\n") else {
        return if bytes.len() < LINE_BYTES_MAX { Sniff::NeedMore } else { Sniff::Malformed };
    };
    let Some(line) = bytes.get(SIGNATURE_1.len()..end).and_then(|it| str::from_utf8(it).ok())
    else {
        return Sniff::Malformed;
    };
    let bytes = end + 2;
    let mut words = line.split(' ');
    let family = words.next();
    if family == Some("UNKNOWN") {
        return Sniff::Header { bytes, addresses: None };
    }
    let v4 = match family {
        Some("TCP4") => true,
        Some("TCP6") => false,
        _ => return Sniff::Malformed,
    };
    let addresses = (|| {
        let source = words.next()?.parse::<IpAddr>().ok()?;
        let destination = words.next()?.parse::<IpAddr>().ok()?;
        let ports = (port(words.next()?)?, port(words.next()?)?);
        let fits = source.is_ipv4() == v4 && destination.is_ipv4() == v4 && words.next().is_none();
        fits.then_some(Addresses {
            source: SocketAddr::new(source, ports.0),
            destination: SocketAddr::new(destination, ports.1),
        })
    })();
    match addresses {
        Some(_) => Sniff::Header { bytes, addresses },
        None => Sniff::Malformed,
    }
}

/// Digits only: `u16`'s own parser takes a sign, too.
fn port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn version_2(bytes: &[u8]) -> Sniff {
    // What can be refused is refused at once, so that no answer depends on how the bytes arrive.
    let (command, family) = (bytes.get(12).copied(), bytes.get(13).copied());
    if command.is_some_and(|it| it != 0x20 && it != 0x21) {
        return Sniff::Malformed;
    }
    let Some(length) = bytes.get(14..FIXED_BYTES) else { return Sniff::NeedMore };
    let length = FIXED_BYTES + usize::from(u16::from_be_bytes([length[0], length[1]]));
    if length > HEADER_BYTES_MAX {
        return Sniff::Malformed;
    }
    let local = command == Some(0x20);
    let needed = match family {
        Some(0x11) if !local => 12,
        Some(0x21) if !local => 36,
        _ => 0,
    };
    if length < FIXED_BYTES + needed {
        return Sniff::Malformed;
    }
    let Some(block) = bytes.get(FIXED_BYTES..length) else { return Sniff::NeedMore };
    // Any other transport has no address that means anything here: it is kept as LOCAL is.
    let addresses = match needed {
        12 => addresses_4(block),
        36 => addresses_6(block),
        _ => None,
    };
    Sniff::Header { bytes: length, addresses }
}

fn addresses_4(block: &[u8]) -> Option<Addresses> {
    let ip = |at: usize| {
        let octets: [u8; 4] = block.get(at..at + 4)?.try_into().ok()?;
        Some(IpAddr::V4(Ipv4Addr::from(octets)))
    };
    Some(Addresses {
        source: SocketAddr::new(ip(0)?, port_at(block, 8)?),
        destination: SocketAddr::new(ip(4)?, port_at(block, 10)?),
    })
}

fn addresses_6(block: &[u8]) -> Option<Addresses> {
    let ip = |at: usize| {
        let octets: [u8; 16] = block.get(at..at + 16)?.try_into().ok()?;
        Some(IpAddr::V6(Ipv6Addr::from(octets)))
    };
    Some(Addresses {
        source: SocketAddr::new(ip(0)?, port_at(block, 32)?),
        destination: SocketAddr::new(ip(16)?, port_at(block, 34)?),
    })
}

fn port_at(block: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(block.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
