//! What is wrong with a configuration, where, and how bad it is.
use alloc::{string::String, sync::Arc};
use core::fmt;

/// A place in a configuration source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// The source: a file's path, `flag`, `environment`, an object's name. Empty: unknown.
    pub source: Arc<str>,
    /// Line, from 1; 0 where the source has no lines.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.source),
            line => write!(f, "{}:{line}", self.source),
        }
    }
}

/// How bad it is. Compat: api.md "Status values".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The object works; something in it has no effect or is doubtful.
    Warning,
    /// The object is disabled.
    Error,
}

/// What kind of object a diagnostic is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The static configuration or a whole document.
    Document,
    /// An HTTP router.
    Router,
    /// An HTTP service.
    Service,
    /// An HTTP middleware.
    Middleware,
    /// A way to reach HTTP servers.
    ServersTransport,
    /// A TCP router.
    TcpRouter,
    /// A TCP service.
    TcpService,
    /// A UDP router.
    UdpRouter,
    /// A UDP service.
    UdpService,
    /// A certificate with its key.
    Certificate,
    /// A way to speak TLS.
    TlsOptions,
    /// A store of certificates.
    TlsStore,
}

impl Kind {
    /// What it is called in front of a name; empty for a document.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Document => "",
            Self::Router => "router",
            Self::Service => "service",
            Self::Middleware => "middleware",
            Self::ServersTransport => "servers transport",
            Self::TcpRouter => "TCP router",
            Self::TcpService => "TCP service",
            Self::UdpRouter => "UDP router",
            Self::UdpService => "UDP service",
            Self::Certificate => "certificate",
            Self::TlsOptions => "TLS options",
            Self::TlsStore => "TLS store",
        }
    }

    /// The section of a document that defines its like; empty for a document.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Document => "",
            Self::Router => "http.routers",
            Self::Service => "http.services",
            Self::Middleware => "http.middlewares",
            Self::ServersTransport => "http.serversTransports",
            Self::TcpRouter => "tcp.routers",
            Self::TcpService => "tcp.services",
            Self::UdpRouter => "udp.routers",
            Self::UdpService => "udp.services",
            Self::Certificate => "tls.certificates",
            Self::TlsOptions => "tls.options",
            Self::TlsStore => "tls.stores",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// What kind of object it is about.
    pub kind: Kind,
    /// The object's qualified name (`app@file`), empty for a document.
    pub object: Arc<str>,
    /// The path of the option inside the document, e.g. `http.routers.app.rule`; may be empty.
    pub path: String,
    /// Where the object or option was written.
    pub place: Place,
    /// What is wrong and what to do, one line.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.source.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(match self.severity {
            Severity::Warning => "warning: ",
            Severity::Error => "error: ",
        })?;
        if self.kind != Kind::Document {
            write!(f, "{} {}: ", self.kind.noun(), self.object)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}
