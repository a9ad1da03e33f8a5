//! Go templates in dynamic files: `{{ range until 3 }}…{{ end }}`. Compat: providers.md "Templating".
//!
//! The engine is `gotmpl`; this module adds the Sprig [`functions`], bounds on time and memory, and
//! the lines of the source for every error, also for errors that the YAML reader finds afterwards in
//! the generated text.
use gotmpl::{Template, TemplateError, Value, parse::Parser};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

mod blocks;
mod functions;
mod instrument;

/// The most bytes a template may generate, and the most that one value in it may hold.
pub const BYTES_MAX: usize = 16 << 20;

/// The most actions, texts and values a template may work through.
pub const STEPS_MAX: u64 = 2_000_000;

/// A template that could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Line of the source, from 1; 0: unknown.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// The generated text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// For every line of the text, the line of the source that it comes from.
    lines: Vec<u32>,
}

impl Rendered {
    /// The line of the source that a line of the text comes from; both count from 1.
    #[must_use]
    pub fn source_line(&self, line: u32) -> u32 {
        let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        self.lines.get(index).or_else(|| self.lines.last()).copied().unwrap_or(line)
    }
}

/// Renders a dynamic file. `None`: there is no template in it, take it as it is.
///
/// # Errors
/// The first mistake, at parsing or at execution, or an exceeded bound.
pub fn render(source: &str) -> Result<Option<Rendered>, Error> {
    if !source.contains("{{") {
        return Ok(None);
    }
    blocks::check(source)?;
    let (mut tree, mut defines) = Parser::new(source, "{{", "}}")
        .and_then(Parser::parse)
        .map_err(|error| parse_error(&error))?;
    let mut instrument = instrument::Instrument::new(source);
    instrument.list(&mut tree)?;
    for define in &mut defines {
        instrument.list(&mut define.body)?;
    }

    let progress = Arc::new(Progress::default());
    let mut template = functions::register(Template::new("").max_range_iters(STEPS_MAX), &progress);
    for define in defines {
        template = template.add_parse_tree(&define.name, define.body);
    }
    // Not a name that a file can define: it holds a line break.
    let template = template.add_parse_tree("\n", tree);
    let mut output = Output::new(Arc::clone(&progress));
    template
        .execute_template_fmt(&mut output, "\n", &Value::Bool(false))
        .map_err(|error| execution_error(&error, &progress))?;
    Ok(Some(Rendered { text: output.text, lines: output.lines }))
}

/// How far execution has come.
#[derive(Debug, Default)]
struct Progress {
    /// Line of the source.
    line: AtomicU32,
    /// Whether a literal text is being written, whose line breaks are the source's.
    in_text: AtomicBool,
    steps: AtomicU64,
    output_full: AtomicBool,
}

impl Progress {
    fn spend(&self, steps: u64) -> Result<(), TemplateError> {
        if self.steps.fetch_add(steps, Relaxed).saturating_add(steps) > STEPS_MAX {
            return Err(TemplateError::Exec(format!(
                "the template takes more than {STEPS_MAX} steps"
            )));
        }
        Ok(())
    }
}

struct Output {
    text: String,
    lines: Vec<u32>,
    at_line_start: bool,
    progress: Arc<Progress>,
}

impl Output {
    fn new(progress: Arc<Progress>) -> Self {
        Self { text: String::new(), lines: Vec::new(), at_line_start: true, progress }
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text.len() + text.len() > BYTES_MAX {
            self.progress.output_full.store(true, Relaxed);
            return Err(fmt::Error);
        }
        let follows_source = self.progress.in_text.load(Relaxed);
        for piece in text.split_inclusive('\n') {
            if self.at_line_start {
                self.lines.push(self.progress.line.load(Relaxed));
            }
            self.at_line_start = piece.ends_with('\n');
            if self.at_line_start && follows_source {
                self.progress.line.fetch_add(1, Relaxed);
            }
        }
        self.text.push_str(text);
        Ok(())
    }
}

fn parse_error(error: &TemplateError) -> Error {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "parsing yields these two; others have no line"
    )]
    match error {
        TemplateError::Parse { line, message, .. } | TemplateError::Lex { line, message, .. } => {
            Error {
                line: u32::try_from(*line).unwrap_or(0),
                message: format!("template: {message}"),
            }
        }
        other => Error { line: 0, message: format!("template: {other}") },
    }
}

fn execution_error(error: &TemplateError, progress: &Progress) -> Error {
    let message = if progress.output_full.load(Relaxed) {
        format!("template: generates more than {} MiB", BYTES_MAX >> 20)
    } else if let TemplateError::Exec(message) = error {
        format!("template: {message}")
    } else {
        format!("template: {error}")
    };
    Error { line: progress.line.load(Relaxed), message }
}

#[cfg(test)]
mod tests;
