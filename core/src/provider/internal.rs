//! What the process itself offers as services, and its routers to them. Compat: api.md "Exposure",
//! providers.md "Internal provider".
use crate::{
    config::{Configuration, Defined, http},
    diagnostic::Place,
};
use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec,
};

/// The provider's name.
pub const INTERNAL: &str = "internal";

/// Above every router of a user.
const PING_PRIORITY: i64 = 2_147_483_647;

/// Which services the process offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Internal {
    /// `ping@internal`: present when the static option `ping` is.
    pub ping: Option<Ping>,
}

/// Where ping is routed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// The entry point of its router.
    pub entry_point: String,
    /// Whether users route to it themselves, and it has no router of its own.
    pub manual_routing: bool,
}

impl Internal {
    /// The provider's one message.
    #[must_use]
    pub fn configuration(&self) -> Configuration {
        let mut configuration = Configuration::default();
        let http = &mut configuration.http;
        if let Some(ping) = &self.ping {
            http.services.insert("ping".into(), defined(http::Service::default()));
            if !ping.manual_routing {
                let router = http::Router {
                    entry_points: vec![ping.entry_point.clone()],
                    service: "ping@internal".to_string(),
                    rule: "PathPrefix(`/ping`)".to_string(),
                    priority: PING_PRIORITY,
                    ..http::Router::default()
                };
                http.routers.insert("ping".into(), defined(router));
            }
        }
        configuration
    }
}

fn defined<T>(value: T) -> Arc<Defined<T>> {
    Arc::new(Defined { value: Ok(value), place: Place { source: INTERNAL.into(), line: 0 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ping_has_a_router_unless_users_route_to_it_themselves() {
        let ping = |manual_routing| {
            let ping = Some(Ping { entry_point: "admin".into(), manual_routing });
            Internal { ping }.configuration().http
        };
        assert_eq!(Internal::default().configuration(), Configuration::default());
        assert_eq!(ping(true).routers.len(), 0);
        assert_eq!(ping(true).services.len(), 1);
        let http = ping(false);
        let router = http.routers["ping"].value.as_ref().unwrap();
        assert_eq!(router.rule, "PathPrefix(`/ping`)");
        assert_eq!(router.entry_points, ["admin"]);
        assert_eq!(router.priority, i64::from(i32::MAX));
    }
}
