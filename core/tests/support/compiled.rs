//! A plan for one entry point, `web`, that trusts nobody.
use rutter_core::{
    config::{Configuration, Defined},
    diagnostic::Place,
    entry_point::{EntryPoint, Trust},
    plan::{Plan, Settings, compile},
};
use std::{collections::BTreeMap, sync::Arc};

/// An object as a provider sends it.
pub(crate) fn define<T>(value: T) -> Arc<Defined<T>> {
    Arc::new(Defined { value: Ok(value), place: Place::default() })
}

/// The plan of a configuration in which nothing is wrong.
pub(crate) fn compiled(configuration: Configuration) -> Arc<Plan> {
    let entry_point = EntryPoint {
        name: "web".into(),
        forwarded_trust: Trust::default(),
        hostname: http::HeaderValue::from_static("edge"),
        raw_paths: false,
    };
    let settings =
        Settings { entry_points: [entry_point].into(), ping: true, ..Settings::default() };
    let configurations = BTreeMap::from([("file".into(), Arc::new(configuration))]);
    let (plan, diagnostics) = compile::compile(None, &settings, &configurations);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    Arc::new(plan)
}
