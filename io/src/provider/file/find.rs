//! Which files a file provider reads, and which folders it must watch to hear of their changes.
use super::Source;
use crate::source;
use std::{
    collections::{BTreeSet, VecDeque},
    ffi::OsString,
    io,
    path::{Component, Path, PathBuf},
};

/// The most symbolic links on the way to one file.
const LINKS_MAX: usize = 40;

/// The deepest folder below the provider's.
const DEPTH_MAX: usize = 32;

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files to read, in lexical order.
    pub(super) files: Vec<PathBuf>,
    /// What to watch.
    pub(super) interest: Interest,
}

/// Where changes matter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Interest {
    /// Folders to watch, without symbolic links on the way.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Entries of these folders that matter.
    names: BTreeSet<PathBuf>,
    /// Folders of which every entry matters.
    whole: BTreeSet<PathBuf>,
}

impl Interest {
    /// Whether an event at `path` may change what is read.
    pub(super) fn includes(&self, path: &Path) -> bool {
        self.names.contains(path)
            || self.folders.contains(path)
            || path.parent().is_some_and(|folder| self.whole.contains(folder))
    }

    /// Follows symbolic links to what `path` names; every folder on the way may change the answer.
    fn follow(&mut self, path: &Path) {
        let Ok(path) = std::path::absolute(path) else { return };
        let mut ahead: VecDeque<OsString> = parts(&path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                at.pop();
                continue;
            }
            let entry = at.join(&part);
            let is_link = match entry.symlink_metadata() {
                Ok(metadata) => metadata.is_symlink(),
                Err(_) => {
                    // Made later, it would be made here.
                    self.folders.insert(at);
                    self.names.insert(entry);
                    return;
                }
            };
            if is_link || ahead.is_empty() {
                self.folders.insert(at.clone());
                self.names.insert(entry.clone());
            }
            if !is_link {
                at = entry;
                continue;
            }
            links += 1;
            let Ok(target) = std::fs::read_link(&entry) else { return };
            if links > LINKS_MAX {
                return;
            }
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            for part in parts(&target).into_iter().rev() {
                ahead.push_front(part);
            }
        }
    }
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// Looks for the files of a source.
///
/// # Errors
/// A folder that cannot be read, with its path. What to watch is told in any case.
pub(super) fn find(files: &Source) -> (Found, Result<(), (PathBuf, io::Error)>) {
    let mut found = Found::default();
    let outcome = match files {
        Source::File(path) => {
            found.interest.follow(path);
            found.files.push(path.clone());
            Ok(())
        }
        Source::Directory(path) => {
            found.interest.follow(path);
            found.folder(path, &mut Vec::new())
        }
    };
    (found, outcome)
}

impl Found {
    /// Folders above are in `above`, so that a link to one of them is no endless way down.
    fn folder(
        &mut self,
        path: &Path,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), (PathBuf, io::Error)> {
        let failed = |error| (path.to_owned(), error);
        let real = path.canonicalize().map_err(failed)?;
        if above.contains(&real) || above.len() > DEPTH_MAX {
            return Ok(());
        }
        self.interest.folders.insert(real.clone());
        self.interest.whole.insert(real.clone());
        let mut entries = std::fs::read_dir(path)
            .map_err(failed)?
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        above.push(real);
        for entry in entries {
            // A mounted ConfigMap keeps its generations in `..`; its files are links into them.
            if entry.file_name().as_encoded_bytes().starts_with(b"..") {
                continue;
            }
            let path = entry.path();
            if entry.path().symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
                self.interest.follow(&path);
            }
            // A link that leads nowhere, or an entry that is gone again.
            let Ok(metadata) = path.metadata() else { continue };
            if metadata.is_dir() {
                self.folder(&path, above)?;
            } else if metadata.is_file() && source::is_supported(&path) {
                self.files.push(path);
            }
        }
        above.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    fn names(found: &Found, root: &Path) -> Vec<String> {
        let name = |path: &PathBuf| path.strip_prefix(root).unwrap().display().to_string();
        found.files.iter().map(name).collect()
    }

    #[test]
    fn a_directory_is_read_recursively_in_lexical_order() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("m/n")).unwrap();
        for name in ["z.yml", "a.TOML", "m/b.yaml", "m/n/c.yml", "m/readme.md", "k"] {
            fs::write(root.join(name), "").unwrap();
        }
        symlink("/nowhere", root.join("lock.yml")).unwrap();
        let (found, outcome) = find(&Source::Directory(root.to_owned()));
        assert!(outcome.is_ok());
        assert_eq!(names(&found, root), ["a.TOML", "m/b.yaml", "m/n/c.yml", "z.yml"]);
        assert!(found.interest.includes(&root.canonicalize().unwrap().join("m/n/new.yml")));
        assert!(!found.interest.includes(Path::new("/elsewhere/new.yml")));
    }

    #[test]
    fn a_link_in_a_circle_ends() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        fs::write(root.path().join("a/x.yml"), "").unwrap();
        symlink("..", root.path().join("a/up")).unwrap();
        symlink("self", root.path().join("self")).unwrap();
        let (found, outcome) = find(&Source::Directory(root.path().to_owned()));
        assert!(outcome.is_ok());
        assert_eq!(names(&found, root.path()), ["a/x.yml"]);
    }

    #[test]
    fn every_link_on_the_way_to_a_file_is_watched() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("..2026")).unwrap();
        fs::write(root.join("..2026/dyn.yml"), "").unwrap();
        symlink("..2026", root.join("..data")).unwrap();
        symlink("..data/dyn.yml", root.join("dyn.yml")).unwrap();
        let (found, _) = find(&Source::File(root.join("dyn.yml")));
        let entries = ["dyn.yml", "..data", "..2026/dyn.yml"].map(|name| root.join(name));
        assert!(entries.iter().all(|entry| found.interest.includes(entry)));
        assert!(!found.interest.includes(&root.join("other.yml")));
        assert_eq!(found.interest.folders, BTreeSet::from([root.clone(), root.join("..2026")]));
    }

    #[test]
    fn where_a_missing_folder_would_be_made_is_watched() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (found, outcome) = find(&Source::Directory(root.join("a/b")));
        assert!(outcome.is_err());
        assert_eq!(found.interest.folders, BTreeSet::from([root.clone()]));
        assert!(found.interest.includes(&root.join("a")));
    }
}
