//! What TCP has besides UDP: rules and TLS.
use super::{
    super::{
        Settings,
        name::Reference,
        parts::{Note, Objects, Provider},
        security,
    },
    Balanced, Protocol, RelayPart, Tcp, Written,
    routers::{Lookup, RouterPart},
};
use crate::{
    config::tcp,
    diagnostic::Kind,
    relay::Instance,
    tcp::{Router, Tls, rule::Rule},
};
use alloc::{format, string::String, sync::Arc};

/// What a router has besides its service.
pub(in crate::plan) struct Rest {
    rule: Rule,
    priority: i64,
    tls: Option<Tls>,
}

impl Protocol for Tcp {
    type Router = tcp::Router;
    type Service = tcp::Service;
    type Compiled = Router;
    type Rest = Rest;

    const NAME: &str = "TCP";
    const SERVICE: Kind = Kind::TcpService;

    fn routers(of: &Provider) -> &Objects<tcp::Router, RouterPart<Self>> {
        &of.tcp_routers
    }

    fn routers_mut(of: &mut Provider) -> &mut Objects<tcp::Router, RouterPart<Self>> {
        &mut of.tcp_routers
    }

    fn services(of: &Provider) -> &Objects<tcp::Service, RelayPart<Self>> {
        &of.tcp_services
    }

    fn services_mut(of: &mut Provider) -> &mut Objects<tcp::Service, RelayPart<Self>> {
        &mut of.tcp_services
    }

    fn service(written: &tcp::Service) -> Written<'_> {
        let load_balancer = written.load_balancer.as_ref().map(|balancer| Balanced {
            servers: &balancer.servers,
            termination_delay: balancer.termination_delay,
            proxy_protocol: balancer.proxy_protocol.map(|header| header.version),
        });
        Written { load_balancer, weighted: written.weighted.as_ref() }
    }

    fn entry_points(settings: &Settings) -> impl Iterator<Item = &Arc<str>> {
        settings.entry_points.iter().map(|entry_point| &entry_point.name)
    }

    fn names(router: &tcp::Router) -> (&[String], &str) {
        (&router.entry_points, &router.service)
    }

    fn rest(
        lookup: &mut Lookup<'_>,
        router: &tcp::Router,
        before: Option<&Router>,
    ) -> Option<Rest> {
        let rule = rule(lookup, &router.rule, before.map(|before| &before.rule));
        let tls = match &router.tls {
            None => Some(None),
            Some(tls) => self::tls(lookup, tls).map(Some),
        };
        let rule = rule?;
        if router.tls.is_none() && !rule.names.is_empty() {
            let message = "without `tls` no name is known: only HostSNI(`*`) has an effect";
            lookup.notes.push(Note::warning("rule", message));
        }
        let priority = match router.priority {
            0 => i64::try_from(rule.text.len()).unwrap_or(i64::MAX),
            priority => priority,
        };
        Some(Rest { rule, priority, tls: tls? })
    }

    fn router(name: Arc<str>, rest: Rest, service: Arc<Instance>) -> Router {
        let Rest { rule, priority, tls } = rest;
        Router { name, rule, priority, tls, service }
    }

    fn instance(router: &Router) -> &Arc<Instance> {
        &router.service
    }
}

/// The rule, parsed only if it is not the old one.
fn rule(lookup: &mut Lookup<'_>, text: &str, old: Option<&Rule>) -> Option<Rule> {
    if text.is_empty() {
        lookup.notes.push(Note::error("rule", "router has no rule"));
        return None;
    }
    let rule = match old {
        Some(old) if *old.text == *text => Ok(old.clone()),
        _ => Rule::parse(text),
    };
    let rule = rule.map_err(|error| {
        let message = format!("{} (column {} of the rule)", error.message, error.column);
        lookup.notes.push(Note::error("rule", message));
    });
    let rule = rule.ok()?;
    if !rule.unreachable.is_empty() {
        let message = format!("no client can ask for {}", rule.unreachable.join(", "));
        lookup.notes.push(Note::warning("rule", message));
    }
    Some(rule)
}

fn tls(lookup: &mut Lookup<'_>, written: &tcp::RouterTls) -> Option<Tls> {
    if written.passthrough {
        return Some(Tls::Passthrough);
    }
    if matches!(&*written.options, "" | security::DEFAULT) {
        return Some(Tls::Terminate(None));
    }
    let reference = Reference::new(&written.options, &lookup.id.provider);
    lookup.dependencies.push(reference.key(Kind::TlsOptions));
    let options = lookup.parts.options(&reference);
    if options.is_none() {
        let message = format!("unknown TLS options: {}", reference.qualified());
        lookup.notes.push(Note::error("tls.options", message));
    }
    options.map(|options| Tls::Terminate(Some(options)))
}
