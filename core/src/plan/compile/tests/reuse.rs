//! What goes on under the next plan.
use super::*;
use crate::{middleware::in_flight_req::InFlightReq, router::Router};

/// The plan that follows `before`.
fn next(before: &Plan, objects: &Objects) -> Plan {
    compile(Some(before), &settings(), &objects.alone()).0
}

fn router(plan: &Plan, name: &str) -> Arc<Router> {
    let listed = plan.routers().find(|router| **router.object.name == *name);
    listed.and_then(|listed| listed.router.cloned()).unwrap()
}

fn service(plan: &Plan, router_name: &str) -> String {
    shown(&router(plan, router_name).service)
}

fn two_routers() -> Objects {
    Objects::default()
        .router("a", |router| router.service = "split".into())
        .router("b", |_| {})
        .service("app", servers(&["http://app"]))
        .service("blue", checked(&["http://blue"]))
        .service("copied", mirroring("blue", &[("app", 10)]))
        .service("split", weighted(&[("app", 1), ("blue", 1), ("copied", 1)]))
}

#[test]
fn what_did_not_change_is_the_same_part_with_the_same_cells() {
    let (before, _) = two_routers().compiled();
    let after = next(&before, &two_routers().router("c", |_| {}));
    for name in ["a", "b"] {
        assert!(Arc::ptr_eq(&router(&before, name), &router(&after, name)));
    }
    let changed: Vec<u32> = after.cells.balancers.changed_since(&before.cells.balancers).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(after.cells.healths.changed_since(&before.cells.healths).count(), 0);
}

#[test]
fn cells_stay_with_a_router_whose_rule_or_middlewares_change() {
    let (before, _) = two_routers().compiled();
    let changed = two_routers().middleware("m", prefix("/m")).router("a", |router| {
        router.service = "split".into();
        router.rule = "Path(`/new`)".into();
        router.middlewares = vec!["m".into()];
        router.entry_points = vec!["admin".into()];
    });
    let after = next(&before, &changed);
    assert_eq!(service(&after, "a"), service(&before, "a"));
    assert_eq!(after.cells.balancers.changed_since(&before.cells.balancers).count(), 0);
    assert_eq!(after.cells.mirrors.changed_since(&before.cells.mirrors).count(), 0);
    assert_eq!(after.cells.healths.changed_since(&before.cells.healths).count(), 0);
}

#[test]
fn a_changed_service_gets_new_cells_and_its_parents_and_siblings_keep_theirs() {
    let (before, _) = two_routers().compiled();
    let after = next(&before, &two_routers().service("blue", checked(&["http://blue2"])));
    insta::assert_snapshot!([service(&before, "a"), service(&after, "a")].join("\n"), @r"
    split@file#0 (1 app@file#1 http://app, 1 blue@file#2 h0 http://blue, 1 copied@file#0 (blue@file#3 h0 http://blue, 10% app@file#4 http://app))
    split@file#0 (1 app@file#1 http://app, 1 blue@file#6 h1 http://blue2, 1 copied@file#0 (blue@file#7 h1 http://blue2, 10% app@file#4 http://app))
    ");
    assert!(Arc::ptr_eq(&router(&before, "b"), &router(&after, "b")));
}

#[test]
fn children_keep_their_cells_when_the_weights_or_the_order_change() {
    let (before, _) = two_routers().compiled();
    let split = weighted(&[("blue", 1), ("app", 5)]);
    let after = next(&before, &two_routers().service("split", split));
    insta::assert_snapshot!([service(&before, "a"), service(&after, "a")].join("\n"), @r"
    split@file#0 (1 app@file#1 http://app, 1 blue@file#2 h0 http://blue, 1 copied@file#0 (blue@file#3 h0 http://blue, 10% app@file#4 http://app))
    split@file#6 (1 blue@file#2 h0 http://blue, 5 app@file#1 http://app)
    ");
}

#[test]
fn health_goes_on_when_another_router_takes_the_service_over() {
    let (before, _) = two_routers().compiled();
    let moved =
        two_routers().router("a", |_| {}).router("b", |router| router.service = "blue".into());
    let after = next(&before, &moved);
    assert_eq!(after.cells.healths.changed_since(&before.cells.healths).count(), 0);
    let gone = next(&after, &two_routers().router("a", |_| {}));
    assert_eq!(gone.cells.healths.iter().count(), 0);
    assert_eq!(gone.checked().len(), 0);
    let back = next(&gone, &two_routers());
    assert!(back.cells.healths.iter().all(|(slot, generation, _)| slot == 0 && generation > 0));
}

#[test]
fn middlewares_keep_their_state_in_a_router_at_whatever_position() {
    let limited = |limit: &str, names: &[&str], amount| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let in_flight_req = Some(InFlightReq { amount, ..InFlightReq::default() });
        Objects::default()
            .service("app", servers(&[]))
            .middleware(limit, Definition { in_flight_req, ..Definition::default() })
            .middleware("other", prefix("/other"))
            .router("a", |router| router.middlewares = names)
    };
    let cells = |plan: &Plan| {
        let router = router(plan, "a");
        router.middlewares.iter().map(|step| step.cell).collect::<Vec<_>>()
    };
    let (before, _) = limited("limit", &["limit", "limit"], 5).compiled();
    let after = next(&before, &limited("limit", &["other", "limit"], 5));
    assert_eq!(cells(&after), [None, cells(&before)[1]]);
    assert_eq!(after.cells.in_flight.iter().count(), 1);
    let changed = next(&after, &limited("limit", &["other", "limit"], 6));
    assert_ne!(cells(&changed), cells(&after));
    assert_eq!(changed.cells.in_flight.iter().count(), 1);
}

#[test]
fn a_slot_whose_middleware_went_is_taken_again_for_another_state() {
    let with = |json: &str| {
        Objects::default()
            .service("app", servers(&[]))
            .middleware("m", serde_json::from_str(json).unwrap())
            .router("a", |router| router.middlewares = vec!["m".into()])
    };
    let cell = |plan: &Plan| router(plan, "a").middlewares[0].cell.unwrap();
    for (json, other) in [
        (r#"{"inFlightReq": {"amount": 1}}"#, r#"{"inFlightReq": {"amount": 2}}"#),
        (r#"{"rateLimit": {"average": 1}}"#, r#"{"rateLimit": {"average": 2}}"#),
        (
            r#"{"circuitBreaker": {"expression": "NetworkErrorRatio() > 0.5"}}"#,
            r#"{"circuitBreaker": {"expression": "NetworkErrorRatio() > 0.6"}}"#,
        ),
    ] {
        let (first, _) = with(json).compiled();
        let second = next(&first, &with(other));
        assert_ne!(cell(&first), cell(&second), "requests under the first plan keep their cell");
        assert_eq!(cell(&next(&second, &with(json))), cell(&first));
    }
}

#[test]
fn only_places_move_when_a_line_is_added_above() {
    let objects = two_routers().router("bad", |router| router.service = "gone".into());
    let (before, _) = objects.compiled();
    let mut moved = objects.clone();
    for defined in moved.configuration.http.routers.values_mut() {
        Arc::make_mut(defined).place.line += 1;
    }
    for defined in moved.configuration.http.services.values_mut() {
        Arc::make_mut(defined).place.line += 1;
    }
    let (after, diagnostics) = compile(Some(&before), &settings(), &moved.alone());
    assert!(Arc::ptr_eq(&router(&before, "a"), &router(&after, "a")));
    assert_eq!(diagnostics, compile(None, &settings(), &moved.alone()).1);
    assert_eq!(diagnostics[0].place.line, 8);
}

#[test]
fn a_missing_object_that_appears_repairs_what_waited_for_it() {
    let waiting = two_routers().router("r", |router| {
        router.service = "late".into();
        router.middlewares = vec!["all".into()];
    });
    let (plan, diagnostics) = waiting.compiled();
    assert_eq!(diagnostics.len(), 2);
    let half =
        waiting.clone().service("late", weighted(&[("later", 1)])).middleware("all", chain(&["m"]));
    let plan = next(&plan, &half);
    insta::assert_snapshot!(outline(&plan), @r#"
    a@file: 9 at [0, 1] [] -> split@file#0 (1 app@file#1 http://app, 1 blue@file#2 h0 http://blue, 1 copied@file#0 (blue@file#3 h0 http://blue, 10% app@file#4 http://app))
    b@file: 9 at [0, 1] [] -> app@file#5 http://app
    r@file: Disabled
    dynamic.yml:7: error: router r@file: http.routers.r.service: the service "later@file" does not exist
    dynamic.yml:7: error: router r@file: http.routers.r.middlewares: middleware "m@file" does not exist
    dynamic.yml:7: error: service late@file: http.services.late: the service "later@file" does not exist
    dynamic.yml:7: error: middleware all@file: http.middlewares.all: middleware "m@file" does not exist
    "#);
    let whole = half.service("later", servers(&[])).middleware("m", prefix("/m"));
    let plan = next(&plan, &whole);
    assert_eq!(plan.diagnostics(), []);
    assert!(router(&plan, "r").middlewares.len() == 1);
}

#[test]
fn a_provider_that_says_nothing_any_more_takes_its_objects_along() {
    let (before, _) = two_routers().compiled();
    let (after, diagnostics) = compile(Some(&before), &settings(), &Configurations::new());
    assert_eq!(diagnostics, []);
    assert_eq!((after.routers().count(), after.services().count()), (0, 0));
    assert_eq!(after.cells.balancers.iter().count(), 0);
    assert_eq!(after.cells.healths.iter().count(), 0);
}

#[test]
fn other_settings_start_anew_without_taking_old_cells_for_new_ones() {
    let (before, _) = two_routers().compiled();
    let mut other = settings();
    other.entry_points = other.entry_points.iter().take(1).cloned().collect();
    let (after, _) = compile(Some(&before), &other, &two_routers().alone());
    let generations = |plan: &Plan| -> BTreeSet<u64> {
        plan.cells.balancers.iter().map(|(_, generation, _)| generation).collect()
    };
    assert!(generations(&before).is_disjoint(&generations(&after)));
    assert_eq!(router(&after, "a").service_name, router(&before, "a").service_name);
}
