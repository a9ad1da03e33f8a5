//! What comes from the watches becomes configuration, and what is wrong goes back to the cluster.
use super::{watch::Seen, watchers::Watchers, writes::Writes};
use crate::clock::Clock;
use crate::log::CONFIGURATION;
use rutter_core::{
    diagnostic::{Diagnostic, Severity},
    provider::{
        Message,
        kubernetes::{Address, Finding, ObjectRef, Provider, Translator, Update},
    },
    time::Instant,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// Events on their way to the translator; watches that are faster wait.
pub(super) const SEEN_MAX: usize = 64;

/// What is wrong with the plan in force, of all providers.
pub type PlanFindings = watch::Receiver<Arc<[Diagnostic]>>;

/// What the leading replica writes.
#[derive(Clone)]
pub(super) struct Notes {
    /// Whether it is this one.
    pub(super) leads: watch::Receiver<bool>,
    pub(super) events: Writes<Finding, ()>,
    pub(super) statuses: Writes<ObjectRef, Vec<Address>>,
}

impl Notes {
    fn find(&self, findings: impl IntoIterator<Item = Finding>) {
        if *self.leads.borrow() {
            findings.into_iter().for_each(|finding| self.events.add(finding, ()));
        }
    }

    fn state(&self, statuses: impl IntoIterator<Item = (ObjectRef, Vec<Address>)>) {
        if *self.leads.borrow() {
            statuses.into_iter().for_each(|(object, status)| self.statuses.add(object, status));
        }
    }
}

/// Has the translator, which nobody else touches.
pub(super) struct Owner {
    pub(super) watchers: Watchers,
    /// What waits for Secrets that are read because of it.
    pub(super) held: Update,
    pub(super) translator: Translator,
    pub(super) provider: Provider,
    pub(super) throttle: Duration,
    pub(super) clock: Clock,
    pub(super) messages: mpsc::Sender<Message>,
    pub(super) plan: PlanFindings,
    /// What the plan in force has to say about objects of this provider.
    pub(super) of_plan: BTreeSet<Finding>,
    pub(super) notes: Notes,
}

impl Owner {
    /// Runs until nobody listens any more.
    pub(super) async fn run(mut self, mut seen: mpsc::Receiver<Seen>) {
        let mut batch = Vec::new();
        // When the next translation may be, if there is something to translate.
        let mut due: Option<Instant> = None;
        let mut next = self.clock.now();
        loop {
            let alarm = async {
                match due {
                    Some(due) => self.clock.sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.messages.closed() => return,
                _ = seen.recv_many(&mut batch, SEEN_MAX) => {
                    for (watcher, told) in batch.drain(..) {
                        if let Some(event) = self.watchers.told(watcher, told) {
                            self.translator.handle(event);
                        }
                    }
                    if self.watchers.awaited.is_empty() {
                        due = Some(next);
                    }
                }
                () = alarm => {
                    due = None;
                    next = self.clock.now() + self.throttle;
                    if self.translate().await.is_err() {
                        return;
                    }
                }
                Ok(()) = self.plan.changed() => self.plan_has_changed(),
                Ok(()) = self.notes.leads.changed() => self.leader_has_changed(),
            }
        }
    }

    async fn translate(&mut self) -> Result<(), mpsc::error::SendError<Message>> {
        self.hold();
        if self.watchers.refer(&self.translator) {
            return Ok(());
        }
        let update = std::mem::take(&mut self.held);
        for finding in &update.findings {
            report(self.provider, finding);
        }
        self.notes.find(update.findings);
        self.notes.state(update.statuses);
        match update.message {
            Some(message) => self.messages.send(message).await,
            None => Ok(()),
        }
    }

    /// Adds what is new to what waits.
    fn hold(&mut self) {
        let Update { message, findings, statuses } = self.translator.update();
        let held = &mut self.held;
        if !held.findings.is_empty() {
            let now: BTreeSet<_> = self.translator.findings().collect();
            held.findings.retain(|finding| now.contains(finding));
        }
        held.message = message.or_else(|| held.message.take());
        held.findings.extend(findings);
        held.statuses.extend(statuses);
    }

    /// It is in the log already, where all providers' findings are.
    fn plan_has_changed(&mut self) {
        let diagnostics = Arc::clone(&self.plan.borrow_and_update());
        let now: BTreeSet<Finding> =
            diagnostics.iter().flat_map(|diagnostic| self.of_objects(diagnostic)).collect();
        self.notes.find(now.difference(&self.of_plan).cloned());
        self.of_plan = now;
    }

    /// A finding for each object that defines what a diagnostic is about.
    fn of_objects(&self, diagnostic: &Diagnostic) -> impl Iterator<Item = Finding> {
        let Diagnostic { severity, kind, object, path: _, place: _, message } = diagnostic;
        let ours = object.rsplit_once('@').filter(|(_, it)| *it == self.provider.name());
        let objects = ours.into_iter().flat_map(|(name, _)| self.translator.objects(*kind, name));
        objects.map(|object| Finding {
            object,
            severity: *severity,
            // That of the plan is none of the object.
            path: String::new(),
            message: message.clone(),
        })
    }

    /// A new leader says everything once more: the one before may have left something out.
    fn leader_has_changed(&mut self) {
        if *self.notes.leads.borrow_and_update() {
            self.notes.find(self.translator.findings().chain(&self.of_plan).cloned());
            self.notes.state(self.translator.statuses());
        } else {
            self.notes.events.clear();
            self.notes.statuses.clear();
        }
    }
}

fn report(provider: Provider, finding: &Finding) {
    let name = provider.name();
    match finding.severity {
        Severity::Warning => {
            tracing::warn!(target: CONFIGURATION, providerName = name, "{finding}");
        }
        Severity::Error => {
            tracing::error!(target: CONFIGURATION, providerName = name, "{finding}");
        }
    }
}
