//! Finds where the objects of a plain block document stand.
use super::{Piece, Section};

/// Cuts a document, if it is as plain as it must be.
pub(super) fn cut(text: &str) -> Option<Vec<Piece>> {
    if text.contains('\r') || text.contains("{{") || has_properties(text) {
        return None;
    }
    let mut cutter = Cutter::default();
    let mut start = 0;
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        cutter.line(line, number, start)?;
        start += line.len();
    }
    cutter.close(text.len());
    Some(cutter.pieces)
}

/// Whether there may be an anchor, an alias or a tag: what stands there is not the whole of it.
fn has_properties(text: &str) -> bool {
    text.match_indices(['&', '*', '!']).any(|(at, _)| {
        let before = text[..at].trim_end_matches(' ');
        before.is_empty() || before.ends_with([':', '-', ',', '[', '{', '?', '\n'])
    })
}

#[derive(Default)]
struct Cutter {
    pieces: Vec<Piece>,
    seen: Vec<Section>,
    in_http: bool,
    section: Option<Section>,
    section_indent: Option<usize>,
    object_indent: Option<usize>,
    is_open: bool,
}

impl Cutter {
    fn line(&mut self, line: &str, number: u32, start: usize) -> Option<()> {
        let line = line.trim_end();
        let inside = line.trim_start_matches(' ');
        if inside.is_empty() || inside.starts_with('#') {
            return Some(());
        }
        let indent = line.len() - inside.len();
        if indent == 0 {
            self.close(start);
            let is_first = !std::mem::replace(&mut self.in_http, true);
            return (is_first && inside == "http:").then_some(());
        }
        if !self.in_http {
            return None;
        }
        let section_indent = *self.section_indent.get_or_insert(indent);
        if indent == section_indent {
            self.close(start);
            return self.open_section(Section::named(inside)?);
        }
        let section = self.section.filter(|_| indent > section_indent)?;
        let object_indent = *self.object_indent.get_or_insert(indent);
        if indent == object_indent {
            self.close(start);
            return self.open_piece(section, inside, number, start, indent);
        }
        // The inside of an object, and also the lines of a text in it.
        (indent > object_indent && self.is_open).then_some(())
    }

    fn open_section(&mut self, section: Section) -> Option<()> {
        if self.seen.contains(&section) {
            return None;
        }
        self.seen.push(section);
        self.section = Some(section);
        self.object_indent = None;
        Some(())
    }

    fn open_piece(
        &mut self,
        section: Section,
        inside: &str,
        line: u32,
        start: usize,
        indent: usize,
    ) -> Option<()> {
        let (name, rest) = inside.split_once(':')?;
        let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !is_plain || !(rest.is_empty() || rest.starts_with(' ')) {
            return None;
        }
        let name = start + indent..start + indent + name.len();
        self.pieces.push(Piece { section, name, line, text: start..start });
        self.is_open = true;
        Some(())
    }

    /// Ends the piece that is open.
    fn close(&mut self, end: usize) {
        if std::mem::take(&mut self.is_open)
            && let Some(piece) = self.pieces.last_mut()
        {
            piece.text.end = end;
        }
    }
}
