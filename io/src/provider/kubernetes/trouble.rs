//! What is wrong with the API server, each said once for as long as it lasts.
use super::watch::Watched;
use http::{StatusCode, Uri};
use kube::Error;
use rutter_core::provider::kubernetes::{Group, Kind};
use std::cell::Cell;

/// What is wrong with the API server as a whole.
#[derive(Debug)]
pub(super) struct Trouble {
    server: Uri,
    now: Cell<Option<Sort>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Unreachable,
    Unauthorized,
}

impl Trouble {
    /// None yet with the API server at this URL.
    pub(super) const fn new(server: Uri) -> Self {
        Self { server, now: Cell::new(None) }
    }

    /// It does not answer.
    pub(super) fn unreachable(&self, reason: &str) {
        let server = &self.server;
        if self.now.replace(Some(Sort::Unreachable)) != Some(Sort::Unreachable) {
            tracing::error!(
                "Kubernetes: {server} cannot be reached: {reason}; what was read last stays in \
                 force, and it is tried again"
            );
        }
    }

    /// It does not know who we are.
    pub(super) fn unauthorized(&self, reason: &str) {
        let server = &self.server;
        if self.now.replace(Some(Sort::Unauthorized)) != Some(Sort::Unauthorized) {
            tracing::error!(
                "Kubernetes: {server} does not accept the token (401 {reason}); check that it is \
                 valid; what was read last stays in force, and it is tried again"
            );
        }
    }

    /// It answers again.
    pub(super) fn over(&self) {
        if self.now.take().is_some() {
            tracing::info!("Kubernetes: {} answers again", self.server);
        }
    }
}

/// A single resource cannot be read.
pub(super) fn refused(watched: &Watched, name: &str, code: StatusCode, reason: &str) {
    let Watched { resource, name: one, .. } = watched;
    match code {
        StatusCode::FORBIDDEN if resource.kind == Kind::Secret && one.is_none() => tracing::warn!(
            "Kubernetes: {name} cannot be listed (403 {reason}); those that objects refer to are \
             read one by one"
        ),
        StatusCode::FORBIDDEN => tracing::error!(
            "Kubernetes: {name} cannot be read (403 {reason}); allow get, list and watch of them in \
             the role of this process, see deploy/rbac.yaml; all others are read"
        ),
        // The older group need not be there.
        StatusCode::NOT_FOUND if resource.group == Group::TraefikContainoUs => {
            tracing::info!("Kubernetes: {name} are not defined in the cluster");
        }
        StatusCode::NOT_FOUND => tracing::error!(
            "Kubernetes: {name} are not defined in the cluster (404); apply deploy/crds.yaml; all \
             others are read"
        ),
        code => tracing::error!(
            "Kubernetes: {name} cannot be read ({code} {reason}); what was read last stays in \
             force, and it is tried again"
        ),
    }
}

/// What came back for a resource makes no sense.
pub(super) fn nonsense(name: &str, reason: &str) {
    tracing::error!("Kubernetes: {name}: {reason}; what was read last stays in force");
}

/// What the API server says no to when something is written.
#[derive(Debug)]
pub(super) struct Refusals {
    what: &'static str,
    verbs: &'static str,
    told: Cell<Option<StatusCode>>,
}

impl Refusals {
    /// None yet. `what` and `verbs` as in a role.
    pub(super) const fn new(what: &'static str, verbs: &'static str) -> Self {
        Self { what, verbs, told: Cell::new(None) }
    }

    /// Says it once, unless it passes by itself. Returns the status, if there was an answer.
    pub(super) fn tell(&self, error: &Error) -> Option<StatusCode> {
        let Error::Api(status) = error else { return None };
        let code = StatusCode::from_u16(status.code).ok()?;
        let Self { what, verbs, told } = self;
        let is_news = !matches!(
            code,
            StatusCode::CONFLICT | StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND
        );
        if is_news && told.replace(Some(code)) != Some(code) {
            let reason = &*status.message;
            match code {
                StatusCode::FORBIDDEN => tracing::error!(
                    "Kubernetes: {what} cannot be written (403 {reason}); allow {verbs} of them in \
                     the role of this process, see deploy/rbac.yaml; traffic does not depend on it"
                ),
                code => tracing::error!(
                    "Kubernetes: {what} cannot be written ({code} {reason}); traffic does not depend \
                     on it"
                ),
            }
        }
        Some(code)
    }

    /// It went well.
    pub(super) fn over(&self) {
        if self.told.take().is_some() {
            tracing::info!("Kubernetes: {} can be written again", self.what);
        }
    }
}
