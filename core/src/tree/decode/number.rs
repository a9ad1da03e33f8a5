//! Numbers out of weak scalars.
use super::{Decoder, Error};
use crate::tree::Value;
use alloc::format;

impl Decoder<'_> {
    /// A whole number between `least` and `most`.
    pub(super) fn whole(self, least: i128, most: i128) -> Result<i128, Error> {
        let number = match &self.node.value {
            Value::Int(number) => Some(i128::from(*number)),
            Value::Text(text) => whole(text),
            Value::Float(number) => whole(&format!("{number}")),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
        };
        match number {
            Some(number) if (least..=most).contains(&number) => Ok(number),
            Some(_) if most >= i128::from(i64::MAX) => {
                Err(self.mismatch(&format!("a whole number from {least} on")))
            }
            Some(_) => Err(self.mismatch(&format!("a whole number from {least} to {most}"))),
            None => Err(self.mismatch("a whole number")),
        }
    }

    pub(super) fn fraction(self) -> Result<f64, Error> {
        let number = match &self.node.value {
            #[allow(clippy::cast_precision_loss, reason = "the option asks for a float")]
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
        };
        number.ok_or_else(|| self.mismatch("a number"))
    }
}

/// Decimal, or with YAML's prefixes `0x`, `0o`, `0b`.
fn whole(text: &str) -> Option<i128> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    // The sign was taken above; `from_str_radix` would accept a second one.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    Some(sign * i128::from(i64::from_str_radix(digits, radix).ok()?))
}
