//! The static configuration: what is fixed when the process starts.
pub mod options;

pub use options::is_root;
