//! Which of our codings a client takes. RFC 9110 §12.5.3.
use super::Encoding;
use http::{HeaderMap, HeaderValue, header::ACCEPT_ENCODING};

/// Elements that are read, empty ones included. Browsers send four or five.
const ELEMENTS_MAX: usize = 64;
/// The weight of what has none.
const WHOLE: u16 = 1000;

/// The coding that the client wants most; of equals, the first that is `offered`.
///
/// Only what is named counts: `*` stands for none of them (compat: "`*` does not count"). Of an element
/// that is there twice the last counts; one with a malformed weight is as good as not there.
pub(super) fn choose(headers: &HeaderMap, offered: &[Encoding]) -> Option<Encoding> {
    let mut weights = [0; Encoding::ALL.len()];
    let values = headers.get_all(ACCEPT_ENCODING).iter().map(HeaderValue::as_bytes);
    let elements = values.flat_map(|value| value.split(|byte| *byte == b','));
    for element in elements.take(ELEMENTS_MAX) {
        if let Some((encoding, weight)) = read(element) {
            weights[encoding as usize] = weight;
        }
    }
    let weight = |encoding: &Encoding| weights[*encoding as usize];
    let mut best = None;
    for encoding in offered.iter().filter(|it| weight(it) > 0) {
        if best.is_none_or(|best| weight(encoding) > weight(best)) {
            best = Some(encoding);
        }
    }
    best.copied()
}

/// A coding of ours and its weight.
fn read(element: &[u8]) -> Option<(Encoding, u16)> {
    let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next()?;
    let encoding = Encoding::ALL
        .into_iter()
        .find(|encoding| name.eq_ignore_ascii_case(encoding.token().as_bytes()))?;
    let weight = |part: &[u8]| match part {
        [b'q' | b'Q', rest @ ..] => Some(weight(rest.trim_ascii().strip_prefix(b"=")?)),
        _ => None,
    };
    match parts.find_map(weight) {
        Some(weight) => Some((encoding, weight?)),
        None => Some((encoding, WHOLE)),
    }
}

/// A weight in thousandths: `0`, `1`, or either with up to three decimals, at most 1.
fn weight(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match text.trim_ascii() {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    let mut weight = u16::from(whole - b'0') * WHOLE;
    let mut unit = WHOLE / 10;
    for digit in decimals {
        if !digit.is_ascii_digit() {
            return None;
        }
        weight += u16::from(digit - b'0') * unit;
        unit /= 10;
    }
    (weight <= WHOLE).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::testing;
    use alloc::{string::String, vec::Vec};
    use proptest::prelude::*;

    fn chosen(lines: &[&str], offered: &[Encoding]) -> Option<&'static str> {
        let headers: Vec<_> = lines.iter().map(|line| ("accept-encoding", *line)).collect();
        choose(&testing::head("/", &headers).headers, offered).map(Encoding::token)
    }

    #[test]
    fn the_greatest_weight_wins_and_of_equals_the_first_offered() {
        let ours = &Encoding::ALL[..];
        let zstd_first = &[Encoding::Zstd, Encoding::Gzip][..];
        for (lines, offered, want) in [
            (&["gzip"][..], ours, Some("gzip")),
            (&["GZip"], ours, Some("gzip")),
            (&["gzip, deflate, br, zstd"], ours, Some("gzip")),
            (&["gzip, deflate, br, zstd"], zstd_first, Some("zstd")),
            (&["gzip, br"], zstd_first, Some("gzip")),
            (&["br"], zstd_first, None),
            (&["gzip;q=0.5, br;q=0.501"], ours, Some("br")),
            (&["gzip ; q=0.9 , zstd\t;\tQ=1.000"], ours, Some("zstd")),
            (&["br;level=5;q=0.1, gzip;q=0.01"], ours, Some("br")),
            (&["gzip;q=0"], ours, None),
            (&["gzip;q=0.000, br;q=0.001"], ours, Some("br")),
            (&["gzip, gzip;q=0"], ours, None),
            (&["deflate", "br"], ours, Some("br")),
            (&["", ",, ,gzip,"], ours, Some("gzip")),
        ] {
            assert_eq!(chosen(lines, offered), want, "{lines:?}");
        }
    }

    #[test]
    fn what_is_not_named_or_is_malformed_does_not_count() {
        for line in [
            "", "*", "*;q=1", "identity", "x", "gzipx", "gzip;q=1.001", "gzip;q=2", "gzip;q=",
            "gzip;q=-1", "gzip;q=0.0001", "gzip;q=a", "gzip;q=.5", "gzip;q=0.5x", "gzip q=1",
            "gzip;q=nan",
        ] {
            assert_eq!(chosen(&[line], &Encoding::ALL), None, "{line}");
        }
    }

    #[test]
    fn work_is_bounded_whatever_is_sent() {
        let mut many = ",".repeat(ELEMENTS_MAX - 1);
        many.push_str("gzip");
        assert_eq!(chosen(&[&many], &Encoding::ALL), Some("gzip"));
        many.insert(0, ',');
        assert_eq!(chosen(&[&many], &Encoding::ALL), None);
        let long = "g".repeat(1 << 20) + ";q=" + &"0".repeat(1 << 20);
        assert_eq!(chosen(&[&long, "gzip"], &Encoding::ALL), Some("gzip"));
    }

    proptest! {
        #[test]
        fn a_choice_is_offered_and_named_with_a_weight(
            named in prop::collection::vec(("gzip|br|zstd|deflate|\\*|identity", 0..=1000_u16), 0..6),
            offered in prop::sample::subsequence(Encoding::ALL.to_vec(), 0..=3).prop_shuffle(),
        ) {
            let write = |(name, q): &(String, u16)| {
                alloc::format!("{name};q={}.{:03}", q / 1000, q % 1000)
            };
            let line = named.iter().map(write).collect::<Vec<_>>().join(",");
            let weight = |encoding: &Encoding| {
                let last = named.iter().rfind(|(name, _)| name == encoding.token());
                last.map_or(0, |(_, weight)| *weight)
            };
            let headers = testing::head("/", &[("accept-encoding", &line)]).headers;
            let choice = choose(&headers, &offered);
            let best = offered.iter().map(weight).max().unwrap_or(0);
            prop_assert_eq!(choice.is_some(), best > 0);
            if let Some(choice) = choice {
                prop_assert_eq!(weight(&choice), best);
                let first = offered.iter().find(|encoding| weight(encoding) == best);
                prop_assert_eq!(Some(&choice), first);
            }
        }

        #[test]
        fn no_bytes_panic(line in prop::collection::vec(32..=255_u8, 0..60)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                headers.insert(ACCEPT_ENCODING, value);
            }
            choose(&headers, &Encoding::ALL);
        }
    }
}
