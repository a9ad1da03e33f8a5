//! Where the connections of one entry point go: an index over TCP routers and the hosts of HTTPS
//! routers.
use super::{Router, Tls};
use crate::{
    persistent::{names::Names, sorted::Sorted},
    tls::{
        hosts::{Hosts, Wanted},
        options::Options,
    },
};
use alloc::sync::Arc;
use core::cmp::Reverse;

/// The connections of one entry point. Cheap to clone; a change copies only what it touches, and
/// finding a router costs the same however many there are.
///
/// Of several routers for one name the one of the highest priority counts, then that of the longer rule,
/// then that of the lower name.
#[derive(Clone, Debug)]
pub struct Table {
    /// Routers of connections without TLS.
    clear: Ranked,
    /// Routers of TLS connections, by the name that clients ask for.
    named: Names<Ranked>,
    /// Routers of TLS connections, whatever clients ask for.
    everything: Ranked,
    /// How many routers there are of TLS connections.
    secure: usize,
    /// How many HTTPS routers there are.
    https: usize,
    hosts: Hosts,
    /// How TLS is spoken where nobody asks for options; `None`: what was written is broken, and
    /// connections are refused.
    default: Option<Arc<Options>>,
}

type Ranked = Sorted<Rank, Arc<Router>>;
type Rank = (Reverse<i64>, Reverse<usize>, Arc<str>);

/// What becomes of a TLS connection.
#[derive(Clone, Debug)]
pub enum Secure {
    /// TLS ends here, and HTTP is spoken in it.
    Http(Arc<Options>),
    /// TLS ends here, and what is in it goes to a TCP service.
    Terminate(Arc<Options>, Arc<Router>),
    /// It goes on to a TCP service as it came.
    Passthrough(Arc<Router>),
    /// The options that it needs are not to be had.
    Refused,
}

impl Table {
    /// A table without routers. `default`: how TLS is spoken where nobody asks for options; `None`: it
    /// is refused.
    #[must_use]
    pub fn new(default: Option<Arc<Options>>) -> Self {
        Self {
            clear: Ranked::default(),
            named: Names::default(),
            everything: Ranked::default(),
            secure: 0,
            https: 0,
            hosts: Hosts::default(),
            default,
        }
    }

    /// Where connections go before they say anything: to a router of all connections without TLS, where
    /// no router of any kind wants to know whether TLS is spoken.
    #[must_use]
    pub fn silent(&self) -> Option<&Arc<Router>> {
        if self.secure == 0 && self.https == 0 { self.clear() } else { None }
    }

    /// Where connections without TLS go; `None`: to HTTP.
    #[must_use]
    pub fn clear(&self) -> Option<&Arc<Router>> {
        first(&self.clear)
    }

    /// What becomes of a TLS connection that asks for a name, lower-cased and without trailing dot.
    ///
    /// Hosts for which HTTPS routers ask for options of their own come first, then names of TCP
    /// routers, then any HTTPS router, then TCP routers for everything, then HTTPS though nobody is
    /// there.
    #[must_use]
    pub fn secure(&self, name: Option<&str>) -> Secure {
        let wanted = name.and_then(|name| self.hosts.get(name));
        if let Some(wanted) = wanted {
            return self.options(Some(wanted)).map_or(Secure::Refused, Secure::Http);
        }
        let named = name.and_then(|name| first(self.named.get(name)?));
        let anything = if self.https == 0 { first(&self.everything) } else { None };
        let Some(router) = named.or(anything) else {
            return self.options(None).map_or(Secure::Refused, Secure::Http);
        };
        let options = match &router.tls {
            Some(Tls::Passthrough) => return Secure::Passthrough(router.clone()),
            Some(Tls::Terminate(Some(options))) => Some(options.clone()),
            Some(Tls::Terminate(None)) | None => self.default.clone(),
        };
        options.map_or(Secure::Refused, |options| Secure::Terminate(options, router.clone()))
    }

    /// Whether a request for a host came in on a connection under other options than those that its host
    /// needs: it is answered 421, as who sent it might not have been let in.
    ///
    /// `spoken` is the name of those options, `host` is in lower case and without port. Compat: tls.md "Domain fronting".
    #[must_use]
    pub fn is_misdirected(&self, spoken: &str, host: &str) -> bool {
        self.options(self.hosts.get(host)).is_none_or(|needed| *needed.name != *spoken)
    }

    fn options(&self, wanted: Option<&Wanted>) -> Option<Arc<Options>> {
        match wanted {
            Some(Wanted::Options(options)) => Some(options.clone()),
            Some(Wanted::Default) | None => self.default.clone(),
            Some(Wanted::Refused) => None,
        }
    }

    /// Adds a router.
    pub fn insert(&mut self, router: &Arc<Router>) {
        self.edit(router, |ranked| {
            ranked.insert(rank(router), router.clone());
        });
        self.secure += usize::from(router.tls.is_some());
    }

    /// Takes out a router that was added.
    pub fn remove(&mut self, router: &Router) {
        self.edit(router, |ranked| {
            ranked.remove(&rank(router));
        });
        self.secure -= usize::from(router.tls.is_some());
    }

    fn edit(&mut self, router: &Router, edit: impl Fn(&mut Ranked)) {
        if router.tls.is_none() {
            if router.rule.everything {
                edit(&mut self.clear);
            }
            return;
        }
        if router.rule.everything {
            edit(&mut self.everything);
        }
        for name in &router.rule.names {
            self.named.edit(name, |ranked| {
                let mut ranked = ranked.unwrap_or_default();
                edit(&mut ranked);
                first(&ranked).is_some().then_some(ranked)
            });
        }
    }

    /// Adds or takes out HTTPS routers.
    pub(crate) fn count_https(&mut self, enters: bool) {
        self.https = if enters { self.https + 1 } else { self.https - 1 };
    }

    /// The hosts for which HTTPS routers ask for options.
    pub(crate) const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    pub(crate) fn hosts_mut(&mut self) -> &mut Hosts {
        &mut self.hosts
    }

    pub(crate) fn set_default(&mut self, default: Option<Arc<Options>>) {
        self.default = default;
    }
}

fn first(ranked: &Ranked) -> Option<&Arc<Router>> {
    ranked.iter().next().map(|(_, router)| router)
}

fn rank(router: &Router) -> Rank {
    (Reverse(router.priority), Reverse(router.rule.text.len()), router.name.clone())
}

#[cfg(test)]
pub(super) mod tests;
