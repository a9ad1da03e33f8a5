//! A compiled load balancer, and the server that a cookie names.
use super::{HealthCheck, Server, sticky::Sticky, transport::ServersTransport};
use crate::cells::HealthId;
use alloc::{boxed::Box, sync::Arc};

/// Servers taken in turn.
#[derive(Clone, Debug)]
pub struct LoadBalancer {
    /// Qualified name.
    pub name: Arc<str>,
    /// The servers, in the order written, each scheme, host and path once.
    pub servers: Box<[Server]>,
    /// Session affinity.
    pub sticky: Option<Sticky>,
    /// Whether the server sees the client's Host header.
    pub pass_host_header: bool,
    /// The cell that knows which servers are up, where they are checked.
    pub health: Option<HealthId>,
    /// What to check.
    pub health_check: Option<Box<HealthCheck>>,
    /// Indices of servers by cookie value; empty without `sticky`.
    by_cookie: Box<[u32]>,
    /// Indices of servers by URL; empty without `sticky`.
    by_url: Box<[u32]>,
}

impl LoadBalancer {
    /// A load balancer over servers that nothing checks; Host headers are passed.
    #[must_use]
    pub fn new(name: Arc<str>, servers: Box<[Server]>, sticky: Option<Sticky>) -> Self {
        let indices = || match sticky {
            Some(_) => (0_u32..).zip(&servers).map(|(index, _)| index).collect(),
            None => Box::default(),
        };
        let mut by_cookie: Box<[u32]> = indices();
        by_cookie.sort_by_key(|index| &servers[*index as usize].cookie);
        let mut by_url: Box<[u32]> = indices();
        by_url.sort_by_key(|index| &servers[*index as usize].url);
        Self {
            name,
            servers,
            sticky,
            pass_host_header: true,
            health: None,
            health_check: None,
            by_cookie,
            by_url,
        }
    }

    /// The same with servers that are reached in a way of their own.
    pub(crate) fn reached_by(&self, transport: &Arc<ServersTransport>) -> Self {
        let mut service = self.clone();
        for server in &mut service.servers {
            server.transport = Some(transport.clone());
        }
        service
    }

    /// The server that the value of a sticky cookie names, if there still is one.
    ///
    /// The opaque value of ours, or a server's URL as 2.1 wrote it: both are only looked up, what the
    /// client sent is never used.
    #[must_use]
    pub fn server_by_cookie(&self, value: &str) -> Option<u32> {
        let found = self.find(&self.by_cookie, value, |server| &server.cookie);
        found.or_else(|| {
            let host = value.find("://")? + 3;
            let end = value[host..].find('/').map_or(value.len(), |path| host + path);
            self.find(&self.by_url, &value[..end], |server| &server.url)
        })
    }

    /// The first of the servers with `value`.
    fn find(&self, by: &[u32], value: &str, of: impl Fn(&Server) -> &Arc<str>) -> Option<u32> {
        let of = |index: &u32| self.servers.get(*index as usize).map(|server| &**of(server));
        let first = by.partition_point(|index| of(index) < Some(value));
        by.get(first).copied().filter(|index| of(index) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::http::Cookie, service::server};

    fn load_balancer(urls: &[&str], sticky: bool) -> LoadBalancer {
        let servers = server::parse_all(urls.iter().copied()).unwrap();
        let sticky = sticky.then(|| Sticky::new(&Cookie::default(), "app@file"));
        LoadBalancer::new("app@file".into(), servers.into(), sticky)
    }

    #[test]
    fn a_cookie_names_a_server_by_its_opaque_value_or_by_the_url_of_2_1() {
        let urls = ["http://b:80", "http://a:80/x", "https://a", "http://a:80/y"];
        let service = load_balancer(&urls, true);
        for (index, server) in (0..).zip(&service.servers) {
            assert_eq!(service.server_by_cookie(&server.cookie), Some(index));
        }
        for (value, server) in [
            ("http://b:80", Some(0)),
            ("http://a:80/x", Some(1)),
            ("http://a:80", Some(1)),
            ("https://a/", Some(2)),
            ("http://evil", None),
            ("http://a", None),
            ("", None),
            ("://", None),
        ] {
            assert_eq!(service.server_by_cookie(value), server, "{value}");
        }
    }

    #[test]
    fn without_affinity_no_cookie_names_a_server() {
        assert_eq!(load_balancer(&["http://a:80"], false).server_by_cookie("http://a:80"), None);
    }
}
