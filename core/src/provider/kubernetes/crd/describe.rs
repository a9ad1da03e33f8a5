//! What is said of the fields of our kinds, and what values they take: for `kubectl explain`, and for
//! the API server, which refuses others.
//!
//! A row is about every field whose path ends like its own; of several the longest counts.
use super::yaml::Yaml;
use alloc::vec::Vec;

mod middlewares;

/// What is said of a field.
#[derive(Debug)]
pub(super) struct Row {
    /// The end of the path: kind, then fields; lists and maps do not show.
    pub(super) path: &'static str,
    pub(super) description: &'static str,
    /// Whether it must be there.
    pub(super) required: bool,
    rules: [Option<Rule>; 2],
}

/// Which values a field takes; of a list, which items.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Min(i64),
    Max(i64),
    MinLength(i64),
    Pattern(&'static str),
    Enum(&'static [&'static str]),
    /// Exactly one of the fields is there.
    OneOf,
}

const fn row(path: &'static str, description: &'static str) -> Row {
    Row { path, description, required: false, rules: [None; 2] }
}

impl Row {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn rule(mut self, rule: Rule) -> Self {
        let [first, second] = self.rules;
        self.rules = if first.is_none() { [Some(rule), second] } else { [first, Some(rule)] };
        self
    }

    /// The rules as the schema has them.
    pub(super) fn value_rules(&self) -> Vec<(&'static str, Yaml)> {
        let mut fields = Vec::new();
        for rule in self.rules.into_iter().flatten() {
            match rule {
                Rule::Min(least) => fields.push(("minimum", Yaml::Integer(least))),
                Rule::Max(most) => fields.push(("maximum", Yaml::Integer(most))),
                Rule::MinLength(least) => fields.push(("minLength", Yaml::Integer(least))),
                Rule::Pattern(pattern) => fields.push(("pattern", Yaml::text(pattern))),
                Rule::Enum(words) => {
                    let words = words.iter().map(|word| Yaml::text(word)).collect();
                    fields.push(("enum", Yaml::List(words)));
                }
                Rule::OneOf => {
                    fields.push(("minProperties", Yaml::Integer(1)));
                    fields.push(("maxProperties", Yaml::Integer(1)));
                }
            }
        }
        fields
    }
}

/// All rows.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(middlewares::ROWS)
}

#[rustfmt::skip] // A table.
const ROWS: &[Row] = &[
    row("IngressRoute", "HTTP routes: which requests go to which services."),
    row("IngressRouteTCP", "TCP routes: which connections go to which services."),
    row("IngressRouteUDP", "UDP routes: which services the datagrams of an entry point go to."),
    row("Middleware", "What is done with requests and responses on their way: exactly one of these.").rule(Rule::OneOf),
    row("MiddlewareTCP", "What is done with TCP connections. None of it has an effect yet, and a route that asks for it is off.").rule(Rule::OneOf),
    row("TraefikService", "A service made of others: exactly one of these.").rule(Rule::OneOf),
    row("TLSOption", "How TLS is spoken with clients."),
    row("TLSStore", "Certificates besides those that routes name. One object, called default, has the certificate for names that no other has."),
    row("ServersTransport", "How servers are reached."),
    row("entryPoints", "The entry points of the routes; none: all of them."),
    row("routes", "The routes, each of them on its own: one that cannot be leaves the others in place.").required(),
    row("IngressRoute.routes.match", "The rule, such as Host(`a.example`) && PathPrefix(`/api`).").required().rule(Rule::MinLength(1)),
    row("IngressRouteTCP.routes.match", "The rule, such as HostSNI(`a.example`); HostSNI(`*`) is for any name, and the only one without TLS.").required().rule(Rule::MinLength(1)),
    row("routes.kind", "Rule, which is the only kind there is.").rule(Rule::Enum(&["Rule"])),
    row("routes.priority", "Of several routes that match, the one with the highest takes the request; 0: the length of the rule."),
    row("IngressRoute.routes.services", "What answers; several of them take turns by weight."),
    row("IngressRouteTCP.routes.services", "Where connections go; several of them take turns by weight."),
    row("IngressRouteUDP.routes.services", "Where datagrams go; several of them take turns by weight."),
    row("routes.middlewares", "What requests pass on their way, the first one outermost."),
    row("middlewares.name", "The name of the middleware; with @ that of another provider, such as auth@file.").required().rule(Rule::MinLength(1)),
    row("middlewares.namespace", "Its namespace; none: that of this object."),
    row("IngressRoute.tls", "Answers TLS requests only; may be empty."),
    row("IngressRouteTCP.tls", "Takes TLS connections only; may be empty."),
    row("tls.secretName", "A Secret of this namespace with tls.crt and tls.key."),
    row("tls.options", "How TLS is spoken; none: as TLSOption default says."),
    row("tls.store", "Without effect: there is one store."),
    row("tls.certResolver", "The certificate resolver that gets the certificate."),
    row("tls.domains", "The names of the certificate; none: those in the rule."),
    row("tls.passthrough", "Hands connections on as they come, still encrypted."),
    row("options.name", "The name of the TLSOption; with @ that of another provider.").required().rule(Rule::MinLength(1)),
    row("options.namespace", "Its namespace; none: that of this object."),
    row("store.name", "The name of the TLSStore.").required().rule(Rule::MinLength(1)),
    row("store.namespace", "Its namespace; none: that of this object."),
    row("domains.main", "The first name."),
    row("domains.sans", "Further names."),
    row("services.name", "The name of the Service, or of the TraefikService; of the latter with @ that of another provider.").required().rule(Rule::MinLength(1)),
    row("services.namespace", "Its namespace; none: that of this object."),
    row("services.kind", "Service, which is what is meant if nothing is said, or TraefikService.").rule(Rule::Enum(&["Service", "TraefikService"])),
    row("services.port", "A port of the Service, by number or by name.").rule(Rule::Min(1)).rule(Rule::Max(65535)),
    row("services.scheme", "How servers are spoken to; none: https for port 443 and ports whose names begin with https, else http.").rule(Rule::Enum(&["http", "https", "h2c"])),
    row("services.strategy", "RoundRobin, which is what there is.").rule(Rule::Enum(&["RoundRobin", "wrr"])),
    row("services.passHostHeader", "Whether servers see the client's Host header; true, if nothing is said."),
    row("services.responseForwarding", "How responses are passed on."),
    row("services.sticky", "Keeps a client at one server."),
    row("services.weight", "Its share among the services of the route; 1, if nothing is said.").rule(Rule::Min(0)),
    row("services.healthCheck", "Without effect: Kubernetes says which pods are ready."),
    row("services.serversTransport", "The ServersTransport of this namespace by which its servers are reached; with @ that of another provider."),
    row("services.nativeLB", "Sends requests to the Service's own address, and leaves the choice of a pod to the cluster."),
    row("services.terminationDelay", "Milliseconds that one direction may stay open after the other has ended; negative: no limit; 100, if nothing is said."),
    row("services.proxyProtocol", "Tells servers the client's address in a PROXY header."),
    row("proxyProtocol.version", "1 (text) or 2 (binary).").rule(Rule::Min(1)).rule(Rule::Max(2)),
    row("responseForwarding.flushInterval", "The longest that a part of a response may wait, such as 100ms. Nothing waits here."),
    row("sticky.cookie", "By a cookie."),
    row("cookie.name", "The name of the cookie; none: one made of the service's name."),
    row("cookie.secure", "Sent over TLS alone."),
    row("cookie.httpOnly", "Not shown to scripts."),
    row("cookie.sameSite", "none, lax or strict; anything else is not sent."),
    row("healthCheck.path", "The path to ask for."),
    row("healthCheck.host", "The Host header."),
    row("healthCheck.scheme", "How it is asked."),
    row("healthCheck.intervalSeconds", "How often."),
    row("healthCheck.timeoutSeconds", "How long an answer may take."),
    row("healthCheck.headers", "Further headers."),
    row("TraefikService.weighted", "Services that take turns by weight."),
    row("weighted.services", "The services."),
    row("weighted.sticky", "Keeps a client at one of the services."),
    row("TraefikService.mirroring", "A service, and others that get copies of its requests."),
    row("mirroring.name", "The name of the Service, or of the TraefikService, whose answer counts; of the latter with @ that of another provider.").required().rule(Rule::MinLength(1)),
    row("mirroring.namespace", "Its namespace; none: that of this object."),
    row("mirroring.kind", "Service, which is what is meant if nothing is said, or TraefikService.").rule(Rule::Enum(&["Service", "TraefikService"])),
    row("mirroring.port", "A port of the Service, by number or by name.").rule(Rule::Min(1)).rule(Rule::Max(65535)),
    row("mirroring.scheme", "How servers are spoken to; none: https for port 443 and ports whose names begin with https, else http.").rule(Rule::Enum(&["http", "https", "h2c"])),
    row("mirroring.strategy", "RoundRobin, which is what there is.").rule(Rule::Enum(&["RoundRobin", "wrr"])),
    row("mirroring.passHostHeader", "Whether servers see the client's Host header; true, if nothing is said."),
    row("mirroring.responseForwarding", "How responses are passed on."),
    row("mirroring.sticky", "Keeps a client at one server."),
    row("mirroring.weight", "Without effect here.").rule(Rule::Min(0)),
    row("mirroring.healthCheck", "Without effect: Kubernetes says which pods are ready."),
    row("mirroring.serversTransport", "The ServersTransport of this namespace by which its servers are reached; with @ that of another provider."),
    row("mirroring.nativeLB", "Sends requests to the Service's own address, and leaves the choice of a pod to the cluster."),
    row("mirroring.maxBodySize", "Bytes of a request that are kept for the mirrors; requests with more are not copied. -1 or nothing: 1 MiB.").rule(Rule::Min(-1)),
    row("mirroring.mirrors", "The services that get copies; what they answer is dropped."),
    row("mirrors.name", "The name of the Service, or of the TraefikService; of the latter with @ that of another provider.").required().rule(Rule::MinLength(1)),
    row("mirrors.namespace", "Its namespace; none: that of this object."),
    row("mirrors.kind", "Service, which is what is meant if nothing is said, or TraefikService.").rule(Rule::Enum(&["Service", "TraefikService"])),
    row("mirrors.port", "A port of the Service, by number or by name.").rule(Rule::Min(1)).rule(Rule::Max(65535)),
    row("mirrors.scheme", "How servers are spoken to; none: https for port 443 and ports whose names begin with https, else http.").rule(Rule::Enum(&["http", "https", "h2c"])),
    row("mirrors.strategy", "RoundRobin, which is what there is.").rule(Rule::Enum(&["RoundRobin", "wrr"])),
    row("mirrors.passHostHeader", "Whether servers see the client's Host header; true, if nothing is said."),
    row("mirrors.responseForwarding", "How responses are passed on."),
    row("mirrors.sticky", "Keeps a client at one server."),
    row("mirrors.weight", "Without effect here.").rule(Rule::Min(0)),
    row("mirrors.healthCheck", "Without effect: Kubernetes says which pods are ready."),
    row("mirrors.serversTransport", "The ServersTransport of this namespace by which its servers are reached; with @ that of another provider."),
    row("mirrors.nativeLB", "Sends requests to the Service's own address, and leaves the choice of a pod to the cluster."),
    row("mirrors.percent", "How many of a hundred requests are copied.").rule(Rule::Min(0)).rule(Rule::Max(100)),
    row("TLSOption.minVersion", "The least version; none: VersionTLS12.").rule(Rule::Enum(&["VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"])),
    row("TLSOption.maxVersion", "The highest version; none: the latest.").rule(Rule::Enum(&["VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"])),
    row("TLSOption.cipherSuites", "Suites for TLS 1.2, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256; none: all that are safe."),
    row("TLSOption.curvePreferences", "Curves, the preferred first, such as X25519; none: all that are safe."),
    row("TLSOption.clientAuth", "Whether clients show certificates."),
    row("clientAuth.secretNames", "Secrets of this namespace with those who certify clients: their only key, or tls.ca, or ca.crt."),
    row("clientAuth.clientAuthType", "Who must show one; none: everybody, where there are authorities.").rule(Rule::Enum(&["NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"])),
    row("TLSOption.sniStrict", "Refuses clients that ask for a name that no certificate has."),
    row("TLSOption.alpnProtocols", "What is spoken inside, the preferred first."),
    row("TLSStore.defaultCertificate", "The certificate for names that no other has."),
    row("TLSStore.defaultGeneratedCert", "Without effect."),
    row("TLSStore.certificates", "Further certificates."),
    row("defaultCertificate.secretName", "A Secret of this namespace with tls.crt and tls.key.").required().rule(Rule::MinLength(1)),
    row("certificates.secretName", "A Secret of this namespace with tls.crt and tls.key.").required().rule(Rule::MinLength(1)),
    row("defaultGeneratedCert.resolver", "The certificate resolver."),
    row("defaultGeneratedCert.domain", "The names of the certificate."),
    row("domain.main", "The first name."),
    row("domain.sans", "Further names."),
    row("ServersTransport.serverName", "The name that servers must prove to have; none: that in their URL."),
    row("ServersTransport.insecureSkipVerify", "Takes any certificate."),
    row("ServersTransport.rootCAsSecrets", "Secrets of this namespace with the authorities to trust: their only key, or tls.ca, or ca.crt."),
    row("ServersTransport.certificatesSecrets", "Secrets of this namespace with certificates to show: tls.crt and tls.key."),
    row("ServersTransport.maxIdleConnsPerHost", "Idle connections kept to one server, by each worker; 200, if nothing is said; 0: 2.").rule(Rule::Min(0)),
    row("ServersTransport.disableHTTP2", "Speaks HTTP/1.1 to servers behind TLS, whatever they can."),
    row("ServersTransport.forwardingTimeouts", "Time limits towards servers."),
    row("forwardingTimeouts.dialTimeout", "For a connection, such as 30s, which it is if nothing is said; 0: no limit."),
    row("forwardingTimeouts.responseHeaderTimeout", "From the request's end to the response's header; 0 or nothing: no limit."),
    row("forwardingTimeouts.idleConnTimeout", "For an idle connection, such as 90s, which it is if nothing is said; 0: no limit."),
    row("ServersTransport.peerCertURI", "Not supported: a transport that asks for it is off."),
];
