//! A health check as written, to what is sent. Compat: services.md "healthCheck".
use super::super::{HealthCheck, Scheme};
use crate::config::{http, scalar};
use ::http::{HeaderMap, HeaderName, HeaderValue, header::HOST, uri::PathAndQuery};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);

/// An option that has no effect, and why.
pub(crate) type Warning = (&'static str, String);

/// What to send, and what of the definition is doubtful; none without a path.
///
/// # Errors
/// What makes it unusable: the option and why.
pub(crate) fn compile(
    written: &http::HealthCheck,
) -> Result<(Option<HealthCheck>, Vec<Warning>), Warning> {
    let mut warnings = Vec::new();
    if written.path.is_empty() {
        warnings.push(("healthCheck.path", "without a path there is no health check".into()));
        return Ok((None, warnings));
    }
    let interval = span("healthCheck.interval", &written.interval, INTERVAL, &mut warnings);
    let timeout = span("healthCheck.timeout", &written.timeout, TIMEOUT, &mut warnings);
    if timeout >= interval {
        let message = format!("{timeout:?} should be less than the interval of {interval:?}");
        warnings.push(("healthCheck.timeout", message));
    }
    let check = HealthCheck {
        scheme: scheme(&written.scheme)?,
        path: path(&written.path)?,
        port: (written.port != 0).then_some(written.port),
        hostname: hostname(&written.hostname)?,
        headers: headers(written, &mut warnings)?,
        interval,
        timeout,
        follow_redirects: written.follow_redirects.unwrap_or(true),
    };
    Ok((Some(check), warnings))
}

fn span(
    option: &'static str,
    text: &str,
    default: Duration,
    warnings: &mut Vec<Warning>,
) -> Duration {
    if text.is_empty() {
        return default;
    }
    let wrong = match scalar::Duration::parse_strict(text) {
        Ok(span) if !span.0.is_zero() => return span.0,
        Ok(_) => format!("{text} is not above 0"),
        Err(error) => error.to_string(),
    };
    warnings.push((option, format!("{wrong}; the default of {default:?} is used")));
    default
}

fn scheme(name: &str) -> Result<Option<Scheme>, Warning> {
    if name.is_empty() {
        return Ok(None);
    }
    let unknown = || format!("unknown scheme {name:?}: it must be http, https or h2c");
    Scheme::parse(name).map(Some).ok_or_else(|| ("healthCheck.scheme", unknown()))
}

/// Only a path: an absolute URL would send the check, and its headers, elsewhere.
fn path(written: &str) -> Result<PathAndQuery, Warning> {
    let wrong = |why: String| ("healthCheck.path", format!("invalid path {written:?}: {why}"));
    let first = written.split(['/', '?']).next().unwrap_or_default();
    if first.contains(':') || written.starts_with("//") {
        return Err(wrong("it must not name a host".into()));
    }
    let slash = if written.starts_with('/') { "" } else { "/" };
    let encoded = written.replace(' ', "%20");
    PathAndQuery::try_from(format!("{slash}{encoded}")).map_err(|error| wrong(error.to_string()))
}

fn hostname(written: &str) -> Result<Option<HeaderValue>, Warning> {
    if written.is_empty() {
        return Ok(None);
    }
    let value = HeaderValue::try_from(written);
    value.map(Some).map_err(|error| ("healthCheck.hostname", format!("{written:?}: {error}")))
}

fn headers(written: &http::HealthCheck, warnings: &mut Vec<Warning>) -> Result<HeaderMap, Warning> {
    let mut headers = HeaderMap::new();
    for (name, value) in &written.headers {
        let wrong = |error: String| ("healthCheck.headers", format!("header {name:?}: {error}"));
        let name = HeaderName::try_from(name.as_str()).map_err(|e| wrong(e.to_string()))?;
        let value = HeaderValue::try_from(value.as_str()).map_err(|e| wrong(e.to_string()))?;
        if name == HOST {
            warnings.push(wrong("it has no effect; use hostname".into()));
        } else {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &str, interval: &str, timeout: &str) -> http::HealthCheck {
        http::HealthCheck {
            path: path.into(),
            interval: interval.into(),
            timeout: timeout.into(),
            ..http::HealthCheck::default()
        }
    }

    fn shown(check: &http::HealthCheck) -> String {
        match compile(check) {
            Ok((check, warnings)) => {
                let check = check.map(|c| format!("{} {:?} {:?}", c.path, c.interval, c.timeout));
                format!("{check:?} {warnings:?}")
            }
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn times_that_cannot_be_used_fall_back_to_the_defaults() {
        let all = [("", ""), ("10s", "1s"), ("10", "-1s"), ("0s", "x"), ("1s", "")];
        let shown: Vec<_> = all.iter().map(|(i, t)| shown(&written("/h", i, t))).collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        Some("/h 30s 5s") []
        Some("/h 10s 1s") []
        Some("/h 30s 5s") [("healthCheck.interval", "`10` is no duration: the unit is missing; write a number with a unit, such as `90s`, `1h5m` or `300ms`; the default of 30s is used"), ("healthCheck.timeout", "`-1s` is no duration: it is negative; write a number with a unit, such as `90s`, `1h5m` or `300ms`; the default of 5s is used")]
        Some("/h 30s 5s") [("healthCheck.interval", "0s is not above 0; the default of 30s is used"), ("healthCheck.timeout", "`x` is no duration: a number is expected; write a number with a unit, such as `90s`, `1h5m` or `300ms`; the default of 5s is used")]
        Some("/h 1s 5s") [("healthCheck.timeout", "5s should be less than the interval of 1s")]
        "#);
    }

    #[test]
    fn a_path_stays_on_the_server() {
        let paths = ["", "/h?x=http://y", "h", "http://evil/h", "//evil/h", "/a b", "/\u{7f}"];
        let shown: Vec<_> = paths.iter().map(|path| shown(&written(path, "", ""))).collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        None [("healthCheck.path", "without a path there is no health check")]
        Some("/h?x=http://y 30s 5s") []
        Some("/h 30s 5s") []
        ("healthCheck.path", "invalid path \"http://evil/h\": it must not name a host")
        ("healthCheck.path", "invalid path \"//evil/h\": it must not name a host")
        Some("/a%20b 30s 5s") []
        ("healthCheck.path", "invalid path \"/\\u{7f}\": invalid uri character")
        "#);
    }

    #[test]
    fn the_host_header_is_set_by_hostname_only() {
        let mut check = written("/h", "", "");
        check.hostname = "probe.example".into();
        check.headers =
            [("Host".into(), "evil".into()), ("X-Probe".into(), "1".into())].into_iter().collect();
        let (compiled, warnings) = compile(&check).unwrap();
        let compiled = compiled.unwrap();
        assert_eq!(compiled.hostname.unwrap(), "probe.example");
        assert_eq!(compiled.headers.iter().count(), 1);
        assert_eq!(warnings.len(), 1);
    }
}
