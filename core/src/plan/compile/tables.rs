//! Routers that leave and enter the tables of entry points.
use super::super::{Plan, routers::RouterPart};
use crate::{entry_point::EntryPointId, router::Router, tcp};
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

/// Hosts of entry points.
pub(super) type AtHosts = BTreeSet<(EntryPointId, Box<str>)>;

/// Routers that leave and enter each table.
#[derive(Default)]
pub(super) struct Tables {
    changes: BTreeMap<(bool, EntryPointId), TableChange>,
    /// Where routers ask for other TLS options than before.
    touched: AtHosts,
}

#[derive(Default)]
struct TableChange {
    removed: Vec<Arc<Router>>,
    added: Vec<Arc<Router>>,
}

impl Tables {
    /// Notes that a router is replaced. What is known of connections changes at once.
    pub(super) fn note(
        &mut self,
        connections: &mut [tcp::Table],
        old: Option<&RouterPart>,
        new: Option<&RouterPart>,
    ) {
        for (part, enters) in [(old, false), (new, true)] {
            let Some((part, router)) = part.and_then(|part| Some((part, part.router.as_ref()?)))
            else {
                continue;
            };
            for at in &part.at {
                let change = self.changes.entry((part.tls, *at)).or_default();
                let side = if enters { &mut change.added } else { &mut change.removed };
                side.push(router.clone());
            }
        }
        let https = |part: Option<&RouterPart>| {
            let part = part.filter(|part| part.tls && part.router.is_some())?;
            Some(part.at.clone())
        };
        let (before, after) = (https(old), https(new));
        if before != after {
            for (places, enters) in [(before, false), (after, true)] {
                for at in places.iter().flatten() {
                    if let Some(table) = connections.get_mut(usize::from(at.0)) {
                        table.count_https(enters);
                    }
                }
            }
        }
        self.note_claims(connections, old, new);
    }

    fn note_claims(
        &mut self,
        connections: &mut [tcp::Table],
        old: Option<&RouterPart>,
        new: Option<&RouterPart>,
    ) {
        let claim = |part: Option<&RouterPart>| {
            part.and_then(|it| Some((it.at.clone(), it.claim.clone()?)))
        };
        if claim(old) == claim(new) {
            return;
        }
        for (part, enters) in [(old, false), (new, true)] {
            let Some((part, claimed)) = part.and_then(|it| Some((it, it.claim.as_ref()?))) else {
                continue;
            };
            for at in &part.at {
                let Some(table) = connections.get_mut(usize::from(at.0)) else { continue };
                for host in &claimed.hosts {
                    let hosts = table.hosts_mut();
                    if enters {
                        hosts.insert(host, &part.name, &claimed.claim);
                    } else {
                        hosts.remove(host, &part.name);
                    }
                    self.touched.insert((*at, host.clone()));
                }
            }
        }
    }

    /// Changes the tables, and returns where routers ask for other TLS options than before.
    pub(super) fn apply(self, plan: &mut Plan) -> AtHosts {
        for ((tls, at), change) in self.changes {
            let tables = if tls { &mut plan.tls } else { &mut plan.plain };
            if let Some(table) = tables.get_mut(usize::from(at.0)) {
                *table = table.apply(&change.removed, &change.added);
            }
        }
        self.touched
    }
}
