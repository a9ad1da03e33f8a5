//! Every static option by path: the one table behind unknown-option errors, help and documentation.
//!
//! Compat: static-config.md "Options". An option of Traefik 2.1 that has no effect here yet stands in
//! the table too, so that it is a warning and no error.

mod nearest;
mod table;

pub use nearest::nearest;
pub use table::OPTIONS;

/// A static option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticOption {
    /// Its path: `entryPoints.<name>.address`. A step in angle brackets stands for any name.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it is when not given, as one would write it; empty: nothing.
    pub default: &'static str,
    /// What it does, in a few words.
    pub help: &'static str,
    /// Whether it has an effect.
    pub status: Status,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`; a flag without a value is `true`.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    Text,
    /// Go syntax, or a bare number of seconds.
    Duration,
    /// Several texts.
    List,
    /// A section that may be switched on by itself, with the defaults of its options.
    Section,
}

/// Whether an option has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Ready,
    /// Its feature is still to come.
    Later,
    /// It never will: the text says why.
    Without(&'static str),
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// An option, which may be a section that can stand alone.
    Option(&'static StaticOption),
    /// A section that needs at least one of its options.
    Section,
}

impl Kind {
    /// The word for it in help and documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "text",
            Self::Duration => "duration",
            Self::List => "list",
            Self::Section => "section",
        }
    }
}

/// What stands at `path`, whose options match in any case; none: there is no such option.
#[must_use]
pub fn find<S: AsRef<str>>(path: &[S]) -> Option<Found> {
    let mut section = None;
    for option in OPTIONS {
        match covers(option.path, path) {
            Some(true) => return Some(Found::Option(option)),
            Some(false) => section = Some(Found::Section),
            None => {}
        }
    }
    section
}

/// Whether `name` is an option at the top, in any case.
#[must_use]
pub fn is_root(name: &str) -> bool {
    find(&[name]).is_some()
}

/// Whether the last of `path` is a name that the user chose.
pub(super) fn is_name<S: AsRef<str>>(path: &[S]) -> bool {
    let step = |option: &StaticOption| {
        covers(option.path, path)?;
        option.path.split('.').nth(path.len().checked_sub(1)?)
    };
    OPTIONS.iter().find_map(step).is_some_and(|step| step.starts_with('<'))
}

/// Whether the option at `pattern` stands in the section at `path`.
pub(super) fn is_below<S: AsRef<str>>(pattern: &str, path: &[S]) -> bool {
    covers(pattern, path) == Some(false)
}

/// The names of the options at the top, each once.
pub fn roots() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    OPTIONS.iter().filter_map(move |option| {
        let root = option.path.split('.').next().unwrap_or_default();
        (core::mem::replace(&mut last, root) != root).then_some(root)
    })
}

/// Whether `path` is the whole of `pattern` (true) or the start of it (false).
fn covers<S: AsRef<str>>(pattern: &str, path: &[S]) -> Option<bool> {
    let mut steps = pattern.split('.');
    for name in path {
        let step = steps.next()?;
        if !step.starts_with('<') && !step.eq_ignore_ascii_case(name.as_ref()) {
            return None;
        }
    }
    Some(steps.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, format, string::String, vec::Vec};

    fn found(path: &str) -> Option<Found> {
        find(&path.split('.').collect::<Vec<_>>())
    }

    #[test]
    fn options_are_found_in_any_case_and_names_are_free() {
        let Some(Found::Option(option)) = found("ENTRYPOINTS.My-Web.address") else { panic!() };
        assert_eq!(option.path, "entryPoints.<name>.address");
        assert_eq!(found("entryPoints.web"), Some(Found::Section));
        assert_eq!(found("entryPoints"), Some(Found::Section));
        assert_eq!(found("entryPoints.web.adress"), None);
        assert_eq!(found("api.insecure.x"), None);
        assert!(matches!(found("api"), Some(Found::Option(o)) if o.kind == Kind::Section));
    }

    #[test]
    fn every_path_stands_once_and_roots_stand_together() {
        let paths: BTreeSet<_> = OPTIONS.iter().map(|option| option.path).collect();
        assert_eq!(paths.len(), OPTIONS.len());
        let unique: BTreeSet<_> = roots().collect();
        assert_eq!(roots().count(), unique.len());
    }

    #[test]
    fn defaults_are_of_their_kind() {
        for StaticOption { path, kind, default, .. } in OPTIONS {
            let fits = match kind {
                Kind::Bool => ["true", "false"].contains(default),
                Kind::Int => default.is_empty() || default.parse::<i64>().is_ok(),
                Kind::Float => default.is_empty() || default.parse::<f64>().is_ok(),
                Kind::Duration => {
                    default.is_empty() || default.parse::<crate::config::scalar::Duration>().is_ok()
                }
                Kind::Text | Kind::List => true,
                Kind::Section => default.is_empty(),
            };
            assert!(fits, "{path}: {default}");
        }
    }

    #[test]
    fn every_option_is_documented_with_its_type_and_default() {
        let document = include_str!("../../../docs/configuration.md");
        for StaticOption { path, kind, default, help, status } in OPTIONS {
            let default = match default {
                &"" => String::new(),
                default if default.contains('`') => format!("`` {default} ``"),
                default => format!("`{default}`"),
            };
            let note = match status {
                Status::Ready => "",
                Status::Later => "Later. ",
                Status::Without(_) => "No effect. ",
            };
            let row = format!("| `{path}` | {} | {default} | {note}{help} |\n", kind.name());
            assert!(document.contains(&row), "docs/configuration.md lacks: {row}");
        }
    }
}
