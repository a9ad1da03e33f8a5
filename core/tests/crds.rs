//! `deploy/crds.yaml` is what the types say.
#![allow(clippy::unwrap_used, reason = "a test panics on what should not be")]
use rutter_core::provider::kubernetes::crd::schema::crds;
use std::{env, fs, path::Path};

#[test]
fn the_definitions_in_deploy_are_up_to_date() {
    let (generated, faults) = crds();
    assert!(faults.is_empty(), "core/src/provider/kubernetes/crd/describe.rs:\n{faults:#?}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/crds.yaml");
    if env::var_os("UPDATE_CRDS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &generated).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == generated,
        "deploy/crds.yaml is not what the types say; bring it up to date:\n\
         UPDATE_CRDS=1 cargo test -p rutter-core --test crds"
    );
}
