//! One request's search among candidates.
use super::{
    Route,
    hosts::Host,
    paths::Paths,
    ranked::{Candidate, Ranked},
};
use crate::{
    router::Router,
    rule::{Outcome, view::View},
};
use alloc::sync::Arc;
use arrayvec::ArrayVec;

/// Lists that wait until longer paths have been asked.
const WAITING_MAX: usize = 16;

/// The best router so far. The order in which lists are asked changes the cost, never the result:
/// a list is left as soon as its next candidate comes behind the best.
pub(super) struct Search<'a, 'v> {
    view: &'a View<'v>,
    best: Option<Best<'a>>,
    method: bool,
}

#[derive(Clone, Copy)]
enum Best<'a> {
    /// The only router of a host.
    Alone(&'a Arc<Router>),
    Listed(&'a Candidate),
}

impl<'a, 'v> Search<'a, 'v> {
    pub(super) const fn new(view: &'a View<'v>) -> Self {
        Self { view, best: None, method: false }
    }

    /// Asks the only router of a host.
    pub(super) fn ask(&mut self, router: &'a Arc<Router>) {
        match router.rule.outcome(self.view) {
            Outcome::Matches => self.best = Some(Best::Alone(router)),
            Outcome::Method => self.method = true,
            Outcome::Denied => {}
        }
    }

    /// Asks the routers of a tree whose condition the path meets; those of long paths first, as they
    /// are the likeliest to win.
    pub(super) fn ask_all(&mut self, paths: &'a Paths, host: Host) {
        let mut waiting: ArrayVec<&Ranked, WAITING_MAX> = ArrayVec::new();
        for list in paths.lists(self.view.path().as_bytes()) {
            if let Err(full) = waiting.try_push(list) {
                self.ask_list(full.element(), host);
            }
        }
        while let Some(list) = waiting.pop() {
            self.ask_list(list, host);
        }
    }

    fn ask_list(&mut self, list: &'a Ranked, host: Host) {
        for candidate in list.iter() {
            if self.best.is_some_and(|best| best.precedes(candidate)) {
                return;
            }
            let outcome = match host {
                Host::Same if candidate.sufficient => Outcome::Matches,
                Host::Same | Host::Unsure => candidate.router.rule.outcome(self.view),
            };
            match outcome {
                Outcome::Matches => {
                    self.best = Some(Best::Listed(candidate));
                    return;
                }
                Outcome::Method => self.method = true,
                Outcome::Denied => {}
            }
        }
    }

    pub(super) fn finish(self) -> Route {
        match self.best {
            Some(Best::Alone(router)) => Route::Found(router.clone()),
            Some(Best::Listed(candidate)) => Route::Found(candidate.router.clone()),
            None if self.method => Route::MethodNotAllowed,
            None => Route::NotFound,
        }
    }
}

impl Best<'_> {
    fn precedes(self, candidate: &Candidate) -> bool {
        match self {
            Self::Alone(router) => Candidate::new(router.clone(), false).order(candidate).is_le(),
            Self::Listed(best) => best.order(candidate).is_le(),
        }
    }
}
