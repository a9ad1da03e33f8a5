//! All sources of the static configuration together: flags over environment over file.
use super::{
    document, environment, flags,
    lookup::{self, Files},
    read,
};
use rutter_core::{
    diagnostic::{Diagnostic, Place, Severity},
    static_config::{self, StaticConfiguration, options},
    tree::{Node, Value, merge},
};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// The static configuration and where it came from.
#[derive(Debug)]
pub struct Loaded {
    /// What all sources together say.
    pub configuration: StaticConfiguration,
    /// Those that said something.
    pub sources: Sources,
    /// What they say, with the places where they say it.
    pub tree: Node,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// The sources that said something. Displayed as a line for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Whether there was any flag but `--configFile`.
    pub flags: bool,
    /// Whether there was any variable.
    pub environment: bool,
    /// The file.
    pub file: Option<PathBuf>,
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_ref().map(|path| format!("file {}", path.display()));
        let said = [
            self.flags.then(|| "flags".to_owned()),
            self.environment.then(|| "environment".to_owned()),
            file,
        ];
        let said: Vec<_> = said.into_iter().flatten().collect();
        match said.as_slice() {
            [] => f.write_str("static configuration: defaults only"),
            said => write!(f, "static configuration: {}", said.join(" over ")),
        }
    }
}

/// The variables of this process that are text.
#[must_use]
pub fn variables() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// Loads the static configuration from the arguments behind the program's name and a sub-command,
/// from `variables`, and from a file.
///
/// Compat: Traefik takes the first source that says anything and ignores the others; here they merge.
///
/// # Errors
/// Everything that is wrong; nothing should start then. Warnings are among it.
pub fn load(
    args: &[String],
    variables: &[(String, String)],
    files: &impl Files,
) -> Result<Loaded, Vec<Diagnostic>> {
    let flags = flags::read(args)?;
    let mut diagnostics = flags.warnings;
    let named = flags.config_file.as_ref();
    let (path, file) = match find(named, variables, files, &mut diagnostics) {
        Ok(Some((path, node))) => (Some(path), node),
        Ok(None) => (None, Node::empty()),
        Err(error) => {
            diagnostics.push(error);
            return Err(diagnostics);
        }
    };
    let environment = environment::read(variables);
    let sources = Sources {
        flags: !flags.tree.entries().is_empty(),
        environment: !environment.entries().is_empty(),
        file: path,
    };
    let tree = merge(merge(file, environment), flags.tree);
    match static_config::read(&tree) {
        Ok((configuration, warnings)) => {
            diagnostics.extend(warnings);
            Ok(Loaded { configuration, sources, tree, diagnostics })
        }
        Err(errors) => {
            diagnostics.extend(errors);
            Err(diagnostics)
        }
    }
}

/// The file that is there first, read.
fn find(
    named: Option<&(String, Place)>,
    variables: &[(String, String)],
    files: &impl Files,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Option<(PathBuf, Node)>, Diagnostic> {
    if let Some((name, place)) = named {
        let path = PathBuf::from(lookup::expand(name.trim(), variables));
        if let Some(node) = open(&path, files, diagnostics)? {
            return Ok(Some((path, node)));
        }
        let message = format!("there is no file {}; looking in the default places", path.display());
        diagnostics.push(document(Severity::Warning, place.clone(), message));
    }
    for path in lookup::candidates(variables) {
        if let Some(node) = open(&path, files, diagnostics)? {
            return Ok(Some((path, node)));
        }
    }
    Ok(None)
}

fn open(
    path: &Path,
    files: &impl Files,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Option<Node>, Diagnostic> {
    let place = || Place { source: path.to_string_lossy().into(), line: 0 };
    let text = files.read(path).map_err(|error| {
        let message = format!("cannot be read: {error}; check its kind and permissions");
        document(Severity::Error, place(), message)
    })?;
    let Some(text) = text else { return Ok(None) };
    let (node, warnings) = read(path, &text)?;
    diagnostics.extend(warnings);
    let node = match node.value {
        Value::Map(_) => node,
        Value::Null => Node::empty(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => {
            let kind = node.value.kind();
            let message = format!("the document is {kind}, expected options such as `log:`");
            return Err(document(Severity::Error, node.place, message));
        }
    };
    if !node.entries().iter().any(|(key, _)| options::is_root(&key.name)) {
        let message = "nothing of the static configuration stands in it".to_owned();
        diagnostics.push(document(Severity::Warning, place(), message));
    }
    Ok(Some(node))
}

#[cfg(test)]
mod tests;
