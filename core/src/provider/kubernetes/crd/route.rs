//! IngressRoute, IngressRouteTCP, IngressRouteUDP.
use super::{ObjectName, Port, service::ServiceSpec};
use crate::config::{http::Domain, tcp::ProxyProtocol};
use alloc::{string::String, vec::Vec};
use serde::Deserialize;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct IngressRoute {
    pub(in super::super) entry_points: Vec<String>,
    pub(in super::super) routes: Vec<Route>,
    pub(in super::super) tls: Option<Tls>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in super::super) struct Route {
    pub(in super::super) r#match: String,
    pub(in super::super) kind: String,
    pub(in super::super) priority: i64,
    pub(in super::super) services: Vec<ServiceSpec>,
    pub(in super::super) middlewares: Vec<ObjectName>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct Tls {
    pub(in super::super) secret_name: String,
    pub(in super::super) options: Option<ObjectName>,
    pub(in super::super) store: Option<ObjectName>,
    pub(in super::super) cert_resolver: String,
    pub(in super::super) domains: Vec<Domain>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct IngressRouteTcp {
    pub(in super::super) entry_points: Vec<String>,
    pub(in super::super) routes: Vec<RouteTcp>,
    pub(in super::super) tls: Option<TlsTcp>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in super::super) struct RouteTcp {
    pub(in super::super) r#match: String,
    pub(in super::super) priority: i64,
    pub(in super::super) services: Vec<ServiceTcp>,
    pub(in super::super) middlewares: Vec<ObjectName>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct ServiceTcp {
    pub(in super::super) name: String,
    pub(in super::super) namespace: String,
    pub(in super::super) port: Option<Port>,
    pub(in super::super) weight: Option<i64>,
    pub(in super::super) termination_delay: Option<i64>,
    pub(in super::super) proxy_protocol: Option<ProxyProtocol>,
    #[serde(rename = "nativeLB")]
    pub(in super::super) native_lb: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct TlsTcp {
    pub(in super::super) secret_name: String,
    pub(in super::super) passthrough: bool,
    pub(in super::super) options: Option<ObjectName>,
    pub(in super::super) store: Option<ObjectName>,
    pub(in super::super) cert_resolver: String,
    pub(in super::super) domains: Vec<Domain>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct IngressRouteUdp {
    pub(in super::super) entry_points: Vec<String>,
    pub(in super::super) routes: Vec<RouteUdp>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in super::super) struct RouteUdp {
    pub(in super::super) services: Vec<ServiceUdp>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct ServiceUdp {
    pub(in super::super) name: String,
    pub(in super::super) namespace: String,
    pub(in super::super) port: Option<Port>,
    pub(in super::super) weight: Option<i64>,
    #[serde(rename = "nativeLB")]
    pub(in super::super) native_lb: bool,
}
