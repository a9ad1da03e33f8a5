//! Scalars with a syntax of their own: durations.
use alloc::{format, string::String, string::ToString};
use core::{fmt, str::FromStr};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time span as written: Go syntax (`1h5m`, `300ms`), or a bare whole number of seconds.
///
/// Never negative, and at most some 292 years. Serialized as Go writes it, so that it reads back.
/// Compat: static-config.md "File decoding".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub core::time::Duration);

impl Duration {
    /// A span of `seconds`.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(core::time::Duration::from_secs(seconds))
    }

    /// Reads Go syntax where a unit is a must: `30s`, not `30`.
    ///
    /// # Errors
    /// What is wrong with `text`, one line.
    pub fn parse_strict(text: &str) -> Result<Self, DurationError> {
        unsigned(text, parse_signed_strict(text)?)
    }

    /// This span as a limit: none where it is zero.
    #[must_use]
    pub fn limit(self) -> Option<core::time::Duration> {
        (!self.0.is_zero()).then_some(self.0)
    }
}

/// Reads a duration that may be negative (`responseForwarding.flushInterval`), in nanoseconds.
///
/// # Errors
/// What is wrong with `text`, one line.
pub fn parse_signed(text: &str) -> Result<i64, DurationError> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1_000_000_000).ok_or_else(|| error(text, TOO_LONG));
    }
    parse_signed_strict(text)
}

/// Text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for DurationError {}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        unsigned(text, parse_signed(text)?)
    }
}

/// As Go prints it: `1h5m0s`, `1.5s`, `300ms`, `0s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < 1_000 {
            return write!(f, "{nanos}ns");
        }
        if nanos < 1_000_000 {
            return write!(f, "{}µs", Decimal(nanos, 3));
        }
        if nanos < 1_000_000_000 {
            return write!(f, "{}ms", Decimal(nanos, 6));
        }
        let minutes = self.0.as_secs() / 60;
        if minutes >= 60 {
            write!(f, "{}h", minutes / 60)?;
        }
        if minutes > 0 {
            write!(f, "{}m", minutes % 60)?;
        }
        write!(f, "{}s", Decimal(nanos % 60_000_000_000, 9))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as `90s`, `1h5m` or `300ms`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Duration, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Duration, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Duration, E> {
        self.visit_str(&number.to_string())
    }
}

/// Units and their nanoseconds, the longest name of a common start first.
const UNITS: [(&str, i64); 8] = [
    ("h", 3_600_000_000_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ns", 1),
];

const TOO_LONG: &str = "it is too long";

fn error(text: &str, what: &str) -> DurationError {
    let shown: String = text.chars().take(40).collect();
    DurationError(format!(
        "`{shown}` is no duration: {what}; write a number with a unit, such as `90s`, `1h5m` or `300ms`"
    ))
}

fn unsigned(text: &str, nanos: i64) -> Result<Duration, DurationError> {
    let nanos = u64::try_from(nanos).map_err(|_| error(text, "it is negative"))?;
    Ok(Duration(core::time::Duration::from_nanos(nanos)))
}

fn parse_signed_strict(text: &str) -> Result<i64, DurationError> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(error(text, "it is empty"));
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let (nanos, after) = term(text, rest)?;
        total = total.checked_add(nanos).ok_or_else(|| error(text, TOO_LONG))?;
        rest = after;
    }
    Ok(if negative { -total } else { total })
}

/// One number with its unit, and what follows it.
fn term<'a>(text: &str, rest: &'a str) -> Result<(i64, &'a str), DurationError> {
    let (whole, rest) = digits(rest);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(error(text, "a number is expected"));
    }
    let unit = UNITS.iter().find_map(|(unit, nanos)| Some((nanos, rest.strip_prefix(unit)?)));
    let Some((&scale, rest)) = unit else {
        let what = if rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()) {
            "the unit is missing"
        } else {
            "the unit is unknown (h, m, s, ms, us, ns)"
        };
        return Err(error(text, what));
    };
    let whole = if whole.is_empty() { Some(0) } else { whole.parse::<i64>().ok() };
    let nanos = whole.and_then(|whole| whole.checked_mul(scale));
    let nanos = nanos.and_then(|nanos| nanos.checked_add(part(fraction, scale)));
    Ok((nanos.ok_or_else(|| error(text, TOO_LONG))?, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The nanoseconds of a decimal fraction of `scale`; digits beyond a nanosecond are dropped.
fn part(fraction: &str, scale: i64) -> i64 {
    let (mut nanos, mut unit) = (0_i128, i128::from(scale) * 1_000_000);
    for digit in fraction.bytes() {
        unit /= 10;
        nanos += unit * i128::from(digit - b'0');
    }
    i64::try_from(nanos / 1_000_000).unwrap_or(scale)
}

/// A number of units of 10^places, without trailing zeros.
struct Decimal(u128, u32);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u128.pow(self.1);
        write!(f, "{}", self.0 / unit)?;
        let fraction = format!("{:0width$}", self.0 % unit, width = self.1 as usize);
        match fraction.trim_end_matches('0') {
            "" => Ok(()),
            digits => write!(f, ".{digits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use core::time::Duration as Span;

    #[test]
    fn durations_are_read_in_go_syntax_and_as_seconds() {
        let cases = [
            ("0", Span::ZERO),
            ("0s", Span::ZERO),
            ("90", Span::from_secs(90)),
            ("+90", Span::from_secs(90)),
            ("300ms", Span::from_millis(300)),
            ("1h5m", Span::from_secs(3900)),
            ("1h30m15.5s", Span::from_millis(5_415_500)),
            (".5s", Span::from_millis(500)),
            ("1.s", Span::from_secs(1)),
            ("+1.5h", Span::from_secs(5400)),
            ("10us", Span::from_micros(10)),
            ("10µs", Span::from_micros(10)),
            ("10\u{3bc}s", Span::from_micros(10)),
            ("7ns", Span::from_nanos(7)),
            ("0.3333333333333333333h", Span::from_nanos(1_199_999_999_999)),
            ("-0s", Span::ZERO),
        ];
        for (text, span) in cases {
            assert_eq!(text.parse(), Ok(Duration(span)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        let cases = [
            ("", "it is empty"),
            ("-", "it is empty"),
            ("1.5", "the unit is missing"),
            ("1m30", "the unit is missing"),
            ("10d", "the unit is unknown (h, m, s, ms, us, ns)"),
            ("10 s", "the unit is unknown (h, m, s, ms, us, ns)"),
            ("s", "a number is expected"),
            ("1m.s", "a number is expected"),
            ("ten", "a number is expected"),
            ("-5s", "it is negative"),
            ("-5", "it is negative"),
            ("3000000h", TOO_LONG),
            ("9223372036854775807", TOO_LONG),
            ("99999999999999999999999999s", TOO_LONG),
        ];
        for (text, why) in cases {
            let said = text.parse::<Duration>().unwrap_err().to_string();
            assert!(said.starts_with(&format!("`{text}` is no duration: {why};")), "{said}");
        }
    }

    #[test]
    fn a_strict_duration_needs_a_unit() {
        assert_eq!(Duration::parse_strict("30s"), Ok(Duration::from_secs(30)));
        assert!(Duration::parse_strict("30").is_err());
        assert_eq!(Duration::parse_strict("0"), Ok(Duration::default()));
    }

    #[test]
    fn a_signed_duration_may_be_negative() {
        assert_eq!(parse_signed("-1"), Ok(-1_000_000_000));
        assert_eq!(parse_signed("-100ms"), Ok(-100_000_000));
    }

    #[test]
    fn durations_print_as_go_prints_them() {
        let cases = [
            ("0", "0s"),
            ("1ns", "1ns"),
            ("1500ns", "1.5µs"),
            ("100ms", "100ms"),
            ("1.05s", "1.05s"),
            ("90", "1m30s"),
            ("1h", "1h0m0s"),
            ("1h0m0.25s", "1h0m0.25s"),
        ];
        for (text, printed) in cases {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn json_text_and_numbers_are_durations() {
        let read: Duration = serde_json::from_str("\"1m30s\"").unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"1m30s\"");
        assert_eq!(serde_json::from_str::<Duration>("90").unwrap(), read);
        assert!(serde_json::from_str::<Duration>("-90").is_err());
        assert!(serde_json::from_str::<Duration>("1.5").is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_reads_back(nanos in 0..=i64::MAX.unsigned_abs()) {
            let duration = Duration(Span::from_nanos(nanos));
            proptest::prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.hmsuµn ]{0,24}|.*") {
            let _ = text.parse::<Duration>();
        }
    }
}
