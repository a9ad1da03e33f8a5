//! Which file the static configuration stands in. Compat: static-config.md "File lookup".
use std::{
    io,
    path::{Path, PathBuf},
};

/// The files of a machine.
pub trait Files {
    /// The text of a file; none where there is no file.
    ///
    /// # Errors
    /// Whatever else keeps it from being read.
    fn read(&self, path: &Path) -> io::Result<Option<String>>;
}

/// The files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Option<String>> {
        let missing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if missing.contains(&error.kind()) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Where the static configuration is looked for when no file is named, in order.
pub(super) fn candidates(variables: &[(String, String)]) -> Vec<PathBuf> {
    let home = |name: &str, below: &str| {
        let base = variable(variables, name).filter(|value| !value.is_empty())?;
        Some(Path::new(base).join(below))
    };
    let directories = [
        Some(PathBuf::from("/etc/traefik")),
        home("XDG_CONFIG_HOME", ""),
        home("HOME", ".config"),
        Some(PathBuf::from(".")),
    ];
    let mut candidates = Vec::new();
    for directory in directories.into_iter().flatten() {
        for name in ["rutter", "traefik"] {
            for extension in ["toml", "yaml", "yml"] {
                candidates.push(directory.join(format!("{name}.{extension}")));
            }
        }
    }
    candidates
}

/// `path` with `$NAME` and `${NAME}` replaced; what is not set is empty.
pub(super) fn expand(path: &str, variables: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let (name, behind) = braced.unwrap_or_else(|| {
            let other = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            after.split_at(after.find(other).unwrap_or(after.len()))
        });
        if name.is_empty() {
            out.push('$');
        } else {
            out.push_str(variable(variables, name).unwrap_or_default());
        }
        rest = behind;
    }
    out + rest
}

fn variable<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
    variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn files_are_looked_for_in_order() {
        let set = variables(&[("HOME", "/home/me"), ("XDG_CONFIG_HOME", "/xdg")]);
        let paths: Vec<_> =
            candidates(&set).into_iter().map(|path| path.display().to_string()).collect();
        insta::assert_snapshot!(paths.join(" "), @"/etc/traefik/rutter.toml /etc/traefik/rutter.yaml /etc/traefik/rutter.yml /etc/traefik/traefik.toml /etc/traefik/traefik.yaml /etc/traefik/traefik.yml /xdg/rutter.toml /xdg/rutter.yaml /xdg/rutter.yml /xdg/traefik.toml /xdg/traefik.yaml /xdg/traefik.yml /home/me/.config/rutter.toml /home/me/.config/rutter.yaml /home/me/.config/rutter.yml /home/me/.config/traefik.toml /home/me/.config/traefik.yaml /home/me/.config/traefik.yml ./rutter.toml ./rutter.yaml ./rutter.yml ./traefik.toml ./traefik.yaml ./traefik.yml");
        assert_eq!(candidates(&[]).len(), 12);
    }

    #[test]
    fn variables_in_paths_are_expanded() {
        let set = variables(&[("A", "x"), ("LONG_1", "y")]);
        let cases = [
            ("/etc/a.yml", "/etc/a.yml"),
            ("$A/${A}b/$LONG_1.yml", "x/xb/y.yml"),
            ("$UNSET/a", "/a"),
            ("a$", "a$"),
            ("a$/b", "a$/b"),
            ("${A", "${A"),
        ];
        for (path, expanded) in cases {
            assert_eq!(expand(path, &set), expanded);
        }
    }
}
