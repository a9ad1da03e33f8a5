//! The kinds that we define, each of them once: what is decoded here is what `deploy/crds.yaml` says,
//! which is generated from these types. Compat: kubernetes.md "Schemas".
use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Deserializer, de};

mod describe;
pub(super) mod middleware;
pub(super) mod route;
pub mod schema;
pub(super) mod service;
mod shape;
pub(super) mod tls;
mod yaml;

/// The name of another object.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct ObjectName {
    pub(super) name: String,
    /// Empty: that of the object that refers to it.
    pub(super) namespace: String,
}

/// A port of a Service, by number or name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Port {
    Number(u16),
    Name(String),
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortVisitor)
    }
}

struct PortVisitor;

impl<'de> de::Visitor<'de> for PortVisitor {
    type Value = Port;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port: a number or a name")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Port, E> {
        match u16::try_from(number) {
            Ok(number) if number > 0 => Ok(Port::Number(number)),
            _ => Err(E::custom(format_args!("{number} is no port: it must be 1 to 65535"))),
        }
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Port, E> {
        // A name has a letter in it.
        name.parse().map_or_else(|_| Ok(Port::Name(name.into())), |number| self.visit_i64(number))
    }
}
