//! YAML, with lines; aliases and merge keys expanded within bounds.
//!
//! Scalars as Go's parser resolves them for typed options: what is quoted is text, and a plain one is
//! anything else only where nothing of its spelling is lost.
use super::Source;
use rutter_core::{
    diagnostic::{Diagnostic, Place, Severity},
    tree::{DEPTH_MAX, Key, Node, Value},
};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

/// Bytes that all aliases and merge keys of a document may expand to.
const EXPANDED_MAX: usize = 16 << 20;

/// Reads the first document.
pub(super) fn read(source: &Source, text: &str) -> Result<(Node, Vec<Diagnostic>), Diagnostic> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::new(source);
    let mut warnings = Vec::new();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let (line, column) = (error.marker().line(), error.marker().col() + 1);
            let message = format!("not valid YAML: {}, at column {column}", error.info());
            source.error(line, message)
        })?;
        if matches!(event, Event::DocumentStart(_)) && builder.root.is_some() {
            let message = "a second document begins here; only the first is read, make it a file \
                           of its own";
            warnings.push(source.diagnostic(
                Severity::Warning,
                span.start.line(),
                message.to_owned(),
            ));
            break;
        }
        builder.event(event, span)?;
    }
    let nothing = || Node { value: Value::Null, place: source.place(1) };
    Ok((builder.root.unwrap_or_else(nothing), warnings))
}

struct Builder<'a> {
    source: &'a Source,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    expanded: usize,
    root: Option<Node>,
}

/// A list or map that is not closed yet.
struct Open {
    place: Place,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(Map),
}

#[derive(Default)]
struct Map {
    entries: Vec<(Key, Node)>,
    /// The key whose value comes next.
    key: Option<(Key, Role)>,
    merged: Vec<Node>,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Name,
    /// `<<`
    Merge,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source) -> Self {
        Self { source, open: Vec::new(), anchors: HashMap::new(), expanded: 0, root: None }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if self.awaits_key() {
                    self.key(text, style, anchor, line);
                    return Ok(());
                }
                let value = scalar(text, style, tag.as_deref());
                self.put(Node { value, place: self.source.place(line) }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.start(Content::List(Vec::new()), anchor, line),
            Event::MappingStart(anchor, _) => {
                self.start(Content::Map(Map::default()), anchor, line)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, line),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    /// Whether a key of a map comes next.
    fn awaits_key(&self) -> bool {
        match self.open.last().map(|open| &open.content) {
            Some(Content::Map(map)) => map.key.is_none(),
            Some(Content::List(_)) | None => false,
        }
    }

    fn key(&mut self, text: Cow<'_, str>, style: ScalarStyle, anchor: usize, line: usize) {
        let place = self.source.place(line);
        if anchor != 0 {
            let value = Value::Text(text.clone().into_owned());
            self.anchors.insert(anchor, Node { value, place: place.clone() });
        }
        if let Some(Open { content: Content::Map(map), .. }) = self.open.last_mut() {
            let merges = style == ScalarStyle::Plain && text == "<<";
            let role = if merges { Role::Merge } else { Role::Name };
            map.key = Some((Key { name: text.into_owned(), place }, role));
        }
    }

    fn start(&mut self, content: Content, anchor: usize, line: usize) -> Result<(), Diagnostic> {
        if self.awaits_key() {
            let message = "a list or section cannot be a key; quote it if it is meant as text";
            return Err(self.source.error(line, message.to_owned()));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(self.too_deep(line));
        }
        self.open.push(Open { place: self.source.place(line), anchor, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Diagnostic> {
        let Some(Open { place, anchor, content }) = self.open.pop() else { return Ok(()) };
        let value = match content {
            Content::List(items) => Value::List(items),
            Content::Map(map) => Value::Map(self.merge(map)?),
        };
        self.put(Node { value, place }, anchor)
    }

    /// The map's entries, and those of the maps under `<<` that it does not have itself.
    fn merge(&self, map: Map) -> Result<Vec<(Key, Node)>, Diagnostic> {
        let Map { mut entries, merged, .. } = map;
        if let Some((key, first)) = repeated(&entries) {
            let message = format!(
                "`{}` stands twice in one section, first on line {}; keep one",
                key.name, first.place.line
            );
            return Err(self.source.error(key.place.line as usize, message));
        }
        if merged.is_empty() {
            return Ok(entries);
        }
        let mut names: BTreeSet<String> = entries.iter().map(|(key, _)| key.name.clone()).collect();
        for node in merged {
            let line = node.place.line as usize;
            let maps = match node.value {
                Value::List(maps) => maps,
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::Map(_) => vec![node],
            };
            for node in maps {
                let Value::Map(more) = node.value else {
                    let message = "`<<` takes sections to merge, such as `*name`";
                    return Err(self.source.error(line, message.to_owned()));
                };
                let fresh = more.into_iter().filter(|(key, _)| names.insert(key.name.clone()));
                entries.extend(fresh);
            }
        }
        Ok(entries)
    }

    fn alias(&mut self, anchor: usize, line: usize) -> Result<(), Diagnostic> {
        let Some(node) = self.anchors.get(&anchor) else {
            let message = "this alias stands inside of what it names; write it out";
            return Err(self.source.error(line, message.to_owned()));
        };
        let (size, depth) = measure(node);
        self.expanded = self.expanded.saturating_add(size);
        if self.expanded > EXPANDED_MAX {
            let message = format!(
                "aliases expand to more than {} MiB; write less of them",
                EXPANDED_MAX >> 20
            );
            return Err(self.source.error(line, message));
        }
        if self.open.len() + depth > DEPTH_MAX {
            return Err(self.too_deep(line));
        }
        let node = node.clone();
        if !self.awaits_key() {
            return self.put(node, 0);
        }
        match node.value {
            Value::Text(text) => {
                self.key(Cow::Owned(text), ScalarStyle::DoubleQuoted, 0, line);
                Ok(())
            }
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Map(_) => {
                let message = "only an alias of text can be a key; write it out";
                Err(self.source.error(line, message.to_owned()))
            }
        }
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map(map)) => match map.key.take() {
                Some((_, Role::Merge)) => map.merged.push(node),
                Some((key, Role::Name)) => map.entries.push((key, node)),
                None => {
                    let line = node.place.line as usize;
                    return Err(self.source.error(line, "a value without its key".to_owned()));
                }
            },
            None => self.root = Some(node),
        }
        Ok(())
    }

    fn too_deep(&self, line: usize) -> Diagnostic {
        let message = format!("more than {DEPTH_MAX} levels of nesting; make it flatter");
        self.source.error(line, message)
    }
}

/// The first key that stands in `entries` before, and where it does.
fn repeated(entries: &[(Key, Node)]) -> Option<(&Key, &Key)> {
    // Most sections are so short that comparing all is faster than sorting.
    if entries.len() <= 8 {
        return entries.iter().enumerate().find_map(|(at, (key, _))| {
            let before = entries.iter().take(at).find(|(first, _)| first.name == key.name);
            before.map(|(first, _)| (key, first))
        });
    }
    let mut keys: Vec<&Key> = entries.iter().map(|(key, _)| key).collect();
    // Stable: of equal names the first stays first.
    keys.sort_by_key(|key| key.name.as_str());
    let pairs = keys.windows(2).filter_map(|pair| match pair {
        [first, key] if first.name == key.name => Some((*key, *first)),
        _ => None,
    });
    pairs.min_by_key(|(key, _)| key.place.line)
}

/// Bytes, roughly, and levels of a tree, whose depth is bounded.
fn measure(node: &Node) -> (usize, usize) {
    let own = size_of::<Node>();
    let fold = |(size, depth): (usize, usize), (more, below): (usize, usize)| {
        (size.saturating_add(more), depth.max(below + 1))
    };
    match &node.value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => (own, 0),
        Value::Text(text) => (own + text.len(), 0),
        Value::List(items) => items.iter().map(measure).fold((own, 1), fold),
        Value::Map(entries) => {
            let sizes = entries.iter().map(|(key, node)| {
                let (size, depth) = measure(node);
                (size + size_of::<Key>() + key.name.len(), depth)
            });
            sizes.fold((own, 1), fold)
        }
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    if style != ScalarStyle::Plain || is_text {
        return Value::Text(text.into_owned());
    }
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Value::Int(number),
        _ => super::float(&text),
    }
}
