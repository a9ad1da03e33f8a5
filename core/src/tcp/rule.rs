//! The rule of a TCP router: the names by which clients ask for it. Compat: rules.md "TCP rule".
//!
//! ``HostSNI(`a.example`, `b.example`) || HostSNI(`c.example`)``, or ``HostSNI(`*`)`` for everything.
use super::client_hello::host_name;
use crate::{
    lexer::{self, Fault, Kind, Tokens},
    rule::RuleError,
};
use alloc::{boxed::Box, format, vec::Vec};

const HOST_SNI: &str = "HostSNI";
const EVERYTHING: &str = "*";

/// A parsed rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As written.
    pub text: Box<str>,
    /// The names, lower-cased, without trailing dot, each once.
    pub names: Box<[Box<str>]>,
    /// Whether `*` is among them: everything.
    pub everything: bool,
    /// What no client can ask for, as written: it is no name of a host.
    pub unreachable: Box<[Box<str>]>,
}

impl Rule {
    /// Parses and checks a rule.
    ///
    /// # Errors
    /// Text that is no list of `HostSNI`s.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let arguments = parse(text).map_err(|Fault { at, cause }| {
            let line = text.replace('\n', "\\n");
            RuleError { column: at + 1, message: format!("unknown rule {line}: {cause}") }
        })?;
        let (mut names, mut unreachable, mut everything) = (Vec::new(), Vec::new(), false);
        for argument in arguments {
            match host_name(argument.as_bytes()) {
                Some(name) => names.push(name),
                None if *argument == *EVERYTHING => everything = true,
                None => unreachable.push(argument),
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(Self {
            text: text.into(),
            names: names.into(),
            everything,
            unreachable: unreachable.into(),
        })
    }
}

/// The arguments of all matchers.
fn parse(text: &str) -> Result<Vec<Box<str>>, Fault> {
    let mut tokens = Tokens::new(text)?;
    let mut arguments = Vec::new();
    either(&mut tokens, &mut arguments)?;
    tokens.end()?;
    Ok(arguments)
}

fn either(tokens: &mut Tokens<'_>, into: &mut Vec<Box<str>>) -> Result<(), Fault> {
    loop {
        operand(tokens, into)?;
        if tokens.token.kind == Kind::And {
            let cause = "only || may stand between HostSNI matchers";
            return Err(Fault::new(tokens.token.start, cause));
        }
        if tokens.token.kind != Kind::Or {
            return Ok(());
        }
        tokens.advance()?;
    }
}

fn operand(tokens: &mut Tokens<'_>, into: &mut Vec<Box<str>>) -> Result<(), Fault> {
    if tokens.token.kind == Kind::Open {
        tokens.descend()?;
        either(tokens, into)?;
        tokens.ascend();
        return tokens.expect(&Kind::Close, ")");
    }
    if tokens.token.kind != Kind::Name {
        return Err(tokens.unexpected("a matcher such as HostSNI(`db.example`)"));
    }
    let (at, name) = (tokens.token.start, tokens.written());
    if !lexer::means(name, HOST_SNI) {
        return Err(Fault::new(at, format!("unsupported function: {name}")));
    }
    tokens.advance()?;
    let (arguments, _) = tokens.arguments()?;
    if arguments.is_empty() {
        return Err(Fault::new(at, format!("no args for matcher {HOST_SNI}")));
    }
    for (text, at) in arguments {
        if text.is_empty() {
            return Err(Fault::new(at, format!("empty args for matcher {HOST_SNI}")));
        }
        into.push(text.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    fn shown(rule: &str) -> String {
        match Rule::parse(rule) {
            Ok(Rule { names, everything, unreachable, .. }) => {
                let everything = if everything { " *" } else { "" };
                let odd = if unreachable.is_empty() { "" } else { " never: " };
                format!("{}{everything}{odd}{}", names.join(" "), unreachable.join(" "))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_rule_is_a_list_of_names() {
        let cases = [
            ("HostSNI(`a.example`)", "a.example"),
            ("HostSNI(`B.example`, \"a.example.\") || hostsni(`c`)", "a.example b.example c"),
            ("(HostSNI(`a`) || HOSTSNI(`a`)) ||\n(Hostsni(`b`))\n", "a b"),
            ("HostSNI(`*`)", " *"),
            ("HostSNI(`a`, `*`)", "a *"),
            ("HostSNI(`*.example`, `a`, `1.2.3.4`)", "a never: *.example 1.2.3.4"),
        ];
        for (rule, names) in cases {
            assert_eq!(shown(rule), names, "{rule}");
        }
    }

    #[test]
    fn what_is_no_such_list_says_why() {
        let cases = [
            "",
            "`a`",
            "Host(`a`)",
            "HostSNIRegexp(`a`)",
            "hostSNI(`a`)",
            "HostSNI()",
            "HostSNI(`a`, ``)",
            "HostSNI(a)",
            "HostSNI(`a`) && HostSNI(`b`)",
            "!HostSNI(`a`)",
            "HostSNI(`a`",
            "(HostSNI(`a`)",
            "HostSNI(`a`) HostSNI(`b`)",
        ];
        insta::assert_snapshot!(cases.map(shown).join("\n"), @"
        unknown rule : expected a matcher such as HostSNI(`db.example`), found the end (column 1)
        unknown rule `a`: expected a matcher such as HostSNI(`db.example`), found `a` (column 1)
        unknown rule Host(`a`): unsupported function: Host (column 1)
        unknown rule HostSNIRegexp(`a`): unsupported function: HostSNIRegexp (column 1)
        unknown rule hostSNI(`a`): unsupported function: hostSNI (column 1)
        unknown rule HostSNI(): no args for matcher HostSNI (column 1)
        unknown rule HostSNI(`a`, ``): empty args for matcher HostSNI (column 14)
        unknown rule HostSNI(a): expected a string in quotes or ), found a (column 9)
        unknown rule HostSNI(`a`) && HostSNI(`b`): only || may stand between HostSNI matchers (column 14)
        unknown rule !HostSNI(`a`): expected a matcher such as HostSNI(`db.example`), found ! (column 1)
        unknown rule HostSNI(`a`: expected , or ), found the end (column 12)
        unknown rule (HostSNI(`a`): expected ), found the end (column 14)
        unknown rule HostSNI(`a`) HostSNI(`b`): expected && or ||, found HostSNI (column 14)
        ");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[HostSNI(`*a.,)|&! \n\"]{0,40}|.*") {
            let _ = Rule::parse(&text);
        }
    }
}
