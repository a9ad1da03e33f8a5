//! One look at files: what is new is read, what has changed is read once it has stopped changing.
use super::Stamp;
use bytes::Bytes;
use rutter_core::config::file::{Content, Contents};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};
use zeroize::Zeroizing;

/// The largest file.
const BYTES_MAX: u64 = 16 << 20;
/// A file that never stops changing is read all the same after so many looks.
const CHANGING_LOOKS_MAX: u8 = 25;

/// Files as they were last read, by path as written.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<Arc<str>, Remembered>);

#[derive(Clone, Debug)]
struct Remembered {
    /// `None`: there was none to read.
    stamp: Option<Stamp>,
    content: Content,
    /// Why it cannot be read any more, if so; the content is that of before.
    lost: Option<Arc<str>>,
    /// What it looked like at the last look, and for how many looks it has been changing.
    changing: Option<(Option<Stamp>, u8)>,
}

impl Known {
    /// Looks at these files and forgets all others. Blocks.
    pub(super) fn look(&self, paths: &BTreeSet<Arc<str>>) -> Self {
        let look = |path: &Arc<str>| {
            let now = match self.0.get(path) {
                None => Remembered::new(path),
                Some(remembered) => remembered.look(path),
            };
            (Arc::clone(path), now)
        };
        Self(paths.iter().map(look).collect())
    }

    /// Whether all these files were looked at.
    pub(super) fn has(&self, paths: &BTreeSet<Arc<str>>) -> bool {
        paths.iter().all(|path| self.0.contains_key(path))
    }

    /// Whether any of these files has another content than before.
    pub(super) fn differs(&self, before: &Self, paths: &BTreeSet<Arc<str>>) -> bool {
        let content =
            |known: &Self, path| known.0.get(path).map(|it: &Remembered| it.content.clone());
        paths.iter().any(|path| content(self, path) != content(before, path))
    }

    /// Whether a file is changing, and another look is due soon.
    pub(super) fn is_unsettled(&self) -> bool {
        self.0.values().any(|remembered| remembered.changing.is_some())
    }

    /// Files that cannot be read any more since the look before, and why.
    pub(super) fn lost<'a>(&'a self, before: &Self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let told = |path: &Arc<str>| before.0.get(path).is_some_and(|before| before.lost.is_some());
        let lost = self.0.iter().filter(move |(path, _)| !told(path));
        lost.filter_map(|(path, remembered)| Some((&**path, remembered.lost.as_deref()?)))
    }

    /// What is in the files.
    pub(super) fn contents(&self) -> Contents {
        let content = |(path, it): (&Arc<str>, &Remembered)| (Arc::clone(path), it.content.clone());
        self.0.iter().map(content).collect()
    }
}

impl Remembered {
    fn new(path: &str) -> Self {
        let (stamp, content) = match read(Path::new(path)) {
            Ok((stamp, bytes)) => (Some(stamp), Ok(bytes)),
            Err(error) => (stamp(path), Err(error.to_string().into())),
        };
        Self { stamp, content, lost: None, changing: None }
    }

    fn look(&self, path: &str) -> Self {
        let stamp = stamp(path);
        let looks = match self.changing {
            _ if stamp == self.stamp => return Self { changing: None, ..self.clone() },
            None => 1,
            // It has stopped.
            Some((same, _)) if same == stamp => CHANGING_LOOKS_MAX,
            Some((_, looks)) => looks + 1,
        };
        if looks < CHANGING_LOOKS_MAX {
            return Self { changing: Some((stamp, looks)), ..self.clone() };
        }
        match (Self::new(path), &self.content) {
            // The same bytes in the same place make what holds them the same.
            (Self { content: Ok(new), stamp, .. }, Ok(old)) if new == *old => {
                Self { stamp, content: Ok(old.clone()), lost: None, changing: None }
            }
            (Self { content: Err(reason), stamp, .. }, Ok(old)) => {
                Self { stamp, content: Ok(old.clone()), lost: Some(reason), changing: None }
            }
            (new, _) => new,
        }
    }
}

fn stamp(path: &str) -> Option<Stamp> {
    Path::new(path).metadata().ok().map(|metadata| Stamp::of(&metadata))
}

fn read(path: &Path) -> io::Result<(Stamp, Bytes)> {
    // Opening a pipe would wait for its writer.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    // It may be a private key: it is wiped when nobody has it any more. With room for all of it at once,
    // no copy is left behind on the way.
    let size = usize::try_from(file.metadata()?.len().min(BYTES_MAX)).unwrap_or(0) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {} MiB", BYTES_MAX >> 20)));
    }
    Ok((stamp, Bytes::from_owner(bytes)))
}
