//! Addresses to listen on.
use alloc::{
    format,
    string::{String, ToString},
};
use core::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};
use serde::{Deserialize, Deserializer, de::Error as _};

/// `[host]:port`, with `/tcp` or `/udp` behind it if need be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Empty: all addresses of the machine. Without brackets.
    pub host: String,
    /// 0: any free one.
    pub port: u16,
    /// What is spoken.
    pub protocol: Protocol,
}

/// What is spoken below HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// Connections.
    #[default]
    Tcp,
    /// Datagrams.
    Udp,
}

impl Address {
    /// Port `port` on all addresses of the machine, for TCP.
    #[must_use]
    pub const fn port(port: u16) -> Self {
        Self { host: String::new(), port, protocol: Protocol::Tcp }
    }

    /// The address to bind, where no name has to be resolved. All addresses are the IPv6 wildcard,
    /// which takes IPv4 too.
    #[must_use]
    pub fn socket(&self) -> Option<SocketAddr> {
        let ip = match self.host.as_str() {
            "" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            host => host.parse().ok()?,
        };
        Some(SocketAddr::new(ip, self.port))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)?;
        } else {
            write!(f, "{}:{}", self.host, self.port)?;
        }
        match self.protocol {
            Protocol::Tcp => Ok(()),
            Protocol::Udp => f.write_str("/udp"),
        }
    }
}

/// Text that is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for AddressError {}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse(text).map_err(|what| {
            let shown: String = text.chars().take(60).collect();
            AddressError(format!(
                "`{shown}` is no address: {what}; write `:80`, `127.0.0.1:80` or `[::1]:80`"
            ))
        })
    }
}

fn parse(text: &str) -> Result<Address, &'static str> {
    let (address, protocol) = match text.split_once('/') {
        None => (text, Protocol::Tcp),
        Some((address, word)) if word.eq_ignore_ascii_case("tcp") => (address, Protocol::Tcp),
        Some((address, word)) if word.eq_ignore_ascii_case("udp") => (address, Protocol::Udp),
        Some(_) => return Err("only /tcp or /udp may stand behind it"),
    };
    let (host, port) = address.rsplit_once(':').ok_or("the port is missing")?;
    let host = match host.strip_prefix('[') {
        Some(inside) => {
            let host = inside.strip_suffix(']').ok_or("the bracket is not closed")?;
            host.parse::<Ipv6Addr>().map_err(|_| "no IPv6 address stands in the brackets")?;
            host
        }
        None if host.contains(':') => return Err("an IPv6 address needs brackets"),
        None => host,
    };
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if !host.chars().all(named) {
        return Err("the host is no name or address");
    }
    let port = match port {
        "http" => 80,
        "https" => 443,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map_err(|_| "the port is no number from 0 to 65535")?
        }
        _ => return Err("the port is no number from 0 to 65535"),
    };
    Ok(Address { host: host.to_string(), port, protocol })
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        let cases = [
            (":80", ":80", Some("[::]:80")),
            ("127.0.0.1:8080", "127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("[::1]:443/TCP", "[::1]:443", Some("[::1]:443")),
            ("[::]:0", "[::]:0", Some("[::]:0")),
            (":https", ":443", Some("[::]:443")),
            ("my-host.local:80", "my-host.local:80", None),
            (":53/udp", ":53/udp", Some("[::]:53")),
        ];
        for (text, printed, socket) in cases {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), printed);
            assert_eq!(address.socket().map(|socket| socket.to_string()).as_deref(), socket);
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        let cases = [
            ("", "the port is missing"),
            ("80", "the port is missing"),
            ("host", "the port is missing"),
            (":", "the port is no number from 0 to 65535"),
            (":65536", "the port is no number from 0 to 65535"),
            (":+80", "the port is no number from 0 to 65535"),
            (":ssh", "the port is no number from 0 to 65535"),
            ("::1:80", "an IPv6 address needs brackets"),
            ("[::1:80", "the bracket is not closed"),
            ("[1.2.3.4]:80", "no IPv6 address stands in the brackets"),
            ("http://x:80", "only /tcp or /udp may stand behind it"),
            (":80/sctp", "only /tcp or /udp may stand behind it"),
            ("a b:80", "the host is no name or address"),
        ];
        for (text, why) in cases {
            let said = text.parse::<Address>().unwrap_err().to_string();
            assert!(said.starts_with(&format!("`{text}` is no address: {why};")), "{said}");
        }
    }
}
