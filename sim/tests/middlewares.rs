//! Each type of middleware lets something pass in the simulation, and steps in.
#![allow(clippy::unwrap_used, reason = "tests may; clippy sees no test in a function beside them")]
use rutter_core::{
    entry_point::EntryPointId,
    middleware::Definition,
    router::Route,
    rule::view::View,
    trace::{Event, Outcome},
};
use rutter_sim::{
    scenarios::{admission::ADMISSION, bodies::BODIES, limits::LIMITS, rewriting::REWRITING},
    witness::Recorded,
};
use std::collections::BTreeSet;

/// What became of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// The client got the answer of a server that its request was sent to.
    Passed,
    /// It got another one: the proxy's, that of another service, or that to another request.
    SteppedIn,
}

/// What refuses nothing in these scenarios.
const NEVER: [&str; 4] = [
    // Only a target too long for any client.
    "addPrefix",
    "compress",
    "contentType",
    "passTLSClientCert",
];

/// The middleware that an exchange went through. A router with several of them stands for `chain`: the
/// scenarios here have no other such router.
fn middleware(Recorded { plan, trace }: &Recorded) -> Option<&'static str> {
    let Event::Request(head) = &trace.steps.first()?.event else { return None };
    let request = http::Request::builder().method(&*head.method).uri(&*head.target);
    let (parts, ()) = request.body(()).ok()?.into_parts();
    let (_, host) = head.headers.iter().find(|(name, _)| name == "host")?;
    let view = View::new(&parts, host, trace.client.ip());
    let Route::Found(router) = plan.route(EntryPointId(0), trace.tls, &view) else { return None };
    match &*router.middlewares {
        [] => None,
        [step] => Some(step.middleware.type_name()),
        _ => Some("chain"),
    }
}

fn fate(Recorded { trace, .. }: &Recorded) -> Option<Fate> {
    let outcomes = || trace.steps.iter().map(|step| &step.outcome);
    let is_sent = outcomes().any(|it| matches!(it, Outcome::Send { .. }));
    let is_replaced = outcomes().any(|it| matches!(it, Outcome::Again { .. }));
    let last =
        outcomes().rfind(|it| matches!(it, Outcome::Deliver { .. } | Outcome::Respond { .. }));
    let passed = is_sent && !is_replaced && matches!(last?, Outcome::Deliver { .. });
    Some(if passed { Fate::Passed } else { Fate::SteppedIn })
}

#[test]
fn every_middleware_lets_pass_and_steps_in() {
    let mut seen = BTreeSet::new();
    for scenario in [REWRITING, ADMISSION, LIMITS, BODIES] {
        for seed in 1..=4 {
            let exchanges = scenario.run(seed).exchanges;
            seen.extend(exchanges.iter().filter_map(|it| Some((middleware(it)?, fate(it)?))));
        }
    }
    let mut want = BTreeSet::new();
    for name in Definition::TYPES {
        want.insert((*name, Fate::Passed));
        if !NEVER.contains(name) {
            want.insert((*name, Fate::SteppedIn));
        }
    }
    let missing: Vec<_> = want.difference(&seen).collect();
    assert!(missing.is_empty(), "no scenario shows: {missing:?}");
    let more: Vec<_> = seen.difference(&want).collect();
    assert!(more.is_empty(), "not expected: {more:?}");
}
