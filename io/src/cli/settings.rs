//! From the static configuration to what the shell is started with.
use super::{Failure, Origins};
use crate::{
    net::{Net, tcp::Tcp},
    provider::{file, kubernetes},
    settings::{EntryPoint, Settings, Transport, UdpEntryPoint},
};
use http::HeaderValue;
use rutter_core::{
    entry_point::{self, connection::Timeouts},
    provider::{
        internal::{self, Internal},
        kubernetes::{Options, Provider},
    },
    static_config::{
        self, FileProvider, Files, KubernetesProvider, ServersTransport, StaticConfiguration,
    },
};
use std::{net::SocketAddr, path::Path};

/// Resolves names and reads certificates.
///
/// # Errors
/// What cannot be resolved or read, by option.
pub(super) async fn settings(
    configuration: &StaticConfiguration,
    origins: &Origins,
) -> Result<Settings, Failure> {
    let hostname = hostname();
    let mut entry_points = Vec::new();
    for (name, options) in &configuration.entry_points {
        let address = address(name, options, origins).await?;
        let core = entry_point::EntryPoint {
            name: name.as_str().into(),
            forwarded_trust: options.forwarded_headers.clone(),
            hostname: hostname.clone(),
            raw_paths: configuration.compat.traefik21,
        };
        entry_points.push(entry_point(core, address, options));
    }
    let mut udp_entry_points = Vec::new();
    for (name, options) in &configuration.udp_entry_points {
        let address = address(name, options, origins).await?;
        let life_cycle = options.transport.life_cycle;
        udp_entry_points.push(UdpEntryPoint {
            timeout: options.udp.timeout.0,
            accept_grace: life_cycle.request_accept_grace_timeout.0,
            grace: life_cycle.grace_timeout.0,
            ..UdpEntryPoint::new(name.as_str().into(), address)
        });
    }
    Ok(Settings {
        entry_points,
        udp_entry_points,
        transport: transport(&configuration.servers_transport, origins)?,
        internal: Internal {
            ping: configuration.ping.as_ref().map(|ping| internal::Ping {
                entry_point: ping.entry_point.clone(),
                manual_routing: ping.manual_routing,
            }),
        },
        throttle: configuration.providers.throttle.0,
        seed: seed()?,
    })
}

/// Where an entry point listens.
///
/// # Errors
/// A name that does not resolve.
pub(super) async fn address(
    name: &str,
    options: &static_config::EntryPoint,
    origins: &Origins,
) -> Result<SocketAddr, Failure> {
    let address = &options.address;
    if let Some(address) = address.socket() {
        return Ok(address);
    }
    let failed = |error: &str| {
        let message = format!("{} cannot be resolved: {error}", address.host);
        origins.failure(&["entryPoints", name, "address"], message)
    };
    let resolved = Tcp::default().resolve(&address.host, address.port).await;
    let resolved = resolved.map_err(|error| failed(&error.to_string()))?;
    resolved.first().copied().ok_or_else(|| failed("it has no address"))
}

fn entry_point(
    core: entry_point::EntryPoint,
    address: SocketAddr,
    options: &static_config::EntryPoint,
) -> EntryPoint {
    let timeouts = options.transport.responding_timeouts;
    let life_cycle = options.transport.life_cycle;
    EntryPoint {
        core,
        address,
        proxy_protocol: options.proxy_protocol.clone(),
        timeouts: Timeouts {
            read: timeouts.read_timeout.limit(),
            write: timeouts.write_timeout.limit(),
            idle: timeouts.idle_timeout.limit(),
        },
        header_bytes_max: options.http.max_header_bytes,
        accept_grace: life_cycle.request_accept_grace_timeout.0,
        grace: life_cycle.grace_timeout.0,
    }
}

fn transport(options: &ServersTransport, origins: &Origins) -> Result<Transport, Failure> {
    let timeouts = options.forwarding_timeouts;
    Ok(Transport {
        insecure_skip_verify: options.insecure_skip_verify,
        root_cas: options
            .root_cas
            .iter()
            .map(|it| certificate(it, origins))
            .collect::<Result<_, _>>()?,
        idle_per_host_max: options.max_idle_conns_per_host,
        dial_timeout: timeouts.dial_timeout.limit(),
        response_header_timeout: timeouts.response_header_timeout.limit(),
        idle_timeout: timeouts.idle_conn_timeout.limit(),
    })
}

/// PEM text, or the file that has it.
fn certificate(text: &str, origins: &Origins) -> Result<Vec<u8>, Failure> {
    if text.contains("-----BEGIN") {
        return Ok(text.as_bytes().to_vec());
    }
    std::fs::read(Path::new(text)).map_err(|error| {
        origins.failure(&["serversTransport", "rootCAs"], format!("{text}: {error}"))
    })
}

/// The file provider's options.
pub(super) fn file_provider(options: &FileProvider) -> file::Options {
    file::Options {
        source: match &options.files {
            Files::Filename(path) => file::Source::File(path.into()),
            Files::Directory(path) => file::Source::Directory(path.into()),
        },
        watch: options.watch,
        debug_log_generated_template: options.debug_log_generated_template,
    }
}

/// The options of the Kubernetes providers that are on.
pub(super) fn kubernetes_providers(
    configuration: &StaticConfiguration,
) -> Vec<kubernetes::Options> {
    let providers = &configuration.providers;
    let both = [
        (Provider::Crd, &providers.kubernetes_crd),
        (Provider::Ingress, &providers.kubernetes_ingress),
    ];
    let traefik21 = configuration.compat.traefik21;
    let on = both.into_iter().filter_map(|(provider, options)| Some((provider, options.as_ref()?)));
    on.map(|(provider, options)| kubernetes_provider(provider, options, traefik21)).collect()
}

fn kubernetes_provider(
    provider: Provider,
    options: &KubernetesProvider,
    traefik21: bool,
) -> kubernetes::Options {
    kubernetes::Options {
        provider,
        server: kubernetes::Server {
            endpoint: options.endpoint.clone(),
            token: options.token.clone(),
            certificate_authority: options.cert_auth_file_path.clone(),
        },
        translation: Options {
            namespaces: options.namespaces.iter().cloned().collect(),
            label_selector: options.selector.clone(),
            ingress_class: options.ingress_class.clone(),
            allow_cross_namespace: options.allow_cross_namespace,
            allow_external_name_services: options.allow_external_name_services,
            allow_empty_services: options.allow_empty_services,
            strict_prefix_matching: options.strict_prefix_matching,
            tls_routers: traefik21,
            ingress_endpoint: options.ingress_endpoint.clone(),
        },
        label_selector: options.label_selector.clone(),
        throttle: options.throttle.0,
        times: kubernetes::Times::default(),
    }
}

/// A word of the system's randomness.
///
/// # Errors
/// It has none.
pub(super) fn seed() -> Result<u64, Failure> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)
        .map_err(|error| Failure::new(format!("the system gives no randomness: {error}")))?;
    Ok(u64::from_le_bytes(seed))
}

fn hostname() -> HeaderValue {
    let system = rustix::system::uname();
    HeaderValue::from_bytes(system.nodename().to_bytes())
        .unwrap_or_else(|_| HeaderValue::from_static("localhost"))
}
