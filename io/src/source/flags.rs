//! Command line flags. Compat: static-config.md "CLI".
use super::{
    assignment::{Assignment, split_index, tree},
    document,
};
use rutter_core::{
    diagnostic::{Diagnostic, Place, Severity},
    static_config::options::{self, Found, Kind},
    tree::Node,
};

/// What flags say.
#[derive(Debug)]
pub(super) struct Flags {
    /// The options.
    pub(super) tree: Node,
    /// `--configFile`, unless it is blank, and its place.
    pub(super) config_file: Option<(String, Place)>,
    /// What is doubtful.
    pub(super) warnings: Vec<Diagnostic>,
}

/// Whether help is asked for, anywhere among `args`.
#[must_use]
pub fn wants_help(args: &[String]) -> bool {
    args.iter().any(|arg| matches!(arg.as_str(), "--help" | "-help" | "-h"))
}

/// Reads the arguments behind the program's name and a sub-command.
pub(super) fn read(args: &[String]) -> Result<Flags, Vec<Diagnostic>> {
    let mut reader = Reader::default();
    let mut rest = args;
    while let Some((arg, after)) = rest.split_first() {
        rest = after;
        let Some(flag) = arg.strip_prefix('-').filter(|flag| !flag.is_empty()) else {
            reader.stop(arg, after);
            break;
        };
        let flag = flag.strip_prefix('-').unwrap_or(flag);
        if flag.is_empty() {
            break;
        }
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag, None),
        };
        rest = reader.flag(name, value, rest);
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    assignments: Vec<Assignment>,
    config_file: Option<(String, Place)>,
    warnings: Vec<Diagnostic>,
    errors: Vec<Diagnostic>,
}

/// A flag's option.
enum Takes {
    /// Nothing is `true`, and the next argument is never its value.
    Switch,
    Value,
}

impl Reader {
    /// Takes one flag, and returns the arguments behind it and its value.
    fn flag<'a>(&mut self, name: &str, value: Option<&str>, rest: &'a [String]) -> &'a [String] {
        let place = Place { source: format!("flag --{name}").into(), line: 0 };
        let Some((path, index, takes)) = self.look_up(name, &place) else {
            // The value of an unknown flag is no flag.
            let skipped =
                value.is_none() && rest.first().is_some_and(|next| !next.starts_with('-'));
            return rest.get(usize::from(skipped)..).unwrap_or_default();
        };
        let (text, rest) = match (value, takes) {
            (Some(value), _) => (value.to_owned(), rest),
            (None, Takes::Switch) => ("true".to_owned(), rest),
            (None, Takes::Value) => match rest.split_first().filter(|(next, _)| !is_flag(next)) {
                Some((next, rest)) => (next.clone(), rest),
                None => {
                    let message = format!("flag needs an argument: write --{name}=value");
                    self.error(&place, message);
                    return rest;
                }
            },
        };
        if is_config_file(name) {
            self.config_file = (!text.trim().is_empty()).then_some((text, place));
        } else {
            self.assignments.push(Assignment { path, index, text, place });
        }
        rest
    }

    fn look_up(
        &mut self,
        name: &str,
        place: &Place,
    ) -> Option<(Vec<String>, Option<usize>, Takes)> {
        if is_config_file(name) {
            return Some((Vec::new(), None, Takes::Value));
        }
        let (bare, index) = split_index(name);
        let path: Vec<&str> = bare.split('.').collect();
        let found = options::find(&path).filter(|_| path.iter().all(|name| !name.is_empty()));
        let Some(found) = found else {
            self.error(place, unknown(&path));
            return None;
        };
        let kind = match found {
            Found::Option(option) => option.kind,
            Found::Section => Kind::Section,
        };
        if index.is_some() && kind != Kind::List {
            self.error(place, "this option is no list; remove the brackets".to_owned());
            return None;
        }
        let takes = match kind {
            Kind::Bool | Kind::Section => Takes::Switch,
            Kind::Int | Kind::Float | Kind::Text | Kind::Duration | Kind::List => Takes::Value,
        };
        Some((path.into_iter().map(str::to_owned).collect(), index, takes))
    }

    /// At an argument that is no flag.
    fn stop(&mut self, arg: &str, after: &[String]) {
        let rest = match after.len() {
            0 => String::new(),
            count => format!(", and so are the {count} behind it"),
        };
        let message =
            format!("argument `{arg}` is ignored{rest}; write --flag=value to give a flag a value");
        let place = Place { source: "flags".into(), line: 0 };
        self.warnings.push(document(Severity::Warning, place, message));
    }

    fn error(&mut self, place: &Place, message: String) {
        self.errors.push(document(Severity::Error, place.clone(), message));
    }

    fn finish(self) -> Result<Flags, Vec<Diagnostic>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let is_list = |path: &[String]| matches!(options::find(path), Some(Found::Option(option)) if option.kind == Kind::List);
        let tree = tree(self.assignments, is_list);
        Ok(Flags { tree, config_file: self.config_file, warnings: self.warnings })
    }
}

fn is_config_file(name: &str) -> bool {
    name.eq_ignore_ascii_case("configFile")
}

/// Whether an argument is a flag that we know, and so hardly another one's value.
fn is_flag(arg: &str) -> bool {
    let Some(flag) = arg.strip_prefix('-') else { return false };
    let flag = flag.strip_prefix('-').unwrap_or(flag);
    let name = flag.split('=').next().unwrap_or_default();
    let path: Vec<&str> = split_index(name).0.split('.').collect();
    is_config_file(name) || options::find(&path).is_some()
}

fn unknown(path: &[&str]) -> String {
    let wrong = (1..=path.len()).find(|end| options::find(&path[..*end]).is_none());
    let near =
        wrong.and_then(|end| Some((path.get(end - 1)?, options::nearest(path.get(..end)?)?)));
    match near {
        Some((name, known)) => format!("unknown flag; is `{known}` meant by `{name}`?"),
        None => "unknown flag; --help lists them all".to_owned(),
    }
}

#[cfg(test)]
mod tests;
