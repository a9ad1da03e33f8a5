//! A process that is nothing but providers: what they send is kept.
use super::{Kubernetes, URL};
use crate::{net::Turmoil, world::World};
use rutter::{
    clock::Clock,
    provider::kubernetes::{self, Options, Server, Surroundings, Times},
};
use rutter_core::{
    config::Configuration,
    leader,
    provider::kubernetes::{Options as Translation, Provider, Resource, Translator},
    time::UnixTime,
};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task,
};

/// Messages that wait.
const INBOX: usize = 16;

/// Options of a provider that asks the simulated API server, and has little patience.
#[must_use]
pub fn options(provider: Provider) -> Options {
    Options {
        provider,
        server: Server { endpoint: URL.to_owned(), ..Server::default() },
        translation: Translation::default(),
        label_selector: String::new(),
        throttle: Duration::from_millis(10),
        times: Times {
            back_off_min: Duration::from_millis(40),
            back_off_max: Duration::from_millis(400),
            denied: Duration::from_millis(400),
            lease: leader::Times::default(),
        },
    }
}

/// What providers send that run on a host of their own. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Replica(Rc<RefCell<BTreeMap<Arc<str>, Arc<Configuration>>>>);

impl World {
    /// Adds a host that runs these providers.
    pub fn replica(&mut self, host: &str, options: Vec<Options>) -> Replica {
        let replica = Replica::default();
        let kept = replica.clone();
        let (name, log, seed) = (host.to_owned(), self.log(), self.word());
        self.host(host, move |net: Turmoil| {
            let (name, log, kept) = (name.clone(), log.clone(), kept.clone());
            let options = options.clone();
            async move {
                let clock = Clock::simulated(UnixTime(0));
                let (messages, mut inbox) = mpsc::channel(INBOX);
                let (_plan, findings) = watch::channel(Arc::from([]));
                for options in options {
                    let surroundings = Surroundings { environment: |_: &str| None, clock, seed };
                    let (messages, findings) = (messages.clone(), findings.clone());
                    let net = net.clone();
                    task::spawn_local(kubernetes::run(
                        options,
                        net,
                        surroundings,
                        messages,
                        findings,
                    ));
                }
                while let Some(message) = inbox.recv().await {
                    let routers = message.configuration.http.routers.len();
                    log.note(&name, format_args!("{}: {routers} routers", message.provider));
                    kept.0.borrow_mut().insert(message.provider, message.configuration);
                }
                Ok(())
            }
        });
        replica
    }
}

impl Replica {
    /// What a provider sent last.
    #[must_use]
    pub fn latest(&self, provider: Provider) -> Option<Arc<Configuration>> {
        self.0.borrow().get(provider.name()).cloned()
    }
}

impl Kubernetes {
    /// What a provider has to make of everything that is there.
    #[must_use]
    pub fn expected(&self, options: &Options) -> Arc<Configuration> {
        let mut translator = Translator::new(options.provider, options.translation.clone());
        let looked_at = Resource::all().filter(|it| options.provider.looks_at(it.kind));
        looked_at.for_each(|resource| translator.handle(self.listed(resource)));
        // A new translator has always something to say.
        translator.update().message.map(|message| message.configuration).unwrap_or_default()
    }
}
