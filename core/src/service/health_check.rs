//! When to probe which server, and who is up: a machine. Compat: services.md "healthCheck".
pub(crate) mod definition;
