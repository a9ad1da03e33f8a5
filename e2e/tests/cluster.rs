//! Rutter on a real API server of Kubernetes.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{Cluster, cluster::DEPLOY};
use std::path::Path;

#[test]
fn what_is_deployed_is_accepted_and_may_be_applied_again() {
    let Some(cluster) = Cluster::shared() else { return };
    for file in ["crds.yaml", "rbac.yaml", "deployment.yaml"] {
        let said = cluster.apply_file(&Path::new(DEPLOY).join(file), &[]);
        assert!(said.lines().count() > 0, "{said}");
        for line in said.lines() {
            assert!(line.ends_with(" serverside-applied"), "{line}");
        }
    }
    let said = cluster.done(&["apply", "--server-side", "--validate=strict", "-k", DEPLOY], "");
    assert!(said.contains("deployment.apps/traefik serverside-applied"), "{said}");
}
