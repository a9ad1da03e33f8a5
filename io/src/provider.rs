//! Providers: where dynamic configuration comes from.
pub mod template;
