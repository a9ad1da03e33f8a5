//! Middleware to middlewares. Compat: kubernetes.md "Middleware differences from the file form".
use super::{
    crd::middleware::{Auth, Errors, ForwardAuth, Middleware, MiddlewareTcp},
    ingress_route::{self, Fault, join},
    scope::Scope,
    secrets,
    services::{Target, normalized, target},
};
use crate::{
    config::{file::File, http::Service},
    diagnostic,
    middleware::{
        Definition, basic_auth::BasicAuth, chain::Chain, digest_auth::DigestAuth, errors,
        forward_auth, users::Lines,
    },
};
use alloc::{format, string::ToString};

pub(super) fn translate(scope: &mut Scope<'_>, middleware: &Middleware) {
    match definition(scope, middleware) {
        Ok(definition) => {
            let plain = normalized(&scope.object.key());
            let identity = scope.identity();
            let name = scope.define(diagnostic::Kind::Middleware, plain, &identity);
            scope.put(|of| &mut of.http.middlewares, name, definition);
        }
        Err((option, message)) => scope.error(join("spec", &option), message),
    }
}

/// There is none of them yet, and a route without what should protect it would be open.
pub(super) fn translate_tcp(scope: &mut Scope<'_>, _: &MiddlewareTcp) {
    scope.warn("", "TCP middlewares are not supported; routes that have one are off");
}

fn definition(scope: &mut Scope<'_>, middleware: &Middleware) -> Result<Definition, Fault> {
    let mut definition = middleware.plain();
    if let Some(chain) = &middleware.chain {
        let at = |(index, message)| (format!("chain.middlewares[{index}]"), message);
        let middlewares = ingress_route::middlewares(scope, &chain.middlewares).map_err(at)?;
        definition.chain = Some(Chain { middlewares });
    }
    if let Some(auth) = &middleware.basic_auth {
        definition.basic_auth = Some(BasicAuth {
            users: users(scope, "basicAuth.secret", auth)?,
            users_file: File::default(),
            realm: auth.realm.clone(),
            remove_header: auth.remove_header,
            header_field: auth.header_field.clone(),
        });
    }
    if let Some(auth) = &middleware.digest_auth {
        definition.digest_auth = Some(DigestAuth {
            users: users(scope, "digestAuth.secret", auth)?,
            users_file: File::default(),
            realm: auth.realm.clone(),
            remove_header: auth.remove_header,
            header_field: auth.header_field.clone(),
        });
    }
    if let Some(auth) = &middleware.forward_auth {
        definition.forward_auth = Some(forward_auth(scope, auth)?);
    }
    if let Some(errors) = &middleware.errors {
        definition.errors = Some(self::errors(scope, errors)?);
    }
    Ok(definition)
}

fn users(scope: &mut Scope<'_>, option: &str, auth: &Auth) -> Result<Lines, Fault> {
    let lines = secrets::credentials(scope, &auth.secret);
    lines.map(Lines).map_err(|message| (option.to_string(), message))
}

fn forward_auth(
    scope: &mut Scope<'_>,
    auth: &ForwardAuth,
) -> Result<forward_auth::ForwardAuth, Fault> {
    if auth.address.is_empty() {
        return Err(("forwardAuth.address".to_string(), "the address is missing".to_string()));
    }
    let mut tls = None;
    if let Some(written) = &auth.tls {
        let mut client = forward_auth::ClientTls {
            ca_optional: written.ca_optional,
            insecure_skip_verify: written.insecure_skip_verify,
            ..forward_auth::ClientTls::default()
        };
        if !written.ca_secret.is_empty() {
            let at = |message| ("forwardAuth.tls.caSecret".to_string(), message);
            client.ca = secrets::authority(scope, &written.ca_secret).map_err(at)?;
        }
        if !written.cert_secret.is_empty() {
            let at = |message| ("forwardAuth.tls.certSecret".to_string(), message);
            let pair = secrets::key_pair(scope, &written.cert_secret).map_err(at)?;
            (client.cert, client.key) = (pair.cert_file, pair.key_file);
        }
        tls = Some(client);
    }
    Ok(forward_auth::ForwardAuth {
        address: auth.address.clone(),
        tls,
        trust_forward_header: auth.trust_forward_header,
        auth_response_headers: auth.auth_response_headers.clone(),
        auth_response_headers_regex: auth.auth_response_headers_regex.clone(),
        auth_request_headers: auth.auth_request_headers.clone(),
    })
}

/// The service with the pages is made under a name of its own.
fn errors(scope: &mut Scope<'_>, errors: &Errors) -> Result<errors::Errors, Fault> {
    let at = |message| ("errors.service".to_string(), message);
    let service = match target(scope, &errors.service).map_err(at)? {
        Target::Named(name) => name,
        Target::Made(made) => {
            let plain = format!("{}-errorpage-service", normalized(&scope.object.key()));
            let identity = scope.identity();
            let name = scope.define(diagnostic::Kind::Service, plain, &identity);
            let service = Service { load_balancer: Some(made.balancer), ..Service::default() };
            scope.put(|of| &mut of.http.services, name.clone(), service);
            name.to_string()
        }
    };
    Ok(errors::Errors { status: errors.status.clone(), service, query: errors.query.clone() })
}
