//! Where the pods of a Service are. Compat: kubernetes.md "Servers of a Kubernetes Service",
//! "EndpointSlices".
use super::{
    builtin::{EndpointPort, Service, ServicePort},
    crd::Port,
    resource::Key,
    scope::Scope,
};
use crate::service::Scheme;
use alloc::{borrow::Cow, collections::BTreeSet, format, string::String, vec::Vec};
use core::net::IpAddr;

/// The servers of one port of a Service.
pub(super) struct Servers<'a> {
    port: Cow<'a, ServicePort>,
    /// `host:port` of each, in a fixed order.
    pub(super) addresses: Vec<String>,
}

impl Servers<'_> {
    /// How they are spoken to. `written`: the scheme that is asked for, may be empty.
    pub(super) fn scheme(&self, written: &str) -> Result<&'static str, String> {
        if !written.is_empty() {
            let scheme = Scheme::parse(written).map(Scheme::as_str);
            return scheme.ok_or_else(|| {
                format!("invalid scheme {written:?} specified: it must be http, https or h2c")
            });
        }
        let is_https = self.port.port == 443 || self.port.name.starts_with("https");
        Ok(if is_https { "https" } else { "http" })
    }
}

/// The servers of a port of a Service. `native`: it is the Service itself that balances.
pub(super) fn servers<'a>(
    scope: &mut Scope<'a>,
    key: &Key,
    port: Option<&Port>,
    native: bool,
) -> Result<Servers<'a>, String> {
    let (service, _) = scope.service(key)?;
    let is_external = service.spec.r#type == "ExternalName";
    if is_external && !scope.options.allow_external_name_services {
        return Err(format!(
            "{key} is of type ExternalName; allowExternalNameServices allows that"
        ));
    }
    let port = find_port(service, port, is_external).map_err(|error| format!("{key}: {error}"))?;
    let addresses = if is_external {
        Vec::from([format!("{}:{}", service.spec.external_name, port.port)])
    } else if native {
        let address = service.spec.cluster_ip.parse();
        let address = address.map_err(|_| format!("{key} has no clusterIP to balance at"))?;
        Vec::from([host_and_port(address, port.port)])
    } else {
        endpoints(scope, key, &port)?
    };
    Ok(Servers { port, addresses })
}

fn find_port<'a>(
    service: &'a Service,
    wanted: Option<&Port>,
    is_external: bool,
) -> Result<Cow<'a, ServicePort>, String> {
    let wanted = wanted.ok_or("the port is missing")?;
    let is_meant = |port: &&ServicePort| match wanted {
        Port::Number(number) => port.port == *number,
        Port::Name(name) => port.name == *name,
    };
    match (service.spec.ports.iter().find(is_meant), wanted) {
        (Some(port), _) => Ok(Cow::Borrowed(port)),
        // What is outside has the ports it has.
        (None, Port::Number(number)) if is_external => {
            Ok(Cow::Owned(ServicePort { name: String::new(), port: *number }))
        }
        (None, _) => Err(format!("service port not found: {wanted}")),
    }
}

/// The pods that are ready; where there is none, those that still serve while they terminate.
fn endpoints(scope: &Scope<'_>, key: &Key, port: &ServicePort) -> Result<Vec<String>, String> {
    let (mut ready, mut draining) = (BTreeSet::new(), BTreeSet::new());
    let (mut is_any, mut has_port) = (false, false);
    for slice in scope.slices(key).filter(|slice| !slice.endpoints.is_empty()) {
        is_any = true;
        let of_port = |it: &&EndpointPort| it.name == port.name && it.port != 0;
        let Some(port) = slice.ports.iter().find(of_port) else { continue };
        has_port = true;
        for endpoint in &slice.endpoints {
            // Host names are not looked at: the type FQDN has no consumers.
            let addresses = endpoint.addresses.iter().filter_map(|it| it.parse::<IpAddr>().ok());
            let addresses = addresses.map(|address| (address, port.port));
            if endpoint.conditions.is_ready() {
                ready.extend(addresses);
            } else if endpoint.conditions.is_draining() {
                draining.extend(addresses);
            }
        }
    }
    if !is_any && !scope.options.allow_empty_services {
        return Err(format!("{key}: endpoints not found; allowEmptyServices makes that a 503"));
    }
    if is_any && !has_port {
        return Err(format!("{key}: cannot define a port: no endpoint has the port {}", port.port));
    }
    let chosen = if ready.is_empty() { draining } else { ready };
    Ok(chosen.into_iter().map(|(address, port)| host_and_port(address, port)).collect())
}

fn host_and_port(address: IpAddr, port: u16) -> String {
    match address {
        IpAddr::V4(address) => format!("{address}:{port}"),
        IpAddr::V6(address) => format!("[{address}]:{port}"),
    }
}
