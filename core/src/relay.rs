//! Services of connections and datagrams: who is at the other end, whatever is said.
//!
//! Compat: services.md "TCP services". A service is compiled once; every router that refers to it has
//! its own [`Instance`], with its own balancer positions.
use crate::{
    cells::{BalancerId, Cells},
    entry_point::proxy_protocol::Version,
};
use alloc::{boxed::Box, format, string::String, sync::Arc};
use core::{fmt, net::Ipv6Addr, time::Duration};

/// How long one direction may stay open after the other has ended, where nobody says.
pub const TERMINATION_DELAY: Duration = Duration::from_millis(100);

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name, to be resolved for every connection, or an address without brackets.
    pub host: Box<str>,
    /// The port, never 0.
    pub port: u16,
}

/// Servers taken in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// Qualified name.
    pub name: Arc<str>,
    /// The servers; none: connections are closed.
    pub servers: Box<[Arc<Server>]>,
    /// How long one direction may stay open after the other has ended; `None`: as long as it likes.
    pub termination_delay: Option<Duration>,
    /// The PROXY header that servers are sent first.
    pub proxy_protocol: Option<Version>,
}

/// Services by weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// Qualified name.
    pub name: Arc<str>,
}

/// A service in one router, with its cells.
#[derive(Clone, Debug)]
pub enum Instance {
    /// Servers.
    LoadBalancer {
        /// The service, shared by all routers.
        service: Arc<LoadBalancer>,
        /// Whose turn it is.
        balancer: BalancerId,
    },
    /// Other services.
    Weighted {
        /// The service, shared by all routers.
        service: Arc<Weighted>,
        /// Whose turn it is.
        balancer: BalancerId,
        /// The children.
        children: Box<[Self]>,
    },
}

/// The server of one connection, and the service that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// How it is spoken to.
    pub service: Arc<LoadBalancer>,
    /// Where.
    pub server: Arc<Server>,
}

impl Instance {
    /// The server whose turn it is; `None`: there is none, and the connection is closed.
    pub fn pick<C: Cells>(&self, cells: &C) -> Option<Picked> {
        let mut instance = self;
        loop {
            let (Self::LoadBalancer { balancer, .. } | Self::Weighted { balancer, .. }) = instance;
            let index = cells.balancer(*balancer, |balancer, health| balancer.pick(health))?;
            let index = usize::try_from(index).ok()?;
            match instance {
                Self::Weighted { children, .. } => instance = children.get(index)?,
                Self::LoadBalancer { service, .. } => {
                    let server = service.servers.get(index)?.clone();
                    return Some(Picked { service: service.clone(), server });
                }
            }
        }
    }

    /// Whether a server is one of those that may be picked, however small its share.
    #[must_use]
    pub fn has(&self, server: &Server) -> bool {
        match self {
            Self::LoadBalancer { service, .. } => service.servers.iter().any(|it| **it == *server),
            Self::Weighted { children, .. } => children.iter().any(|child| child.has(server)),
        }
    }

    /// Qualified name of the service.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::LoadBalancer { service, .. } => &service.name,
            Self::Weighted { service, .. } => &service.name,
        }
    }
}

impl Server {
    /// Reads `host:port`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(address: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            Err(format!(
                "{address:?} is no address: {what}; write `10.0.0.1:80`, `[::1]:80` or `name:80`"
            ))
        };
        let Some((host, port)) = address.rsplit_once(':') else {
            return wrong("the port is missing");
        };
        let bracketed = host.strip_prefix('[').map(|inside| inside.strip_suffix(']'));
        let host = match bracketed {
            Some(Some(inside)) if inside.parse::<Ipv6Addr>().is_ok() => inside,
            Some(_) => return wrong("no IPv6 address stands in the brackets"),
            None if host.contains(':') => return wrong("an IPv6 address needs brackets"),
            None => host,
        };
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(named) {
            return wrong("the host is no name or address");
        }
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(port) if digits && port > 0 => Ok(Self { host: host.into(), port }),
            _ => wrong("the port is no number from 1 to 65535"),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn addresses_are_read_and_printed() {
        for text in ["10.0.0.1:80", "[::1]:443", "db.example:5432", "my_db:1"] {
            assert_eq!(Server::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(&*Server::parse("[::1]:443").unwrap().host, "::1");
    }

    #[test]
    fn what_is_no_address_says_why() {
        let cases = [
            "",
            "db",
            "db:",
            "db:0",
            "db:+1",
            "db:65536",
            ":80",
            "::1:80",
            "[db]:80",
            "[::1:80",
            "d b:80",
            "tcp://db:80",
        ];
        let said = cases.map(|text| Server::parse(text).unwrap_err());
        let said = said.map(|said| said.split(';').next().unwrap_or_default().to_string());
        insta::assert_snapshot!(said.join("\n"), @r#"
    "" is no address: the port is missing
    "db" is no address: the port is missing
    "db:" is no address: the port is no number from 1 to 65535
    "db:0" is no address: the port is no number from 1 to 65535
    "db:+1" is no address: the port is no number from 1 to 65535
    "db:65536" is no address: the port is no number from 1 to 65535
    ":80" is no address: the host is no name or address
    "::1:80" is no address: an IPv6 address needs brackets
    "[db]:80" is no address: no IPv6 address stands in the brackets
    "[::1:80" is no address: no IPv6 address stands in the brackets
    "d b:80" is no address: the host is no name or address
    "tcp://db:80" is no address: an IPv6 address needs brackets
    "#);
    }
}
