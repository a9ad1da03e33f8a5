use super::*;
use crate::middleware::circuit_breaker::CircuitBreaker;
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use proptest::prelude::*;

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

fn breaker(expression: &str) -> Breaker {
    let options = CircuitBreaker { expression: expression.into(), ..CircuitBreaker::default() };
    Breaker::new(Arc::new(options.policy().unwrap()))
}

/// What a breaker is after each step: `millis: admit` or `millis: status latency`.
fn states(expression: &str, script: &str) -> String {
    let mut breaker = breaker(expression);
    let step = |line: &str| {
        let (at, what) = line.trim().split_once(": ").unwrap();
        let now = Instant(at.parse::<u64>().unwrap() * MILLI);
        let said = match what.split_once(' ') {
            None => if breaker.admit(now) { "passes" } else { "refused" }.to_string(),
            Some((status, latency)) => {
                let latency = Duration::from_millis(latency.parse().unwrap());
                breaker.record(now, status.parse().unwrap(), latency);
                String::from("noted")
            }
        };
        let state = match breaker.state {
            State::Closed => "closed".into(),
            State::Tripped { until } => format!("tripped until {}", until.0 / MILLI),
            State::Recovering { since, allowed, denied } => {
                format!("recovering since {}: {allowed} of {}", since.0 / MILLI, allowed + denied)
            }
        };
        format!("{}: {said}, {state}\n", line.trim())
    };
    script.trim().lines().map(step).collect()
}

#[test]
fn a_breaker_trips_recovers_and_closes() {
    insta::assert_snapshot!(states(
        "NetworkErrorRatio() > 0.5",
        "1000: admit
         1000: 200 5
         1100: 502 5
         1101: 504 5
         1102: admit
         1201: 504 5
         1202: 502 5
         1203: admit
         11200: admit
         11201: admit
         12201: admit
         13202: admit
         13203: admit
         17000: admit
         17001: admit
         17002: admit
         17300: 200 5
         21201: admit
         21202: admit",
    ), @r"
    1000: admit: passes, closed
    1000: 200 5: noted, closed
    1100: 502 5: noted, closed
    1101: 504 5: noted, tripped until 11101
    1102: admit: refused, tripped until 11101
    1201: 504 5: noted, tripped until 11101
    1202: 502 5: noted, tripped until 11101
    1203: admit: refused, tripped until 11101
    11200: admit: refused, recovering since 11200: 0 of 1
    11201: admit: refused, recovering since 11200: 0 of 2
    12201: admit: refused, recovering since 11200: 0 of 3
    13202: admit: refused, recovering since 11200: 0 of 4
    13203: admit: refused, recovering since 11200: 0 of 5
    17000: admit: passes, recovering since 11200: 1 of 6
    17001: admit: passes, recovering since 11200: 2 of 7
    17002: admit: refused, recovering since 11200: 2 of 8
    17300: 200 5: noted, recovering since 11200: 2 of 8
    21201: admit: passes, closed
    21202: admit: passes, closed
    ");
}

#[test]
fn a_recovering_breaker_trips_again_and_starts_to_recover_anew() {
    insta::assert_snapshot!(states(
        "ResponseCodeRatio(500, 600, 0, 600) >= 0.25",
        "0: 500 5
         9999: admit
         10000: admit
         19999: admit
         20000: 200 5
         20001: 599 5
         20050: 500 5
         20101: 500 5
         30100: admit
         30101: admit
         40101: admit
         40102: admit",
    ), @r"
    0: 500 5: noted, tripped until 10000
    9999: admit: refused, tripped until 10000
    10000: admit: refused, recovering since 10000: 0 of 1
    19999: admit: refused, recovering since 10000: 0 of 2
    20000: 200 5: noted, recovering since 10000: 0 of 2
    20001: 599 5: noted, recovering since 10000: 0 of 2
    20050: 500 5: noted, recovering since 10000: 0 of 2
    20101: 500 5: noted, tripped until 30101
    30100: admit: refused, tripped until 30101
    30101: admit: refused, recovering since 30101: 0 of 1
    40101: admit: refused, recovering since 30101: 0 of 2
    40102: admit: passes, closed
    ");
}

#[test]
fn latencies_trip_too_and_are_forgotten_then() {
    insta::assert_snapshot!(states(
        "LatencyAtQuantileMS(50.0) > 100",
        "0: 200 100
         101: 200 102
         202: 200 102
         10202: admit
         10303: 200 99
         10404: 200 99",
    ), @r"
    0: 200 100: noted, closed
    101: 200 102: noted, closed
    202: 200 102: noted, tripped until 10202
    10202: admit: refused, recovering since 10202: 0 of 1
    10303: 200 99: noted, recovering since 10202: 0 of 1
    10404: 200 99: noted, recovering since 10202: 0 of 1
    ");
}

#[test]
fn time_that_runs_backwards_or_to_its_end_does_no_harm() {
    let mut breaker = breaker("NetworkErrorRatio() > 0.5 || LatencyAtQuantileMS(99.0) > 50");
    for now in [u64::MAX, 0, 50 * SECOND, 1, u64::MAX, 40 * SECOND, 0] {
        breaker.admit(Instant(now));
        breaker.record(Instant(now), 502, Duration::MAX);
        breaker.admit(Instant(now));
    }
}

#[test]
fn only_what_the_condition_asks_for_is_counted() {
    let counted = |expression: &str| {
        let policy = Arc::clone(&breaker(expression).policy);
        (policy.counted.len(), policy.latencies)
    };
    assert_eq!(counted("LatencyAtQuantileMS(50.0) > 100"), (0, true));
    assert_eq!(counted("NetworkErrorRatio() > 0.5 || NetworkErrorRatio() > 0.9"), (2, false));
    let ratios =
        "ResponseCodeRatio(500, 600, 0, 600) > 0.1 && ResponseCodeRatio(0, 600, 0, 600) > 0.1";
    assert_eq!(counted(ratios), (2, false));
}

/// The contract in other words: a list of answers, and floating point numbers.
#[derive(Default)]
struct Model {
    /// Time, status and milliseconds of the answers since it tripped last.
    answers: Vec<(u64, u16, u64)>,
    tripped: Option<u64>,
    recovering: Option<u64>,
    passed: f64,
    asked: f64,
    checked: Option<u64>,
}

impl Model {
    fn admit(&mut self, now: u64) -> bool {
        if self.tripped.is_some_and(|at| now < at + 10 * SECOND) {
            return false;
        }
        if self.tripped.take().is_some() {
            (self.recovering, self.passed, self.asked) = (Some(now), 0.0, 0.0);
        }
        let Some(since) = self.recovering else { return true };
        let elapsed = (now - since) as f64 / 10e9;
        if elapsed > 1.0 {
            self.recovering = None;
            return true;
        }
        self.asked += 1.0;
        let passes = (self.passed + 1.0) / self.asked < 0.5 * elapsed;
        self.passed += f64::from(u8::from(passes));
        passes
    }

    fn record(&mut self, now: u64, status: u16, millis: u64) {
        self.answers.push((now, status, millis));
        if self.checked.is_some_and(|at| now - at <= 100 * MILLI) {
            return;
        }
        self.checked = Some(now);
        if self.tripped.is_none() && self.holds(now) {
            (self.tripped, self.recovering) = (Some(now), None);
            self.answers.clear();
        }
    }

    /// `NetworkErrorRatio() > 0.5 || ResponseCodeRatio(500, 600, 0, 600) >= 0.25 &&
    /// LatencyAtQuantileMS(50.0) > 100`
    fn holds(&self, now: u64) -> bool {
        let second = |at: u64| at / SECOND;
        let recent = self.answers.iter().filter(|(at, ..)| second(*at) + 10 > second(now));
        let mut counts = BTreeMap::new();
        for (_, status, _) in recent {
            *counts.entry(*status).or_insert(0.0) += 1.0;
        }
        let sum = |from: u16, to: u16| counts.range(from..to).map(|(_, count)| count).sum::<f64>();
        let lately = |at: u64| second(at) / 10 + 6 > second(now) / 10;
        let mut latencies: Vec<u64> =
            self.answers.iter().filter(|(at, ..)| lately(*at)).map(|(_, _, it)| *it).collect();
        latencies.sort();
        let median = latencies[latencies.len().div_ceil(2) - 1];
        let network = sum(502, 503) + sum(504, 505);
        network / sum(0, 999) > 0.5 || sum(500, 600) / sum(0, 600) >= 0.25 && median > 100
    }
}

/// Steps in time, and what happens then: the answer that the request gets if it passes, and later
/// answers to requests that passed before.
fn schedules() -> impl Strategy<Value = Vec<(u64, u16, u64)>> {
    let step = prop_oneof![
        4 => 0..30 * MILLI,
        4 => 50 * MILLI..150 * MILLI,
        2 => Just(100 * MILLI),
        1 => 0..12 * SECOND,
    ];
    let status = prop::sample::select(&[200, 200, 200, 404, 500, 502, 503, 504][..]);
    let millis = prop::sample::select(&[10, 90, 110, 1000][..]);
    prop::collection::vec((step, status, millis), 1..300)
}

proptest! {
    #[test]
    fn it_does_as_the_contract_says_in_other_words(schedule in schedules()) {
        let condition = "NetworkErrorRatio() > 0.5 || ResponseCodeRatio(500, 600, 0, 600) >= 0.25 \
                         && LatencyAtQuantileMS(50.0) > 100";
        let (mut breaker, mut model) = (breaker(condition), Model::default());
        let mut now = 0;
        for (step, status, millis) in schedule {
            now += step;
            let passes = breaker.admit(Instant(now));
            prop_assert_eq!(passes, model.admit(now), "admitted at {}", now);
            // What does not pass may still be followed by the answer to one that did before.
            if passes || status != 200 {
                breaker.record(Instant(now), status, Duration::from_millis(millis));
                model.record(now, status, millis);
            }
        }
    }

    #[test]
    fn a_recovery_lets_the_documented_share_pass_within_one_request(
        gap in MILLI..400 * MILLI,
    ) {
        let mut breaker = breaker("NetworkErrorRatio() > 0.5");
        breaker.record(Instant(0), 502, Duration::ZERO);
        let start = 10 * SECOND;
        let (mut passed, mut asked) = (0, 0);
        for now in (start..=start + 10 * SECOND).step_by(usize::try_from(gap).unwrap()) {
            passed += u64::from(breaker.admit(Instant(now)));
            asked += 1;
            // The share times asked, times twice the ten seconds, to stay with whole numbers.
            let (share, whole) = ((now - start) * asked, 20 * SECOND);
            prop_assert!(passed * whole <= share, "{} of {} is too much", passed, asked);
            // Between two requests the share grows by what one more second gives.
            let slack = whole + gap * asked;
            prop_assert!(passed * whole + slack >= share, "{} of {} is too few", passed, asked);
        }
        prop_assert!(breaker.admit(Instant(start + 10 * SECOND + 1)));
        prop_assert_eq!(breaker.state, State::Closed);
    }
}
