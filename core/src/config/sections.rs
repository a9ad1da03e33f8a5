//! What is done alike with the definitions of every kind.
use super::{Configuration, Defined, Definitions};
use crate::diagnostic::{Diagnostic, Kind, Severity};
use alloc::{format, sync::Arc, vec::Vec};

impl Configuration {
    /// Adds what `from` defines. Of two objects with one name the first stays.
    ///
    /// Compat: providers.md, "Same object name in two files".
    #[must_use]
    pub fn merge(&mut self, from: Self) -> Vec<Diagnostic> {
        let mut told = Vec::new();
        let Self { http, tcp, udp, tls } = self;
        join(Kind::Router, &mut http.routers, from.http.routers, &mut told);
        join(Kind::Service, &mut http.services, from.http.services, &mut told);
        join(Kind::Middleware, &mut http.middlewares, from.http.middlewares, &mut told);
        let transports = &mut http.servers_transports;
        join(Kind::ServersTransport, transports, from.http.servers_transports, &mut told);
        join(Kind::TcpRouter, &mut tcp.routers, from.tcp.routers, &mut told);
        join(Kind::TcpService, &mut tcp.services, from.tcp.services, &mut told);
        join(Kind::UdpRouter, &mut udp.routers, from.udp.routers, &mut told);
        join(Kind::UdpService, &mut udp.services, from.udp.services, &mut told);
        join(Kind::Certificate, &mut tls.certificates, from.tls.certificates, &mut told);
        join(Kind::TlsOptions, &mut tls.options, from.tls.options, &mut told);
        join(Kind::TlsStore, &mut tls.stores, from.tls.stores, &mut told);
        told
    }

    /// Equality that is one comparison of pointers for what is shared.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let Self { http, tcp, udp, tls } = self;
        core::ptr::eq(self, other)
            || http.routers == other.http.routers
                && http.services == other.http.services
                && http.middlewares == other.http.middlewares
                && http.servers_transports == other.http.servers_transports
                && tcp.routers == other.tcp.routers
                && tcp.services == other.tcp.services
                && udp.routers == other.udp.routers
                && udp.services == other.udp.services
                && tls.certificates == other.tls.certificates
                && tls.options == other.tls.options
                && tls.stores == other.tls.stores
    }

    /// Takes over the old definitions that are equal.
    pub fn share(&mut self, old: &Self) {
        let Self { http, tcp, udp, tls } = self;
        share(&mut http.routers, &old.http.routers);
        share(&mut http.services, &old.http.services);
        share(&mut http.middlewares, &old.http.middlewares);
        share(&mut http.servers_transports, &old.http.servers_transports);
        share(&mut tcp.routers, &old.tcp.routers);
        share(&mut tcp.services, &old.tcp.services);
        share(&mut udp.routers, &old.udp.routers);
        share(&mut udp.services, &old.udp.services);
        share(&mut tls.certificates, &old.tls.certificates);
        share(&mut tls.options, &old.tls.options);
        share(&mut tls.stores, &old.tls.stores);
    }

    /// Whether there is an object of this kind and name, with the reason why it cannot be read.
    #[must_use]
    pub fn is_broken(&self, kind: Kind, name: &str) -> bool {
        let Self { http, tcp, udp, tls } = self;
        match kind {
            Kind::Document => false,
            Kind::Router => broken(&http.routers, name),
            Kind::Service => broken(&http.services, name),
            Kind::Middleware => broken(&http.middlewares, name),
            Kind::ServersTransport => broken(&http.servers_transports, name),
            Kind::TcpRouter => broken(&tcp.routers, name),
            Kind::TcpService => broken(&tcp.services, name),
            Kind::UdpRouter => broken(&udp.routers, name),
            Kind::UdpService => broken(&udp.services, name),
            Kind::Certificate => broken(&tls.certificates, name),
            Kind::TlsOptions => broken(&tls.options, name),
            Kind::TlsStore => broken(&tls.stores, name),
        }
    }
}

fn join<T>(
    kind: Kind,
    into: &mut Definitions<T>,
    from: Definitions<T>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (name, defined) in from {
        let Some(first) = into.get(&name) else {
            into.insert(name, defined);
            continue;
        };
        diagnostics.push(Diagnostic {
            severity: Severity::Warning,
            kind,
            path: format!("{}.{name}", kind.section()),
            place: defined.place.clone(),
            message: format!("already configured at {}, skipping this one", first.place),
            object: name,
        });
    }
}

fn share<T: PartialEq>(new: &mut Definitions<T>, old: &Definitions<T>) {
    let both = old.differences(new).filter_map(|it| Some((it.old?, it.new?)));
    let equal = both.filter(|((_, old), (_, new))| old == new);
    let equal: Vec<_> = equal.map(|((name, old), _)| (name.clone(), old.clone())).collect();
    new.extend(equal);
}

fn broken<T>(definitions: &Definitions<T>, name: &str) -> bool {
    definitions.get(name).is_some_and(|defined: &Arc<Defined<T>>| defined.value.is_err())
}
