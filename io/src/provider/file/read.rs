//! Reads files and remembers them, so that an unchanged one is neither read nor parsed again.
use super::{
    Source,
    find::{self, Found, Interest},
    watch::Touched,
};
use crate::files::Stamp;
use rutter_core::diagnostic::{Diagnostic, Kind, Place, Severity};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The largest file.
const BYTES_MAX: u64 = 64 << 20;

/// The text of every file, in lexical order of their names, or why there is none.
pub(super) type Texts = Result<Vec<(PathBuf, Arc<str>)>, Diagnostic>;

/// Files as they were last read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    files: BTreeMap<PathBuf, Remembered>,
}

#[derive(Debug)]
struct Remembered {
    /// The file without symbolic links on the way.
    real: PathBuf,
    stamp: Stamp,
    text: Arc<str>,
}

impl Reader {
    /// Reads what is new, touched or looks changed.
    pub(super) fn read(&mut self, source: &Source, touched: &Touched) -> (Interest, Texts) {
        let (Found { files, interest }, outcome) = find::find(source);
        if let Err((path, error)) = outcome {
            return (interest, Err(unreadable(&path, &error.to_string())));
        }
        let is_directory = matches!(source, Source::Directory(_));
        let mut texts = Vec::with_capacity(files.len());
        for path in files {
            match self.read_file(&path, touched) {
                Ok(text) => texts.push((path, text)),
                // Removed since it was found.
                Err(error) if is_directory && error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return (interest, Err(unreadable(&path, &error.to_string()))),
            }
        }
        self.files.retain(|path, _| texts.binary_search_by(|(known, _)| known.cmp(path)).is_ok());
        (interest, Ok(texts))
    }

    /// Whether any file looks other than when it was read.
    pub(super) fn looks_changed(&self, source: &Source) -> bool {
        let (found, outcome) = find::find(source);
        let known = |path: &PathBuf| {
            let stamp = path.metadata().ok().map(|metadata| Stamp::of(&metadata));
            self.files.get(path).map(|remembered| remembered.stamp) == stamp
        };
        let present = found.files.iter().filter(|path| path.exists()).count();
        outcome.is_err() || present != self.files.len() || !found.files.iter().all(known)
    }

    fn read_file(&mut self, path: &Path, touched: &Touched) -> io::Result<Arc<str>> {
        let metadata = path.metadata()?;
        // Opening a pipe would wait for its writer.
        if !metadata.is_file() {
            return Err(io::Error::other("is not a regular file"));
        }
        let stamp = Stamp::of(&metadata);
        if let Some(known) = self.files.get(path)
            && known.stamp == stamp
            && !touched.includes(&known.real)
        {
            return Ok(Arc::clone(&known.text));
        }
        let real = path.canonicalize()?;
        let (stamp, text) = read_whole(&real)?;
        // The same `Arc` for the same text says "unchanged" to the parser's cache.
        let text = match self.files.get(path) {
            Some(known) if *known.text == *text => Arc::clone(&known.text),
            _ => Arc::from(text),
        };
        let remembered = Remembered { real, stamp, text: Arc::clone(&text) };
        self.files.insert(path.to_owned(), remembered);
        Ok(text)
    }
}

fn read_whole(path: &Path) -> io::Result<(Stamp, String)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("is larger than {} MiB", BYTES_MAX >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        io::Error::other(format!("line {line} is not UTF-8"))
    })?;
    Ok((Stamp::of(&metadata), text))
}

fn unreadable(path: &Path, reason: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        kind: Kind::Document,
        object: Arc::from(""),
        path: String::new(),
        place: Place { source: path.display().to_string().into(), line: 0 },
        message: format!("cannot read: {reason}"),
    }
}
