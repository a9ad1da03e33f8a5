//! What there is to report of routers because others say something else.
use super::{
    super::{
        name::Id,
        parts::Note,
        relays::{Protocol, Udp},
    },
    Compilation,
    tables::AtHosts,
};
use crate::{
    diagnostic::Kind,
    entry_point::EntryPointId,
    tcp,
    tls::hosts::{Hosts, Wanted},
};
use alloc::{collections::BTreeSet, format, sync::Arc, vec::Vec};

impl Compilation {
    /// Routers that ask for different TLS options for one host. `changed`: those that ask for others
    /// than before, or no more.
    pub(super) fn dispute_hosts(
        &mut self,
        before: &[tcp::Table],
        touched: &AtHosts,
        changed: BTreeSet<Id>,
    ) {
        let mut concerned = changed;
        for (at, host) in touched {
            let hosts =
                |tables: &[tcp::Table]| Some(tables.get(usize::from(at.0))?.hosts().clone());
            let (Some(old), Some(new)) = (hosts(before), hosts(&self.plan.connections)) else {
                continue;
            };
            if dispute(&old, host) != dispute(&new, host) {
                let names = old.claimants(host).chain(new.claimants(host));
                concerned.extend(names.filter_map(|name| id(Kind::Router, name)));
            }
        }
        for id in concerned {
            let notes = self.disputes_of_router(&id);
            self.plan.parts.set_disputes(&id, notes);
        }
    }

    fn disputes_of_router(&self, id: &Id) -> Vec<Note> {
        let mut notes = Vec::new();
        let Some(router) = self.plan.parts.router(id) else { return notes };
        let hosts = router.part.claim.iter().flat_map(|claimed| &claimed.hosts);
        for host in hosts {
            for at in &router.part.at {
                let table = self.plan.connections.get(usize::from(at.0));
                let Some(refused) = table.and_then(|table| dispute(table.hosts(), host)) else {
                    continue;
                };
                let instead = if refused {
                    "so refusing connections, as some of them are unknown"
                } else {
                    "so using the default TLS options instead"
                };
                let message = format!(
                    "found different TLS options for routers on the same host {host}, {instead}"
                );
                let note = Note::warning("tls.options", message);
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
        notes
    }

    /// UDP routers of which only one can serve.
    pub(super) fn dispute_datagrams(&mut self, touched: &BTreeSet<EntryPointId>, gone: Vec<Id>) {
        let mut concerned: BTreeSet<Id> = gone.into_iter().collect();
        for at in touched {
            let routers = self.plan.datagrams.get(usize::from(at.0));
            let names = routers.into_iter().flat_map(|routers| routers.iter());
            concerned.extend(names.filter_map(|(name, _)| id(Kind::UdpRouter, name)));
        }
        for id in concerned {
            let notes = self.disputes_of_datagrams(&id);
            self.plan.parts.set_disputes(&id, notes);
        }
    }

    fn disputes_of_datagrams(&self, id: &Id) -> Vec<Note> {
        let provider = self.plan.parts.providers.get(&id.provider);
        let router = provider.and_then(|provider| Udp::routers(provider).get(&*id.name));
        let mut notes = Vec::new();
        let Some(at) = router.filter(|it| it.part.router.is_some()).map(|it| &it.part.at) else {
            return notes;
        };
        for at in at {
            let index = usize::from(at.0);
            let first = self.plan.datagrams.get(index).and_then(|routers| routers.iter().next());
            let entry_point = self.plan.settings.udp_entry_points.get(index);
            if let (Some((first, _)), Some(entry_point)) = (first, entry_point)
                && **first != *id.qualified()
            {
                let message = format!(
                    "there is one router for an entry point, and for {entry_point:?} it is {first}"
                );
                notes.push(Note::warning("entryPoints", message));
            }
        }
        notes
    }
}

/// Whether routers ask for different options for a host, and if so, whether it is refused.
fn dispute(hosts: &Hosts, host: &str) -> Option<bool> {
    hosts.is_disputed(host).then(|| matches!(hosts.get(host), Some(Wanted::Refused)))
}

/// The object of a qualified name.
fn id(kind: Kind, qualified: &str) -> Option<Id> {
    let (name, provider) = qualified.split_once('@')?;
    Some(Id { kind, provider: Arc::from(provider), name: Arc::from(name) })
}
