//! Functions on whole numbers.
use super::{Function, Result, exactly, failure, string};
use gotmpl::{TemplateError, Value};

/// The most numbers `until` and `seq` yield.
const COUNT_MAX: i64 = 1_000_000;

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("add", |args| fold("add", args, i64::checked_add)),
    ("add1", |args| {
        let [number] = exactly("add1", args)?;
        checked("add1", whole(number)?.checked_add(1))
    }),
    ("atoi", |args| {
        let [number] = exactly("atoi", args)?;
        whole(number).map(Value::Int)
    }),
    ("div", |args| {
        let [left, right] = exactly("div", args)?;
        checked("div", whole(left)?.checked_div(whole(right)?))
    }),
    ("int", |args| {
        let [number] = exactly("int", args)?;
        whole(number).map(Value::Int)
    }),
    ("int64", |args| {
        let [number] = exactly("int64", args)?;
        whole(number).map(Value::Int)
    }),
    ("max", |args| fold("max", args, |a, b| Some(a.max(b)))),
    ("min", |args| fold("min", args, |a, b| Some(a.min(b)))),
    ("mod", |args| {
        let [left, right] = exactly("mod", args)?;
        checked("mod", whole(left)?.checked_rem(whole(right)?))
    }),
    ("mul", |args| fold("mul", args, i64::checked_mul)),
    ("seq", seq),
    ("sub", |args| {
        let [left, right] = exactly("sub", args)?;
        checked("sub", whole(left)?.checked_sub(whole(right)?))
    }),
    ("until", |args| {
        let [end] = exactly("until", args)?;
        let end = whole(end)?;
        Ok(list(count(0, end, end.signum())?))
    }),
    ("untilStep", |args| {
        let [start, end, step] = exactly("untilStep", args)?;
        Ok(list(count(whole(start)?, whole(end)?, whole(step)?)?))
    }),
];

/// A whole number, also one written as text.
pub(super) fn whole(value: &Value) -> std::result::Result<i64, TemplateError> {
    let parsed = match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Nil => Some(0),
        Value::Uint(number) => i64::try_from(*number).ok(),
        Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) | Value::Function(_) => {
            value.as_int()
        }
    };
    parsed.ok_or_else(|| TemplateError::Exec(format!("{value} is not a whole number")))
}

fn fold(name: &str, args: &[Value], step: fn(i64, i64) -> Option<i64>) -> Result {
    let mut numbers = args.iter().map(whole);
    let Some(first) = numbers.next() else {
        return failure(format!("{name} takes at least one argument"));
    };
    let mut total = Some(first?);
    for number in numbers {
        let number = number?;
        total = total.and_then(|total| step(total, number));
    }
    checked(name, total)
}

fn checked(name: &str, result: Option<i64>) -> Result {
    match result {
        Some(number) => Ok(Value::Int(number)),
        None => failure(format!("{name} divides by zero or exceeds 64 bits")),
    }
}

/// Sprig's `seq` is the shell's: numbers in one text, both ends included.
fn seq(args: &[Value]) -> Result {
    let numbers = args.iter().map(whole).collect::<std::result::Result<Vec<_>, _>>()?;
    let toward = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, step, end) = match numbers[..] {
        [end] => (1, toward(1, end), end),
        [start, end] => (start, toward(start, end), end),
        [start, step, end] if step.signum() == toward(start, end) => (start, step, end),
        [_, _, _] => return Ok(string("")),
        _ => return failure(String::from("seq takes one to three numbers")),
    };
    let numbers = count(start, end.saturating_add(step.signum()), step)?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(string(texts.join(" ")))
}

/// From `start` up (or down) to before `end`.
fn count(start: i64, end: i64, step: i64) -> std::result::Result<Vec<i64>, TemplateError> {
    let (from, to, step) = (i128::from(start), i128::from(end), i128::from(step));
    if step == 0 || (to - from).signum() != step.signum() {
        return Ok(Vec::new());
    }
    let steps = (to - from) / step + i128::from((to - from) % step != 0);
    if steps > i128::from(COUNT_MAX) {
        return failure(format!("a range may hold at most {COUNT_MAX} numbers"));
    }
    // Between two `i64`s, so each fits.
    Ok((0..steps).filter_map(|index| i64::try_from(from + index * step).ok()).collect())
}

fn list(numbers: Vec<i64>) -> Value {
    Value::List(numbers.into_iter().map(Value::Int).collect())
}
