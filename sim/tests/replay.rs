//! A request recorded in the simulation replays alone: without network, clock or other traffic.
#![allow(clippy::unwrap_used, reason = "tests may; clippy sees no test in a function beside them")]
use rutter_core::{
    plan::Plan,
    trace::{Outcome, Trace},
};
use rutter_sim::{scenarios, witness::Recorded};
use std::sync::Arc;

/// The exchanges of a run with concurrent clients, weights and two workers.
fn recorded() -> Vec<Recorded> {
    let outcome = scenarios::weighted::WEIGHTED.run(0x5eed);
    assert_eq!(outcome.failures, Vec::<String>::new());
    outcome.exchanges
}

/// The server that the exchange was sent to, if it was.
fn server(trace: &Trace) -> Option<&str> {
    trace.steps.iter().find_map(|step| {
        let Outcome::Send { server, .. } = &step.outcome else { return None };
        Some(server.as_str())
    })
}

#[test]
fn every_exchange_replays_alone_and_from_its_text() {
    let exchanges = recorded();
    assert_eq!(exchanges.len(), 116);
    for Recorded { plan, trace } in exchanges.iter().rev() {
        let text = serde_json::to_string(trace).unwrap();
        let trace: Trace = serde_json::from_str(&text).unwrap();
        assert_eq!(trace.replay(Arc::clone(plan)), Ok(()));
    }
}

#[test]
fn a_decision_that_depended_on_other_traffic_is_replayed_as_it_was() {
    let exchanges = recorded();
    // The fourth of 3:1 went to b only because three went before it; alone, it goes there too.
    let fourth = exchanges.iter().filter(|it| server(&it.trace).is_some()).nth(3).unwrap();
    assert_eq!(server(&fourth.trace), Some("http://b"));
    assert_eq!(fourth.trace.replay(Arc::clone(&fourth.plan)), Ok(()));
}

#[test]
fn under_another_plan_the_divergence_is_named() {
    let exchanges = recorded();
    let Recorded { plan, trace } = &exchanges[0];
    let empty = Arc::new(Plan::empty(Arc::clone(&plan.entry_points)));
    let divergence = trace.replay(empty).unwrap_err();
    assert_eq!(divergence.step, 0);
    assert!(divergence.what.contains("was not asked"), "{divergence:?}");
}
