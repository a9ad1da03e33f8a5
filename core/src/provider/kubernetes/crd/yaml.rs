//! Just enough YAML to write definitions.
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// A value to write.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    Bool(bool),
    Integer(i64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Yaml {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let entries = entries.into_iter();
        Self::Map(entries.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Writes it as a block whose lines begin behind `indent` spaces.
    pub(super) fn write(&self, into: &mut String, indent: usize) {
        match self {
            Self::Map(entries) => {
                for (name, value) in entries {
                    into.push_str(&" ".repeat(indent));
                    value.write_entry(name, into, indent);
                }
            }
            Self::List(items) => {
                for item in items {
                    let mut block = String::new();
                    item.write(&mut block, indent + 2);
                    into.push_str(&" ".repeat(indent));
                    into.push_str("- ");
                    into.push_str(block.trim_start());
                }
            }
            Self::Bool(_) | Self::Integer(_) | Self::Text(_) => {
                into.push_str(&self.scalar());
                into.push('\n');
            }
        }
    }

    fn write_entry(&self, name: &str, into: &mut String, indent: usize) {
        into.push_str(name);
        into.push(':');
        match self {
            Self::Map(entries) if !entries.is_empty() => {
                into.push('\n');
                self.write(into, indent + 2);
            }
            Self::List(items) if !items.is_empty() => {
                into.push('\n');
                self.write(into, indent);
            }
            Self::Map(_) => into.push_str(" {}\n"),
            Self::List(_) => into.push_str(" []\n"),
            Self::Bool(_) | Self::Integer(_) | Self::Text(_) => {
                into.push(' ');
                into.push_str(&self.scalar());
                into.push('\n');
            }
        }
    }

    fn scalar(&self) -> String {
        match self {
            Self::Bool(truth) => format!("{truth}"),
            Self::Integer(number) => format!("{number}"),
            Self::Text(text) if is_plain(text) => text.clone(),
            // JSON's quoting is YAML's, and nothing here needs more than this.
            Self::Text(text) => {
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Self::List(_) | Self::Map(_) => String::new(),
        }
    }
}

/// Whether a text means itself without quotes.
fn is_plain(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_word)
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&&*text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_written_as_blocks() {
        let item = Yaml::map([("name", Yaml::text("a")), ("max", Yaml::Integer(3))]);
        let yaml = Yaml::map([
            ("text", Yaml::text("say \"x: \\y\"")),
            ("word", Yaml::text("on")),
            ("list", Yaml::List(Vec::from([item.clone(), item]))),
            ("words", Yaml::List(Vec::from([Yaml::text("x"), Yaml::Bool(true)]))),
            ("empty", Yaml::Map(Vec::new())),
        ]);
        let mut text = String::new();
        yaml.write(&mut text, 0);
        insta::assert_snapshot!(text, @r#"
        text: "say \"x: \\y\""
        word: "on"
        list:
        - name: a
          max: 3
        - name: a
          max: 3
        words:
        - x
        - true
        empty: {}
        "#);
    }
}
