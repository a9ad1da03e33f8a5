//! What is wrong with the API server, each said once for as long as it lasts.
use http::{StatusCode, Uri};
use rutter_core::provider::kubernetes::{Group, Resource};
use std::cell::Cell;

/// What is wrong with the API server as a whole.
#[derive(Debug)]
pub(super) struct Trouble {
    server: Uri,
    now: Cell<Option<Kind>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
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
        if self.now.replace(Some(Kind::Unreachable)) != Some(Kind::Unreachable) {
            tracing::error!(
                "Kubernetes: {server} cannot be reached: {reason}; what was read last stays in \
                 force, and it is tried again"
            );
        }
    }

    /// It does not know who we are.
    pub(super) fn unauthorized(&self, reason: &str) {
        let server = &self.server;
        if self.now.replace(Some(Kind::Unauthorized)) != Some(Kind::Unauthorized) {
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
pub(super) fn refused(resource: Resource, name: &str, code: StatusCode, reason: &str) {
    match code {
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
