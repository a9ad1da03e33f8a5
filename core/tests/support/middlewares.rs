//! Random middlewares, a kind of them at a time.
use super::Rng;
use rutter_core::config::scalar::Duration;
use rutter_core::middleware::{
    Definition,
    basic_auth::BasicAuth,
    buffering::Buffering,
    circuit_breaker::CircuitBreaker,
    digest_auth::DigestAuth,
    forward_auth::ForwardAuth,
    in_flight_req::InFlightReq,
    ip_allow_list::IpAllowList,
    ip_white_list::IpWhiteList,
    pass_tls_client_cert::{Info, PassTlsClientCert},
    rate_limit::RateLimit,
    redirect_regex::RedirectRegex,
    replace_path::ReplacePath,
    replace_path_regex::ReplacePathRegex,
    source::{IpStrategy, SourceCriterion},
    strip_prefix_regex::StripPrefixRegex,
    users::Lines,
};

/// What clients' certificates say, or the certificates.
pub(crate) fn show_certificates(definition: &mut Definition, rng: &mut Rng) {
    let info = rng.one_in(2).then(|| Info { sans: true, ..Info::default() });
    definition.pass_tls_client_cert = Some(PassTlsClientCert { pem: rng.one_in(2), info });
}

/// A list of addresses, under one of its names.
pub(crate) fn admit(definition: &mut Definition, rng: &mut Rng) {
    let source_range = vec!["10.0.0.0/31".into(), (*rng.pick(&["5.6.7.8", "::/0"])).into()];
    let ip_strategy = rng.one_in(2).then(|| IpStrategy {
        depth: u32::try_from(rng.below(3)).unwrap(),
        excluded_ips: (0..rng.below(2)).map(|_| "5.6.7.8".into()).collect(),
    });
    if rng.one_in(2) {
        definition.ip_white_list = Some(IpWhiteList { source_range, ip_strategy });
    } else {
        let reject_status_code = *rng.pick(&[0, 204, 404]);
        definition.ip_allow_list =
            Some(IpAllowList { source_range, ip_strategy, reject_status_code });
    }
}

/// Passwords, or another server that says who passes.
pub(crate) fn authenticate(definition: &mut Definition, rng: &mut Rng) {
    let (remove_header, header_field) = (rng.one_in(2), (*rng.pick(&["", "X-User"])).into());
    let users = |user: &str| Lines(vec![user.into()]);
    match rng.below(3) {
        0 => {
            let users = users("a:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=");
            let options = BasicAuth { users, remove_header, header_field, ..BasicAuth::default() };
            definition.basic_auth = Some(options);
        }
        1 => {
            let users = users("a:traefik:0123456789abcdef0123456789abcdef");
            let options =
                DigestAuth { users, remove_header, header_field, ..DigestAuth::default() };
            definition.digest_auth = Some(options);
        }
        _ => {
            definition.forward_auth = Some(ForwardAuth {
                address: "http://u:p@auth.example/verify?x".into(),
                trust_forward_header: rng.one_in(2),
                auth_response_headers: vec!["X-One".into(), "Authorization".into()],
                ..ForwardAuth::default()
            });
        }
    }
}

/// Another path, or another place.
pub(crate) fn rewrite(definition: &mut Definition, rng: &mut Rng) {
    let regex = (*rng.pick(&["^/a/?(.*)", "^/(a|ping)", "[^/]*$"])).into();
    let replacement = (*rng.pick(&["/b/$1", "$1x", "$0$0$0", "/%zz$1", ""])).into();
    match rng.below(4) {
        0 => definition.strip_prefix_regex = Some(StripPrefixRegex { regex: vec![regex] }),
        1 => definition.replace_path = Some(ReplacePath { path: replacement }),
        2 => definition.replace_path_regex = Some(ReplacePathRegex { regex, replacement }),
        _ => {
            let regex = (*rng.pick(&["^http:", "/a(/|$)", "b.example"])).into();
            let permanent = rng.one_in(2);
            definition.redirect_regex = Some(RedirectRegex { regex, replacement, permanent });
        }
    }
}

/// So many requests at once, or in a time, or none while a service fails.
pub(crate) fn limit(definition: &mut Definition, rng: &mut Rng) {
    let millis = |n| Duration(std::time::Duration::from_millis(n));
    let number = |n: u64| i64::try_from(n).unwrap();
    match rng.below(3) {
        0 => {
            let amount = number(rng.below(4));
            definition.in_flight_req = Some(InFlightReq { amount, source_criterion: None });
        }
        1 => {
            let source_criterion = rng.one_in(2).then(|| SourceCriterion {
                request_header_name: "X-Forwarded-For".into(),
                ..SourceCriterion::default()
            });
            definition.rate_limit = Some(RateLimit {
                average: number(rng.below(4)),
                burst: number(rng.below(4)),
                period: millis(rng.below(20)),
                source_criterion,
            });
        }
        _ => {
            let expression = *rng.pick(&[
                "NetworkErrorRatio() > 0.3",
                "ResponseCodeRatio(400, 600, 0, 600) >= 0.5",
                "LatencyAtQuantileMS(50.0) > 2 || ResponseCodeRatio(499, 500, 0, 600) > 0.1",
            ]);
            definition.circuit_breaker = Some(CircuitBreaker {
                expression: expression.into(),
                check_period: millis(rng.below(3)),
                fallback_duration: millis(1 + rng.below(20)),
                recovery_duration: millis(1 + rng.below(20)),
                response_code: *rng.pick(&[0, 204, 429]),
            });
        }
    }
}

/// Bodies read whole, and requests sent again.
pub(crate) fn buffer(definition: &mut Definition, rng: &mut Rng) {
    let mut max = || i64::try_from(rng.below(2) * 50).unwrap();
    let (max_request_body_bytes, max_response_body_bytes) = (max(), max());
    let retry_expression = *rng.pick(&[
        "",
        "IsNetworkError() && Attempts() < 3",
        "ResponseCode() >= 500 && Attempts() < 2",
    ]);
    definition.buffering = Some(Buffering {
        max_request_body_bytes,
        max_response_body_bytes,
        retry_expression: retry_expression.into(),
        ..Buffering::default()
    });
}
