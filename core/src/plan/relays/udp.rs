//! UDP has nothing besides services.
use super::{
    super::{
        Settings,
        parts::{Objects, Provider},
    },
    Balanced, Protocol, RelayPart, Udp, Written,
    routers::{Lookup, RouterPart},
};
use crate::{config::udp, diagnostic::Kind, relay::Instance, udp::Router};
use alloc::{string::String, sync::Arc};

impl Protocol for Udp {
    type Router = udp::Router;
    type Service = udp::Service;
    type Compiled = Router;
    type Rest = ();

    const NAME: &str = "UDP";
    const SERVICE: Kind = Kind::UdpService;

    fn routers(of: &Provider) -> &Objects<udp::Router, RouterPart<Self>> {
        &of.udp_routers
    }

    fn routers_mut(of: &mut Provider) -> &mut Objects<udp::Router, RouterPart<Self>> {
        &mut of.udp_routers
    }

    fn services(of: &Provider) -> &Objects<udp::Service, RelayPart<Self>> {
        &of.udp_services
    }

    fn services_mut(of: &mut Provider) -> &mut Objects<udp::Service, RelayPart<Self>> {
        &mut of.udp_services
    }

    fn service(written: &udp::Service) -> Written<'_> {
        let load_balancer = written.load_balancer.as_ref().map(|balancer| Balanced {
            servers: &balancer.servers,
            termination_delay: None,
            proxy_protocol: None,
        });
        Written { load_balancer, weighted: written.weighted.as_ref() }
    }

    fn entry_points(settings: &Settings) -> impl Iterator<Item = &Arc<str>> {
        settings.udp_entry_points.iter()
    }

    fn names(router: &udp::Router) -> (&[String], &str) {
        (&router.entry_points, &router.service)
    }

    fn rest(_: &mut Lookup<'_>, _: &udp::Router, _: Option<&Router>) -> Option<()> {
        Some(())
    }

    fn router(name: Arc<str>, (): (), service: Arc<Instance>) -> Router {
        Router { name, service }
    }

    fn instance(router: &Router) -> &Arc<Instance> {
        &router.service
    }
}
