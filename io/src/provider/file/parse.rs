//! From the texts of files to one configuration, with everything unchanged shared with the last one.
use super::pieces::{self, Pieces};
use crate::{
    provider::template::{self, Rendered},
    source,
};
use rutter_core::{
    config::{Configuration, read},
    diagnostic::{Diagnostic, Kind, Place, Severity},
    tree::{Node, Value},
};
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What came of the files.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) configuration: Arc<Configuration>,
    /// Whether it is another one than before.
    pub(super) is_changed: bool,
    /// About files that are new or changed.
    pub(super) new_diagnostics: Vec<Diagnostic>,
    /// About all files.
    pub(super) all_diagnostics: Vec<Diagnostic>,
}

/// Parses what is new and keeps what is not.
#[derive(Debug)]
pub(super) struct Parser {
    log_templates: bool,
    files: BTreeMap<PathBuf, File>,
    current: Option<Arc<Configuration>>,
}

#[derive(Clone, Debug)]
struct File {
    text: Arc<str>,
    configuration: Arc<Configuration>,
    diagnostics: Arc<[Diagnostic]>,
    /// Where its objects stand, if that is beyond doubt.
    pieces: Option<Arc<Pieces>>,
}

impl Parser {
    pub(super) fn new(log_templates: bool) -> Self {
        Self { log_templates, files: BTreeMap::new(), current: None }
    }

    /// # Errors
    /// The first file that is not readable as a whole; then nothing is changed.
    pub(super) fn parse(&mut self, texts: Vec<(PathBuf, Arc<str>)>) -> Result<Parsed, Diagnostic> {
        let mut files = BTreeMap::new();
        let mut new_diagnostics = Vec::new();
        let mut is_changed = self.current.is_none() || texts.len() != self.files.len();
        for (path, text) in texts {
            let old = self.files.get(&path);
            let file = match old {
                Some(old) if Arc::ptr_eq(&old.text, &text) => old.clone(),
                _ => {
                    is_changed = true;
                    let file = self.parse_file(&path, text, old)?;
                    let known = old.map_or(&[][..], |old| &old.diagnostics);
                    let known: HashSet<&Diagnostic> = known.iter().collect();
                    let news = file.diagnostics.iter().filter(|it| !known.contains(it));
                    new_diagnostics.extend(news.cloned());
                    file
                }
            };
            files.insert(path, file);
        }
        self.files = files;
        let (merged, duplicates) = self.merge();
        let configuration = match &self.current {
            Some(current) if !is_changed => Arc::clone(current),
            _ => merged,
        };
        self.current = Some(Arc::clone(&configuration));
        let mut all_diagnostics: Vec<Diagnostic> =
            self.files.values().flat_map(|file| file.diagnostics.iter().cloned()).collect();
        all_diagnostics.extend(duplicates.iter().cloned());
        if is_changed {
            new_diagnostics.extend(duplicates);
        }
        all_diagnostics.iter_mut().chain(&mut new_diagnostics).for_each(qualify);
        Ok(Parsed { configuration, is_changed, new_diagnostics, all_diagnostics })
    }

    fn parse_file(
        &self,
        path: &Path,
        text: Arc<str>,
        old: Option<&File>,
    ) -> Result<File, Diagnostic> {
        if let Some(file) = old.and_then(|old| old.update(path, &text)) {
            return Ok(file);
        }
        let mut file = parse_file(path, text, self.log_templates)?;
        if let Some(old) = old {
            file.share(&old.configuration);
        }
        Ok(file)
    }

    /// Whether a file has become empty.
    pub(super) fn is_emptied(&self, texts: &[(PathBuf, Arc<str>)]) -> bool {
        let had_text = |path| self.files.get(path).is_none_or(|file| !file.text.is_empty());
        texts.iter().any(|(path, text)| text.is_empty() && had_text(path))
    }

    /// The union of all files. What is defined twice is taken from the first file.
    fn merge(&self) -> (Arc<Configuration>, Vec<Diagnostic>) {
        let mut duplicates = Vec::new();
        let mut files = self.files.values();
        let Some(first) = files.next() else { return (Arc::default(), duplicates) };
        let mut merged = Arc::clone(&first.configuration);
        for file in files {
            let more = Configuration::clone(&file.configuration);
            duplicates.extend(Arc::make_mut(&mut merged).merge(more));
        }
        (merged, duplicates)
    }
}

impl File {
    fn new(path: &Path, text: Arc<str>, read: pieces::Read, pieces: Option<Pieces>) -> Self {
        let (configuration, diagnostics) = read;
        let is_yaml = path.extension().is_some_and(|it| !it.eq_ignore_ascii_case("toml"));
        let pieces = pieces.or_else(|| {
            is_yaml.then(|| Pieces::new(&text, &configuration, &diagnostics)).flatten()
        });
        Self {
            text,
            configuration: Arc::new(configuration),
            diagnostics: diagnostics.into(),
            pieces: pieces.map(Arc::new),
        }
    }

    /// Reads only the objects that changed, where that can be done.
    fn update(&self, path: &Path, text: &Arc<str>) -> Option<Self> {
        let old = pieces::Old {
            text: &self.text,
            pieces: self.pieces.as_deref()?,
            configuration: &self.configuration,
            diagnostics: &self.diagnostics,
        };
        let (pieces, read) = Pieces::update(path, text, old)?;
        Some(Self::new(path, Arc::clone(text), read, Some(pieces)))
    }

    /// Takes over the old definitions that are equal.
    fn share(&mut self, old: &Configuration) {
        Arc::make_mut(&mut self.configuration).share(old);
    }
}

fn parse_file(path: &Path, text: Arc<str>, log_template: bool) -> Result<File, Diagnostic> {
    let rendered = template::render(&text).map_err(|error| Diagnostic {
        severity: Severity::Error,
        kind: Kind::Document,
        object: Arc::from(""),
        path: String::new(),
        place: Place { source: path.display().to_string().into(), line: error.line },
        message: error.message,
    })?;
    let (document, mut diagnostics) = match &rendered {
        None => source::read(path, &text)?,
        Some(rendered) => {
            if log_template {
                log(path, &text, &rendered.text);
            }
            read_rendered(path, rendered)?
        }
    };
    let (configuration, findings) = read::read(&document);
    diagnostics.extend(findings);
    Ok(File::new(path, text, (configuration, diagnostics), None))
}

fn log(path: &Path, template: &str, generated: &str) {
    tracing::debug!(providerName = super::NAME, "template {}: {template}", path.display());
    tracing::debug!(providerName = super::NAME, "it generates {}: {generated}", path.display());
}

fn read_rendered(path: &Path, rendered: &Rendered) -> Result<(Node, Vec<Diagnostic>), Diagnostic> {
    let (mut document, mut warnings) =
        source::read(path, &rendered.text).map_err(|mut diagnostic| {
            trace(&mut diagnostic.place, rendered);
            diagnostic
        })?;
    trace_all(&mut document, rendered);
    warnings.iter_mut().for_each(|warning| trace(&mut warning.place, rendered));
    Ok((document, warnings))
}

/// `app` becomes `app@file`.
fn qualify(diagnostic: &mut Diagnostic) {
    if diagnostic.kind != Kind::Document {
        diagnostic.object = format!("{}@{}", diagnostic.object, super::NAME).into();
    }
}

/// Places in the generated text become places in the source.
fn trace_all(node: &mut Node, rendered: &Rendered) {
    trace(&mut node.place, rendered);
    match &mut node.value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {}
        Value::List(items) => items.iter_mut().for_each(|item| trace_all(item, rendered)),
        Value::Map(entries) => {
            for (key, value) in entries {
                trace(&mut key.place, rendered);
                trace_all(value, rendered);
            }
        }
    }
}

fn trace(place: &mut Place, rendered: &Rendered) {
    if place.line > 0 {
        place.line = rendered.source_line(place.line);
    }
}
