//! Environment variables. Compat: static-config.md "Environment".
use super::assignment::{Assignment, split_index, tree};
use rutter_core::{
    diagnostic::Place,
    static_config::options::{self, Found, Kind},
    tree::{Node, merge},
};

/// Prefixes of variables; the later wins.
const PREFIXES: [&str; 2] = ["TRAEFIK_", "RUTTER_"];

/// The tree of those variables that name a static option, or try to.
///
/// Names become lower case. What Kubernetes sets for services (`TRAEFIK_API_SERVICE_HOST`) is left
/// out.
pub(super) fn read(variables: &[(String, String)]) -> Node {
    let mut variables: Vec<_> = variables.iter().collect();
    variables.sort();
    let trees = PREFIXES.map(|prefix| {
        let named = variables.iter().filter_map(|(name, value)| assignment(prefix, name, value));
        tree(named.collect(), |path| kind(path) == Some(Kind::List))
    });
    trees.into_iter().fold(Node::empty(), merge)
}

fn assignment(prefix: &str, name: &str, value: &str) -> Option<Assignment> {
    let upper = name.strip_prefix(prefix)?;
    if upper.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let (bare, index) = split_index(upper);
    let path: Vec<String> = bare.split('_').map(str::to_ascii_lowercase).collect();
    if !options::is_root(path.first()?) {
        return None;
    }
    if options::find(&path).is_none() && is_service_link(upper, value) {
        return None;
    }
    let place = Place { source: format!("environment {name}").into(), line: 0 };
    Some(Assignment { path, index, text: value.to_owned(), place })
}

fn kind(path: &[String]) -> Option<Kind> {
    match options::find(path)? {
        Found::Option(option) => Some(option.kind),
        Found::Section => None,
    }
}

/// Whether a variable looks like those that Kubernetes and Docker set for a service.
fn is_service_link(name: &str, value: &str) -> bool {
    let steps: Vec<&str> = name.split('_').collect();
    let has = |words: &[&str]| steps.windows(words.len()).any(|window| window == words);
    let protocol = |word: &str| matches!(word, "TCP" | "UDP" | "SCTP");
    let digits = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let port = steps
        .windows(3)
        .any(|window| matches!(window, ["PORT", number, word] if digits(number) && protocol(word)));
    let address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    has(&["SERVICE", "HOST"])
        || has(&["SERVICE", "PORT"])
        || port
        || (address && name.ends_with("_PORT"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::lines;

    fn shown(variables: &[(&str, &str)]) -> String {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: Vec<_> = variables.iter().map(own).collect();
        let mut out = String::new();
        lines(&read(&variables), "", &mut out);
        out
    }

    #[test]
    fn variables_name_options_in_lower_case() {
        let variables = [
            ("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS", ":80"),
            ("TRAEFIK_PING", "true"),
            ("TRAEFIK_ENTRYPOINTS_WEB_FORWARDEDHEADERS_TRUSTEDIPS[1]", "10.0.0.2"),
            ("TRAEFIK_ENTRYPOINTS_WEB_FORWARDEDHEADERS_TRUSTEDIPS[0]", "10.0.0.1"),
            ("TRAEFIK_LOG_LEVEL", "INFO"),
            ("RUTTER_LOG_LEVEL", "DEBUG"),
            ("RUTTER_LOG_LEVVEL", "an error, later"),
        ];
        insta::assert_snapshot!(shown(&variables), @r#"
        0 .entrypoints@0.web@0.address@0 = Text(":80")
        0 .entrypoints@0.web@0.forwardedheaders@0.trustedips@0 = Text("10.0.0.1,10.0.0.2")
        0 .log@0.level@0 = Text("DEBUG")
        0 .log@0.levvel@0 = Text("an error, later")
        0 .ping@0 = Text("true")
        "#);
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        let variables = [
            ("PATH", "/bin"),
            ("TRAEFIK_VERSION", "2.1"),
            ("traefik_log_level", "INFO"),
            ("TRAEFIK_log_level", "INFO"),
            ("TRAEFIK_", "x"),
            ("TRAEFIK", "x"),
            ("TRAEFIK_SERVICE_HOST", "10.0.0.1"),
            ("TRAEFIK_API_SERVICE_HOST", "10.0.0.1"),
            ("TRAEFIK_API_SERVICE_PORT", "80"),
            ("TRAEFIK_API_SERVICE_PORT_WEB", "80"),
            ("TRAEFIK_PING_PORT", "tcp://10.0.0.1:80"),
            ("TRAEFIK_PING_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("TRAEFIK_PING_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("RUTTER_METRICS_PORT_53_UDP_PROTO", "udp"),
        ];
        assert_eq!(
            read(&variables.map(|(name, value)| (name.into(), value.into()))),
            Node::empty()
        );
    }
}
