//! What a plan says about the objects it was made from: their state, and what is wrong with them.
use super::{
    Plan,
    name::Id,
    parts::{Note, Object, Objects, Part, Provider},
};
use crate::{
    config::{Defined, http, tcp, udp},
    diagnostic::{Diagnostic, Kind, Place, Severity},
    entry_point::EntryPointId,
    middleware,
    router::Router,
};
use alloc::{format, string::String, sync::Arc, vec::Vec};
use core::fmt::{self, Write};
use sha2::{Digest, Sha256};

/// Whether an object works. Compat: README.md rule 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It works.
    Enabled,
    /// It works; something in it has no effect or is doubtful.
    Warning,
    /// It does not work.
    Disabled,
}

/// An object of the configuration as the plan sees it.
#[derive(Clone, Debug)]
pub struct Listed<'a, T> {
    /// The provider's name.
    pub provider: &'a Arc<str>,
    /// Unqualified name.
    pub name: &'a Arc<str>,
    /// As written, and where.
    pub definition: &'a Arc<Defined<T>>,
    notes: &'a [Note],
    disputes: &'a [Note],
}

/// A router as the plan sees it.
#[derive(Clone, Debug)]
pub struct ListedRouter<'a> {
    /// The object.
    pub object: Listed<'a, http::Router>,
    /// What serves; none if it is disabled.
    pub router: Option<&'a Arc<Router>>,
    /// The entry points it is attached to.
    pub entry_points: &'a [EntryPointId],
}

impl<'a, T> Listed<'a, T> {
    /// Qualified name, e.g. `app@file`.
    #[must_use]
    pub fn qualified(&self) -> String {
        format!("{}@{}", self.name, self.provider)
    }

    /// Whether it works.
    #[must_use]
    pub fn status(&self) -> Status {
        self.notes().map(|note| note.severity).max().map_or(Status::Enabled, |worst| match worst {
            Severity::Warning => Status::Warning,
            Severity::Error => Status::Disabled,
        })
    }

    /// What is wrong, warnings included.
    pub fn messages(&self) -> impl Iterator<Item = &'a str> + use<'a, T> {
        self.notes().map(|note| &*note.message)
    }

    fn notes(&self) -> impl Iterator<Item = &'a Note> + use<'a, T> {
        self.notes.iter().chain(self.disputes)
    }
}

impl Plan {
    /// Everything that is wrong, by kind, provider and name. Costs what is wrong, not what there is.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for id in self.parts.noted() {
            self.report(id, &mut diagnostics);
        }
        diagnostics
    }

    /// All HTTP routers, by provider and name.
    pub fn routers(&self) -> impl Iterator<Item = ListedRouter<'_>> {
        self.parts.providers.iter().flat_map(move |(provider, objects)| {
            objects.routers.iter().map(move |(name, object)| ListedRouter {
                object: self.listed(Kind::Router, provider, name, object),
                router: object.part.router.as_ref(),
                entry_points: &object.part.at,
            })
        })
    }

    /// All HTTP services, by provider and name.
    pub fn services(&self) -> impl Iterator<Item = Listed<'_, http::Service>> {
        self.list(Kind::Service, |of| &of.services)
    }

    /// All middlewares, by provider and name.
    pub fn middlewares(&self) -> impl Iterator<Item = Listed<'_, middleware::Definition>> {
        self.list(Kind::Middleware, |of| &of.middlewares)
    }

    /// All TCP routers, by provider and name.
    pub fn tcp_routers(&self) -> impl Iterator<Item = Listed<'_, tcp::Router>> {
        self.list(Kind::TcpRouter, |of| &of.tcp_routers)
    }

    /// All TCP services, by provider and name.
    pub fn tcp_services(&self) -> impl Iterator<Item = Listed<'_, tcp::Service>> {
        self.list(Kind::TcpService, |of| &of.tcp_services)
    }

    /// All UDP routers, by provider and name.
    pub fn udp_routers(&self) -> impl Iterator<Item = Listed<'_, udp::Router>> {
        self.list(Kind::UdpRouter, |of| &of.udp_routers)
    }

    /// All UDP services, by provider and name.
    pub fn udp_services(&self) -> impl Iterator<Item = Listed<'_, udp::Service>> {
        self.list(Kind::UdpService, |of| &of.udp_services)
    }

    /// A fingerprint of what the plan was made from: equal definitions under equal names, wherever they
    /// were written, give equal ones. Computed when asked for; it reads every definition.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Fingerprint(Sha256::new());
        // Writing to a hash cannot fail.
        let _ = write!(hash, "{:?}", self.settings);
        hash.add("r", self.routers().map(|router| router.object));
        hash.add("s", self.services());
        hash.add("m", self.middlewares());
        hash.add("t", self.list(Kind::ServersTransport, |of| &of.transports));
        hash.add("tr", self.tcp_routers());
        hash.add("ts", self.tcp_services());
        hash.add("ur", self.udp_routers());
        hash.add("us", self.udp_services());
        hash.add("c", self.list(Kind::Certificate, |of| &of.certificates));
        hash.add("o", self.list(Kind::TlsOptions, |of| &of.options));
        hash.add("st", self.list(Kind::TlsStore, |of| &of.stores));
        hash.0.finalize().into()
    }

    fn report(&self, id: &Id, diagnostics: &mut Vec<Diagnostic>) {
        fn found<'a, T, P: Part>(
            objects: &'a Objects<T, P>,
            id: &Id,
        ) -> Option<(&'a [Note], &'a Place)> {
            let object = objects.get(&*id.name)?;
            Some((object.part.notes(), &object.definition.place))
        }
        let Some(provider) = self.parts.providers.get(&id.provider) else { return };
        let found = match id.kind {
            Kind::Document => None,
            Kind::Router => found(&provider.routers, id),
            Kind::Service => found(&provider.services, id),
            Kind::Middleware => found(&provider.middlewares, id),
            Kind::ServersTransport => found(&provider.transports, id),
            Kind::TcpRouter => found(&provider.tcp_routers, id),
            Kind::TcpService => found(&provider.tcp_services, id),
            Kind::UdpRouter => found(&provider.udp_routers, id),
            Kind::UdpService => found(&provider.udp_services, id),
            Kind::Certificate => found(&provider.certificates, id),
            Kind::TlsOptions => found(&provider.options, id),
            Kind::TlsStore => found(&provider.stores, id),
        };
        let Some((notes, place)) = found else { return };
        let object = id.qualified();
        let notes: Vec<&Note> = notes.iter().chain(self.parts.disputes(id)).collect();
        for (i, note) in notes.iter().enumerate() {
            if notes[..i].iter().any(|earlier| earlier.message == note.message) {
                continue;
            }
            diagnostics.push(Diagnostic {
                severity: note.severity,
                kind: id.kind,
                object: object.clone(),
                path: path(id, &note.option),
                place: place.clone(),
                message: note.message.clone(),
            });
        }
    }

    fn list<'a, T: 'a, P: Part + 'a>(
        &'a self,
        kind: Kind,
        objects: fn(&Provider) -> &Objects<T, P>,
    ) -> impl Iterator<Item = Listed<'a, T>> {
        self.parts.providers.iter().flat_map(move |(provider, all)| {
            let all = objects(all).iter();
            all.map(move |(name, object)| self.listed(kind, provider, name, object))
        })
    }

    fn listed<'a, T, P: Part>(
        &'a self,
        kind: Kind,
        provider: &'a Arc<str>,
        name: &'a Arc<str>,
        object: &'a Object<T, P>,
    ) -> Listed<'a, T> {
        let id = Id { kind, provider: provider.clone(), name: name.clone() };
        let (notes, disputes) = (object.part.notes(), self.parts.disputes(&id));
        Listed { provider, name, definition: &object.definition, notes, disputes }
    }
}

fn path(id: &Id, option: &str) -> String {
    let dot = if option.is_empty() { "" } else { "." };
    let section = id.kind.section();
    // The name of a certificate may be that of a file.
    if id.kind == Kind::Certificate {
        return format!("{section}[{}]{dot}{option}", id.name);
    }
    format!("{section}.{}{dot}{option}", id.name)
}

/// Text into a hash.
struct Fingerprint(Sha256);

impl Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

impl Fingerprint {
    fn add<'a, T: fmt::Debug + 'a>(
        &mut self,
        kind: &str,
        all: impl Iterator<Item = Listed<'a, T>>,
    ) {
        for it in all {
            // Writing to a hash cannot fail.
            let _ = write!(self, "{kind}{:?}{:?}", it.qualified(), it.definition.value);
        }
    }
}
