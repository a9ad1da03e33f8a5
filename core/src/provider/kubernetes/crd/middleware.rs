//! Middleware, MiddlewareTCP. Where the file's form will do, its types are taken; those that refer to
//! other objects have one of their own. Compat: kubernetes.md "Middleware differences from the file form".
use super::{ObjectName, service::ServiceSpec};
use crate::middleware as file;
use alloc::{string::String, vec::Vec};
use serde::Deserialize;

macro_rules! middleware {
    ($($(#[$attribute:meta])* $field:ident $Type:ident,)*) => {
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub(in super::super) struct Middleware {
            pub(in super::super) chain: Option<Chain>,
            pub(in super::super) basic_auth: Option<Auth>,
            pub(in super::super) digest_auth: Option<Auth>,
            pub(in super::super) forward_auth: Option<ForwardAuth>,
            pub(in super::super) errors: Option<Errors>,
            $(
                $(#[$attribute])*
                pub(in super::super) $field: Option<file::$field::$Type>,
            )*
        }

        impl Middleware {
            /// What is written as it is in a file.
            pub(in super::super) fn plain(&self) -> file::Definition {
                file::Definition {
                    $($field: self.$field.clone(),)*
                    ..file::Definition::default()
                }
            }
        }
    };
}

middleware! {
    add_prefix AddPrefix,
    buffering Buffering,
    circuit_breaker CircuitBreaker,
    compress Compress,
    content_type ContentType,
    headers Headers,
    in_flight_req InFlightReq,
    ip_allow_list IpAllowList,
    ip_white_list IpWhiteList,
    #[serde(rename = "passTLSClientCert")]
    pass_tls_client_cert PassTlsClientCert,
    rate_limit RateLimit,
    redirect_regex RedirectRegex,
    redirect_scheme RedirectScheme,
    replace_path ReplacePath,
    replace_path_regex ReplacePathRegex,
    retry Retry,
    strip_prefix StripPrefix,
    strip_prefix_regex StripPrefixRegex,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in super::super) struct Chain {
    pub(in super::super) middlewares: Vec<ObjectName>,
}

/// `basicAuth` and `digestAuth`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct Auth {
    pub(in super::super) secret: String,
    pub(in super::super) realm: String,
    pub(in super::super) remove_header: bool,
    pub(in super::super) header_field: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct ForwardAuth {
    pub(in super::super) address: String,
    pub(in super::super) trust_forward_header: bool,
    pub(in super::super) auth_response_headers: Vec<String>,
    pub(in super::super) auth_response_headers_regex: String,
    pub(in super::super) auth_request_headers: Vec<String>,
    pub(in super::super) tls: Option<ClientTls>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct ClientTls {
    pub(in super::super) ca_secret: String,
    pub(in super::super) ca_optional: bool,
    pub(in super::super) cert_secret: String,
    pub(in super::super) insecure_skip_verify: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in super::super) struct Errors {
    pub(in super::super) status: Vec<String>,
    pub(in super::super) service: ServiceSpec,
    pub(in super::super) query: String,
}

/// Read to say that none of them is there yet: a route with one is off.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(dead_code, reason = "nothing of it is used yet")]
pub(in super::super) struct MiddlewareTcp {
    in_flight_conn: Option<InFlightConn>,
    ip_allow_list: Option<SourceRange>,
    ip_white_list: Option<SourceRange>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[allow(dead_code, reason = "nothing of it is used yet")]
struct InFlightConn {
    amount: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(dead_code, reason = "nothing of it is used yet")]
struct SourceRange {
    source_range: Vec<String>,
}
