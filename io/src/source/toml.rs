//! TOML, with lines.
use super::Source;
use rutter_core::{
    diagnostic::Diagnostic,
    tree::{DEPTH_MAX, Key, Node, Value},
};
use std::ops::Range;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Reads a document.
pub(super) fn read(source: &Source, text: &str) -> Result<Node, Diagnostic> {
    let lines = Lines::of(text);
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(0, |span| lines.at(&span));
        let message = error.message().trim().replace('\n', ", ");
        source.error(line, format!("not valid TOML: {message}"))
    })?;
    let reader = Reader { source, lines };
    Ok(Node { value: reader.table(table.into_inner(), 0)?, place: source.place(1) })
}

struct Reader<'a> {
    source: &'a Source,
    lines: Lines,
}

impl Reader<'_> {
    fn node(&self, value: Spanned<DeValue<'_>>, depth: usize) -> Result<Node, Diagnostic> {
        let line = self.lines.at(&value.span());
        if depth > DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} levels of nesting; make it flatter");
            return Err(self.source.error(line, message));
        }
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Boolean(truth) => Value::Bool(truth),
            DeValue::Datetime(datetime) => Value::Text(datetime.to_string()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Int(number),
                    Err(_) => Value::Text(number.to_string()),
                }
            }
            DeValue::Float(number) => super::float(number.as_str()),
            DeValue::Array(items) => {
                let items = items.into_iter().map(|item| self.node(item, depth + 1));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => self.table(table, depth)?,
        };
        Ok(Node { value, place: self.source.place(line) })
    }

    fn table(&self, table: DeTable<'_>, depth: usize) -> Result<Value, Diagnostic> {
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries.into_iter().map(|(key, value)| {
            let place = self.source.place(self.lines.at(&key.span()));
            let key = Key { name: key.into_inner().into_owned(), place };
            Ok((key, self.node(value, depth + 1)?))
        });
        Ok(Value::Map(entries.collect::<Result<_, _>>()?))
    }
}

/// Offsets at which lines end.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect(),
        )
    }

    /// The line, from 1, on which `span` begins.
    fn at(&self, span: &Range<usize>) -> usize {
        1 + self.0.partition_point(|end| *end < span.start)
    }
}
