//! Lists whose items may hold several, separated by commas.
//!
//! Compat: static-config.md "List of scalars".
use crate::entry_point::Trust;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::net::IpAddr;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error};

/// Texts, split at commas.
pub(super) fn split<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let items = Vec::<String>::deserialize(deserializer)?;
    let words = items.iter().flat_map(|item| item.split(',')).map(str::trim);
    Ok(words.filter(|word| !word.is_empty()).map(ToString::to_string).collect())
}

/// Which peers are trusted.
pub(super) fn trust<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Trust, D::Error> {
    Trusted::deserialize(deserializer).map(Trust::from)
}

/// Which peers are trusted, where the section may be left out.
pub(super) fn trust_if_any<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Trust>, D::Error> {
    Ok(Option::<Trusted>::deserialize(deserializer)?.map(Trust::from))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Trusted {
    insecure: bool,
    #[serde(deserialize_with = "networks")]
    trusted_ips: Vec<IpNet>,
}

impl From<Trusted> for Trust {
    fn from(trusted: Trusted) -> Self {
        Self { insecure: trusted.insecure, networks: trusted.trusted_ips.into() }
    }
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    split(deserializer)?.iter().map(|word| network(word).map_err(D::Error::custom)).collect()
}

fn network(word: &str) -> Result<IpNet, String> {
    match word.parse::<IpAddr>() {
        Ok(address) => Ok(address.into()),
        Err(_) => word.parse().map_err(|_| {
            format!("`{word}` is no address or network; write it like `10.0.0.1` or `10.0.0.0/8`")
        }),
    }
}
