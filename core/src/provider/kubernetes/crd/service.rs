//! What routes and TraefikServices refer to: a Service of Kubernetes, or a TraefikService.
use super::Port;
use crate::config::http::{ResponseForwarding, Sticky};
use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};
use serde::Deserialize;

/// A type with the fields of a service and some of its own, side by side as they are written.
macro_rules! with_service {
    ($(#[$attribute:meta])* $Name:ident { $($field:ident: $Type:ty),* $(,)? }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub(in super::super) struct $Name {
            pub(in super::super) name: String,
            pub(in super::super) namespace: String,
            pub(in super::super) kind: String,
            pub(in super::super) port: Option<Port>,
            pub(in super::super) scheme: String,
            pub(in super::super) strategy: String,
            pub(in super::super) pass_host_header: Option<bool>,
            pub(in super::super) response_forwarding: Option<ResponseForwarding>,
            pub(in super::super) sticky: Option<Sticky>,
            pub(in super::super) weight: Option<i64>,
            pub(in super::super) health_check: Option<Box<HealthCheck>>,
            pub(in super::super) servers_transport: String,
            #[serde(rename = "nativeLB")]
            pub(in super::super) native_lb: bool,
            $(pub(in super::super) $field: $Type,)*
        }
    };
}

/// The fields of the service in a type that has others.
macro_rules! service_of {
    ($Name:ident) => {
        impl $Name {
            /// The service alone.
            pub(in super::super) fn service(&self) -> ServiceSpec {
                ServiceSpec {
                    name: self.name.clone(),
                    namespace: self.namespace.clone(),
                    kind: self.kind.clone(),
                    port: self.port.clone(),
                    scheme: self.scheme.clone(),
                    strategy: self.strategy.clone(),
                    pass_host_header: self.pass_host_header,
                    response_forwarding: self.response_forwarding.clone(),
                    sticky: self.sticky.clone(),
                    weight: self.weight,
                    health_check: self.health_check.clone(),
                    servers_transport: self.servers_transport.clone(),
                    native_lb: self.native_lb,
                }
            }
        }
    };
}

with_service!(ServiceSpec {});
with_service!(Mirror { percent: i64 });
with_service!(Mirroring { max_body_size: Option<i64>, mirrors: Vec<Mirror>, });
service_of!(Mirror);
service_of!(Mirroring);

/// Parsed, and without effect. Compat: kubernetes.md "Schemas".
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(dead_code, reason = "2.1 takes these options and does nothing with them")]
pub(in super::super) struct HealthCheck {
    path: String,
    host: String,
    scheme: String,
    interval_seconds: i64,
    timeout_seconds: i64,
    headers: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct TraefikService {
    pub(in super::super) weighted: Option<Weighted>,
    pub(in super::super) mirroring: Option<Mirroring>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in super::super) struct Weighted {
    pub(in super::super) services: Vec<ServiceSpec>,
    pub(in super::super) sticky: Option<Sticky>,
}
