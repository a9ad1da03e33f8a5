//! What is called `default` and belongs to no provider: TLS options, and the store of certificates.
//! Compat: tls.md "Dynamic objects".
use super::{
    super::{
        name::Id,
        parts::{Note, Provider},
        security::DEFAULT,
    },
    Compilation,
};
use crate::{diagnostic::Kind, tls::certificate::Certificate};
use alloc::{format, sync::Arc, vec::Vec};

impl Compilation {
    pub(super) fn settle_defaults(&mut self) {
        self.settle_options();
        self.settle_store();
    }

    /// The options of whoever asks for none: where several providers have some, nobody can tell which
    /// are meant, and connections are refused.
    fn settle_options(&mut self) {
        let providers = self.providers_with(|provider| provider.options.get(DEFAULT).is_some());
        let mut notes = Vec::new();
        let options = match &*providers {
            [] => Some(self.plan.builtin_options.clone()),
            [one] => self
                .plan
                .parts
                .providers
                .get(one)
                .and_then(|provider| provider.options.get(DEFAULT)?.part.compiled.clone()),
            several => {
                let message = format!(
                    "Default TLS Options defined multiple times in [{}]: connections are refused \
                     that need them",
                    several.join(" ")
                );
                notes.push(Note::error("", message));
                None
            }
        };
        self.note_defaults(Kind::TlsOptions, &providers, |_| notes.clone());
        if self.plan.default_options != options {
            for table in &mut self.plan.connections {
                table.set_default(options.clone());
            }
            self.plan.default_options = options;
        }
    }

    /// The certificate where no name fits: of several providers that have one, the first counts.
    fn settle_store(&mut self) {
        fn certificate(provider: &Provider) -> Option<&Arc<Certificate>> {
            provider.stores.get(DEFAULT)?.part.compiled.as_ref()?.as_ref()
        }
        let providers = self.providers_with(|provider| certificate(provider).is_some());
        let first = providers.first();
        let chosen = first.and_then(|first| self.plan.parts.providers.get(first));
        let chosen = chosen.and_then(certificate).cloned();
        self.plan.certificates.set_default(chosen);
        self.note_defaults(Kind::TlsStore, &providers, |provider| match first {
            Some(first) if first != provider => {
                let message =
                    format!("there is one default certificate, and it is that of {first}");
                Vec::from([Note::warning("defaultCertificate", message)])
            }
            _ => Vec::new(),
        });
    }

    fn providers_with(&self, has: impl Fn(&Provider) -> bool) -> Vec<Arc<str>> {
        let all = self.plan.parts.providers.iter();
        all.filter(|(_, provider)| has(provider)).map(|(name, _)| name.clone()).collect()
    }

    /// Reports of what is called `default` in each provider, and forgets what was reported of others.
    fn note_defaults(
        &mut self,
        kind: Kind,
        providers: &[Arc<str>],
        notes: impl Fn(&Arc<str>) -> Vec<Note>,
    ) {
        let all: Vec<_> = self.plan.parts.providers.keys().cloned().collect();
        for provider in all {
            let notes = if providers.contains(&provider) { notes(&provider) } else { Vec::new() };
            let id = Id { kind, provider, name: DEFAULT.into() };
            self.plan.parts.set_disputes(&id, notes);
        }
    }
}
