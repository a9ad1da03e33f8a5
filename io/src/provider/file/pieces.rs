//! A YAML document cut into one piece for each object, so that a change costs what was changed.
//!
//! Only documents whose cuts are beyond doubt are cut: plain block style down to the objects, plain
//! names, no anchors, tags or templates. The cuts are compared with what the parser found before
//! they are used, and whenever anything looks odd, the whole document is parsed.
use crate::source;
use rutter_core::{
    config::{Configuration, Defined, Definitions, read},
    diagnostic::{Diagnostic, Kind, Place},
};
use std::{collections::BTreeMap, ops::Range, path::Path, sync::Arc};

mod cut;

/// When more pieces than this (and a quarter of all) changed, parsing everything is cheaper.
const CHANGED_MAX: usize = 64;

/// Where the objects of a document stand.
#[derive(Clone, Debug)]
pub(super) struct Pieces(Vec<Piece>);

#[derive(Clone, Debug)]
struct Piece {
    section: Section,
    name: Range<usize>,
    /// The line of the name, from 1.
    line: u32,
    /// From the start of that line to the start of the next piece or section.
    text: Range<usize>,
}

impl Piece {
    /// Whether the document ends with it: that bears on texts at its end.
    fn is_last(&self, text: &str) -> bool {
        self.text.end == text.len()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Routers,
    Services,
    Middlewares,
}

impl Section {
    fn named(line: &str) -> Option<Self> {
        match line {
            "routers:" => Some(Self::Routers),
            "services:" => Some(Self::Services),
            "middlewares:" => Some(Self::Middlewares),
            _ => None,
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Routers => Kind::Router,
            Self::Services => Kind::Service,
            Self::Middlewares => Kind::Middleware,
        }
    }
}

/// A document with its cuts and what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Old<'a> {
    pub(super) text: &'a str,
    pub(super) pieces: &'a Pieces,
    pub(super) configuration: &'a Configuration,
    pub(super) diagnostics: &'a [Diagnostic],
}

/// What came of a document.
pub(super) type Read = (Configuration, Vec<Diagnostic>);

impl Pieces {
    /// The cuts of a document that was parsed as a whole, if they are beyond doubt.
    pub(super) fn new(
        text: &str,
        configuration: &Configuration,
        diagnostics: &[Diagnostic],
    ) -> Option<Self> {
        let pieces = cut::cut(text)?;
        let http = &configuration.http;
        let count = http.routers.len() + http.services.len() + http.middlewares.len();
        let agrees = |piece: &Piece| {
            let line = line_of(configuration, piece.section, &text[piece.name.clone()]);
            line == Some(piece.line)
        };
        let is_sure = count == pieces.len()
            && diagnostics.iter().all(|it| it.kind != Kind::Document)
            && pieces.iter().all(agrees);
        is_sure.then_some(Self(pieces))
    }

    /// Reads a document that differs from an old one by a few pieces. `None`: it must be parsed as a
    /// whole.
    pub(super) fn update(path: &Path, text: &str, old: Old<'_>) -> Option<(Self, Read)> {
        let pieces = cut::cut(text)?;
        let mut update = Update::new(old);
        let mut changed = Vec::new();
        let mut walk = Walk { old, next: 0 };
        for piece in &pieces {
            match walk.find(piece, text) {
                Some(same)
                    if old.text[same.text.clone()] == text[piece.text.clone()]
                        && same.is_last(old.text) == piece.is_last(text) =>
                {
                    update.keep(piece, &text[piece.name.clone()], same.line)?;
                }
                _ => changed.push(piece),
            }
        }
        if changed.len() > CHANGED_MAX.max(pieces.len() / 4) {
            return None;
        }
        for piece in changed {
            update.read(path, text, piece)?;
        }
        // A name that stands twice is the parser's to complain about.
        let read = update.finish(pieces.len())?;
        Some((Self(pieces), read))
    }
}

/// Finds pieces of the old document, at best where the last one was found.
struct Walk<'a> {
    old: Old<'a>,
    next: usize,
}

impl<'a> Walk<'a> {
    fn find(&mut self, piece: &Piece, text: &str) -> Option<&'a Piece> {
        let name = &text[piece.name.clone()];
        let is_same =
            |old: &Piece| old.section == piece.section && self.old.text[old.name.clone()] == *name;
        let pieces = &self.old.pieces.0;
        let near = pieces.iter().enumerate().skip(self.next).take(CHANGED_MAX);
        let (index, found) = near.into_iter().find(|(_, old)| is_same(old))?;
        self.next = index + 1;
        Some(found)
    }
}

/// The new configuration in the making.
struct Update<'a> {
    old: Old<'a>,
    /// What was wrong with the old objects.
    told: BTreeMap<(Kind, &'a str), Vec<&'a Diagnostic>>,
    configuration: Configuration,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Update<'a> {
    fn new(old: Old<'a>) -> Self {
        let mut told = BTreeMap::<_, Vec<_>>::new();
        for diagnostic in old.diagnostics {
            told.entry((diagnostic.kind, &*diagnostic.object)).or_default().push(diagnostic);
        }
        Self { old, told, configuration: Configuration::default(), diagnostics: Vec::new() }
    }

    /// Takes over an object whose text is the same.
    fn keep(&mut self, piece: &Piece, name: &str, old_line: u32) -> Option<()> {
        let (old, new) = (&self.old.configuration.http, &mut self.configuration.http);
        let shift = i64::from(piece.line) - i64::from(old_line);
        match piece.section {
            Section::Routers => keep(&mut new.routers, &old.routers, name, shift),
            Section::Services => keep(&mut new.services, &old.services, name, shift),
            Section::Middlewares => keep(&mut new.middlewares, &old.middlewares, name, shift),
        }?;
        for diagnostic in self.told.get(&(piece.section.kind(), name)).into_iter().flatten() {
            let place = moved(&diagnostic.place, shift);
            self.diagnostics.push(Diagnostic { place, ..Diagnostic::clone(diagnostic) });
        }
        Some(())
    }

    /// Parses one object, in a document of its own.
    fn read(&mut self, path: &Path, text: &str, piece: &Piece) -> Option<()> {
        let (section, next) = match piece.section {
            Section::Routers => ("routers", "services"),
            Section::Services => ("services", "middlewares"),
            Section::Middlewares => ("middlewares", "routers"),
        };
        let name = &text[piece.name.clone()];
        let mut alone = format!("http:\n {section}:\n{}", &text[piece.text.clone()]);
        if !piece.is_last(text) {
            alone.push(' ');
            alone.push_str(next);
            alone.push_str(": {}\n");
        }
        let (document, warnings) = source::read(path, &alone).ok()?;
        let (mut read, mut diagnostics) = read::read(&document);
        let is_object = |it: &Diagnostic| it.kind == piece.section.kind() && &*it.object == name;
        let http = &mut read.http;
        let count = http.routers.len() + http.services.len() + http.middlewares.len();
        if count != 1 || !warnings.is_empty() || !diagnostics.iter().all(is_object) {
            return None;
        }
        // Two lines stand before it.
        let shift = i64::from(piece.line) - 3;
        for diagnostic in &mut diagnostics {
            diagnostic.place = moved(&diagnostic.place, shift);
        }
        self.diagnostics.extend(diagnostics);
        let (old, new) = (&self.old.configuration.http, &mut self.configuration.http);
        match piece.section {
            Section::Routers => put(&mut new.routers, &old.routers, &http.routers, name, shift),
            Section::Services => put(&mut new.services, &old.services, &http.services, name, shift),
            Section::Middlewares => {
                put(&mut new.middlewares, &old.middlewares, &http.middlewares, name, shift)
            }
        }
    }

    fn finish(mut self, pieces: usize) -> Option<Read> {
        let http = &self.configuration.http;
        let count = http.routers.len() + http.services.len() + http.middlewares.len();
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.place.line);
        (count == pieces).then_some((self.configuration, self.diagnostics))
    }
}

fn keep<T: Clone>(
    new: &mut Definitions<T>,
    old: &Definitions<T>,
    name: &str,
    shift: i64,
) -> Option<()> {
    let (name, definition) = old.get_key_value(name)?;
    let definition = if shift == 0 {
        Arc::clone(definition)
    } else {
        let place = moved(&definition.place, shift);
        Arc::new(Defined { value: definition.value.clone(), place })
    };
    new.insert(Arc::clone(name), definition);
    Some(())
}

/// Takes the one definition out of `read`.
fn put<T: Clone + PartialEq>(
    new: &mut Definitions<T>,
    old: &Definitions<T>,
    read: &Definitions<T>,
    name: &str,
    shift: i64,
) -> Option<()> {
    let (name, definition) = read.get_key_value(name)?;
    let place = moved(&definition.place, shift);
    let definition = Defined { value: definition.value.clone(), place };
    let definition = match old.get(name) {
        Some(same) if **same == definition => Arc::clone(same),
        _ => Arc::new(definition),
    };
    new.insert(Arc::clone(name), definition);
    Some(())
}

fn moved(place: &Place, shift: i64) -> Place {
    let line = u32::try_from(i64::from(place.line) + shift).unwrap_or(0);
    Place { source: Arc::clone(&place.source), line }
}

fn line_of(configuration: &Configuration, section: Section, name: &str) -> Option<u32> {
    let http = &configuration.http;
    Some(match section {
        Section::Routers => http.routers.get(name)?.place.line,
        Section::Services => http.services.get(name)?.place.line,
        Section::Middlewares => http.middlewares.get(name)?.place.line,
    })
}

#[cfg(test)]
mod tests;
