//! `rutter check`: everything that is wrong, without starting anything.
use super::{Failure, Origins, load_or_diagnose, settings};
use crate::{files, provider::file, tls::LOAD};
use rutter_core::{
    config::Configuration,
    diagnostic::{Diagnostic, Severity},
    plan::{self, compile::compile},
    provider::{Configurations, internal},
    static_config::StaticConfiguration,
};
use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

/// Prints every problem, then a summary.
pub(super) fn run(options: &[String]) -> Result<(), Failure> {
    let options = with_path(options);
    let mut summary = String::new();
    let findings = match load_or_diagnose(&options) {
        Ok(loaded) => {
            let origins = Origins::of(loaded.tree);
            let (dynamic, findings) = check(&loaded.configuration, &origins)?;
            summary = summarize(&loaded.configuration, dynamic.as_deref());
            [loaded.diagnostics, findings].concat()
        }
        Err(findings) => findings,
    };
    let mut text = String::new();
    for finding in &findings {
        let _ = writeln!(text, "{finding}");
    }
    let count = |severity| findings.iter().filter(|it| it.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let _ = writeln!(text, "{summary}{}, {}", plural(errors, "error"), plural(warnings, "warning"));
    super::print(&text)?;
    if errors == 0 { Ok(()) } else { Err(Failure::told()) }
}

/// A path before or behind the options is that of the dynamic configuration.
fn with_path(options: &[String]) -> Vec<String> {
    let is_path = |option: &&String| !option.starts_with('-');
    let position = match options {
        [first, ..] if is_path(&first) => Some(0),
        [.., last] if is_path(&last) => Some(options.len() - 1),
        _ => None,
    };
    let mut options = options.to_vec();
    if let Some(position) = position {
        let path = options.remove(position);
        let kind = if std::path::Path::new(&path).is_dir() { "directory" } else { "filename" };
        options.push(format!("--providers.file.{kind}={path}"));
    }
    options
}

/// The dynamic configuration, where there is one and it can be read, and what is wrong.
fn check(
    configuration: &StaticConfiguration,
    origins: &Origins,
) -> Result<(Option<Arc<Configuration>>, Vec<Diagnostic>), Failure> {
    let settings = super::run::runtime()?.block_on(settings::settings(configuration, origins))?;
    let mut configurations = Configurations::new();
    let own = Arc::new(settings.internal.configuration());
    configurations.insert(internal::INTERNAL.into(), own);
    let mut findings = Vec::new();
    let mut dynamic = None;
    if let Some(options) = &configuration.providers.file {
        match file::load(&settings::file_provider(options)) {
            Ok(loaded) => {
                findings = loaded.diagnostics;
                dynamic = Some(Arc::clone(&loaded.configuration));
                configurations.insert(file::NAME.into(), files::read(&loaded.configuration));
            }
            Err(failure) => return Ok((None, vec![failure])),
        }
    }
    let settings = plan::Settings {
        entry_points: settings.entry_points.iter().map(|it| it.core.clone()).collect(),
        udp_entry_points: settings.udp_names(),
        ping: settings.internal.ping.is_some(),
        load: LOAD,
    };
    let (_, compiled) = compile(None, &settings, &configurations);
    // What cannot be read was told with the line of the option.
    let told: BTreeSet<_> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| (finding.kind, Arc::clone(&finding.object)))
        .collect();
    let news = compiled.into_iter().filter(|it| !told.contains(&(it.kind, Arc::clone(&it.object))));
    findings.extend(news);
    findings.sort_by(|a, b| (&a.place.source, a.place.line).cmp(&(&b.place.source, b.place.line)));
    Ok((dynamic, findings))
}

fn summarize(configuration: &StaticConfiguration, dynamic: Option<&Configuration>) -> String {
    let entry_points = configuration.entry_points.len() + configuration.udp_entry_points.len();
    let mut summary = plural(entry_points, "entry point");
    if let Some(Configuration { http, tcp, udp, tls }) = dynamic {
        let routers = http.routers.len() + tcp.routers.len() + udp.routers.len();
        let services = http.services.len() + tcp.services.len() + udp.services.len();
        let _ = write!(
            summary,
            ", {}, {}, {}",
            plural(routers, "router"),
            plural(services, "service"),
            plural(http.middlewares.len(), "middleware")
        );
        if !tls.certificates.is_empty() {
            let _ = write!(summary, ", {}", plural(tls.certificates.len(), "certificate"));
        }
    } else if configuration.providers.file.is_none() {
        summary.push_str(", no dynamic configuration");
    }
    summary + ": "
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
