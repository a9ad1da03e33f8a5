//! From a request to its router: an index over rules, never a scan over all routers.
//!
//! A router stands under each of its rule's necessary conditions: in a hash map by host, there in a
//! radix tree by path; without a host in a tree of its own, whose root is the residue of
//! rules that name neither. Of these candidates only, in order of priority, the whole rule is asked.
use crate::{
    cells::CellId,
    middleware::Middleware,
    rule::{Rule, Verdict, condition::Condition, view::View},
    service::Instance,
};
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use hosts::{Found, Host, Hosts};
use paths::Paths;
use ranked::{Candidate, Ranked};
use search::Search;

mod hosts;
mod paths;
mod ranked;
mod search;

/// The most middlewares one router may have once its chains are flattened.
pub const MIDDLEWARES_MAX: usize = 255;

/// A compiled router, ready to serve.
#[derive(Debug)]
pub struct Router {
    /// Qualified name, e.g. `app@file`.
    pub name: Arc<str>,
    /// The rule.
    pub rule: Rule,
    /// Higher first; ties go to the longer rule, then to the lower name.
    pub priority: i64,
    /// Middlewares with chains flattened, outermost first; at most [`MIDDLEWARES_MAX`].
    pub middlewares: Box<[Step]>,
    /// Who answers.
    pub service: Arc<Instance>,
    /// Qualified name of the service the router refers to.
    pub service_name: Arc<str>,
}

/// A middleware at its position in one router.
#[derive(Clone, Debug)]
pub struct Step {
    /// The middleware, shared by all routers that use it.
    pub middleware: Arc<Middleware>,
    /// Its state in this router, if it has any.
    pub cell: Option<CellId>,
    /// Who answers the requests that it sends on its own account, where it does.
    pub service: Option<Arc<Instance>>,
}

/// The routers of one entry point, indexed. Cheap to clone; a change copies only what it touches.
///
/// Names are unique within a table. Routers are asked by priority, highest first; of equal
/// priorities the longer rule comes first, then the lower name.
#[derive(Clone, Debug, Default)]
pub struct Table {
    hosts: Hosts,
    /// Routers whose rule does not name a host.
    hostless: Paths,
    /// Routers whose rule contradicts itself; kept for [`Self::explain`].
    never: Ranked,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub enum Route {
    /// To this router.
    Found(Arc<Router>),
    /// Nowhere, but some rule said no to the method alone: 405.
    MethodNotAllowed,
    /// Nowhere: 404.
    NotFound,
}

impl Table {
    /// The same table without `removed` and with `added`; costs what they cost, not what the table has.
    #[must_use]
    pub fn apply(&self, removed: &[Arc<Router>], added: &[Arc<Router>]) -> Self {
        let mut table = self.clone();
        for router in removed {
            table.edit(router, Edit::Remove);
        }
        for router in added {
            table.edit(router, Edit::Insert);
        }
        table
    }

    /// The first router in priority order whose rule matches. Does not allocate.
    #[must_use]
    pub fn route(&self, view: &View<'_>) -> Route {
        let mut search = Search::new(view);
        match self.hosts.find(view.host()) {
            Some(Found::Router(router)) => search.ask(router),
            Some(Found::Paths(paths, host)) => search.ask_all(paths, host),
            None => {}
        }
        search.ask_all(&self.hostless, Host::Same);
        search.finish()
    }

    /// What every router says of a request, in the order in which they are asked: the first that
    /// matches gets it. Reads the whole table.
    #[must_use]
    pub fn explain(&self, view: &View<'_>) -> Vec<(Arc<Router>, Verdict)> {
        let mut candidates = Vec::new();
        self.hosts.collect(&mut candidates);
        self.hostless.collect(&mut candidates);
        candidates.extend(self.never.iter().cloned());
        candidates.sort_by(Candidate::order);
        candidates.dedup_by(|one, two| Arc::ptr_eq(&one.router, &two.router));
        let verdict = |router: Arc<Router>| {
            let verdict = router.rule.evaluate(view);
            (router, verdict)
        };
        candidates.into_iter().map(|candidate| verdict(candidate.router)).collect()
    }

    fn edit(&mut self, router: &Arc<Router>, edit: Edit) {
        let conditions = router.rule.conditions();
        if conditions.is_empty() {
            edit.apply(&mut self.never, &Candidate::new(router.clone(), false));
        }
        for Condition { host, path, sufficient } in conditions {
            let candidate = Candidate::new(router.clone(), sufficient);
            match host {
                Some(host) => self.hosts.edit(host, path, edit, &candidate),
                None => self.hostless.edit(path, edit, &candidate),
            }
        }
    }
}

/// What happens to a router in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Insert,
    Remove,
}

impl Edit {
    fn apply(self, list: &mut Ranked, candidate: &Candidate) {
        match self {
            Self::Insert => list.insert(candidate.clone()),
            Self::Remove => list.remove(candidate),
        }
    }
}

#[cfg(test)]
mod tests;
