//! Random middlewares, a kind of them at a time.
use super::Rng;
use rutter_core::middleware::{
    Definition,
    ip_allow_list::IpAllowList,
    ip_white_list::IpWhiteList,
    pass_tls_client_cert::{Info, PassTlsClientCert},
    redirect_regex::RedirectRegex,
    replace_path::ReplacePath,
    replace_path_regex::ReplacePathRegex,
    source::IpStrategy,
    strip_prefix_regex::StripPrefixRegex,
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
