use super::*;
use alloc::{format, vec::Vec};
use proptest::prelude::*;

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

fn buckets(average: u64, period: Duration, burst: u64) -> Buckets {
    Buckets::new(Rate::new(average, period, burst).unwrap())
}

fn a_second(average: u64, burst: u64) -> Buckets {
    buckets(average, Duration::ZERO, burst)
}

fn source(number: u64) -> Key {
    Key::new(&format!("10.{number}"))
}

fn refused(millis: u64) -> Grant {
    Grant::Refused { retry_after: Duration::from_millis(millis) }
}

/// splitmix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The bucket of one source, written as the contract says it: tokens come, a request takes one. A
/// token is `period` parts, so that `average` parts come in a nanosecond.
struct Model {
    average: i128,
    period: i128,
    burst: i128,
    parts: i128,
    seen: u64,
}

impl Model {
    fn new(average: u64, period: u64, burst: u64) -> Self {
        let [average, period, burst] = [average, period, burst].map(i128::from);
        Self { average, period, burst, parts: burst * period, seen: 0 }
    }

    fn take(&mut self, now: u64) -> Grant {
        let came = i128::from(now - self.seen) * self.average;
        self.parts = (self.parts + came).min(self.burst * self.period);
        self.seen = now;
        let left = self.parts - self.period;
        // A wait for parts that come at `average` a nanosecond, rounded up.
        let nanos = u64::try_from((self.average - 1 - left) / self.average).unwrap_or(0);
        if left >= 0 {
            self.parts = left;
            Grant::Now
        } else if -left * 2 <= self.period && nanos <= 500 * MILLI {
            self.parts = left;
            Grant::At(Instant(now + nanos))
        } else {
            Grant::Refused { retry_after: Duration::from_nanos(nanos) }
        }
    }
}

#[test]
fn a_burst_passes_then_half_an_interval_is_waited_and_no_longer() {
    let mut buckets = a_second(10, 3);
    let key = source(1);
    let millis = |millis| Instant(millis * MILLI);
    for (now, grant) in [
        (0, Grant::Now),
        (0, Grant::Now),
        (0, Grant::Now),
        (0, refused(100)),
        (49, refused(51)),
        (50, Grant::At(millis(100))),
        (50, refused(150)),
        (100, refused(100)),
        (150, Grant::At(millis(200))),
        (1000, Grant::Now),
        (1000, Grant::Now),
        (1000, Grant::Now),
        (1000, refused(100)),
    ] {
        assert_eq!(buckets.take(millis(now), &key), grant, "at {now} ms");
    }
    assert_eq!(buckets.take(millis(1000), &source(2)), Grant::Now, "another source");
}

#[test]
fn a_slow_rate_makes_nobody_wait_longer_than_half_a_second() {
    let mut buckets = buckets(6, Duration::from_secs(60), 0);
    let key = source(1);
    for (millis, grant) in [
        (0, Grant::Now),
        (9499, refused(501)),
        (9500, Grant::At(Instant(10 * SECOND))),
        (9500, refused(10_500)),
        (20_000, Grant::Now),
    ] {
        assert_eq!(buckets.take(Instant(millis * MILLI), &key), grant, "at {millis} ms");
    }
}

#[test]
fn a_thousand_requests_spread_by_a_seed_pass_exactly_as_the_arithmetic_says() {
    for seed in 0..20 {
        let (mut buckets, mut model) = (a_second(10, 5), Model::new(10, SECOND, 5));
        let (mut state, mut now, mut passed) = (seed, 0, 0);
        for _ in 0..1000 {
            now += random(&mut state) % (100 * MILLI);
            let grant = buckets.take(Instant(now), &source(1));
            assert_eq!(grant, model.take(now), "seed {seed} at {now}");
            passed += u64::from(!matches!(grant, Grant::Refused { .. }));
        }
        // 5, and 10 a second, less what the bucket could not hold: nothing, as 20 a second come.
        let most = 5 + (now + 50 * MILLI) * 10 / SECOND;
        assert!(passed <= most && passed + 5 >= most, "{passed} of {most}, seed {seed}");
    }
}

#[test]
fn a_million_sources_take_bounded_memory() {
    let mut buckets = a_second(1, 1);
    for number in 0..1_000_000 {
        assert_eq!(buckets.take(Instant(number), &source(number)), Grant::Now);
        assert!(buckets.len() <= SOURCES_MAX);
    }
    assert_eq!(buckets.len(), SOURCES_MAX);
    // Those that came last are remembered, the first ones start anew.
    assert_ne!(buckets.take(Instant(SECOND / 4), &source(999_999)), Grant::Now);
    assert_eq!(buckets.take(Instant(SECOND / 4), &source(0)), Grant::Now);
    // As time goes on, whoever comes takes full buckets away.
    for step in 0..SOURCES_MAX as u64 {
        buckets.take(Instant((2 + step) * SECOND), &source(7));
    }
    assert_eq!(buckets.len(), 1);
}

#[test]
fn a_flood_of_sources_frees_none_that_keeps_at_its_limit() {
    let mut buckets = a_second(1, 100);
    let greedy = source(u64::MAX);
    while buckets.take(Instant(0), &greedy) == Grant::Now {}
    for number in 0..3 * SOURCES_MAX as u64 {
        buckets.take(Instant(number), &source(number));
    }
    assert_eq!(
        buckets.take(Instant(300_000), &greedy),
        Grant::Refused { retry_after: Duration::from_nanos(SECOND - 300_000) }
    );
}

#[test]
fn no_number_is_too_large() {
    let huge = i64::MAX.unsigned_abs();
    for average in [1, huge] {
        for period in [1, huge] {
            for burst in [1, huge] {
                let mut buckets = buckets(average, Duration::from_nanos(period), burst);
                for now in [u64::MAX, 0, u64::MAX, 1, huge] {
                    for _ in 0..3 {
                        let grant = buckets.take(Instant(now), &source(1));
                        assert_eq!(Grant::from_word(grant.to_word()), grant);
                    }
                }
            }
        }
    }
}

#[test]
fn a_time_that_was_passed_gives_no_tokens() {
    let mut buckets = a_second(1, 2);
    for (now, grant) in [
        (10_000, Grant::Now),
        (9_000, Grant::Now),
        (9_000, refused(1_000)),
        (10_500, Grant::At(Instant(11 * SECOND))),
        (9_000, refused(1_500)),
    ] {
        assert_eq!(buckets.take(Instant(now * MILLI), &source(1)), grant, "at {now} ms");
    }
}

fn rates() -> impl Strategy<Value = (u64, u64, u64)> {
    let average = prop_oneof![1_u64..20, Just(7), Just(1_000_003)];
    let period = prop_oneof![Just(SECOND), Just(60 * SECOND), 1_u64..SECOND, Just(3)];
    (average, period, 1_u64..8)
}

proptest! {
    #[test]
    fn every_grant_is_that_of_a_bucket_for_each_source(
        (average, period, burst) in rates(),
        // In hundredths of the interval between two tokens.
        steps in prop::collection::vec((0_u64..120, 0_u64..3), 1..200),
    ) {
        let mut buckets = buckets(average, Duration::from_nanos(period), burst);
        let mut models: Vec<Model> = (0..3).map(|_| Model::new(average, period, burst)).collect();
        let mut now = 0;
        for (step, number) in steps {
            now += period * step / (100 * average);
            let grant = buckets.take(Instant(now), &source(number));
            prop_assert_eq!(grant, models[usize::try_from(number).unwrap()].take(now));
        }
    }

    #[test]
    fn no_window_of_time_passes_more_than_its_burst_and_rate(
        (average, period, burst) in rates(),
        steps in prop::collection::vec(0_u64..60, 1..200),
    ) {
        let mut buckets = buckets(average, Duration::from_nanos(period), burst);
        let (mut now, mut passed) = (0, Vec::new());
        for step in steps {
            now += period * step / (100 * average);
            match buckets.take(Instant(now), &source(1)) {
                Grant::Now => passed.push(now),
                Grant::At(Instant(then)) => passed.push(then),
                Grant::Refused { .. } => {}
            }
        }
        prop_assert!(passed.is_sorted(), "who came first passes first");
        for (i, from) in passed.iter().enumerate() {
            for (j, to) in passed.iter().enumerate().skip(i) {
                // Waits are rounded up to the nanosecond: the first of a window by almost one.
                let came = u128::from(to - from + 1) * u128::from(average) / u128::from(period);
                prop_assert!((j - i + 1) as u128 <= u128::from(burst) + came);
            }
        }
    }

    #[test]
    fn a_refused_request_takes_nothing(times in prop::collection::vec(0_u64..SECOND, 1..100)) {
        let mut buckets = a_second(10, 2);
        let mut now = 0;
        for time in times {
            now += time / 10;
            let before = buckets.clone();
            if let Grant::Refused { retry_after } = buckets.take(Instant(now), &source(1)) {
                prop_assert_eq!(&buckets.by_source, &before.by_source);
                let then = Instant(now) + retry_after;
                prop_assert_eq!(buckets.clone().take(then, &source(1)), Grant::Now);
            }
        }
    }

    #[test]
    fn a_grant_is_the_same_after_a_word(word: u64, nanos: u128) {
        let grant = match word % 3 {
            0 => Grant::Now,
            1 => Grant::At(Instant(nanos_of(nanos))),
            _ => Grant::refused(nanos),
        };
        prop_assert_eq!(Grant::from_word(grant.to_word()), grant);
        let _ = Grant::from_word(word);
    }
}
