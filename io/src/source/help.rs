//! The help text of all flags.
use rutter_core::static_config::options::{Kind, OPTIONS, StaticOption, Status};
use std::fmt::Write;

/// Every flag with its type, default and meaning, a paragraph each.
#[must_use]
pub fn flags() -> String {
    let mut out = String::from(
        "Flags (in any case; also as options of a file, and as variables such as \
         RUTTER_ENTRYPOINTS_WEB_ADDRESS):\n",
    );
    let config_file = "The file of the static configuration; else it is looked for.";
    paragraph(&mut out, "configFile", Kind::Text, config_file, "");
    for option in OPTIONS {
        let StaticOption { path, kind, default, help, status } = option;
        let note = match status {
            Status::Ready => String::new(),
            Status::Later => " (Not available yet.)".to_owned(),
            Status::Without(reason) => format!(" (No effect: {reason}.)"),
        };
        paragraph(&mut out, path, *kind, &format!("{help}{note}"), default);
    }
    out
}

fn paragraph(out: &mut String, path: &str, kind: Kind, help: &str, default: &str) {
    let value = match kind {
        Kind::Bool | Kind::Section => String::new(),
        Kind::Int | Kind::Float | Kind::Text | Kind::Duration | Kind::List => {
            format!(" <{}>", kind.name())
        }
    };
    let default = match default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "  --{path}{value}\n        {help}{default}");
}
