//! Providers: where dynamic configuration comes from.
pub mod file;
pub mod template;
