use super::*;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use proptest::prelude::*;

/// A function of each kind.
#[derive(Clone, Debug, PartialEq)]
enum Fact {
    Share,
    Sum(i64, i64),
    Scaled(f64),
    Method,
    Down,
}

impl Function for Fact {
    const SIGNATURES: &'static [Signature] = &[
        Signature { name: "Share", arguments: &[], value: Kind::Fraction },
        Signature { name: "Sum", arguments: &[Kind::Whole, Kind::Whole], value: Kind::Whole },
        Signature { name: "Scaled", arguments: &[Kind::Fraction], value: Kind::Fraction },
        Signature { name: "Method", arguments: &[], value: Kind::Text },
        Signature { name: "Down", arguments: &[], value: Kind::Truth },
    ];
    const EXAMPLE: &'static str = "Share() > 0.5";

    fn new(name: &str, arguments: &[Literal]) -> Option<Self> {
        Some(match (name, arguments) {
            ("Share", []) => Self::Share,
            ("Sum", [Literal::Whole(a), Literal::Whole(b)]) => Self::Sum(*a, *b),
            ("Scaled", [Literal::Fraction(by)]) => Self::Scaled(*by),
            ("Method", []) => Self::Method,
            ("Down", []) => Self::Down,
            _ => return None,
        })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share => f.write_str("Share()"),
            Self::Sum(a, b) => write!(f, "Sum({a}, {b})"),
            Self::Scaled(by) => write!(f, "Scaled({by:?})"),
            Self::Method => f.write_str("Method()"),
            Self::Down => f.write_str("Down()"),
        }
    }
}

fn parse(text: &str) -> Expression<Fact> {
    Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// In a world where half fails, methods are GET and nothing is down.
fn holds(text: &str) -> bool {
    parse(text).holds(&mut |fact| match fact {
        Fact::Share => Value::Fraction(0.5),
        Fact::Sum(a, b) => Value::Whole(a + b),
        Fact::Scaled(by) => Value::Fraction(by * 0.5),
        Fact::Method => Value::Text("GET"),
        Fact::Down => Value::Truth(false),
    })
}

#[test]
fn comparisons_compare_and_operators_join() {
    for text in [
        "Share() == 0.5",
        "Share() != 0.4",
        "Share() < .6",
        "Share() <= 5e-1",
        "Share() > 0.25 && Share() >= 0.5",
        "Sum(1, 2) == 3",
        "Sum(1,2)<4",
        "Scaled(1.0) == 0.5",
        "Method() == `GET` || Down()",
        "Method() != \"POST\"",
        "Down() && Down() || Share() == 0.5",
        "Share() == 0.5 || Down() && Down()",
        "Share() == 0.5 &&\n\t( Down() || /* no */ Sum(0, 0) >= 0 )\n",
    ] {
        assert!(holds(text), "{text}");
    }
    for text in [
        "Down()",
        "Share() != 0.5",
        "Share() < 0.5",
        "Share() > 0.5",
        "Sum(1, 2) == 4",
        "Method() == \"get\"",
        "Down() && (Down() || Share() == 0.5)",
        "(Share() == 0.5 || Down()) && Down()",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn an_error_has_its_column_and_says_what_was_expected() {
    insta::assert_snapshot!(errors(&[
        "",
        "0.5 < Share()",
        "!Down()",
        "Share",
        "Sum(1)",
        "Sum(1, 2, 3)",
        "Sum(1 2)",
        "Down() == true",
        "Down() && ",
        "Down() Down()",
        "(Down()",
        "Down())",
        "(Share()) > 0.5",
        "Down()\n|| Down()",
        "Share() > 0.5 && share() > 0.5",
    ]), @r#"
    "": expected a condition such as Share() > 0.5, found the end (column 1)
    "0.5 < Share()": expected a condition such as Share() > 0.5, found 0.5 (column 1)
    "!Down()": expected a condition such as Share() > 0.5, found ! (column 1)
    "Share": expected (, found the end (column 6)
    "Sum(1)": expected , as in Sum(500, 500), found ) (column 6)
    "Sum(1, 2, 3)": expected ) as in Sum(500, 500), found , (column 9)
    "Sum(1 2)": expected , as in Sum(500, 500), found 2 (column 7)
    "Down() == true": expected && or ||, found == (column 8)
    "Down() && ": expected a condition such as Share() > 0.5, found the end (column 11)
    "Down() Down()": expected && or ||, found Down (column 8)
    "(Down()": expected ), found the end (column 8)
    "Down())": expected && or ||, found ) (column 7)
    "(Share()) > 0.5": expected a comparison such as ==, found ) (column 9)
    "Down()\n|| Down()": a line break ends the expression here: put it behind the operator (column 7)
    "Share() > 0.5 && share() > 0.5": unsupported function: share; there are Share, Sum, Scaled, Method, Down (column 18)
    "#);
}

#[test]
fn the_kinds_of_literals_are_strict() {
    insta::assert_snapshot!(errors(&[
        "Share() 0.5",
        "Share()",
        "Share() >",
        "Share() > 1",
        "Share() > 1e999",
        "Share() > -0.5",
        "Share() > Share()",
        "Share() = 0.5",
        "Share() << 0.5",
        "Sum(1, 2) > 0.5",
        "Sum(1, 2) > 9223372036854775808",
        "Sum(1, 2) > 1_000",
        "Sum(1, 0.5)",
        "Scaled(50) > 0.5",
        "Method() == GET",
        "Method() == 'GET'",
        "Method() > \"A\"",
        "Method() == 1",
    ]), @r#"
    "Share() 0.5": expected a comparison such as ==, found 0.5 (column 9)
    "Share()": expected a comparison such as ==, found the end (column 8)
    "Share() >": expected a number with a decimal point such as 0.5 to compare Share() with, found the end (column 10)
    "Share() > 1": expected a number with a decimal point such as 0.5 to compare Share() with, found 1 (column 11)
    "Share() > 1e999": expected a number with a decimal point such as 0.5 to compare Share() with, found 1e999 (column 11)
    "Share() > -0.5": expected a number with a decimal point such as 0.5 to compare Share() with, found - (column 11)
    "Share() > Share()": expected a number with a decimal point such as 0.5 to compare Share() with, found Share (column 11)
    "Share() = 0.5": expected a comparison such as ==, found = (column 9)
    "Share() << 0.5": expected a number with a decimal point such as 0.5 to compare Share() with, found < (column 10)
    "Sum(1, 2) > 0.5": expected a whole number such as 500 to compare Sum() with, found 0.5 (column 13)
    "Sum(1, 2) > 9223372036854775808": expected a whole number such as 500 to compare Sum() with, found 9223372036854775808 (column 13)
    "Sum(1, 2) > 1_000": expected a whole number such as 500 to compare Sum() with, found 1_000 (column 13)
    "Sum(1, 0.5)": expected a whole number such as 500 as in Sum(500, 500), found 0.5 (column 8)
    "Scaled(50) > 0.5": expected a number with a decimal point such as 0.5 as in Scaled(0.5), found 50 (column 8)
    "Method() == GET": expected a string in quotes such as "GET" to compare Method() with, found GET (column 13)
    "Method() == 'GET'": quote strings with backquotes or double quotes (column 13)
    "Method() > \"A\"": expected == or != behind Method(), found > (column 10)
    "Method() == 1": expected a string in quotes such as "GET" to compare Method() with, found 1 (column 13)
    "#);
}

fn errors(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{text:?}: {}\n", error(text))).collect()
}

fn error(text: &str) -> String {
    Expression::<Fact>::parse(text).map_or_else(|error| error.to_string(), |it| format!("{it:?}"))
}

#[test]
fn hostile_texts_are_refused_without_deep_recursion() {
    for (text, why) in [
        ("(".repeat(4096), "nested deeper than 64 levels (column 65)"),
        ("!".repeat(4096), "expected a condition such as Share() > 0.5, found ! (column 1)"),
        ("Down() || ".repeat(1000), "longer than 4096 bytes (column 4097)"),
        (format!("{}Down()", "(".repeat(65)), "nested deeper than 64 levels (column 65)"),
    ] {
        assert_eq!(error(&text), why);
    }
    let deep = format!("{}Down(){}", "(".repeat(64), ")".repeat(64));
    assert_eq!(parse(&deep).to_string(), "Down()");
    let flat = format!("Down(){}", " && (Down() || Down())".repeat(180));
    assert_eq!(parse(&flat).to_string(), flat);
}

#[test]
fn functions_are_seen_from_left_to_right() {
    let parsed = parse("Down() && (Share() > 0.5 || Down()) && Method() == \"A\"");
    let mut seen = Vec::new();
    parsed.functions(&mut |fact| seen.push(fact.clone()));
    assert_eq!(seen, [Fact::Down, Fact::Share, Fact::Down, Fact::Method]);
}

#[test]
fn printing_keeps_the_parentheses_that_count() {
    for (text, printed) in [
        ("((Down() && Down()) && Down())", "Down() && Down() && Down()"),
        ("(Down() || Down()) && Down()", "(Down() || Down()) && Down()"),
        ("Down() || (Down() && Down())", "Down() || Down() && Down()"),
        ("Method()==`a\"\\\u{7f}`", r#"Method() == "a\"\\\u007f""#),
        ("Share()>1e3&&Share()<1e-9", "Share() > 1000.0 && Share() < 1e-9"),
    ] {
        assert_eq!(parse(text).to_string(), printed);
    }
}

fn expressions() -> impl Strategy<Value = String> {
    let comparison = || prop::sample::select(&["==", "!=", "<", "<=", ">", ">="][..]);
    let fraction =
        || (0.0..1e18).prop_union(0.0..1.0).prop_map(|number: f64| format!("{number:?}"));
    let leaf = prop_oneof![
        Just(String::from("Down()")),
        (comparison(), fraction()).prop_map(|(sign, number)| format!("Share(){sign}{number}")),
        (0..=i64::MAX, comparison(), 0..=i64::MAX)
            .prop_map(|(a, sign, b)| format!("Sum({a},0) {sign} {b}")),
        (fraction(), fraction()).prop_map(|(by, number)| format!("Scaled({by}) > {number}")),
        "[^`\r]{0,9}".prop_map(|text| format!("Method() != `{text}`")),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let nested = prop_oneof![inner.clone(), inner.prop_map(|text| format!("({text})"))];
        let sign = prop::sample::select(&[" && ", " || "][..]);
        (prop::collection::vec(nested, 1..5), sign).prop_map(|(terms, sign)| terms.join(sign))
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(text in expressions()) {
        let parsed = parse(&text);
        prop_assert_eq!(parse(&parsed.to_string()), parsed);
    }

    #[test]
    fn no_text_panics(text in r#"([()!&|<>=,."` 0-9eE+\n-]|Share|Sum|Method|Down){0,40}|.{0,80}"#) {
        if let Err(error) = Expression::<Fact>::parse(&text) {
            prop_assert!(error.column <= text.len() + 1);
        }
    }
}
