//! `rutter --help`.
use crate::source;
use std::process::ExitCode;

const USAGE: &str = "\
rutter: an edge router

Usage:
  rutter [options]                  run the proxy
  rutter check [options] [path]     tell everything that is wrong with the configuration
  rutter demo                       run the proxy with something to route to
  rutter healthcheck [options]      ask the ping of a running process
  rutter version                    tell the version
";

const SOURCES: &str = "
Options stand in a file (--configFile, else traefik.toml, .yaml or .yml in /etc/traefik,
$XDG_CONFIG_HOME/traefik, $HOME/.config/traefik or here), in the environment
(RUTTER_ENTRYPOINTS_WEB_ADDRESS=:80, or TRAEFIK_…) and on the command line
(--entryPoints.web.address=:80). They are merged: flags over environment over file.
";

const CHECK: &str = "\
rutter check [options] [path]

Reads the static configuration as `rutter` would, and the dynamic configuration that it names (or
the one at `path`), without starting anything. Prints every problem as

  file:line: severity: object: option: what is wrong

and ends with exit code 1 if anything is wrong that `rutter` would refuse to start with, or if any
router, service or middleware cannot be used.
";

const DEMO: &str = "\
rutter demo

Runs the proxy on loopback ports, with small servers to route to, and prints what to try.
";

const HEALTHCHECK: &str = "\
rutter healthcheck [options]

Asks the ping of the process that runs with the same options: HEAD http://<entry point>/ping.
Ends with exit code 0 if the answer is 200 within 5 s, else with 1.
";

/// Prints the help of a command, or of all.
pub(super) fn print(command: Option<&str>) -> ExitCode {
    let text = match command {
        Some("check") => CHECK.to_owned(),
        Some("demo") => DEMO.to_owned(),
        Some("healthcheck") => HEALTHCHECK.to_owned(),
        Some(_) | None => format!("{USAGE}{SOURCES}\n{}", source::help::flags()),
    };
    match super::print(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
