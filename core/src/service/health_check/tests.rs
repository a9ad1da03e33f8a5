use super::*;
use crate::{config::http, service::server};
use alloc::{boxed::Box, string::String, vec};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

fn check(interval: u64) -> HealthCheck {
    let written = http::HealthCheck { path: "/h?deep".into(), ..http::HealthCheck::default() };
    let mut check = definition::compile(&written).unwrap().0.unwrap();
    check.interval = Duration::from_nanos(interval);
    check
}

fn checked(slot: u32, generation: u64, urls: &[&str], check: HealthCheck) -> Checked {
    let servers = server::parse_all(urls.iter().copied()).unwrap();
    let mut service = LoadBalancer::new("app@file".into(), servers.into(), None);
    service.health = Some(HealthId(slot));
    service.health_check = Some(Box::new(check));
    Checked { health: HealthId(slot), generation, service: Arc::new(service) }
}

fn drained(checker: &mut HealthChecker) -> Vec<Output> {
    core::iter::from_fn(|| checker.poll_output()).collect()
}

fn shown(outputs: &[Output]) -> Vec<String> {
    let shown = outputs.iter().map(|output| match output {
        Output::Probe(probe) => format!("probe {}", probe.target.server),
        Output::Changed { target, up } => {
            format!("{} {}", target.server, if *up { "up" } else { "down" })
        }
    });
    shown.collect()
}

/// Answers the outstanding probe of slot 0, generation 0.
fn answer(checker: &mut HealthChecker, now: u64, server: u32, up: bool) -> Vec<String> {
    let target = Target { health: HealthId(0), generation: 0, server };
    checker.handle(Instant(now), Input::Probed { target, up });
    shown(&drained(checker))
}

#[test]
fn servers_are_probed_one_after_the_other_at_once_and_every_interval() {
    let mut checker = HealthChecker::default();
    let both = checked(0, 0, &["http://a", "http://b"], check(10 * SECOND));
    checker.handle(Instant(0), Input::Services(vec![both.clone()]));
    assert_eq!(shown(&drained(&mut checker)), ["probe 0"]);
    assert_eq!(checker.poll_timeout(), None);
    assert_eq!(answer(&mut checker, SECOND, 0, false), ["0 down", "probe 1"]);
    assert_eq!(answer(&mut checker, 2 * SECOND, 0, true), [""; 0]);
    assert_eq!(answer(&mut checker, 2 * SECOND, 1, true), [""; 0]);
    assert_eq!(checker.poll_timeout(), Some(Instant(10 * SECOND)));
    checker.handle(Instant(3 * SECOND), Input::Services(vec![both]));
    assert_eq!(checker.poll_timeout(), Some(Instant(10 * SECOND)));
    checker.handle_timeout(Instant(10 * SECOND));
    assert_eq!(shown(&drained(&mut checker)), ["probe 0"]);
    assert_eq!(answer(&mut checker, 15 * SECOND, 0, true), ["0 up", "probe 1"]);
    assert_eq!(answer(&mut checker, 25 * SECOND, 1, false), ["1 down", "probe 0"]);
}

#[test]
fn another_generation_starts_anew_and_old_answers_do_not_count() {
    let mut checker = HealthChecker::default();
    let service = |generation| checked(0, generation, &["http://a"], check(SECOND));
    checker.handle(Instant(0), Input::Services(vec![service(0)]));
    drained(&mut checker);
    checker.handle(Instant(1), Input::Services(vec![service(1)]));
    assert_eq!(shown(&drained(&mut checker)), ["probe 0"]);
    assert_eq!(answer(&mut checker, 2, 0, false), [""; 0]);
    checker.handle(Instant(3), Input::Services(vec![]));
    checker.handle_timeout(Instant(9 * SECOND));
    assert_eq!((checker.poll_timeout(), drained(&mut checker).len()), (None, 0));
}

#[test]
fn a_probe_goes_where_the_check_says() {
    let probe = |url: &str, edit: fn(&mut HealthCheck)| {
        let mut check = check(SECOND);
        edit(&mut check);
        let mut checker = HealthChecker::default();
        checker.handle(Instant(0), Input::Services(vec![checked(0, 0, &[url], check)]));
        match checker.poll_output() {
            Some(Output::Probe(Probe { scheme, authority, head, .. })) => {
                let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
                let (host, authorization) = (header("host"), header("authorization"));
                format!("{} {authority} {} {host:?} {authorization:?}", scheme.as_str(), head.uri)
            }
            other => format!("{other:?}"),
        }
    };
    let all = [
        probe("http://a/base", |_| {}),
        probe("http://a:81", |check| check.port = Some(9000)),
        probe("http://u:p@a:81", |check| check.scheme = Some(Scheme::Https)),
        probe("http://a", |check| check.scheme = Some(Scheme::Https)),
        probe("https://[::1]", |check| check.hostname = Some(HeaderValue::from_static("h"))),
        probe("https://[::1]", |check| check.port = Some(81)),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    http a:80 /h?deep Some("a") None
    http a:9000 /h?deep Some("a:9000") None
    https a:81 /h?deep Some("a:81") Some("Basic dTpw")
    https a:443 /h?deep Some("a") None
    https [::1]:443 /h?deep Some("h") None
    https [::1]:81 /h?deep Some("[::1]:81") None
    "#);
}

#[test]
fn statuses_from_200_to_399_are_good() {
    for (status, good) in [(199, false), (200, true), (399, true), (400, false), (503, false)] {
        assert_eq!(StatusCode::from_u16(status).map(is_good).ok(), Some(good));
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The slots of the services that are there, and whether their definition changed.
    Services(BTreeMap<u32, bool>),
    /// Answers the n-th outstanding probe.
    Answer(usize, bool),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => proptest::collection::btree_map(0_u32..4, any::<bool>(), 0..4)
            .prop_map(Step::Services),
        6 => (any::<usize>(), any::<bool>()).prop_map(|(n, up)| Step::Answer(n, up)),
        3 => (0_u64..20).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn one_probe_a_service_is_out_and_servers_flip_as_they_answer(
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let mut checker = HealthChecker::default();
        let mut now = Instant(0);
        let mut outstanding: Vec<Target> = Vec::new();
        let mut present: BTreeMap<u32, u64> = BTreeMap::new();
        let mut generations = 0;
        let mut told: BTreeMap<Target, bool> = BTreeMap::new();
        for step in steps {
            let mut expected = None;
            match step {
                Step::Services(services) => {
                    let urls = ["http://a", "http://b", "http://c"];
                    let kept = |(slot, changed): (u32, bool)| {
                        generations += 1;
                        let before = present.get(&slot).filter(|_| !changed);
                        (slot, before.copied().unwrap_or(generations))
                    };
                    present = services.into_iter().map(kept).collect();
                    let wanted = present.iter().map(|(slot, generation)| {
                        checked(*slot, *generation, &urls[..*slot as usize], check(10))
                    });
                    checker.handle(now, Input::Services(wanted.collect()));
                    told.retain(|t, _| present.get(&t.health.0) == Some(&t.generation));
                }
                Step::Answer(n, up) if !outstanding.is_empty() => {
                    let target = outstanding.remove(n % outstanding.len());
                    let known = present.get(&target.health.0) == Some(&target.generation);
                    checker.handle(now, Input::Probed { target, up });
                    expected = Some((target, up)).filter(|_| known);
                }
                Step::Answer(..) => {}
                Step::Wait(time) => {
                    now = Instant(now.0 + time);
                    checker.handle_timeout(now);
                }
            }
            prop_assert!(checker.poll_timeout().is_none_or(|at| at > now));
            let mut changes = Vec::new();
            for output in drained(&mut checker) {
                match output {
                    Output::Probe(probe) => outstanding.push(probe.target),
                    Output::Changed { target, up } => changes.push((target, up)),
                }
            }
            if let Some((target, up)) = expected {
                let flips = told.insert(target, up).unwrap_or(true) != up;
                prop_assert_eq!(changes, if flips { vec![(target, up)] } else { vec![] });
            } else {
                prop_assert_eq!(changes, vec![]);
            }
            for (slot, generation) in &present {
                let same = |t: &&Target| (t.health.0, t.generation) == (*slot, *generation);
                prop_assert!(outstanding.iter().filter(same).count() <= 1);
            }
        }
    }
}
