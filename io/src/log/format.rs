//! One event, one line: `time="…" level=info msg="…" key=value`, JSON, or coloured on a terminal.
use super::level_name;
use rutter_core::static_config::log::Format;
use std::fmt::{self, Write};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `time="…" level=info msg="…" key=value`
    Common,
    /// The same for eyes.
    Terminal,
    /// One object a line.
    Json,
}

impl Style {
    pub(super) const fn new(format: Format, terminal: bool) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Common if terminal => Self::Terminal,
            Format::Common => Self::Common,
        }
    }

    fn write(
        self,
        writer: &mut dyn Write,
        level: Level,
        time: &str,
        fields: &Fields,
    ) -> fmt::Result {
        let message = &fields.message;
        match self {
            Self::Common => {
                write!(writer, "time=\"{time}\" level={} msg=", level_name(level))?;
                write_quoted(writer, message)?;
                for (name, value) in &fields.others {
                    write!(writer, " {name}=")?;
                    write_value(writer, value)?;
                }
            }
            Self::Terminal => {
                let name = level_name(level).to_ascii_uppercase();
                write!(writer, "{}{:7}\x1b[0m {time} ", colour(level), name)?;
                write_visible(writer, message)?;
                for (name, value) in &fields.others {
                    write!(writer, " {}{name}\x1b[0m=", colour(level))?;
                    write_value(writer, value)?;
                }
            }
            Self::Json => {
                write!(writer, "{{\"level\":\"{}\",\"msg\":", level_name(level))?;
                write_json(writer, message)?;
                for (name, value) in &fields.others {
                    write!(writer, ",\"{name}\":")?;
                    write_json(writer, value)?;
                }
                write!(writer, ",\"time\":\"{time}\"}}")?;
            }
        }
        writer.write_char('\n')
    }
}

impl<S, N> FormatEvent<S, N> for Style
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        self.write(&mut writer, *event.metadata().level(), &time, &fields)
    }
}

/// The message and the fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: String) {
        if field.name() == "message" {
            self.message = value;
        } else {
            self.others.push((field.name(), value));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[36m",
        Level::DEBUG | Level::TRACE => "\x1b[90m",
    }
}

/// Without quotes where no reader could mistake it.
fn write_value(writer: &mut dyn Write, value: &str) -> fmt::Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/@^+".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return writer.write_str(value);
    }
    write_quoted(writer, value)
}

fn write_quoted(writer: &mut dyn Write, value: &str) -> fmt::Result {
    writer.write_char('"')?;
    for c in value.chars() {
        if c == '"' || c == '\\' {
            writer.write_char('\\')?;
        }
        write_visible_char(writer, c)?;
    }
    writer.write_char('"')
}

fn write_visible(writer: &mut dyn Write, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| write_visible_char(writer, c))
}

/// One line stays one line, and nobody repaints the terminal.
fn write_visible_char(writer: &mut dyn Write, c: char) -> fmt::Result {
    if c.is_control() { write!(writer, "{}", c.escape_default()) } else { writer.write_char(c) }
}

fn write_json(writer: &mut dyn Write, value: &str) -> fmt::Result {
    writer.write_char('"')?;
    for c in value.chars() {
        match c {
            '"' | '\\' => write!(writer, "\\{c}")?,
            '\n' => writer.write_str("\\n")?,
            c if c.is_control() => write!(writer, "\\u{:04x}", u32::from(c))?,
            c => writer.write_char(c)?,
        }
    }
    writer.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(style: Style, level: Level) -> String {
        let fields = Fields {
            message: String::from("rule \"Host(`a`)\"\nis \\ odd"),
            others: vec![("routerName", String::from("app@file")), ("rule", String::from("a b"))],
        };
        let mut line = String::new();
        style.write(&mut line, level, "2026-01-02T03:04:05.678901Z", &fields).unwrap();
        line
    }

    #[test]
    fn lines_look_like_traefiks() {
        insta::assert_snapshot!(line(Style::Common, Level::INFO), @r#"time="2026-01-02T03:04:05.678901Z" level=info msg="rule \"Host(`a`)\"\nis \\ odd" routerName=app@file rule="a b""#);
        insta::assert_snapshot!(line(Style::Json, Level::WARN), @r#"{"level":"warning","msg":"rule \"Host(`a`)\"\nis \\ odd","routerName":"app@file","rule":"a b","time":"2026-01-02T03:04:05.678901Z"}"#);
        insta::assert_snapshot!(line(Style::Terminal, Level::ERROR).escape_debug(), @r#"\u{1b}[31mERROR  \u{1b}[0m 2026-01-02T03:04:05.678901Z rule \"Host(`a`)\"\\nis \\ odd \u{1b}[31mrouterName\u{1b}[0m=app@file \u{1b}[31mrule\u{1b}[0m=\"a b\"\n"#);
    }
}
