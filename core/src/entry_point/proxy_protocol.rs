//! The PROXY protocol header that a load balancer in front may send, and that TCP servers may be sent,
//! versions 1 and 2.
//!
//! Compat: http.md "PROXY protocol": detected by its signature, optional.
use alloc::{format, vec::Vec};
use core::{
    fmt::Display,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

const SIGNATURE_1: &[u8] = b"PROXY ";
const SIGNATURE_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Of a version 1 header, its end of line included.
const LINE_BYTES_MAX: usize = 107;
/// Before the addresses of a version 2 header.
const FIXED_BYTES: usize = 16;

/// The most bytes a header may have that is accepted: additional fields of version 2 beyond this
/// are nothing that we would read.
pub const HEADER_BYTES_MAX: usize = 4096;

/// How a header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// As a line of text.
    One,
    /// In binary.
    Two,
}

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

/// The header that tells of these ends. Ends of both families are told as of IPv6.
#[must_use]
pub fn header(version: Version, Addresses { source, destination }: Addresses) -> Vec<u8> {
    let ends = [source, destination];
    let ips = ends.map(|end| end.ip().to_canonical());
    let ports = ends.map(|end| end.port());
    let v4 = match ips {
        [IpAddr::V4(source), IpAddr::V4(destination)] => Some([source, destination]),
        _ => None,
    };
    let v6 = ips.map(|ip| match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    });
    match (version, v4) {
        (Version::One, Some([from, to])) => line("TCP4", &from, &to, ports),
        (Version::One, None) => line("TCP6", &v6[0], &v6[1], ports),
        (Version::Two, Some(ips)) => binary(0x11, &ips.map(|ip| ip.octets()).concat(), ports),
        (Version::Two, None) => binary(0x21, &v6.map(|ip| ip.octets()).concat(), ports),
    }
}

fn line(family: &str, from: &dyn Display, to: &dyn Display, ports: [u16; 2]) -> Vec<u8> {
    format!("PROXY {family} {from} {to} {} {}\r\n", ports[0], ports[1]).into_bytes()
}

fn binary(family: u8, ips: &[u8], ports: [u16; 2]) -> Vec<u8> {
    // Two addresses of 16 bytes at most, and their ports.
    let length = u16::try_from(ips.len() + 4).unwrap_or(0);
    let ports = ports.map(u16::to_be_bytes).concat();
    [SIGNATURE_2, &[0x21, family], &length.to_be_bytes(), ips, &ports].concat()
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
