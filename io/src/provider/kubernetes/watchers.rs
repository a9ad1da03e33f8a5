//! Which watchers there are. Where Secrets may not be listed, there is one for each that objects refer to.
use super::{
    Times,
    back_off::BackOff,
    watch::{Seen, Told, Watched, Watcher},
};
use crate::clock::Clock;
use kube::Client;
use rutter_core::provider::kubernetes::{Event, Key, Kind, Resource, Translator};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

/// All watchers of a provider.
pub(super) struct Watchers {
    pub(super) client: Client,
    pub(super) clock: Clock,
    pub(super) times: Times,
    pub(super) seed: u64,
    /// Of the objects that are translated.
    pub(super) label_selector: String,
    pub(super) seen: mpsc::Sender<Seen>,
    pub(super) tasks: JoinSet<()>,
    /// By number: what is watched, until it ends.
    pub(super) all: Vec<Watched>,
    /// Those that have neither read nor been refused yet.
    pub(super) awaited: BTreeSet<usize>,
    /// Where Secrets may not be listed.
    pub(super) unlisted: BTreeSet<Option<Arc<str>>>,
    /// Secrets that are watched by name.
    pub(super) named: BTreeMap<Key, (usize, AbortHandle)>,
}

impl Watchers {
    /// Starts one.
    pub(super) fn start(&mut self, watched: Watched) -> (usize, AbortHandle) {
        let Resource { kind, .. } = watched.resource;
        let is_selected = kind.is_custom() || kind == Kind::Ingress;
        let label_selector = if is_selected { self.label_selector.clone() } else { String::new() };
        let index = self.all.len();
        let watcher = Watcher {
            index,
            watched: watched.clone(),
            label_selector,
            times: self.times,
            back_off: BackOff::new(self.clock, self.times, self.seed ^ (index as u64)),
            seen: self.seen.clone(),
            told: None,
        };
        self.all.push(watched);
        self.awaited.insert(index);
        (index, self.tasks.spawn_local(watcher.run(self.client.clone())))
    }

    /// Takes note of what one has told.
    pub(super) fn told(&mut self, index: usize, told: Told) -> Option<Event> {
        self.awaited.remove(&index);
        // It was told by one of them.
        let Watched { resource, namespace, name } = self.all.get(index)?;
        let are_all_secrets = resource.kind == Kind::Secret && name.is_none();
        match told {
            Told::Event(event) => {
                if are_all_secrets && self.unlisted.remove(namespace) {
                    let namespace = namespace.clone();
                    self.keep(|key| namespace.as_ref().is_some_and(|it| *it != key.namespace));
                }
                Some(event)
            }
            Told::Unread { is_forbidden } => {
                if is_forbidden && are_all_secrets {
                    self.unlisted.insert(namespace.clone());
                }
                None
            }
        }
    }

    /// Watches the Secrets that objects refer to by name where they may not be listed, and no others.
    /// Whether there is one more to wait for.
    pub(super) fn refer(&mut self, translator: &Translator) -> bool {
        if self.unlisted.is_empty() && self.named.is_empty() {
            return false;
        }
        let secrets = translator.secrets();
        self.keep(|key| secrets.contains(key));
        let mut is_more = false;
        for key in &secrets {
            let namespace = Some(Arc::clone(&key.namespace));
            let is_unlisted = self.unlisted.contains(&None) || self.unlisted.contains(&namespace);
            if is_unlisted && !self.named.contains_key(key) {
                let name = Some(Arc::clone(&key.name));
                let watched = Watched { resource: Resource::builtin(key.kind), namespace, name };
                let watcher = self.start(watched);
                self.named.insert(key.clone(), watcher);
                is_more = true;
            }
        }
        is_more
    }

    /// Ends the watchers of all Secrets but these.
    fn keep(&mut self, is_meant: impl Fn(&Key) -> bool) {
        self.named.retain(|key, (index, watcher)| {
            let is_meant = is_meant(key);
            if !is_meant {
                watcher.abort();
                self.awaited.remove(index);
            }
            is_meant
        });
    }
}
