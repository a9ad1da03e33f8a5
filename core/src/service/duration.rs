//! Durations in services' options: Go syntax, a unit required.
use alloc::{format, string::String};
use core::time::Duration;

/// A duration that may be negative, as options of forwarding allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) negative: bool,
    pub(crate) length: Duration,
}

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads `1h5m`, `300ms`, `-1.5s` or `0`.
pub(crate) fn parse(text: &str) -> Result<Signed, String> {
    let invalid = || format!("invalid duration {text:?}: write a number and a unit, such as 300ms");
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let nanos = match magnitude {
        "" => None,
        "0" => Some(0),
        parts => sum(parts),
    };
    Ok(Signed { negative, length: Duration::from_nanos(nanos.ok_or_else(invalid)?) })
}

/// The same, or a bare number of seconds.
pub(crate) fn parse_or_seconds(text: &str) -> Result<Signed, String> {
    match text.strip_prefix('-').unwrap_or(text).parse::<u32>() {
        Ok(seconds) => Ok(Signed {
            negative: text.starts_with('-'),
            length: Duration::from_secs(seconds.into()),
        }),
        Err(_) => parse(text),
    }
}

fn sum(mut parts: &str) -> Option<u64> {
    let mut nanos = 0_u64;
    while !parts.is_empty() {
        let number_len = parts.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, rest) = parts.split_at(number_len);
        let unit_len = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(unit_len);
        nanos = nanos.checked_add(scale(number, unit)?)?;
        parts = rest;
    }
    i64::try_from(nanos).ok().and(Some(nanos))
}

fn scale(number: &str, unit: &str) -> Option<u64> {
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let mut nanos = whole.checked_mul(*scale)?;
    let mut place = *scale;
    for digit in fraction.bytes() {
        place /= 10;
        nanos = nanos.checked_add(u64::from(digit - b'0') * place)?;
    }
    Some(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, millis) in [
            ("300ms", Some(300)),
            ("1h5m", Some(3_900_000)),
            ("-1.5s", Some(-1500)),
            ("+.5s", Some(500)),
            ("1.s", Some(1000)),
            ("0", Some(0)),
            ("1s1ms", Some(1001)),
            ("", None),
            ("-", None),
            ("10", None),
            (".s", None),
            ("1.2.3s", None),
            ("1d", None),
            ("1 s", None),
            ("s", None),
            ("99999999999h", None),
            ("9999999h", None),
        ] {
            let parsed = parse(text).ok().map(|signed| {
                let millis = i64::try_from(signed.length.as_millis()).unwrap();
                if signed.negative { -millis } else { millis }
            });
            assert_eq!(parsed, millis, "{text}");
        }
    }
}
