//! `rutter demo`.
use super::{Failure, Origins, run};
use crate::{demo, log, net::tcp};
use rutter_core::static_config::{
    self, Ping, StaticConfiguration,
    address::{Address, Protocol},
    entry_point::EntryPoint,
};
use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
};

/// Runs the demo until Ctrl-C.
pub(super) fn run(options: &[String]) -> Result<(), Failure> {
    if let Some(option) = options.first() {
        return Err(Failure::new(format!("demo takes no options, here it has {option}")));
    }
    let mut notes = String::new();
    let web = port(8000, &mut notes)?;
    let own = port(8080, &mut notes)?;
    let configuration = configuration(web, own);
    let log = log::start(&static_config::Log::default());
    let servers = demo::Servers::start().map_err(Failure::new)?;
    let running = run::start(&configuration, &Origins::default(), log)?;
    let message = demo::message(&servers).map_err(Failure::new)?;
    // It fails only when the process is about to end.
    let _ = running.process.messages().blocking_send(message);
    running.wait_for(demo::PROVIDER);
    super::print(&welcome(web, own, &notes))?;
    running.finish();
    Ok(())
}

/// The port, or another one where it is taken.
fn port(wanted: u16, notes: &mut String) -> Result<u16, Failure> {
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Err(error) = tcp::probe(loopback(wanted)) else { return Ok(wanted) };
    let port = tcp::Bound::new(loopback(0))
        .and_then(|free| crate::net::Listener::local_addr(&free))
        .map_err(Failure::new)?
        .port();
    let _ = writeln!(notes, "(Port {wanted} cannot be had: {error}. It is {port} this time.)");
    Ok(port)
}

fn configuration(web: u16, own: u16) -> StaticConfiguration {
    let entry_point = |port| {
        let host = Ipv4Addr::LOCALHOST.to_string();
        EntryPoint::new(Address { host, port, protocol: Protocol::Tcp })
    };
    let mut configuration =
        StaticConfiguration { ping: Some(Ping::default()), ..StaticConfiguration::default() };
    configuration.entry_points.insert(String::from("web"), entry_point(web));
    configuration.entry_points.insert(String::from("traefik"), entry_point(own));
    configuration
}

fn welcome(web: u16, own: u16, notes: &str) -> String {
    let url = format!("http://127.0.0.1:{web}");
    format!(
        "\
Rutter listens on {url}.
{notes}
Who answers, and what it received:
  curl -H 'Host: whoami.localhost' {url}/

Two servers at 3:1 (three times whoami-1, once whoami-2):
  for i in 1 2 3 4; do curl -s -H 'Host: wrr.localhost' {url}/ | grep Name; done

Half of all requests copied to a mirror (50 copies):
  for i in $(seq 100); do curl -s -o /dev/null -H 'Host: mirror.localhost' {url}/; done
  curl -H 'Host: mirror.localhost' {url}{copies}

A redirect:
  curl -i -H 'Host: redirect.localhost' {url}/

Whether all is well:
  curl http://127.0.0.1:{own}/ping

Ctrl-C ends it.
",
        copies = demo::whoami::COPIES_PATH,
    )
}
