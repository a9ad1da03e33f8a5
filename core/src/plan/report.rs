//! What a plan says about the objects it was made from: their state, and what is wrong with them.
use super::{
    Plan,
    name::Id,
    parts::{Note, Part},
};
use crate::{
    config::{Defined, http},
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
        self.notes.iter().map(|note| note.severity).max().map_or(Status::Enabled, |worst| {
            match worst {
                Severity::Warning => Status::Warning,
                Severity::Error => Status::Disabled,
            }
        })
    }

    /// What is wrong, warnings included.
    pub fn messages(&self) -> impl Iterator<Item = &'a str> + use<'a, T> {
        self.notes.iter().map(|note| &*note.message)
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

    /// All routers, by provider and name.
    pub fn routers(&self) -> impl Iterator<Item = ListedRouter<'_>> {
        self.parts.providers.iter().flat_map(|(provider, objects)| {
            objects.routers.iter().map(move |(name, object)| ListedRouter {
                object: listed(provider, name, &object.definition, &*object.part),
                router: object.part.router.as_ref(),
                entry_points: &object.part.at,
            })
        })
    }

    /// All services, by provider and name.
    pub fn services(&self) -> impl Iterator<Item = Listed<'_, http::Service>> {
        self.parts.providers.iter().flat_map(|(provider, objects)| {
            let all = objects.services.iter();
            all.map(move |(name, object)| listed(provider, name, &object.definition, &*object.part))
        })
    }

    /// All middlewares, by provider and name.
    pub fn middlewares(&self) -> impl Iterator<Item = Listed<'_, middleware::Definition>> {
        self.parts.providers.iter().flat_map(|(provider, objects)| {
            let all = objects.middlewares.iter();
            all.map(move |(name, object)| listed(provider, name, &object.definition, &*object.part))
        })
    }

    /// A fingerprint of what the plan was made from: equal definitions under equal names, wherever they
    /// were written, give equal ones. Computed when asked for; it reads every definition.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Fingerprint(Sha256::new());
        // Writing to a hash cannot fail.
        let _ = write!(hash, "{:?}", self.settings);
        for router in self.routers().map(|router| router.object) {
            let _ = write!(hash, "r{:?}{:?}", router.qualified(), router.definition.value);
        }
        for service in self.services() {
            let _ = write!(hash, "s{:?}{:?}", service.qualified(), service.definition.value);
        }
        for middleware in self.middlewares() {
            let _ = write!(hash, "m{:?}{:?}", middleware.qualified(), middleware.definition.value);
        }
        hash.0.finalize().into()
    }

    fn report(&self, id: &Id, diagnostics: &mut Vec<Diagnostic>) {
        let Some(provider) = self.parts.providers.get(&id.provider) else { return };
        let name = &*id.name;
        let found: Option<(&[Note], &Place)> = match id.kind {
            Kind::Router => {
                provider.routers.get(name).map(|o| (o.part.notes(), &o.definition.place))
            }
            Kind::Service => {
                provider.services.get(name).map(|o| (o.part.notes(), &o.definition.place))
            }
            Kind::Middleware => {
                provider.middlewares.get(name).map(|o| (o.part.notes(), &o.definition.place))
            }
            Kind::Document
            | Kind::ServersTransport
            | Kind::TcpRouter
            | Kind::TcpService
            | Kind::UdpRouter
            | Kind::UdpService
            | Kind::Certificate
            | Kind::TlsOptions
            | Kind::TlsStore => None,
        };
        let Some((notes, place)) = found else { return };
        let object = id.qualified();
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
}

fn listed<'a, T>(
    provider: &'a Arc<str>,
    name: &'a Arc<str>,
    definition: &'a Arc<Defined<T>>,
    part: &'a dyn Part,
) -> Listed<'a, T> {
    Listed { provider, name, definition, notes: part.notes() }
}

fn path(id: &Id, option: &str) -> String {
    let dot = if option.is_empty() { "" } else { "." };
    format!("{}.{}{dot}{option}", id.kind.section(), id.name)
}

/// Text into a hash.
struct Fingerprint(Sha256);

impl Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}
