//! Providers: where dynamic configuration comes from.
pub mod file;
pub mod kubernetes;
pub mod template;
